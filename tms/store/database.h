/* SPDX-License-Identifier: Apache-2.0 */
/*
 * database: what SQLite (sqlite.c) and PostgreSQL (postgres.c) each do for the store; private to the store's own files. Which of them it is, is known when the
 * configuration has been read, hence a table of functions.
 *
 * Both keep the promises of store.h. What one statement alone changes needs the right to write as well, and waits for who has it.
 */
#ifndef MOKHOA_DATABASE_H
#define MOKHOA_DATABASE_H

#include "query.h"

struct database {
	enum err (*open)(struct store *s, const char *where); /* what was opened is closed by close(), also after an error */
	void (*close)(struct store *s);

	enum err (*begin)(struct store *s);
	enum err (*begin_reading)(struct store *s);
	enum err (*commit)(struct store *s);
	void (*rollback)(struct store *s);
	bool (*in_transaction)(struct store *s);

	/* The number of steps that the tables have behind them, 0 where there are none; inside a transaction the one that is true until its end. */
	enum err (*version)(struct store *s, int64_t *ret_version);
	enum err (*script)(struct store *s, const char *sql); /* statements without values, each behind a semicolon */

	/* Of a statement: q->failed is set, and logged, where one fails. */
	void (*prepare)(struct query *q, bool keep);
	void (*bind_int)(struct query *q, int64_t value);
	void (*bind_text)(struct query *q, const char *text);
	void (*bind_bytes)(struct query *q, const void *bytes, size_t len);
	bool (*row)(struct query *q);
	int64_t (*get_int)(struct query *q, int column);
	const void *(*get_bytes)(struct query *q, int column, size_t *ret_len); /* until the next row */
	int (*changed)(struct query *q);					/* rows, by a statement that was run to its end */
	void (*end)(struct query *q);
};

extern const struct database database_sqlite;
extern const struct database database_postgresql;

/* Whether that is a database of PostgreSQL, by its URL, or the path of a file. */
bool database_is_url(const char *where);

#endif
