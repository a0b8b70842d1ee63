/* SPDX-License-Identifier: Apache-2.0 */
#include "query.h"

#include "log.h"

#include <string.h>

/* The kept statement of that literal, unless it is in use further up the stack; NULL with a free place in *ret_slot, or -1. */
static sqlite3_stmt *
kept_statement(struct store *s, const char *sql, int *ret_slot)
{
	*ret_slot = -1;
	for (int i = 0; i < QUERY_KEPT; i++) {
		if (s->kept[i].sql == sql)
			return sqlite3_stmt_busy(s->kept[i].stmt) ? NULL : s->kept[i].stmt;
		if (s->kept[i].sql == NULL) {
			*ret_slot = i;
			return NULL;
		}
	}
	return NULL;
}

struct query
query_new(struct store *s, const char *sql)
{
	struct query q = { .store = s, .code = SQLITE_OK };
	int slot;

	q.stmt = kept_statement(s, sql, &slot);
	if (q.stmt == NULL) {
		q.code = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &q.stmt, NULL);
		if (q.code != SQLITE_OK || slot < 0)
			return q;
		s->kept[slot].sql = sql;
		s->kept[slot].stmt = q.stmt;
	}
	q.kept = true;
	return q;
}

void
query_int(struct query *q, int64_t value)
{
	if (q->code == SQLITE_OK)
		q->code = sqlite3_bind_int64(q->stmt, ++q->bound, value);
}

void
query_text(struct query *q, const char *text)
{
	if (q->code == SQLITE_OK)
		q->code = sqlite3_bind_text(q->stmt, ++q->bound, text, -1, SQLITE_TRANSIENT);
}

void
query_bytes(struct query *q, const void *bytes, size_t len)
{
	/* a NULL pointer would be bound as NULL, and a BLOB of no bytes is what is meant */
	if (q->code == SQLITE_OK)
		q->code = sqlite3_bind_blob64(q->stmt, ++q->bound, len != 0 ? bytes : "", len, SQLITE_TRANSIENT);
}

void
query_scope(struct query *q)
{
	query_text(q, q->store->scope);
}

struct query
query_new_in_scope(struct store *s, const char *all, const char *own)
{
	struct query q = query_new(s, s->scope[0] == '\0' ? all : own);

	if (s->scope[0] != '\0')
		query_scope(&q);
	return q;
}

bool
query_row(struct query *q)
{
	int code;

	if (q->code != SQLITE_OK)
		return false;
	q->column = 0;
	code = sqlite3_step(q->stmt);
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		q->code = code;
	return code == SQLITE_ROW;
}

int64_t
query_get_int(struct query *q)
{
	return q->code == SQLITE_OK ? sqlite3_column_int64(q->stmt, q->column++) : 0;
}

size_t
query_get_upto(struct query *q, void *ret, size_t max)
{
	const void *bytes;
	size_t len;

	if (q->code != SQLITE_OK)
		return 0;
	bytes = sqlite3_column_blob(q->stmt, q->column);
	len = (size_t)sqlite3_column_bytes(q->stmt, q->column++);
	if (len > max || (len != 0 && bytes == NULL)) {
		q->code = SQLITE_TOOBIG;
		return 0;
	}
	if (len != 0)
		memcpy(ret, bytes, len);
	return len;
}

void
query_get_bytes(struct query *q, void *ret, size_t len)
{
	if (query_get_upto(q, ret, len) != len && q->code == SQLITE_OK)
		q->code = SQLITE_MISMATCH;
}

void
query_get_text(struct query *q, char *ret, size_t size)
{
	ret[query_get_upto(q, ret, size - 1)] = '\0';
}

enum err
query_end(struct query *q)
{
	int code = q->code;

	if (code != SQLITE_OK)
		log_error("store", "code=%d cause=%s", code, sqlite3_errstr(code));
	if (q->kept) {
		sqlite3_reset(q->stmt);
		sqlite3_clear_bindings(q->stmt);
	} else {
		sqlite3_finalize(q->stmt);
	}
	q->stmt = NULL;
	return code == SQLITE_OK ? ERR_OK : ERR_STORE_FAILED;
}

enum err
query_run(struct query *q, int *ret_changed)
{
	enum err e;

	while (query_row(q))
		;
	if (q->code == SQLITE_OK && ret_changed != NULL)
		*ret_changed = sqlite3_changes(q->store->db);
	e = query_end(q);
	return e;
}

enum err
query_found(struct query *q, bool found, enum err missing)
{
	enum err e = query_end(q);

	return e != ERR_OK ? e : found ? ERR_OK
				       : missing;
}

enum err
query_exec(struct store *s, const char *sql)
{
	struct query q = query_new(s, sql);

	return query_run(&q, NULL);
}
