/* SPDX-License-Identifier: Apache-2.0 */
#include "fold.h"

#include "text.h"

#include <stdint.h>
#include <string.h>

/* Code points from first to last that are that letter with marks. */
static const struct range {
	uint32_t first, last;
	char letter;
} ranges[] = {
	{ 0x00c0, 0x00c5, 'a' },
	{ 0x00c8, 0x00cb, 'e' },
	{ 0x00cc, 0x00cf, 'i' },
	{ 0x00d2, 0x00d6, 'o' },
	{ 0x00d9, 0x00dc, 'u' },
	{ 0x00dd, 0x00dd, 'y' },
	{ 0x00e0, 0x00e5, 'a' },
	{ 0x00e8, 0x00eb, 'e' },
	{ 0x00ec, 0x00ef, 'i' },
	{ 0x00f2, 0x00f6, 'o' },
	{ 0x00f9, 0x00fc, 'u' },
	{ 0x00fd, 0x00fd, 'y' },
	{ 0x0102, 0x0103, 'a' },
	{ 0x0110, 0x0111, 'd' },
	{ 0x0128, 0x0129, 'i' },
	{ 0x0168, 0x0169, 'u' },
	{ 0x01a0, 0x01a1, 'o' },
	{ 0x01af, 0x01b0, 'u' },
	{ 0x1ea0, 0x1eb7, 'a' },
	{ 0x1eb8, 0x1ec7, 'e' },
	{ 0x1ec8, 0x1ecb, 'i' },
	{ 0x1ecc, 0x1ee3, 'o' },
	{ 0x1ee4, 0x1ef1, 'u' },
	{ 0x1ef2, 0x1ef9, 'y' },
};

#define MARK_FIRST 0x0300 /* combining marks */
#define MARK_LAST  0x036f

static char
letter_of(uint32_t point)
{
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (point >= ranges[i].first && point <= ranges[i].last)
			return ranges[i].letter;
	return '\0';
}

size_t
fold_text(const char *text, size_t len, char *ret)
{
	size_t written = 0;

	for (size_t i = 0; i < len;) {
		uint32_t point = 0;
		size_t bytes = text_char(text + i, len - i, &point);
		char letter = bytes > 1 ? letter_of(point) : '\0';

		if (bytes <= 1) {
			char c = text[i++];
			ret[written++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
			continue;
		}
		if (letter != '\0') {
			ret[written++] = letter;
		} else if (point < MARK_FIRST || point > MARK_LAST) {
			memcpy(ret + written, text + i, bytes);
			written += bytes;
		}
		i += bytes;
	}
	return written;
}
