/* SPDX-License-Identifier: Apache-2.0 */
/*
 * query: one statement on its way through binding, rows and end; private to the store's own files.
 *
 * Values are bound and columns read in the order of the calls. The first thing that goes wrong is remembered (and was logged where it arose): everything after
 * it does nothing, and query_end() tells. A struct query lives on the stack of one function.
 *
 * The SQL is what SQLite and PostgreSQL both take: "?" or "?1" stand for values, INTEGER is 64 bits wide, what a row was given is asked for with RETURNING id. Where
 * no form does for both, query_new_each() has one for each.
 */
#ifndef MOKHOA_QUERY_H
#define MOKHOA_QUERY_H

#include "buf.h"
#include "store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUERY_KEPT 128 /* statements that a connection keeps prepared */

struct database;

struct store {
	const struct database *database;
	void *connection;	       /* of the database's own file */
	char scope[STORE_AGENCY_SIZE]; /* store_scope() */
};

struct query {
	struct store *store;
	const char *sql;
	void *statement; /* of the database's own file */
	bool kept;	 /* the statement belongs to the connection */
	bool failed;
	int bound;
	int column;
};

/* sql is a literal: it is what the statement is kept by. */
struct query query_new(struct store *s, const char *sql);

/* The same of two literals. */
struct query query_new_each(struct store *s, const char *sqlite, const char *postgresql);

/* A statement that was put together: not kept, and planned for the values that it has. sql lives as long as the query. */
struct query query_new_once(struct store *s, const char *sql);

void query_int(struct query *q, int64_t value);
void query_text(struct query *q, const char *text);
void query_bytes(struct query *q, const void *bytes, size_t len);
void query_buf(struct query *q, struct buf *text); /* fails where the buffer did */

/* Rows since a time and not later than now: a condition of WHERE about their time, whose two values query_within() binds. */
#define QUERY_WITHIN(column) " " column " > ? AND " column " <= ?"
void query_within(struct query *q, int64_t since, int64_t now);

/*
 * What a person of an agency sees: a condition of WHERE about a row of `table`, with `value` for the parameter that query_scope() binds. Here and nowhere else. Every statement
 * by which the desk reads a request, a token, or what belongs to one has it.
 */
#define QUERY_IN_SCOPE(table, value) " " value " IN ('', " table ".agency)"
void query_scope(struct query *q);

/*
 * The same where an index must answer: `all` is asked where everything is seen, else `own`, which says QUERY_OWN() and gets the agency as its first value. The other values are those of
 * both.
 */
#define QUERY_OWN(table) " " table ".agency = ? AND " table ".agency <> ''"
struct query query_new_in_scope(struct store *s, const char *all, const char *own);

/* True when there is a (further) row to read. */
bool query_row(struct query *q);

int64_t query_get_int(struct query *q);			      /* 0 for NULL */
void query_get_text(struct query *q, char *ret, size_t size); /* a text that does not fit is an error */
void query_get_bytes(struct query *q, void *ret, size_t len); /* exactly len */
size_t query_get_upto(struct query *q, void *ret, size_t max);

/* Whether all went well so far: a row whose columns could not be read is not to be shown. */
bool query_good(const struct query *q);

/* Gives the statement back. ERR_STORE_FAILED for whatever went wrong. */
enum err query_end(struct query *q);

/* Runs what is left and ends; for statements without rows. *ret_changed may be NULL. */
enum err query_run(struct query *q, int *ret_changed);

/* The same for one that inserts a row and has RETURNING with its number; *ret_changed as well where ON CONFLICT DO NOTHING may leave it out. */
enum err query_insert(struct query *q, int64_t *ret_id, int *ret_changed);

/* Ends a query for one number; *ret stays what it was where there is no row. */
enum err query_number(struct query *q, int64_t *ret);

/* Ends a query for one row that was or was not found. */
enum err query_found(struct query *q, bool found, enum err missing);

/* One statement without values. */
enum err query_exec(struct store *s, const char *sql);

#endif
