/* SPDX-License-Identifier: Apache-2.0 */
#include "words.h"

#include "fold.h"

#include <string.h>

#define TEXT_MAX 1024 /* bytes of a text that are looked at */

static const char letters[WORDS_KIND_COUNT] = {
	[WORDS_CUSTOMER] = 'c',
	[WORDS_EMAIL] = 'e',
	[WORDS_SERIAL] = 's',
	[WORDS_CERTIFICATE] = 'n',
};

/* More than ASCII is of a word, whatever it is. */
static bool
is_of_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80;
}

struct cut {
	char folded[TEXT_MAX];
	size_t len;
	size_t at;
};

static void
cut_begin(struct cut *c, const char *text)
{
	c->len = fold_text(text, strnlen(text, sizeof(c->folded)), c->folded);
	c->at = 0;
}

static bool
cut_next(struct cut *c, const char **ret_word, size_t *ret_len)
{
	size_t begin;

	while (c->at < c->len && !is_of_word(c->folded[c->at]))
		c->at++;
	begin = c->at;
	while (c->at < c->len && is_of_word(c->folded[c->at]))
		c->at++;
	*ret_word = c->folded + begin;
	*ret_len = c->at - begin;
	return *ret_len != 0;
}

static void
add_word(struct buf *words, enum words_kind kind, const char *word, size_t len)
{
	buf_add_text(words, " ");
	buf_add(words, &letters[kind], 1);
	buf_add(words, word, len);
}

void
words_add(struct buf *words, enum words_kind kind, const char *text)
{
	struct cut c;
	const char *word;
	size_t len;

	for (cut_begin(&c, text); cut_next(&c, &word, &len);)
		add_word(words, kind, word, len);
}

/* ---- questions ---- */

struct words_question
words_question_new(void)
{
	return (struct words_question){ .text = buf_new(WORDS_MAX) };
}

void
words_question_free(struct words_question *w)
{
	buf_free(&w->text);
}

/* A part begins where the text ends; words beyond the last part are not looked at. */
static bool
begin_part(struct words_question *w)
{
	if (w->count == WORDS_ASKED_MAX)
		return false;
	w->parts[w->count].at = w->text.len;
	w->parts[w->count++].words = 0;
	return true;
}

bool
words_ask(struct words_question *w, enum words_kind kind, enum words_how how, const char *text)
{
	struct cut c;
	const char *word;
	size_t len;
	bool any = false;

	if (text == NULL)
		return true;
	for (cut_begin(&c, text); cut_next(&c, &word, &len); any = true) {
		bool fresh = !any || how == WORDS_ANYWHERE;
		if (fresh && !begin_part(w))
			break;
		/* over the NUL of the word before, with which it stands in a row */
		if (!fresh)
			w->text.len--;
		add_word(&w->text, kind, word, len);
		buf_add(&w->text, "", 1);
		w->parts[w->count - 1].words++;
	}
	return any && buf_error(&w->text) == ERR_OK;
}

const char *
words_part(const struct words_question *w, size_t i)
{
	return (const char *)w->text.data + w->parts[i].at;
}

/* ---- its single words ---- */

struct word {
	const char *at; /* behind the blank */
	size_t len;
	bool may_be_cut; /* the last one of its part */
};

struct walk {
	const struct words_question *question;
	const char *at;
	size_t part;
	size_t left; /* words of that part */
	size_t seen;
};

static struct walk
walk_begin(const struct words_question *w)
{
	return (struct walk){ .question = w };
}

static bool
walk_next(struct walk *walk, struct word *ret)
{
	if (walk->left == 0) {
		if (walk->part == walk->question->count)
			return false;
		walk->at = words_part(walk->question, walk->part);
		walk->left = walk->question->parts[walk->part++].words;
	}
	if (walk->seen++ == WORDS_CHOSEN_MAX)
		return false;
	ret->at = ++walk->at;
	ret->len = strcspn(ret->at, " ");
	ret->may_be_cut = --walk->left == 0;
	walk->at += ret->len;
	return true;
}

size_t
words_count(const struct words_question *w)
{
	struct walk walk = walk_begin(w);
	struct word word;
	size_t count = 0;

	while (walk_next(&walk, &word))
		count++;
	return count;
}

void
words_word(const struct words_question *w, size_t place, struct buf *ret)
{
	struct walk walk = walk_begin(w);
	struct word word;

	while (walk_next(&walk, &word))
		if (place-- == 0)
			buf_add(ret, word.at - 1, word.len + 1);
}

/* Each word in quotes, of which it has none itself. */
static void
put_index(const struct words_question *w, uint32_t chosen, char quote, const char *before, const char *between, const char *cut, struct buf *ret)
{
	struct walk walk = walk_begin(w);
	struct word word;

	for (; walk_next(&walk, &word); chosen >>= 1) {
		if ((chosen & 1) == 0)
			continue;
		buf_add_text(ret, ret->len != 0 ? between : "");
		buf_add(ret, &quote, 1);
		buf_add_text(ret, before);
		buf_add(ret, word.at, word.len);
		buf_add(ret, &quote, 1);
		buf_add_text(ret, word.may_be_cut ? cut : "");
	}
}

void
words_index_sqlite(const struct words_question *w, uint32_t chosen, const char *before, struct buf *ret)
{
	put_index(w, chosen, '"', before, " AND ", " *", ret);
}

void
words_index_postgresql(const struct words_question *w, uint32_t chosen, const char *before, struct buf *ret)
{
	put_index(w, chosen, '\'', before, " & ", ":*", ret);
}

/* ---- in SQLite's SQL ---- */

static void
result_buf(sqlite3_context *context, struct buf *b)
{
	if (buf_error(b) != ERR_OK)
		sqlite3_result_error_nomem(context);
	else
		sqlite3_result_text64(context, b->len != 0 ? (const char *)b->data : "", b->len, SQLITE_TRANSIENT, SQLITE_UTF8);
	buf_free(b);
}

static const char *
text_of(sqlite3_value *value)
{
	const char *text = (const char *)sqlite3_value_text(value);

	return text != NULL ? text : "";
}

static void
sql_words(sqlite3_context *context, int count, sqlite3_value **values)
{
	struct buf words = buf_new(WORDS_MAX);

	for (int kind = 0; kind < count; kind++)
		words_add(&words, (enum words_kind)kind, text_of(values[kind]));
	result_buf(context, &words);
}

static void
sql_folded(sqlite3_context *context, int count, sqlite3_value **values)
{
	const char *text = text_of(values[0]);
	size_t len = strlen(text);
	struct buf folded = buf_new(len + 1);
	unsigned char *room = buf_room(&folded, len + 1);

	(void)count;
	if (room != NULL)
		buf_grew(&folded, fold_text(text, len, (char *)room));
	result_buf(context, &folded);
}

int
words_register(sqlite3 *db)
{
	const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;
	int code = sqlite3_create_function_v2(db, "folded", 1, flags, NULL, sql_folded, NULL, NULL, NULL);

	return code == SQLITE_OK ? sqlite3_create_function_v2(db, "words", WORDS_KIND_COUNT, flags, NULL, sql_words, NULL, NULL, NULL) : code;
}
