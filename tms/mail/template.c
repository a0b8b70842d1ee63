/* SPDX-License-Identifier: Apache-2.0 */
#include "template.h"

#include "near.h"
#include "text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUBJECT "Subject: "

static const char *const names[FACT_COUNT] = {
	[FACT_AUTHORITY] = "authority",
	[FACT_HOTLINE] = "hotline",
	[FACT_CUSTOMER] = "customer",
	[FACT_NUMBER] = "number",
	[FACT_TOKEN] = "token",
	[FACT_SERIAL] = "serial",
	[FACT_PHRASE] = "phrase",
	[FACT_TIME] = "time",
	[FACT_PORTAL] = "portal",
	[FACT_NOTE] = "note",
	[FACT_CODE] = "code",
	[FACT_CONSOLE] = "console",
	[FACT_WAITING] = "waiting",
	[FACT_OPENED] = "opened",
	[FACT_BOUND] = "bound",
};

/* Both end with a NUL and have no carriage return. */
struct template
{
	char *subject;
	char *text;
};

/* ---- one fact, as it stands in a text ---- */

/* The fact that begins at a brace, or FACT_COUNT, and where it ends (behind the closing brace; NULL: it does not on its line). */
static enum fact
fact_at(const char *brace, const char **ret_end)
{
	size_t len = strcspn(brace + 1, "{}\n");

	*ret_end = brace[1 + len] == '}' ? brace + 2 + len : NULL;
	for (int i = 0; i < FACT_COUNT; i++)
		if (strlen(names[i]) == len && memcmp(names[i], brace + 1, len) == 0)
			return (enum fact)i;
	return FACT_COUNT;
}

/* ---- judging ---- */

struct judging {
	const char *name;
	unsigned may;
	unsigned found; /* facts in the text */
	unsigned line;
	char *where;
};

#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
static enum err
refuse(const struct judging *j, unsigned column, const char *format, ...)
{
	char cause[320];
	va_list args;

	va_start(args, format);
	vsnprintf(cause, sizeof(cause), format, args);
	va_end(args);
	snprintf(j->where, TEMPLATE_WHERE_SIZE, "%.160s: line %u, column %u: %s", j->name, j->line, column, cause);
	return ERR_TEMPLATE_INVALID;
}

/* Characters from the line's begin, from 1. */
static unsigned
column_of(const char *line, const char *at)
{
	unsigned column = 1;

	for (; line < at; line++)
		column += ((unsigned char)*line & 0xc0) != 0x80;
	return column;
}

static const char *
nearest(const char *word, unsigned may)
{
	const char *best = NULL;

	for (int i = 0; i < FACT_COUNT; i++)
		if ((may & FACT_BIT(i)) != 0 && near_may_mean(word, names[i]) && (best == NULL || near_distance(word, names[i]) < near_distance(word, best)))
			best = names[i];
	return best;
}

static enum err
judge_fact(struct judging *j, const char *line, const char *brace, bool subject, const char **ret_end)
{
	unsigned column = column_of(line, brace);
	enum fact fact = fact_at(brace, ret_end);
	const char *near;
	char word[32];

	if (*ret_end == NULL)
		return refuse(j, column, "\"{\" begins a fact that does not end on this line; \"{{\" is a brace");
	snprintf(word, sizeof(word), "%.*s", (int)(*ret_end - brace - 2), brace + 1);
	near = nearest(word, j->may);
	if (fact == FACT_COUNT || (j->may & FACT_BIT(fact)) == 0)
		return refuse(j, column, "{%s} is no fact of this mail%s%s%s", word, near != NULL ? "; did you mean {" : "", near != NULL ? near : "", near != NULL ? "}?" : "");
	if (subject && fact == FACT_CODE)
		return refuse(j, column, "{code} may not stand in a subject, which everybody sees who passes by");
	if (!subject)
		j->found |= FACT_BIT(fact);
	return ERR_OK;
}

/* The first byte of something that a reader would make a link of, or NULL. */
static const char *
link_in(const char *line)
{
	static const char *const signs[] = { "://", "www.", "mailto:" };

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		const char *at = strstr(line, signs[i]);
		if (at != NULL)
			return at;
	}
	return NULL;
}

static enum err
judge_line(struct judging *j, const char *line, bool subject)
{
	const char *link = link_in(line);
	enum err e = ERR_OK;

	if (!text_is_showable(line, strlen(line)))
		return refuse(j, 1, "must be UTF-8 without control characters; a tab is one");
	if (link != NULL)
		return refuse(j, column_of(line, link), "a mail of ours holds no link");
	for (const char *at = line; e == ERR_OK && (at = strpbrk(at, "{}")) != NULL;) {
		if (at[0] == '{' && at[1] != '{')
			e = judge_fact(j, line, at, subject, &at);
		else
			at += at[0] == '{' ? 2 : 1;
	}
	return e;
}

/* Line by line, each ended where it stands; behind the last one all stands as it was. */
static enum err
judge_text(struct judging *j, char *text)
{
	enum err e = ERR_OK;

	for (char *line = text; e == ERR_OK && *line != '\0'; j->line++) {
		char *end = line + strcspn(line, "\n");
		bool last = *end == '\0';
		*end = '\0';
		e = judge_line(j, line, false);
		if (!last)
			*end = '\n';
		line = end + !last;
	}
	return e;
}

static enum err
judge(struct template *t, struct judging *j, unsigned must)
{
	enum err e = judge_line(j, t->subject, true);

	if (e == ERR_OK && t->subject[0] == '\0')
		return refuse(j, 1, "the subject is empty");
	j->line = 3;
	if (e == ERR_OK)
		e = judge_text(j, t->text);
	for (int i = 0; e == ERR_OK && i < FACT_COUNT; i++)
		if ((must & FACT_BIT(i)) != 0 && (j->found & FACT_BIT(i)) == 0)
			return refuse(j, 1, "the text ends without {%s}, which this mail must have", names[i]);
	return e;
}

/* ---- reading ---- */

/* Without carriage returns, and with a NUL; NULL: no memory. */
static char *
copy_lines(const char *bytes, size_t len)
{
	char *copy = malloc(len + 1);
	size_t out = 0;

	if (copy == NULL)
		return NULL;
	for (size_t i = 0; i < len; i++)
		if (bytes[i] != '\r' || i + 1 == len || bytes[i + 1] != '\n')
			copy[out++] = bytes[i];
	copy[out] = '\0';
	return copy;
}

enum err
template_parse(const char *name, const void *bytes, size_t len, unsigned may, unsigned must, struct template **ret_template, char where[TEMPLATE_WHERE_SIZE])
{
	struct judging j = { .name = name, .may = may, .line = 1, .where = where };
	struct template *t = calloc(1, sizeof(*t));
	char *end;
	enum err e;

	where[0] = '\0';
	if (t == NULL || (t->subject = copy_lines(bytes, len)) == NULL) {
		free(t);
		return ERR_NO_MEMORY;
	}
	end = strstr(t->subject, "\n\n");
	if (memchr(bytes, '\0', len) != NULL) {
		e = refuse(&j, 1, "must be UTF-8 without control characters; a NUL is one");
	} else if (strncmp(t->subject, SUBJECT, strlen(SUBJECT)) != 0 || end == NULL || memchr(t->subject, '\n', (size_t)(end - t->subject)) != NULL) {
		e = refuse(&j, 1, "must begin with a line \"" SUBJECT "...\" and an empty one behind it");
	} else {
		*end = '\0';
		t->text = end + 2;
		memmove(t->subject, t->subject + strlen(SUBJECT), strlen(t->subject + strlen(SUBJECT)) + 1);
		e = judge(t, &j, must);
	}
	if (e != ERR_OK) {
		template_free(t);
		return e;
	}
	*ret_template = t;
	return ERR_OK;
}

void
template_free(struct template *t)
{
	if (t == NULL)
		return;
	free(t->subject);
	free(t);
}

/* ---- writing ---- */

/* Whether every fact of a piece says something. */
static bool
speaks(const char *from, const char *to, const struct fact_value values[FACT_COUNT])
{
	for (const char *at = from; at < to; at++) {
		const char *end;
		if (at[0] != '{')
			continue;
		if (at[1] == '{') {
			at++;
			continue;
		}
		if (values[fact_at(at, &end)].len == 0)
			return false;
	}
	return true;
}

/* A code takes no way through printf, which would leave it on the stack. */
static void
write_piece(const char *from, const char *to, const struct fact_value values[FACT_COUNT], struct buf *b)
{
	while (from < to) {
		size_t plain = strcspn(from, "{");
		const char *end = NULL;
		if (plain > (size_t)(to - from))
			plain = (size_t)(to - from);
		buf_add(b, from, plain);
		from += plain;
		if (from == to)
			break;
		if (from[1] == '{') {
			buf_add_text(b, "{");
			from += 2;
		} else {
			const struct fact_value *value = &values[fact_at(from, &end)];
			buf_add(b, value->text, value->len);
			from = end != NULL ? end : to; /* judged before: each ends */
		}
	}
}

void
template_render(const struct template *t, const struct fact_value values[FACT_COUNT], char ret_subject[TEMPLATE_SUBJECT_SIZE], struct buf *text)
{
	struct buf subject = buf_new(TEMPLATE_MAX);
	const char *end;

	write_piece(t->subject, t->subject + strlen(t->subject), values, &subject);
	if (buf_text(&subject) != NULL)
		(void)text_copy(ret_subject, TEMPLATE_SUBJECT_SIZE, (const char *)subject.data);
	else
		buf_fail(text, ERR_NO_MEMORY);
	buf_free(&subject);
	for (const char *at = t->text; *at != '\0'; at = end) {
		const char *gap = strstr(at, "\n\n");
		end = gap != NULL ? gap + 2 : at + strlen(at);
		if (speaks(at, end, values))
			write_piece(at, end, values, text);
	}
}
