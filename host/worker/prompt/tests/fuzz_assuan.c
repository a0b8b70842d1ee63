/* SPDX-License-Identifier: Apache-2.0 */
/* What a pinentry answers: lines, and the data in them. */
#include "assuan.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
take(const char *line, size_t len, struct secret *secret)
{
	struct assuan_line parsed = assuan_parse(line, len);

	if (parsed.kind == ASSUAN_ERR && parsed.code == 0)
		abort();
	if (parsed.rest_len > len)
		abort();
	if (parsed.kind == ASSUAN_DATA && !assuan_unescape(parsed.rest, parsed.rest_len, secret) && secret->len != 0)
		abort();
	if (secret->len > SECRET_MAX)
		abort();
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
