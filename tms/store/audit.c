/* SPDX-License-Identifier: Apache-2.0 */
/* Audit rows: who did what to which request. The tables refuse to change or delete one (schema.c). */
#include "query.h"

enum err
store_audit_add(struct store *s, const struct store_audit *row)
{
	struct query q = query_new(s, "INSERT INTO audit (created, who, what, number, detail) VALUES (?, ?, ?, ?, ?)");

	query_int(&q, row->created);
	query_text(&q, row->who);
	query_text(&q, row->what);
	query_int(&q, row->number);
	query_text(&q, row->detail);
	return query_run(&q, NULL);
}

enum err
store_audit_count(struct store *s, int64_t number, const char *what, int64_t *ret_count)
{
	struct query q = query_new(s, "SELECT count(*) FROM audit WHERE number = ? AND what = ?");

	query_int(&q, number);
	query_text(&q, what);
	if (query_row(&q))
		*ret_count = query_get_int(&q);
	return query_end(&q);
}

enum err
store_audit_list(struct store *s, int64_t number, void (*each)(const struct store_audit *row, void *context), void *context)
{
	struct query q = query_new(s, "SELECT id, created, who, what, number, detail FROM audit WHERE number = ? ORDER BY id");
	struct store_audit row;

	query_int(&q, number);
	while (query_row(&q)) {
		row.id = query_get_int(&q);
		row.created = query_get_int(&q);
		query_get_text(&q, row.who, sizeof(row.who));
		query_get_text(&q, row.what, sizeof(row.what));
		row.number = query_get_int(&q);
		query_get_text(&q, row.detail, sizeof(row.detail));
		if (q.code == SQLITE_OK)
			each(&row, context);
	}
	return query_end(&q);
}
