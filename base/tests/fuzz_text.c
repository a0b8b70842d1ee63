/* SPDX-License-Identifier: Apache-2.0 */
/* The readers of foreign text: base64url, hexadecimal, UTF-8, origins. */
#include "fuzz.h"
#include "text.h"

#include <string.h>

#define MAX 4096

/* What decodes is spelled in the only way there is. */
static void
check_encodings(const char *text, size_t len)
{
	static unsigned char bytes[MAX];
	static char back[2 * MAX + 1];
	size_t got;

	if (text_b64_decode(text, len, bytes, sizeof(bytes), &got)) {
		text_b64_encode(bytes, got, back);
		must(strlen(back) == len && memcmp(back, text, len) == 0);
		must(got == 0 || !text_b64_decode(text, len, bytes, got - 1, &got));
	}
	if (text_unhex(text, len, bytes, sizeof(bytes), &got)) {
		text_hex(bytes, got, back);
		must(strlen(back) == len && memcmp(back, text, len) == 0);
	}
}

static void
check_origin(const char *text, size_t len)
{
	if (!text_is_origin(text, len))
		return;
	must(text_is_showable(text, len) && len >= 9 && len <= 8 + 253 + 6);
	must(memcmp(text, "https://", 8) == 0 || memcmp(text, "http://localhost", 16) == 0);
	for (size_t i = 0; i < len; i++)
		must((text[i] >= 'a' && text[i] <= 'z') || (text[i] >= '0' && text[i] <= '9') || strchr("-.:/", text[i]) != NULL);
	must(!text_is_origin(text, len - 1) || text[len - 1] != '/');
}

static void
check_copies(const char *text, size_t len)
{
	char whole[MAX + 1], cut[16];

	memcpy(whole, text, len);
	whole[len] = '\0';
	must(text_copy(cut, sizeof(cut), whole) == (strlen(whole) < sizeof(cut)));
	must(strlen(cut) < sizeof(cut) && memcmp(cut, whole, strlen(cut)) == 0);
	must(!text_is_utf8(whole, strlen(whole)) || text_is_utf8(cut, strlen(cut)));
	must(text_equal_nocase(whole, whole));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	size_t len = size < MAX ? size : MAX;

	check_encodings(text, len);
	check_origin(text, len);
	check_copies(text, len);
	must(!text_is_showable(text, len) || text_is_utf8(text, len));
	must(text_unpadded(data, len) <= len);
	return 0;
}
