/* SPDX-License-Identifier: Apache-2.0 */
#include "csv.h"

#include "secret.h"
#include "text.h"

#include <string.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

void
csv_open(struct csv *c, const void *text, size_t len)
{
	c->text = text;
	c->len = len;
	c->at = 0;
	c->line = 1;
	if (len >= strlen(BYTE_ORDER_MARK) && memcmp(text, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
		c->at = strlen(BYTE_ORDER_MARK);
}

void
csv_close(struct csv *c)
{
	wipe(c->fields, sizeof(c->fields));
}

bool
csv_more(const struct csv *c)
{
	return c->at < c->len;
}

/* The byte that comes next, or -1 behind the end. */
static int
peek(const struct csv *c)
{
	return c->at < c->len ? (unsigned char)c->text[c->at] : -1;
}

/* Whether a line ends here, as LF, CR LF or the end of the text. */
static bool
at_line_end(const struct csv *c)
{
	return c->at >= c->len || c->text[c->at] == '\n' || (c->text[c->at] == '\r' && c->at + 1 < c->len && c->text[c->at + 1] == '\n');
}

static void
next_line(struct csv *c)
{
	const char *end = c->at < c->len ? memchr(c->text + c->at, '\n', c->len - c->at) : NULL;

	c->at = end != NULL ? (size_t)(end - c->text) + 1 : c->len;
	c->line++;
}

/* One field from text[from], without its quotes, to where it ends; NULL or what is wrong. */
static const char *
take_bare(struct csv *c, char *ret, size_t room, size_t *ret_len)
{
	size_t len = 0;

	for (; peek(c) != ',' && !at_line_end(c); c->at++) {
		if (peek(c) == '"')
			return "a quote inside a field that does not begin with one";
		if (len + 1 >= room)
			return "a row that is too long";
		ret[len++] = c->text[c->at];
	}
	*ret_len = len;
	return NULL;
}

static const char *
take_quoted(struct csv *c, char *ret, size_t room, size_t *ret_len)
{
	size_t len = 0;

	for (c->at++;; c->at++) {
		if (peek(c) == '"') {
			c->at++;
			if (peek(c) != '"')
				break;
		}
		if (peek(c) == -1)
			return "a quote that is never closed";
		if (len + 1 >= room)
			return "a row that is too long";
		ret[len++] = c->text[c->at];
	}
	if (peek(c) != ',' && !at_line_end(c))
		return "something behind a closing quote";
	*ret_len = len;
	return NULL;
}

/* Line ends inside quotes are not showable, so a row is always one line. */
static const char *
check_field(const char *field, size_t len)
{
	if (!text_is_utf8(field, len))
		return "a field that is not UTF-8";
	if (!text_is_showable(field, len))
		return "a field with a character that cannot be shown";
	if (len != 0 && (field[0] == ' ' || field[len - 1] == ' '))
		return "a field with a blank at its begin or end";
	return NULL;
}

static const char *
take_row(struct csv *c, struct csv_row *row)
{
	size_t used = 0;

	if (at_line_end(c))
		return "an empty line";
	for (;;) {
		char *field = c->fields + used;
		size_t len = 0;
		const char *cause;
		if (row->count == CSV_FIELDS_MAX)
			return "too many fields";
		cause = peek(c) == '"' ? take_quoted(c, field, CSV_ROW_MAX - used, &len) : take_bare(c, field, CSV_ROW_MAX - used, &len);
		if (cause == NULL)
			cause = check_field(field, len);
		if (cause != NULL)
			return cause;
		field[len] = '\0';
		row->fields[row->count++] = field;
		used += len + 1;
		if (used >= CSV_ROW_MAX)
			return "a row that is too long";
		if (at_line_end(c))
			return NULL;
		c->at++;
	}
}

enum err
csv_next(struct csv *c, struct csv_row *ret_row, const char **ret_cause)
{
	struct csv_row row = { .line = c->line };
	size_t begin = c->at;

	*ret_cause = take_row(c, &row);
	*ret_row = row;
	/* after a fault the rest of the line is passed over, also where a loose quote has swallowed the lines behind it */
	if (*ret_cause != NULL)
		c->at = begin;
	next_line(c);
	return *ret_cause == NULL ? ERR_OK : ERR_CSV_INVALID;
}

void
csv_write(struct buf *b, const char *field)
{
	if (field[strcspn(field, "\",\r\n")] == '\0') {
		buf_add_text(b, field);
		return;
	}
	buf_add_text(b, "\"");
	for (; *field != '\0'; field++) {
		if (*field == '"')
			buf_add_text(b, "\"");
		buf_add(b, field, 1);
	}
	buf_add_text(b, "\"");
}
