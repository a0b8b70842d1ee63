/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The desk's list of requests, newest first, whatever is looked for among millions.
 *
 * The statement is put together from what was said, never from its values. Without words it walks the numbers (of one state, or all) down from the newest, and dates
 * are a range of numbers, because both grow together. Words are looked for in one of two ways, and a sample of the newest rows says in which. What many rows have fills
 * the page while the newest rows are looked at one by one, and an index would find far too many. What few rows have is found by the index of words: by the rarest of them, and by
 * those others that are dearer to look for in the rows than in the index.
 */
#include "inventory.h"
#include "request_row.h"
#include "row_search.h"

#include "database.h"

#include <inttypes.h>
#include <stdio.h>

#define SAMPLE_TEXT "1000" /* rows of which the words of a question are counted */
#define DEPTH	    8000   /* rows that are looked at one by one, if by then the page should be full */
#define FEW	    3000   /* rows of which it is not worth to ask an index */
#define DEARER	    50	   /* to look into a row, than to find it in the index of one word more */
#define SLACK	    128	   /* numbers by which dates and numbers may disagree: clocks of several servers, and one that was put back a little */
#define SQL_MAX	    4096

struct reading {
	struct store *store;
	const struct store_filter *filter;
	int64_t below; /* numbers below it */
	int64_t from;  /* and from it on */
	struct words_question question;
	unsigned left;
	void (*each)(const struct store_request *r, void *context);
	void *context;
};

static enum err
read_page(struct query *q, struct reading *r)
{
	struct store_request row;

	while (query_row(q)) {
		request_read(q, &row);
		if (!query_good(q))
			break;
		r->left -= r->left != 0;
		r->each(&row, r->context);
	}
	return query_end(q);
}

/* ---- the statement ---- */

#define VALUES 7 /* of what was said besides words, how many rows, and the scope */

static bool
is_sqlite(const struct reading *r)
{
	return r->store->database == &database_sqlite;
}

/* Of one state or one agency. */
static bool
is_along(const struct reading *r)
{
	return r->filter->state != STORE_ANY || r->store->scope[0] != '\0';
}

/* What was said besides words. To PostgreSQL whoever sees all agencies says nothing of them: with such a condition no index alone could tell it which rows are of a state. */
static void
add_conditions(const struct reading *r, struct buf *sql)
{
	const struct store_filter *f = r->filter;

	buf_add_text(sql, " request.number < ?1 AND request.number >= ?2");
	if (is_sqlite(r) || r->store->scope[0] != '\0')
		buf_add_text(sql, " AND" QUERY_IN_SCOPE("request", "?7"));
	buf_add_text(sql, f->state == STORE_ANY ? " AND request.state <> ?3" : " AND request.state = ?3");
	if (f->from > 0 || f->to > 0)
		buf_add_text(sql, " AND request.created >= ?4 AND request.created < ?5");
}

static void
bind_conditions(struct query *q, const struct reading *r, int64_t below, int64_t from, int64_t rows)
{
	const struct store_filter *f = r->filter;

	query_int(q, below);
	query_int(q, from);
	query_text(q, state_name(f->state == STORE_ANY ? STATE_UNIDENTIFIED : f->state));
	query_int(q, f->from);
	query_int(q, f->to > 0 ? f->to : INT64_MAX);
	query_int(q, rows);
	query_scope(q);
}

/* What SQLite, which looks at the statement and not at the numbers of rows, is told to walk along. An agency's rows may be few among millions. */
static const char *
walk(const struct reading *r, bool joined)
{
	if (r->store->scope[0] != '\0')
		return joined ? "request INDEXED BY request_agency CROSS JOIN request_search WHERE request_search.number = request.number AND request.agency = ?7 AND request.agency <> '' AND"
			      : "request INDEXED BY request_agency WHERE request.agency = ?7 AND request.agency <> '' AND";
	if (r->filter->state != STORE_ANY)
		return joined ? "request INDEXED BY request_state CROSS JOIN request_search WHERE request_search.number = request.number AND" : "request INDEXED BY request_state WHERE";
	return joined ? "request_search CROSS JOIN request WHERE request.number = request_search.number AND request_search.number < ?1 AND request_search.number >= ?2 AND"
		      : "request NOT INDEXED WHERE";
}

/* ---- dates ---- */

static enum err
limit_by_dates(struct reading *r)
{
	const struct store_filter *f = r->filter;
	int64_t number = 0;
	struct query q;
	enum err e = ERR_OK;

	if (f->from > 0) {
		number = INT64_MAX - SLACK; /* nothing was asked since */
		q = query_new(r->store, "SELECT number FROM request WHERE created >= ? ORDER BY created, number LIMIT 1");
		query_int(&q, f->from);
		e = query_number(&q, &number);
		r->from = number - SLACK;
	}
	if (e == ERR_OK && f->to > 0) {
		number = -SLACK;
		q = query_new(r->store, "SELECT number FROM request WHERE created < ? ORDER BY created DESC, number DESC LIMIT 1");
		query_int(&q, f->to);
		e = query_number(&q, &number);
		if (number + SLACK < r->below)
			r->below = number + SLACK;
	}
	return e;
}

/* ---- without words ---- */

static enum err
read_plain(struct reading *r)
{
	struct buf sql = buf_new(SQL_MAX);
	struct query q;
	enum err e;

	buf_add_text(&sql, "SELECT " REQUEST_COLUMNS " FROM ");
	buf_add_text(&sql, walk(r, false));
	add_conditions(r, &sql);
	buf_add_text(&sql, " ORDER BY request.number DESC LIMIT ?6");
	q = query_new_once(r->store, buf_text(&sql));
	bind_conditions(&q, r, r->below, r->from, r->left);
	e = read_page(&q, r);
	buf_free(&sql);
	return e;
}

/* ---- with words ---- */

/* 0 where there is none. */
static enum err
find_newest(struct reading *r, int64_t below, int64_t *ret_number)
{
	struct query q = query_new(r->store, "SELECT number FROM request WHERE number < ? ORDER BY number DESC LIMIT 1");

	query_int(&q, below);
	*ret_number = 0;
	return query_number(&q, ret_number);
}

/* Numbers have few gaps: so many of them are about so many rows. */
static enum err
find_floor_of_all(struct reading *r, int64_t rows, int64_t *ret_floor)
{
	int64_t newest;
	enum err e = find_newest(r, r->below, &newest);

	*ret_floor = newest - rows > r->from ? newest - rows : r->from;
	return e;
}

/* The newest so many rows of a state or an agency that dates leave are those from here on; r->from where there are not so many. */
static enum err
find_floor_along(struct reading *r, int64_t rows, int64_t *ret_floor)
{
	struct buf sql = buf_new(SQL_MAX);
	struct query q;
	enum err e;

	buf_add_text(&sql, "SELECT request.number FROM ");
	buf_add_text(&sql, walk(r, false));
	add_conditions(r, &sql);
	buf_add_text(&sql, " ORDER BY request.number DESC LIMIT 1 OFFSET ?6");
	q = query_new_once(r->store, buf_text(&sql));
	bind_conditions(&q, r, r->below, r->from, rows);
	*ret_floor = r->from;
	e = query_number(&q, ret_floor);
	buf_free(&sql);
	return e;
}

static enum err
find_floor(struct reading *r, int64_t rows, int64_t *ret_floor)
{
	return is_along(r) ? find_floor_along(r, rows, ret_floor) : find_floor_of_all(r, rows, ret_floor);
}

/*
 * PostgreSQL is told the order in which to look by subqueries that it does not take apart (OFFSET 0): first what has the words, in numbers, then its row of request,
 * which is long and seldom near the one before, and of those only as many as are wanted. Left alone it takes the words to be met by a third of the rows, each, and reads
 * thousands of requests for the few that it shows.
 */
#define ROW_OF_FOUND " CROSS JOIN LATERAL (SELECT * FROM request WHERE request.number = found.number OFFSET 0) AS request WHERE"

/* From the floor on, each row is looked at. */
static void
add_scan_postgresql(const struct reading *r, struct buf *sql)
{
	if (is_along(r)) {
		buf_add_text(sql, "(SELECT request.number FROM request WHERE");
		add_conditions(r, sql);
		buf_add_text(sql, " ORDER BY request.number DESC OFFSET 0) AS along CROSS JOIN LATERAL (SELECT request_search.number FROM request_search WHERE request_search.number = along.number");
		search_condition(&r->question, "request_search", VALUES + 1, sql);
		buf_add_text(sql, " OFFSET 0) AS found" ROW_OF_FOUND);
	} else {
		buf_add_text(sql, "(SELECT request_search.number FROM request_search WHERE request_search.number < ?1 AND request_search.number >= ?2");
		search_condition(&r->question, "request_search", VALUES + 1, sql);
		buf_add_text(sql, " ORDER BY request_search.number DESC OFFSET 0) AS found" ROW_OF_FOUND);
	}
	add_conditions(r, sql);
	buf_add_text(sql, is_along(r) ? " ORDER BY along.number DESC LIMIT ?6" : " ORDER BY found.number DESC LIMIT ?6");
}

static void
add_scan_sqlite(const struct reading *r, struct buf *sql)
{
	buf_add_text(sql, walk(r, true));
	add_conditions(r, sql);
	search_condition(&r->question, "request_search", VALUES + 1, sql);
	buf_add_text(sql, " ORDER BY request.number DESC LIMIT ?6");
}

static enum err
read_scanned(struct reading *r, int64_t floor)
{
	struct buf sql = buf_new(SQL_MAX);
	struct query q;
	enum err e;

	buf_add_text(&sql, "SELECT " REQUEST_COLUMNS " FROM ");
	(is_sqlite(r) ? add_scan_sqlite : add_scan_postgresql)(r, &sql);
	q = query_new_once(r->store, buf_text(&sql));
	bind_conditions(&q, r, r->below, floor, r->left);
	search_bind(&q, &r->question);
	e = read_page(&q, r);
	buf_free(&sql);
	return e;
}

struct sample {
	double rows;
	double all;			/* of them have all that is asked for */
	double words[WORDS_CHOSEN_MAX]; /* and so many have that word */
};

static enum err
take_sample(struct reading *r, struct sample *ret)
{
	size_t count = words_count(&r->question);
	struct buf sql = buf_new(SQL_MAX);
	struct buf word = buf_new(WORDS_MAX);
	struct query q;

	*ret = (struct sample){ .rows = 0 };
	buf_add_text(&sql, "SELECT count(*), count(*) FILTER (WHERE number > 0");
	for (size_t i = 0; i < r->question.count; i++)
		buf_add_text(&sql, " AND instr(words, ?) > 0");
	buf_add_text(&sql, ")");
	for (size_t i = 0; i < count; i++)
		buf_add_text(&sql, ", count(*) FILTER (WHERE instr(words, ?) > 0)");
	buf_add_text(&sql, " FROM (SELECT number, words FROM request_search WHERE number < ? ORDER BY number DESC LIMIT " SAMPLE_TEXT ") AS sample");
	q = query_new_once(r->store, buf_text(&sql));
	search_bind(&q, &r->question);
	for (size_t i = 0; i < count; i++) {
		buf_reset(&word);
		words_word(&r->question, i, &word);
		query_buf(&q, &word);
	}
	query_int(&q, r->below);
	if (query_row(&q)) {
		ret->rows = (double)query_get_int(&q);
		ret->all = (double)query_get_int(&q);
		for (size_t i = 0; i < count; i++)
			ret->words[i] = (double)query_get_int(&q);
	}
	buf_free(&word);
	buf_free(&sql);
	return query_end(&q);
}

/* The rarest word that is not chosen yet; count where there is none. */
static size_t
find_rarest(const struct sample *sample, size_t count, uint32_t chosen)
{
	size_t rarest = count;

	for (size_t i = 0; i < count; i++)
		if ((chosen >> i & 1) == 0 && (rarest == count || sample->words[i] < sample->words[rarest]))
			rarest = i;
	return rarest;
}

/* The words by which the index finds few rows soon. How often one stands beside another is not known: as often as anywhere. */
static uint32_t
choose_words(const struct sample *sample, size_t count)
{
	size_t word = find_rarest(sample, count, 0);
	uint32_t chosen = 0;
	double found = 1; /* of all rows */

	while (word < count) {
		double has = (sample->words[word] + 0.5) / (sample->rows + 1);
		if (chosen != 0 && has >= DEARER * found * (1 - has))
			break;
		chosen |= UINT32_C(1) << word;
		found *= has;
		word = find_rarest(sample, count, chosen);
	}
	return chosen;
}

/*
 * Of one part, by the index. FTS5 walks down the numbers by itself. Of which state a row is, the index of states tells before the row is read, which lies
 * anywhere. Without the "+" SQLite looks there for the range of numbers, of which each row is one, and not for the number.
 */
static void
add_index_sqlite(const struct reading *r, struct buf *sql)
{
	buf_add_text(sql, "request_index");
	if (r->filter->state != STORE_ANY)
		buf_add_text(sql, " CROSS JOIN request AS along INDEXED BY request_state ON along.state = ?3 AND along.number = +request_index.rowid");
	buf_add_text(sql, " CROSS JOIN request_search ON request_search.number = request_index.rowid CROSS JOIN request ON request.number = request_index.rowid"
			  " WHERE request_index MATCH ?8 AND request_index.rowid < ?1 AND request_index.rowid >= ?2 AND");
	add_conditions(r, sql);
	search_condition(&r->question, "request_search", VALUES + 2, sql);
	buf_add_text(sql, " ORDER BY request_index.rowid DESC LIMIT ?6");
}

/*
 * All parts (request_part(), schema_postgresql.c), one after the other from the newest, and no more of them than fill the page. What it goes along is in order, and so is what comes out, because a
 * subquery that looks at the row before it (LATERAL) can only be run for one after the other; an order asked for at the end would have all parts be read. "+ 0" keeps it from walking
 * down the numbers in the hope to meet the words soon. Of which state a row is, the index of states tells.
 */
static void
add_index_postgresql(const struct reading *r, struct buf *sql)
{
	buf_add_text(sql, "generate_series(request_part((SELECT max(number) FROM request_search WHERE number < ?1)), request_part(greatest(CAST(?2 AS BIGINT), 0)), -1) AS part"
			  " CROSS JOIN LATERAL (SELECT request_search.number FROM request_search WHERE"
			  " request_vector(request_search.number, request_search.words) @@ CAST(replace(?8, '" SEARCH_PART "', CAST(part AS TEXT)) AS TSQUERY)"
			  " AND request_search.number + 0 < ?1 AND request_search.number + 0 >= ?2");
	search_condition(&r->question, "request_search", VALUES + 2, sql);
	buf_add_text(sql, " ORDER BY request_search.number + 0 DESC OFFSET 0) AS found");
	if (r->filter->state != STORE_ANY)
		buf_add_text(sql, " CROSS JOIN LATERAL (SELECT request.number FROM request WHERE request.state = ?3 AND request.number = found.number OFFSET 0) AS along");
	buf_add_text(sql, ROW_OF_FOUND);
	add_conditions(r, sql);
	buf_add_text(sql, " LIMIT ?6");
}

static enum err
read_found(struct reading *r, uint32_t chosen, const char *part, int64_t below, int64_t from)
{
	struct buf sql = buf_new(SQL_MAX);
	struct query q;
	enum err e;

	buf_add_text(&sql, "SELECT " REQUEST_COLUMNS " FROM ");
	(is_sqlite(r) ? add_index_sqlite : add_index_postgresql)(r, &sql);
	q = query_new_once(r->store, buf_text(&sql));
	bind_conditions(&q, r, below, from, r->left);
	search_bind_index(&q, &r->question, chosen, part);
	search_bind(&q, &r->question);
	e = read_page(&q, r);
	buf_free(&sql);
	return e;
}

/* One part of the index after the other, from the newest, until the page is full. PostgreSQL does so in its statement, SQLite would sort what all parts have. */
static enum err
read_indexed_in_parts(struct reading *r, uint32_t chosen, int64_t below)
{
	for (;;) {
		int64_t newest, part, first;
		char number[24];
		enum err e = find_newest(r, below, &newest);

		if (e != ERR_OK || newest == 0 || newest < r->from)
			return e;
		part = newest / SEARCH_PART_ROWS;
		first = part * SEARCH_PART_ROWS;
		snprintf(number, sizeof(number), "%" PRId64, part);
		e = read_found(r, chosen, number, below, first > r->from ? first : r->from);
		if (e != ERR_OK || r->left == 0)
			return e;
		below = first;
	}
}

static enum err
read_indexed(struct reading *r, const struct sample *sample, int64_t below)
{
	uint32_t chosen = choose_words(sample, words_count(&r->question));

	return is_sqlite(r) ? read_indexed_in_parts(r, chosen, below) : read_found(r, chosen, SEARCH_PART, below, r->from);
}

static enum err
read_words(struct reading *r)
{
	struct sample sample;
	int64_t floor = r->from;
	enum err e = take_sample(r, &sample);
	bool common = sample.all * DEPTH > sample.rows * r->left;

	if (e == ERR_OK)
		e = find_floor(r, common ? 2 * DEPTH : FEW, &floor);
	if (e == ERR_OK && !common && floor > r->from)
		return read_indexed(r, &sample, r->below);
	if (e == ERR_OK)
		e = read_scanned(r, floor);
	if (e == ERR_OK && r->left != 0 && floor > r->from)
		e = read_indexed(r, &sample, floor);
	return e;
}

/* Whether anything can be met by what was said. */
static bool
ask_words(struct reading *r)
{
	const struct store_filter *f = r->filter;
	struct words_question *w = &r->question;

	return words_ask(w, WORDS_CUSTOMER, WORDS_ANYWHERE, f->customer) && words_ask(w, WORDS_EMAIL, WORDS_IN_A_ROW, f->email) &&
	       words_ask(w, WORDS_SERIAL, WORDS_IN_A_ROW, f->token_serial) && words_ask(w, WORDS_CERTIFICATE, WORDS_IN_A_ROW, f->certificate_serial);
}

static enum err
read_list(struct reading *r)
{
	enum err e;

	if (!ask_words(r))
		return ERR_OK;
	e = limit_by_dates(r);
	if (e != ERR_OK)
		return e;
	return r->question.count == 0 ? read_plain(r) : read_words(r);
}

enum err
store_request_list(struct store *s, const struct store_filter *filter, unsigned limit,
    void (*each)(const struct store_request *r, void *context), void *context)
{
	struct reading r = { .store = s, .filter = filter, .left = limit < STORE_PAGE_MAX ? limit : STORE_PAGE_MAX, .each = each, .context = context };
	enum err e;

	r.below = filter->before > 0 ? filter->before : INT64_MAX;
	r.question = words_question_new();
	e = read_list(&r);
	words_question_free(&r.question);
	return e;
}

enum err
store_request_list_token(struct store *s, const struct token_name *token, unsigned limit,
    void (*each)(const struct store_request *r, void *context), void *context)
{
	struct reading r = { .store = s, .each = each, .context = context };
	struct query q = query_new(s,
	    "SELECT " REQUEST_COLUMNS " FROM request WHERE serial = ? AND manufacturer = ? AND model = ? AND" QUERY_IN_SCOPE("request", "?") " ORDER BY number DESC LIMIT ?");

	query_text(&q, token->serial);
	query_text(&q, token->manufacturer);
	query_text(&q, token->model);
	query_scope(&q);
	query_int(&q, limit);
	return read_page(&q, &r);
}
