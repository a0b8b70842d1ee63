/* SPDX-License-Identifier: Apache-2.0 */
#include "row_search.h"

#include "database.h"

#include <stdio.h>

static bool
is_sqlite(const struct store *s)
{
	return s->database == &database_sqlite;
}

/* ---- what is kept ---- */

#define IN_PART "replace(words, ' ', ' ' || (number >> " SEARCH_PART_BITS "))"

/* The words of the row to its table, and for SQLite to the index of that. */
static enum err
add(struct store *s, struct query q, int64_t id, struct buf *words, const char *index)
{
	enum err e;

	query_int(&q, id);
	query_buf(&q, words);
	e = query_run(&q, NULL);
	if (e == ERR_OK && is_sqlite(s)) {
		q = query_new(s, index);
		query_int(&q, id);
		query_buf(&q, words);
		e = query_run(&q, NULL);
	}
	return e;
}

enum err
search_add_token(struct store *s, int64_t id, const char *customer, const char *email)
{
	struct buf words = buf_new(WORDS_MAX);
	enum err e;

	words_add(&words, WORDS_CUSTOMER, customer);
	words_add(&words, WORDS_EMAIL, email);
	e = add(s, query_new(s, "INSERT INTO token_search (id, words) VALUES (?, ?)"), id, &words, "INSERT INTO token_index (rowid, words) VALUES (?, ?)");
	buf_free(&words);
	return e;
}

enum err
search_add_request(struct store *s, int64_t number)
{
	struct buf words = buf_new(WORDS_MAX);
	struct store_request r;
	enum err e = store_request_by_number(s, number, &r);

	if (e != ERR_OK)
		return e;
	words_add(&words, WORDS_CUSTOMER, r.customer);
	words_add(&words, WORDS_EMAIL, r.email);
	words_add(&words, WORDS_SERIAL, r.token.serial);
	words_add(&words, WORDS_CERTIFICATE, r.certificate_serial);
	e = add(s, query_new(s, "INSERT INTO request_search (number, words) VALUES (?, ?)"), number, &words,
	    "INSERT INTO request_index (rowid, words) SELECT number, " IN_PART " FROM (SELECT ? AS number, ? AS words)");
	buf_free(&words);
	return e;
}

/* FTS5 takes out what it is told, which must be what was put in. */
enum err
search_remove_request(struct store *s, int64_t number)
{
	struct query q;
	enum err e = ERR_OK;

	if (is_sqlite(s)) {
		q = query_new(s, "INSERT INTO request_index (request_index, rowid, words) SELECT 'delete', number, " IN_PART " FROM request_search WHERE number = ?");
		query_int(&q, number);
		e = query_run(&q, NULL);
	}
	if (e != ERR_OK)
		return e;
	q = query_new(s, "DELETE FROM request_search WHERE number = ?");
	query_int(&q, number);
	return query_run(&q, NULL);
}

/* ---- what is asked ---- */

void
search_condition(const struct words_question *w, const char *table, unsigned value, struct buf *sql)
{
	char number[16];

	for (size_t i = 0; i < w->count; i++) {
		snprintf(number, sizeof(number), "%u", value++);
		buf_add_text(sql, " AND instr(");
		buf_add_text(sql, table);
		buf_add_text(sql, ".words, ?");
		buf_add_text(sql, number);
		buf_add_text(sql, ") > 0");
	}
}

void
search_bind(struct query *q, const struct words_question *w)
{
	for (size_t i = 0; i < w->count; i++)
		query_text(q, words_part(w, i));
}

void
search_bind_index(struct query *q, const struct words_question *w, uint32_t chosen, const char *part)
{
	struct buf expression = buf_new(2 * WORDS_MAX);

	if (is_sqlite(q->store))
		words_index_sqlite(w, chosen, part, &expression);
	else
		words_index_postgresql(w, chosen, part, &expression);
	query_buf(q, &expression);
	buf_free(&expression);
}
