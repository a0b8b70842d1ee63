/* SPDX-License-Identifier: Apache-2.0 */
#include "mime.h"

#include "text.h"

#include <stdbool.h>
#include <string.h>

#define LINE_MAX_LEN 76 /* characters of a line with an encoded word, and of a quoted line (RFC 2047, 2; RFC 2045, 6.7) */
#define WORD_BEGIN   "=?UTF-8?Q?"
#define WORD_END     "?="

static bool
is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static void
add_hex(struct buf *b, unsigned char byte)
{
	static const char digits[] = "0123456789ABCDEF";
	char text[3] = { '=', digits[byte >> 4], digits[byte & 15] };

	buf_add(b, text, sizeof(text));
}

/* ---- header lines ---- */

static bool
is_plain_words(const char *value)
{
	bool before = false;

	/* a blank at an end or two in a row would not survive folding */
	for (; *value != '\0'; value++) {
		if (!is_plain(*value) && *value != '-' && !(*value == ' ' && before))
			return false;
		before = *value != ' ';
	}
	return before;
}

/* Bytes of the character of UTF-8 that begins here. */
static size_t
character_len(const char *at)
{
	size_t len = 1;

	while (((unsigned char)at[len] & 0xc0) == 0x80)
		len++;
	return len;
}

static size_t
encoded_len(const char *at, size_t len)
{
	return is_plain(*at) || *at == ' ' ? 1 : 3 * len;
}

static void
add_encoded(struct buf *b, const char *at, size_t len)
{
	if (*at == ' ') {
		buf_add_text(b, "_");
	} else if (is_plain(*at)) {
		buf_add(b, at, 1);
	} else {
		for (size_t i = 0; i < len; i++)
			add_hex(b, (unsigned char)at[i]);
	}
}

/* Words that begin at a column, no character of UTF-8 torn apart; blanks between words are not part of the text. */
static void
add_words(struct buf *b, size_t column, const char *value)
{
	buf_add_text(b, WORD_BEGIN);
	column += strlen(WORD_BEGIN);
	for (size_t len; *value != '\0'; value += len) {
		len = character_len(value);
		if (column + encoded_len(value, len) + strlen(WORD_END) > LINE_MAX_LEN) {
			buf_add_text(b, WORD_END "\r\n " WORD_BEGIN);
			column = 1 + strlen(WORD_BEGIN);
		}
		add_encoded(b, value, len);
		column += encoded_len(value, len);
	}
	buf_add_text(b, WORD_END);
}

void
mime_header(struct buf *b, const char *name, const char *value, const char *tail)
{
	if (!text_is_showable(value, strlen(value))) {
		buf_fail(b, ERR_INVALID_PARAMS);
		return;
	}
	buf_add_text(b, name);
	buf_add_text(b, ": ");
	if (is_plain_words(value) && strlen(name) + 2 + strlen(value) <= LINE_MAX_LEN)
		buf_add_text(b, value);
	else
		add_words(b, strlen(name) + 2, value);
	if (tail != NULL) {
		/* on a line of its own, so that a long name and a long address never make a line too long */
		buf_add_text(b, "\r\n ");
		buf_add_text(b, tail);
	}
	buf_add_text(b, "\r\n");
}

/* ---- bodies ---- */

/* Whether a byte may stand as it is at a column; the last of a line may be no blank, the first no dot and no hyphen. */
static bool
may_stand(unsigned char byte, bool first, bool last)
{
	if (byte == ' ')
		return !last;
	return byte > 0x20 && byte < 0x7f && byte != '=' && !(first && (byte == '.' || byte == '-'));
}

void
mime_quoted(struct buf *b, const char *text, size_t len)
{
	size_t column = 0;

	for (size_t i = 0; i < len; i++) {
		bool last = i + 1 == len || text[i + 1] == '\n';
		bool stands = may_stand((unsigned char)text[i], column == 0, last);
		size_t width = stands ? 1 : 3;
		if (text[i] == '\n') {
			buf_add_text(b, "\r\n");
			column = 0;
			continue;
		}
		/* one column is kept for the "=" that says that the line goes on */
		if (column + width > LINE_MAX_LEN - 1) {
			buf_add_text(b, "=\r\n");
			column = 0;
			stands = may_stand((unsigned char)text[i], true, last);
			width = stands ? 1 : 3;
		}
		if (stands)
			buf_add(b, text + i, 1);
		else
			add_hex(b, (unsigned char)text[i]);
		column += width;
	}
	if (column != 0)
		buf_add_text(b, "\r\n");
}
