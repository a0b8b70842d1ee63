/* SPDX-License-Identifier: Apache-2.0 */
/*
 * query: one prepared statement on its way through binding, rows and end; private to the store's own files.
 *
 * Values are bound and columns read in the order of the calls. The first thing that goes wrong is remembered: everything after it does
 * nothing, and query_end() tells. A struct query lives on the stack of one function.
 */
#ifndef MOKHOA_QUERY_H
#define MOKHOA_QUERY_H

#include "store.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUERY_KEPT 64 /* statements that a connection keeps prepared */

struct store {
	sqlite3 *db;
	char scope[STORE_AGENCY_SIZE]; /* store_scope() */
	struct {
		const char *sql;
		sqlite3_stmt *stmt;
	} kept[QUERY_KEPT];
};

struct query {
	struct store *store;
	sqlite3_stmt *stmt;
	bool kept; /* belongs to the connection */
	int bound;
	int column;
	int code; /* of SQLite; SQLITE_OK so far */
};

/* sql is a literal: it is what the statement is kept by. */
struct query query_new(struct store *s, const char *sql);

void query_int(struct query *q, int64_t value);
void query_text(struct query *q, const char *text);
void query_bytes(struct query *q, const void *bytes, size_t len);

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

int64_t query_get_int(struct query *q);
void query_get_text(struct query *q, char *ret, size_t size); /* a text that does not fit is an error */
void query_get_bytes(struct query *q, void *ret, size_t len); /* exactly len */
size_t query_get_upto(struct query *q, void *ret, size_t max);

/* Gives the statement back. ERR_STORE_FAILED for whatever went wrong. */
enum err query_end(struct query *q);

/* Runs what is left and ends; for statements without rows. *ret_changed may be NULL. */
enum err query_run(struct query *q, int *ret_changed);

/* Ends a query for one row that was or was not found. */
enum err query_found(struct query *q, bool found, enum err missing);

/* One statement without values. */
enum err query_exec(struct store *s, const char *sql);

#endif
