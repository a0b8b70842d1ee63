/* SPDX-License-Identifier: Apache-2.0 */
#include "query.h"

#include "database.h"
#include "log.h"

#include <string.h>

static struct query
new_query(struct store *s, const char *sql, bool keep)
{
	struct query q = { .store = s, .sql = sql };

	s->database->prepare(&q, keep);
	return q;
}

struct query
query_new(struct store *s, const char *sql)
{
	return new_query(s, sql, true);
}

struct query
query_new_each(struct store *s, const char *sqlite, const char *postgresql)
{
	return new_query(s, s->database == &database_sqlite ? sqlite : postgresql, true);
}

struct query
query_new_once(struct store *s, const char *sql)
{
	return new_query(s, sql, false);
}

void
query_int(struct query *q, int64_t value)
{
	if (!q->failed)
		q->store->database->bind_int(q, value);
	q->bound++;
}

void
query_text(struct query *q, const char *text)
{
	if (!q->failed)
		q->store->database->bind_text(q, text);
	q->bound++;
}

void
query_bytes(struct query *q, const void *bytes, size_t len)
{
	if (!q->failed)
		q->store->database->bind_bytes(q, bytes, len);
	q->bound++;
}

void
query_buf(struct query *q, struct buf *text)
{
	const char *t = buf_text(text);

	if (t == NULL || buf_error(text) != ERR_OK) {
		log_error("store", "cause=%s", err_name(buf_error(text)));
		q->failed = true;
	} else {
		query_text(q, t);
	}
}

void
query_within(struct query *q, int64_t since, int64_t now)
{
	query_int(q, since);
	query_int(q, now);
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
	q->column = 0;
	return !q->failed && q->store->database->row(q);
}

int64_t
query_get_int(struct query *q)
{
	return q->failed ? 0 : q->store->database->get_int(q, q->column++);
}

/* What a column has is not what this program has room for. */
static void
misfit(struct query *q, size_t len)
{
	log_error("store", "column=%d bytes=%zu cause=does not fit", q->column, len);
	q->failed = true;
}

size_t
query_get_upto(struct query *q, void *ret, size_t max)
{
	const void *bytes;
	size_t len = 0;

	if (q->failed)
		return 0;
	bytes = q->store->database->get_bytes(q, q->column++, &len);
	if (len > max)
		misfit(q, len);
	if (q->failed || len == 0)
		return 0;
	memcpy(ret, bytes, len);
	return len;
}

void
query_get_bytes(struct query *q, void *ret, size_t len)
{
	size_t got = query_get_upto(q, ret, len);

	if (got != len && !q->failed)
		misfit(q, got);
}

void
query_get_text(struct query *q, char *ret, size_t size)
{
	ret[query_get_upto(q, ret, size - 1)] = '\0';
}

bool
query_good(const struct query *q)
{
	return !q->failed;
}

enum err
query_end(struct query *q)
{
	q->store->database->end(q);
	q->statement = NULL;
	return q->failed ? ERR_STORE_FAILED : ERR_OK;
}

enum err
query_run(struct query *q, int *ret_changed)
{
	while (query_row(q))
		;
	if (!q->failed && ret_changed != NULL)
		*ret_changed = q->store->database->changed(q);
	return query_end(q);
}

enum err
query_insert(struct query *q, int64_t *ret_id, int *ret_changed)
{
	int64_t id = 0;
	int count = 0;
	enum err e;

	while (query_row(q)) {
		id = query_get_int(q);
		count++;
	}
	e = query_end(q);
	if (e != ERR_OK)
		return e;
	if (count != 0)
		*ret_id = id;
	if (ret_changed != NULL)
		*ret_changed = count;
	return ERR_OK;
}

enum err
query_number(struct query *q, int64_t *ret)
{
	if (query_row(q))
		*ret = query_get_int(q);
	return query_end(q);
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
