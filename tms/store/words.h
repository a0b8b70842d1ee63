/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words: the words of texts and what is asked of them, cut and folded here, so that both databases find the same. A row's words are one text: a blank before each
 * word, and before its letters the letter of its kind, as in " ccong cty ekhach eexample evn". So "begins a word" is " ccong" found in it, and words in a row are
 * " ekhach eexa". Private to the store's own files.
 */
#ifndef MOKHOA_WORDS_H
#define MOKHOA_WORDS_H

#include "buf.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORDS_MAX	8192 /* bytes of a row's words */
#define WORDS_ASKED_MAX 32   /* words of a question that are looked at */

enum words_kind {
	WORDS_CUSTOMER,
	WORDS_EMAIL,
	WORDS_SERIAL,
	WORDS_CERTIFICATE,
	WORDS_KIND_COUNT
};

/* Adds the words of a text of that kind. */
void words_add(struct buf *words, enum words_kind kind, const char *text);

/* How the words of a question stand in the text. */
enum words_how {
	WORDS_ANYWHERE, /* each begins a word of it */
	WORDS_IN_A_ROW	/* one behind the other, the last one perhaps cut */
};

struct words_question {
	struct buf text; /* what is looked for, one behind the other with a NUL each: " ccong" */
	struct {
		size_t at;
		size_t words; /* one, or how many stand in a row */
	} parts[WORDS_ASKED_MAX];
	size_t count;
};

struct words_question words_question_new(void);
void words_question_free(struct words_question *w);

/* False where the text has no word in it, so that nothing is met. NULL asks for nothing. */
bool words_ask(struct words_question *w, enum words_kind kind, enum words_how how, const char *text);
const char *words_part(const struct words_question *w, size_t i);

/* The single words of all parts, one behind the other: how many there are, at most WORDS_CHOSEN_MAX, and the word of that place as it stands in a row's words, " ccong". */
#define WORDS_CHOSEN_MAX 32
size_t words_count(const struct words_question *w);
void words_word(const struct words_question *w, size_t place, struct buf *ret);

/*
 * The expression by which the index of SQLite (https://www.sqlite.org/fts5.html, 3) or of PostgreSQL (tsquery) finds rows that have the chosen words: bit 0 is the
 * first. WORDS_ALL are all of them. Before each word stands `before`: "", the number of a part of the index, or a place to put that into.
 */
#define WORDS_ALL UINT32_MAX
void words_index_sqlite(const struct words_question *w, uint32_t chosen, const char *before, struct buf *ret);
void words_index_postgresql(const struct words_question *w, uint32_t chosen, const char *before, struct buf *ret);

/* Gives the SQL of a connection the functions folded(TEXT) and words(TEXT customer, TEXT email, TEXT serial, TEXT certificate serial); a code of SQLite. */
int words_register(sqlite3 *db);

#endif
