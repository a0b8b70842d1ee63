/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed rows by the key of the vault and by whether their value is that of other tokens, too. */
#include "database.h"

#include <string.h>

enum err
store_token_describe(struct store *s, int64_t id, bool shared, const char *key)
{
	struct query q = query_new(s, "UPDATE escrow SET shared = ?, key = ? WHERE id = (SELECT active FROM token WHERE id = ?)");

	query_int(&q, shared);
	query_text(&q, key);
	query_int(&q, id);
	return query_run(&q, NULL);
}

enum err
store_escrow_first(struct store *s, int64_t token, int64_t *ret_id)
{
	struct query q = query_new(s, "SELECT min(id) FROM escrow WHERE token = ?");

	query_int(&q, token);
	return query_number(&q, ret_id);
}

enum err
store_escrow_walk(struct store *s, int64_t after, const char *key, struct store_sealed *ret_rows, size_t max, size_t *ret_count)
{
	struct query q = query_new(s,
	    "SELECT escrow.id, manufacturer, model, serial, version, sealed, escrow.key, escrow.retired FROM escrow JOIN token ON token.id = escrow.token"
	    " WHERE escrow.id > ? AND escrow.key <> ? ORDER BY escrow.id LIMIT ?");
	size_t count = 0;

	query_int(&q, after);
	query_text(&q, key);
	query_int(&q, (int64_t)max);
	while (count < max && query_row(&q)) {
		struct store_sealed *row = &ret_rows[count++];
		row->id = query_get_int(&q);
		query_get_text(&q, row->token.manufacturer, sizeof(row->token.manufacturer));
		query_get_text(&q, row->token.model, sizeof(row->token.model));
		query_get_text(&q, row->token.serial, sizeof(row->token.serial));
		row->version = (uint64_t)query_get_int(&q);
		query_get_bytes(&q, row->sealed, sizeof(row->sealed));
		query_get_text(&q, row->key, sizeof(row->key));
		row->candidate = query_get_int(&q) == 0;
	}
	*ret_count = count;
	return query_end(&q);
}

enum err
store_escrow_rewrap(struct store *s, const struct store_sealed *row, const unsigned char sealed[TRANSCRIPT_ESCROW_ROW_LEN], const char *key, bool *ret_candidate)
{
	struct query q = query_new(s, "UPDATE escrow SET sealed = ?, key = ? WHERE id = ? AND sealed = ? RETURNING retired");

	query_bytes(&q, sealed, TRANSCRIPT_ESCROW_ROW_LEN);
	query_text(&q, key);
	query_int(&q, row->id);
	query_bytes(&q, row->sealed, sizeof(row->sealed));
	*ret_candidate = query_row(&q) && query_get_int(&q) == 0;
	return query_end(&q);
}

enum err
store_escrow_count_other(struct store *s, const char *key, int64_t *ret_count)
{
	struct query q = query_new(s, "SELECT count(*) FROM escrow WHERE key <> ?");

	query_text(&q, key);
	return query_number(&q, ret_count);
}

enum err
store_token_count_shared(struct store *s, int64_t *ret_shared, int64_t *ret_must_rotate)
{
	struct query q = query_new(s,
	    "SELECT count(*), count(*) FILTER (WHERE exposed <> 0) FROM escrow JOIN token ON token.active = escrow.id WHERE shared = 1");

	if (query_row(&q)) {
		*ret_shared = query_get_int(&q);
		*ret_must_rotate = query_get_int(&q);
	}
	return query_end(&q);
}

enum err
store_token_must_rotate(struct store *s, const struct store_token *t, bool *ret)
{
	struct store_escrow row;
	enum err e = store_escrow_by_id(s, t->active, &row);

	if (e == ERR_OK)
		*ret = row.shared && t->exposed != 0;
	return e;
}

enum err
store_escrow_mark(struct store *s, char ret_mark[STORE_MARK_SIZE])
{
	struct query q = query_new(s, "SELECT mark FROM escrow_log");

	ret_mark[0] = '\0';
	if (query_row(&q))
		query_get_text(&q, ret_mark, STORE_MARK_SIZE);
	return query_end(&q);
}

enum err
store_escrow_set_mark(struct store *s, const char *mark)
{
	struct query q;
	enum err e = query_exec(s, "DELETE FROM escrow_log");

	if (e != ERR_OK || mark[0] == '\0')
		return e;
	q = query_new(s, "INSERT INTO escrow_log (mark) VALUES (?)");
	query_text(&q, mark);
	return query_run(&q, NULL);
}
