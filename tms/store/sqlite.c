/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite: one file beside the server. */
#include "sqlite.h"

#include "database.h"
#include "log.h"
#include "os.h"
#include "words.h"

#include <stdlib.h>

#define BUSY_MS 5000 /* how long a writer waits for another's commit */

struct sqlite {
	sqlite3 *db;
	struct {
		const char *sql;
		sqlite3_stmt *stmt;
	} kept[QUERY_KEPT];
};

sqlite3 *
sqlite_of(const struct store *s)
{
	return s->database == &database_sqlite ? ((const struct sqlite *)s->connection)->db : NULL;
}

/* ---- statements ---- */

static void
look_at(struct query *q, int code)
{
	if (code == SQLITE_OK)
		return;
	log_error("store", "code=%d cause=%s", code, sqlite3_errstr(code));
	q->failed = true;
}

/* The kept statement of that literal, unless it is in use further up the stack; NULL with a free place in *ret_slot, or -1. */
static sqlite3_stmt *
kept_statement(struct sqlite *c, const char *sql, int *ret_slot)
{
	*ret_slot = -1;
	for (int i = 0; i < QUERY_KEPT; i++) {
		if (c->kept[i].sql == sql)
			return sqlite3_stmt_busy(c->kept[i].stmt) ? NULL : c->kept[i].stmt;
		if (c->kept[i].sql == NULL) {
			*ret_slot = i;
			return NULL;
		}
	}
	return NULL;
}

static void
prepare(struct query *q, bool keep)
{
	struct sqlite *c = q->store->connection;
	sqlite3_stmt *stmt = NULL;
	int slot = -1;

	if (keep)
		stmt = kept_statement(c, q->sql, &slot);
	q->kept = stmt != NULL;
	if (stmt == NULL) {
		look_at(q, sqlite3_prepare_v3(c->db, q->sql, -1, keep ? SQLITE_PREPARE_PERSISTENT : 0, &stmt, NULL));
		q->kept = !q->failed && slot >= 0;
	}
	if (q->kept && slot >= 0) {
		c->kept[slot].sql = q->sql;
		c->kept[slot].stmt = stmt;
	}
	q->statement = stmt;
}

static void
bind_int(struct query *q, int64_t value)
{
	look_at(q, sqlite3_bind_int64(q->statement, q->bound + 1, value));
}

static void
bind_text(struct query *q, const char *text)
{
	look_at(q, sqlite3_bind_text(q->statement, q->bound + 1, text, -1, SQLITE_TRANSIENT));
}

static void
bind_bytes(struct query *q, const void *bytes, size_t len)
{
	/* a NULL pointer would be bound as NULL, and a BLOB of no bytes is what is meant */
	look_at(q, sqlite3_bind_blob64(q->statement, q->bound + 1, len != 0 ? bytes : "", len, SQLITE_TRANSIENT));
}

static bool
row(struct query *q)
{
	int code = sqlite3_step(q->statement);

	if (code != SQLITE_ROW && code != SQLITE_DONE)
		look_at(q, code);
	return code == SQLITE_ROW;
}

static int64_t
get_int(struct query *q, int column)
{
	return sqlite3_column_int64(q->statement, column);
}

static const void *
get_bytes(struct query *q, int column, size_t *ret_len)
{
	const void *bytes = sqlite3_column_blob(q->statement, column);

	*ret_len = (size_t)sqlite3_column_bytes(q->statement, column);
	if (*ret_len != 0 && bytes == NULL)
		look_at(q, SQLITE_NOMEM);
	return bytes;
}

static int
changed(struct query *q)
{
	return sqlite3_changes(sqlite_of(q->store));
}

static void
end(struct query *q)
{
	if (q->kept) {
		sqlite3_reset(q->statement);
		sqlite3_clear_bindings(q->statement);
	} else {
		sqlite3_finalize(q->statement);
	}
}

/* ---- transactions ---- */

static enum err
begin(struct store *s)
{
	return query_exec(s, "BEGIN IMMEDIATE");
}

static enum err
begin_reading(struct store *s)
{
	return query_exec(s, "BEGIN");
}

static enum err
commit(struct store *s)
{
	return query_exec(s, "COMMIT");
}

static bool
in_transaction(struct store *s)
{
	return !sqlite3_get_autocommit(sqlite_of(s));
}

static void
rollback(struct store *s)
{
	if (in_transaction(s))
		query_exec(s, "ROLLBACK");
}

/* ---- the version of its tables ---- */

bool
sqlite_version(sqlite3 *db, int64_t *ret_version)
{
	static const char sql[] = "SELECT user_version FROM pragma_user_version WHERE (SELECT count(*) FROM sqlite_schema WHERE name IN ('token', 'escrow', 'audit')) = 3";
	sqlite3_stmt *stmt = NULL;
	bool ours = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW;

	if (ours)
		*ret_version = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return ours;
}

static enum err
version(struct store *s, int64_t *ret_version)
{
	struct query q = query_new(s, "PRAGMA user_version");

	return query_number(&q, ret_version);
}

static enum err
script(struct store *s, const char *sql)
{
	char *cause = NULL;

	if (sqlite3_exec(sqlite_of(s), sql, NULL, NULL, &cause) == SQLITE_OK)
		return ERR_OK;
	log_error("store", "script cause=%s", cause != NULL ? cause : "");
	sqlite3_free(cause);
	return ERR_STORE_FAILED;
}

/* ---- the connection ---- */

/* SQLite's own wait grows to 100 ms a step, which is many commits: this one looks every millisecond. */
static int
wait_for_writer(void *context, int waited)
{
	(void)context;
	if (waited >= BUSY_MS)
		return 0;
	os_sleep_ms(1);
	return 1;
}

/* What every connection needs to keep the promises of store.h. FULL: a commit is on the disk when it returns. */
static enum err
set_up(struct store *s, sqlite3 *db)
{
	enum err e;

	sqlite3_busy_handler(db, wait_for_writer, NULL);
	sqlite3_extended_result_codes(db, 1);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	e = words_register(db) == SQLITE_OK ? ERR_OK : ERR_STORE_FAILED;
	if (e == ERR_OK)
		e = query_exec(s, "PRAGMA journal_mode = WAL");
	if (e == ERR_OK)
		e = query_exec(s, "PRAGMA synchronous = FULL");
	return e == ERR_OK ? query_exec(s, "PRAGMA foreign_keys = ON") : e;
}

static enum err
open_file(struct store *s, const char *path)
{
	struct sqlite *c = calloc(1, sizeof(*c));
	int code;

	if (c == NULL)
		return ERR_NO_MEMORY;
	s->connection = c;
	code = sqlite3_open_v2(path, &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, NULL);
	if (code == SQLITE_OK)
		return set_up(s, c->db);
	log_error("store", "path=%s cause=%s", path, sqlite3_errstr(code));
	return ERR_STORE_FAILED;
}

static void
close_file(struct store *s)
{
	struct sqlite *c = s->connection;

	if (c == NULL)
		return;
	for (int i = 0; i < QUERY_KEPT; i++)
		sqlite3_finalize(c->kept[i].stmt);
	sqlite3_close(c->db);
	free(c);
}

const struct database database_sqlite = {
	.open = open_file,
	.close = close_file,
	.begin = begin,
	.begin_reading = begin_reading,
	.commit = commit,
	.rollback = rollback,
	.in_transaction = in_transaction,
	.version = version,
	.script = script,
	.prepare = prepare,
	.bind_int = bind_int,
	.bind_text = bind_text,
	.bind_bytes = bind_bytes,
	.row = row,
	.get_int = get_int,
	.get_bytes = get_bytes,
	.changed = changed,
	.end = end,
};
