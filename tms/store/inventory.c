/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inventory's list. Which index a page is read along is decided here and not left to the database: each statement names what it walks along, and the other filters
 * are asked of the rows that it meets.
 */
#include "inventory.h"

#include "database.h"
#include "row_search.h"
#include "token_row.h"

#include <string.h>

#define SUSPECT_AFTER ((int64_t)1 << 52) /* added to what each() is told of a suspect row, so that the next page knows where it is */

#define SELECT "SELECT " TOKEN_COLUMNS " FROM token "
#define OTHERS "token.state <> 'suspect' AND token.id < ?1"
#define SAID \
	" AND" QUERY_IN_SCOPE("token", "?8") " AND (?2 = '' OR token.life = ?2) AND (?3 = '' OR token.state = ?3) AND (?4 = 0 OR (token.manufacturer = ?5 AND ?6 IN ('', token.model)))"
#define NEWEST	" ORDER BY token.id DESC LIMIT ?7"
#define LIMITED " LIMIT ?7"
#define VALUES	8 /* of every statement */
#define SQL_MAX 8192

struct reading {
	const struct store_token_filter *filter;
	struct store_type type;
	struct words_question words;
	unsigned left; /* rows that may still come */
	void (*each)(const struct store_token *t, int64_t after, void *context);
	void *context;
};

static const char *
life_said(const struct store_token_filter *f)
{
	return store_life_name(f->life);
}

static void
bind(struct query *q, const struct reading *r, int64_t from)
{
	const struct store_token_filter *f = r->filter;

	query_int(q, from);
	query_text(q, life_said(f));
	query_text(q, store_token_state_name(f->state));
	query_int(q, f->type != 0);
	query_text(q, r->type.manufacturer);
	query_text(q, r->type.model);
	query_int(q, r->left);
	query_scope(q);
}

static enum err
read_page(struct query *q, struct reading *r, int64_t added)
{
	struct store_token t;

	while (query_row(q)) {
		token_read(q, &t);
		if (!query_good(q))
			break;
		r->left--;
		r->each(&t, t.id + added, r->context);
	}
	return query_end(q);
}

/* The words as a condition on the rows that another index leads to; their values begin with that number. */
static void
add_words(const struct reading *r, unsigned value, struct buf *sql)
{
	if (r->words.count == 0)
		return;
	buf_add_text(sql, " AND EXISTS (SELECT 1 FROM token_search WHERE token_search.id = token.id");
	search_condition(&r->words, "token_search", value, sql);
	buf_add_text(sql, ")");
}

/* A statement along an index of the token's own, and what it is to give. */
static enum err
read_along(struct store *s, struct reading *r, const char *walk, int64_t below, int64_t added)
{
	struct buf sql = buf_new(SQL_MAX);
	struct query q;
	enum err e;

	buf_add_text(&sql, walk);
	add_words(r, VALUES + 1, &sql);
	buf_add_text(&sql, NEWEST);
	q = query_new_once(s, buf_text(&sql));
	bind(&q, r, below);
	search_bind(&q, &r->words);
	e = read_page(&q, r, added);
	buf_free(&sql);
	return e;
}

static enum err
read_by_words(struct store *s, struct reading *r, int64_t below)
{
	struct buf sql = buf_new(SQL_MAX);
	struct query q;
	enum err e;

	buf_add_text(&sql, s->database == &database_sqlite
			       ? "SELECT " TOKEN_COLUMNS " FROM token_index CROSS JOIN token_search ON token_search.id = token_index.rowid"
				 " CROSS JOIN token ON token.id = token_index.rowid WHERE token_index MATCH ?9 AND token_index.rowid < ?1 AND " OTHERS SAID
			       : "SELECT " TOKEN_COLUMNS " FROM token_search JOIN token ON token.id = token_search.id"
				 " WHERE search_vector(token_search.words) @@ CAST(?9 AS TSQUERY) AND token_search.id < ?1 AND " OTHERS SAID);
	search_condition(&r->words, "token_search", VALUES + 2, &sql);
	buf_add_text(&sql, s->database == &database_sqlite ? " ORDER BY token_index.rowid DESC" : " ORDER BY token_search.id DESC");
	buf_add_text(&sql, LIMITED);
	q = query_new_once(s, buf_text(&sql));
	bind(&q, r, below);
	search_bind_index(&q, &r->words, WORDS_ALL, "");
	search_bind(&q, &r->words);
	e = read_page(&q, r, 0);
	buf_free(&sql);
	return e;
}

static enum err
read_suspects(struct store *s, struct reading *r, int64_t below)
{
	return read_along(s, r, SELECT "INDEXED BY token_state WHERE token.state = 'suspect' AND token.id < ?1" SAID, below, SUSPECT_AFTER);
}

/* What mostly leaves least comes first. */
static enum err
read_others(struct store *s, struct reading *r, int64_t below)
{
	const struct store_token_filter *f = r->filter;

	if (r->words.count != 0)
		return read_by_words(s, r, below);
	if (s->scope[0] != '\0')
		return read_along(s, r, SELECT "INDEXED BY token_agency WHERE token.agency = ?8 AND token.agency <> '' AND " OTHERS SAID, below, 0);
	if (f->life == STORE_LOST || f->life == STORE_RETIRED)
		return read_along(s, r, SELECT "INDEXED BY token_life WHERE token.life = ?2 AND token.life <> 'active' AND " OTHERS SAID, below, 0);
	if (f->type != 0 && r->type.model[0] != '\0')
		return read_along(s, r, SELECT "INDEXED BY token_model WHERE token.manufacturer = ?5 AND token.model = ?6 AND " OTHERS SAID, below, 0);
	if (f->type != 0)
		return read_along(s, r, SELECT "INDEXED BY token_manufacturer WHERE token.manufacturer = ?5 AND " OTHERS SAID, below, 0);
	if (f->state != STORE_TOKEN_STATE_COUNT)
		return read_along(s, r, SELECT "INDEXED BY token_state WHERE token.state = ?3 AND " OTHERS SAID, below, 0);
	return read_along(s, r, SELECT "NOT INDEXED WHERE " OTHERS SAID, below, 0);
}

static enum err
read_newest(struct store *s, struct reading *r)
{
	int64_t after = r->filter->after;
	enum err e = ERR_OK;

	if (after == 0 || after > SUSPECT_AFTER) {
		e = read_suspects(s, r, after != 0 ? after - SUSPECT_AFTER : SUSPECT_AFTER);
		after = SUSPECT_AFTER;
	}
	if (e == ERR_OK && r->left != 0 && r->filter->state != STORE_SUSPECT)
		e = read_others(s, r, after);
	return e;
}

/* What is greater than every text that begins so: the last character of Unicode behind it. */
static void
end_of(const char *begins, struct buf *ret)
{
	buf_add_text(ret, begins);
	buf_add_text(ret, "\xf4\x8f\xbf\xbf");
}

static enum err
ask_by_serial(struct store *s, struct reading *r, const struct token_name *last, struct buf *sql)
{
	const struct store_token_filter *f = r->filter;
	const char *begins = f->serial != NULL ? f->serial : "";
	struct buf end = buf_new(SQL_MAX);
	struct query q;

	buf_add_text(sql,
	    SELECT "WHERE token.serial >= ?9 AND token.serial < ?10"
		   " AND (?1 = 0 OR (token.serial, token.manufacturer, token.model) > (?9, ?11, ?12))" SAID);
	add_words(r, VALUES + 5, sql);
	buf_add_text(sql, " ORDER BY token.serial, token.manufacturer, token.model" LIMITED);
	end_of(begins, &end);
	q = query_new_once(s, buf_text(sql));
	bind(&q, r, f->after);
	query_text(&q, f->after != 0 ? last->serial : begins);
	query_buf(&q, &end);
	query_text(&q, last->manufacturer);
	query_text(&q, last->model);
	search_bind(&q, &r->words);
	buf_free(&end);
	return read_page(&q, r, 0);
}

/* From the last row of the page before on, which is left out; without one, from what the serial numbers begin with. */
static enum err
read_by_serial(struct store *s, struct reading *r)
{
	struct store_token last = { .id = 0 };
	struct buf sql = buf_new(SQL_MAX);
	enum err e = r->filter->after != 0 ? store_token_by_id(s, r->filter->after, &last) : ERR_OK;

	if (e == ERR_OK)
		e = ask_by_serial(s, r, &last.name, &sql);
	buf_free(&sql);
	return e == ERR_TOKEN_UNKNOWN ? ERR_OK : e;
}

static enum err
read_list(struct store *s, struct reading *r)
{
	const struct store_token_filter *f = r->filter;
	enum err e = ERR_OK;

	if (!words_ask(&r->words, WORDS_CUSTOMER, WORDS_ANYWHERE, f->customer) || !words_ask(&r->words, WORDS_EMAIL, WORDS_IN_A_ROW, f->email))
		return ERR_OK;
	if (f->type != 0)
		e = store_type_by_id(s, f->type, &r->type);
	if (e != ERR_OK)
		return e == ERR_TOKEN_UNKNOWN ? ERR_OK : e;
	return f->by_serial || f->serial != NULL ? read_by_serial(s, r) : read_newest(s, r);
}

enum err
store_token_list(struct store *s, const struct store_token_filter *filter, unsigned limit,
    void (*each)(const struct store_token *t, int64_t after, void *context), void *context)
{
	struct reading r = { .filter = filter, .left = limit < STORE_PAGE_MAX ? limit : STORE_PAGE_MAX, .each = each, .context = context };
	enum err e;

	r.words = words_question_new();
	e = read_list(s, &r);
	words_question_free(&r.words);
	return e;
}
