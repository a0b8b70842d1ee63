/* SPDX-License-Identifier: Apache-2.0 */
/* Audit rows as they are looked up: who did what to which request. chain.c appends them; the tables refuse to change or delete one (schema.c). */
#include "chain.h"
#include "query.h"

/* In the order in which read_rows() reads; a person is shown by his name. */
#define SELECT \
	"SELECT a.id, a.created, a.person, coalesce(nullif(n.actor, ''), p.name, a.who), a.what, a.number, a.token, a.detail, coalesce(n.text, '')" \
	" FROM audit a LEFT JOIN audit_note n ON n.id = a.id LEFT JOIN person p ON p.id = a.person "

enum err
store_audit_seen(struct store *s, const struct store_audit *row, int64_t since, bool *ret_seen)
{
	struct query q = query_new(s,
	    "SELECT 1 FROM audit a LEFT JOIN audit_note n ON n.id = a.id WHERE a.what = 'view' AND a.what = ? AND a.person = ? AND a.number = ? AND a.token = ? AND" QUERY_WITHIN("a.created") " AND a.detail = ? AND coalesce(n.text, '') = ? LIMIT 1");

	query_text(&q, row->what);
	query_int(&q, row->person);
	query_int(&q, row->number);
	query_int(&q, row->token);
	query_within(&q, since, row->created);
	query_text(&q, row->detail);
	query_text(&q, row->note);
	*ret_seen = query_row(&q);
	return query_end(&q);
}

enum err
store_audit_count(struct store *s, int64_t number, const char *what, int64_t *ret_count)
{
	struct query q = query_new(s, "SELECT count(*) FROM audit WHERE number = ? AND what = ?");

	query_int(&q, number);
	query_text(&q, what);
	return query_number(&q, ret_count);
}

/* The newest request among them; of exports alone the newest there is, because a mail hangs on one. */
enum err
store_audit_opened(struct store *s, int64_t since, int64_t now, int64_t *ret_count, int64_t *ret_number)
{
	struct query q = query_new(s, "SELECT count(*), coalesce(nullif(max(number), 0), (SELECT max(number) FROM request), 0) FROM audit WHERE what IN ('release', 'export') AND" QUERY_WITHIN("created"));

	query_within(&q, since, now);
	if (query_row(&q)) {
		*ret_count = query_get_int(&q);
		*ret_number = query_get_int(&q);
	}
	return query_end(&q);
}

enum err
store_audit_newest(struct store *s, int64_t *ret_when)
{
	struct query q = query_new(s, "SELECT created FROM audit ORDER BY id DESC LIMIT 1");

	*ret_when = 0;
	return query_number(&q, ret_when);
}

enum err
store_audit_alarmed(struct store *s, int64_t since, int64_t now, bool *ret_alarmed)
{
	struct query q = query_new(s, "SELECT 1 FROM audit WHERE what = 'alarm' AND" QUERY_WITHIN("created") " LIMIT 1");

	query_within(&q, since, now);
	*ret_alarmed = query_row(&q);
	return query_end(&q);
}

static enum err
read_rows(struct query *q, void (*each)(const struct store_audit *row, void *context), void *context)
{
	struct store_audit row;

	while (query_row(q)) {
		row.id = query_get_int(q);
		row.created = query_get_int(q);
		row.person = query_get_int(q);
		query_get_text(q, row.who, sizeof(row.who));
		query_get_text(q, row.what, sizeof(row.what));
		row.number = query_get_int(q);
		row.token = query_get_int(q);
		query_get_text(q, row.detail, sizeof(row.detail));
		query_get_text(q, row.note, sizeof(row.note));
		if (query_good(q))
			each(&row, context);
	}
	return query_end(q);
}

/* A row about what the scope has: it is as secret as that. */
#define ABOUT_REQUEST " (? = '' OR EXISTS (SELECT 1 FROM request WHERE request.number = a.number AND" QUERY_IN_SCOPE("request", "?") "))"
#define ABOUT_TOKEN   " (? = '' OR EXISTS (SELECT 1 FROM token WHERE token.id = a.token AND" QUERY_IN_SCOPE("token", "?") "))"

enum err
store_audit_list(struct store *s, int64_t number, void (*each)(const struct store_audit *row, void *context), void *context)
{
	struct query q = query_new(s, SELECT "WHERE a.number = ? AND a.what <> 'view' AND" ABOUT_REQUEST " ORDER BY a.id");

	query_int(&q, number);
	query_scope(&q);
	query_scope(&q);
	return read_rows(&q, each, context);
}

enum err
store_audit_list_token(struct store *s, int64_t token, unsigned max, void (*each)(const struct store_audit *row, void *context), void *context)
{
	struct query q = query_new(s,
	    SELECT "WHERE a.id IN (SELECT id FROM audit WHERE token = ? AND token <> 0 AND what <> 'view' ORDER BY id DESC LIMIT ?) AND" ABOUT_TOKEN " ORDER BY a.id");

	query_int(&q, token);
	query_int(&q, max);
	query_scope(&q);
	query_scope(&q);
	return read_rows(&q, each, context);
}
