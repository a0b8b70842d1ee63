/* SPDX-License-Identifier: Apache-2.0 */
/* What a pinentry answers: lines, and the data in them. */
#include "assuan.h"
#include "fuzz.h"

#include <string.h>

static void
take(const char *line, size_t len, struct secret *secret)
{
	struct assuan_line parsed = assuan_parse(line, len);

	must(parsed.kind != ASSUAN_ERR || parsed.code != 0);
	must(parsed.rest_len <= len);
	must(parsed.kind != ASSUAN_DATA || assuan_unescape(parsed.rest, parsed.rest_len, secret) || secret->len == 0);
	must(secret->len <= SECRET_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct secret secret = { 0 };
	const char *line = (const char *)data;
	const char *end = line + size;

	while (line < end) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		if (stop == NULL)
			stop = end;
		take(line, (size_t)(stop - line), &secret);
		line = stop + 1;
	}
	secret_wipe(&secret);
	return 0;
}
