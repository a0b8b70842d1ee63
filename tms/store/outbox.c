/* SPDX-License-Identifier: Apache-2.0 */
/* Mails that must go out, and the public halves of the codes that went with them. */
#include "query.h"

#include "text.h"

#define CODES_ALIVE "3" /* a customer may hold the newest mails in any order */

static const char *const kinds[STORE_MAIL_COUNT] = {
	[STORE_MAIL_CODE] = "code",
	[STORE_MAIL_REFUSED] = "refused",
	[STORE_MAIL_EXPIRED] = "expired",
	[STORE_MAIL_UNLOCKED] = "unlocked",
	[STORE_MAIL_UNKNOWN] = "unknown",
	[STORE_MAIL_ADDRESS_CHANGED] = "address_changed",
	[STORE_MAIL_REVOKED] = "revoked",
	[STORE_MAIL_ALARM] = "alarm",
	[STORE_MAIL_WAITING] = "waiting",
};

static const char *const states[STORE_OUTBOX_STATE_COUNT] = {
	[STORE_OUTBOX_QUEUED] = "queued",
	[STORE_OUTBOX_SENDING] = "sending",
	[STORE_OUTBOX_SENT] = "sent",
	[STORE_OUTBOX_FAILED] = "failed",
};

const char *
store_mail_name(enum store_mail kind)
{
	return kind >= 0 && kind < STORE_MAIL_COUNT ? kinds[kind] : "";
}

#define COLUMNS "id, number, kind, recipient, state, tries, due, created, error"

static void
read_outbox(struct query *q, struct store_outbox *row)
{
	char kind[32];
	char state[16];

	row->id = query_get_int(q);
	row->number = query_get_int(q);
	query_get_text(q, kind, sizeof(kind));
	row->kind = (enum store_mail)text_place(kinds, STORE_MAIL_COUNT, kind);
	query_get_text(q, row->to, sizeof(row->to));
	query_get_text(q, state, sizeof(state));
	row->state = (enum store_outbox_state)text_place(states, STORE_OUTBOX_STATE_COUNT, state);
	row->tries = (unsigned)query_get_int(q);
	row->due = query_get_int(q);
	row->created = query_get_int(q);
	query_get_text(q, row->error, sizeof(row->error));
}

enum err
store_outbox_insert(struct store *s, const struct store_outbox *row, int64_t *ret_id)
{
	struct query q = query_new(s, "INSERT INTO outbox (number, kind, recipient, state, due, created) VALUES (?, ?, ?, ?, ?, ?) RETURNING id");

	query_int(&q, row->number);
	query_text(&q, store_mail_name(row->kind));
	query_text(&q, row->to);
	query_text(&q, states[row->state]);
	query_int(&q, row->due);
	query_int(&q, row->created);
	return query_insert(&q, ret_id, NULL);
}

enum err
store_outbox_claim(struct store *s, int64_t now, int64_t lease, struct store_outbox *ret, bool *ret_found)
{
	struct query q = query_new(s,
	    "UPDATE outbox SET state = 'sending', tries = tries + 1, due = ? WHERE id ="
	    " (SELECT id FROM outbox WHERE state IN ('queued', 'sending') AND due <= ? ORDER BY due, id LIMIT 1) RETURNING " COLUMNS);
	bool found = false;
	enum err e;

	query_int(&q, lease);
	query_int(&q, now);
	while (query_row(&q)) {
		read_outbox(&q, ret);
		found = true;
	}
	e = query_end(&q);
	if (e == ERR_OK)
		*ret_found = found;
	return e;
}

enum err
store_outbox_finish(struct store *s, int64_t id, enum store_outbox_state state, int64_t due, const char *error)
{
	struct query q = query_new(s, "UPDATE outbox SET state = ?, due = ?, error = ? WHERE id = ?");

	query_text(&q, states[state]);
	query_int(&q, due);
	query_text(&q, error);
	query_int(&q, id);
	return query_run(&q, NULL);
}

enum err
store_outbox_count(struct store *s, int64_t number, enum store_mail kind, int64_t since, int64_t *ret_count, int64_t *ret_newest)
{
	struct query q = query_new(s, "SELECT count(*), coalesce(max(created), 0) FROM outbox WHERE number = ? AND kind = ? AND created >= ?");

	query_int(&q, number);
	query_text(&q, store_mail_name(kind));
	query_int(&q, since);
	if (query_row(&q)) {
		*ret_count = query_get_int(&q);
		*ret_newest = query_get_int(&q);
	}
	return query_end(&q);
}

enum err
store_outbox_last_waiting(struct store *s, int64_t *ret_number, int64_t *ret_created)
{
	struct query q = query_new(s, "SELECT number, created FROM outbox WHERE kind = 'waiting' ORDER BY id DESC LIMIT 1");

	*ret_number = 0;
	*ret_created = 0;
	if (query_row(&q)) {
		*ret_number = query_get_int(&q);
		*ret_created = query_get_int(&q);
	}
	return query_end(&q);
}

enum err
store_outbox_by_id(struct store *s, int64_t id, struct store_outbox *ret)
{
	struct query q = query_new(s, "SELECT " COLUMNS " FROM outbox WHERE id = ?");
	bool found;

	query_int(&q, id);
	found = query_row(&q);
	if (found)
		read_outbox(&q, ret);
	return query_found(&q, found, ERR_REQUEST_UNKNOWN);
}

/* What nobody got, as far as the scope sees it; the two values are query_scope()'s. */
#define FAILED \
	"state = 'failed' AND error <> 'state_wrong' AND (? = '' OR (kind NOT IN ('alarm', 'waiting')" \
	" AND EXISTS (SELECT 1 FROM request WHERE request.number = outbox.number AND" QUERY_IN_SCOPE("request", "?") ")))"

static void
scope_failed(struct query *q)
{
	query_scope(q);
	query_scope(q);
}

enum err
store_outbox_failed(struct store *s, unsigned limit, void (*each)(const struct store_outbox *row, void *context), void *context)
{
	struct query q = query_new(s, "SELECT " COLUMNS " FROM outbox WHERE " FAILED " ORDER BY id DESC LIMIT ?");
	struct store_outbox row;

	scope_failed(&q);
	query_int(&q, limit);
	while (query_row(&q)) {
		read_outbox(&q, &row);
		if (query_good(&q))
			each(&row, context);
	}
	return query_end(&q);
}

enum err
store_outbox_failed_count(struct store *s, int64_t *ret_count)
{
	struct query q = query_new(s, "SELECT count(*) FROM outbox WHERE " FAILED);

	scope_failed(&q);
	return query_number(&q, ret_count);
}

enum err
store_outbox_retry(struct store *s, int64_t id, int64_t now)
{
	struct query q = query_new(s, "UPDATE outbox SET state = 'queued', tries = 0, due = ?, error = '' WHERE id = ? AND recipient <> '' AND " FAILED);
	int changed = 0;
	enum err e;

	query_int(&q, now);
	query_int(&q, id);
	scope_failed(&q);
	e = query_run(&q, &changed);
	return e == ERR_OK && changed != 1 ? ERR_MAIL_UNKNOWN : e;
}

/* Deletes what is older than the codes that may live. */
static enum err
trim_codes(struct store *s, int64_t number)
{
	struct query q = query_new(s,
	    "DELETE FROM code WHERE number = ?1 AND id NOT IN (SELECT id FROM code WHERE number = ?1 ORDER BY id DESC LIMIT " CODES_ALIVE ")");

	query_int(&q, number);
	return query_run(&q, NULL);
}

enum err
store_code_insert(struct store *s, const struct store_code *c, int64_t *ret_id)
{
	struct query q = query_new(s, "INSERT INTO code (number, public_key, created, expires) VALUES (?, ?, ?, ?) RETURNING id");
	int64_t id = 0;
	enum err e;

	query_int(&q, c->number);
	query_bytes(&q, c->public_key, sizeof(c->public_key));
	query_int(&q, c->created);
	query_int(&q, c->expires);
	e = query_insert(&q, &id, NULL);
	if (e == ERR_OK)
		e = trim_codes(s, c->number);
	if (e == ERR_OK)
		*ret_id = id;
	return e;
}

enum err
store_code_delete(struct store *s, int64_t id)
{
	struct query q = query_new(s, "DELETE FROM code WHERE id = ?");

	query_int(&q, id);
	return query_run(&q, NULL);
}

enum err
store_code_delete_of(struct store *s, int64_t number)
{
	struct query q = query_new(s, "DELETE FROM code WHERE number = ?");

	query_int(&q, number);
	return query_run(&q, NULL);
}

enum err
store_code_list(struct store *s, int64_t number, struct store_code ret[STORE_CODES_MAX], size_t *ret_count)
{
	struct query q = query_new(s, "SELECT id, public_key, created, expires FROM code WHERE number = ? ORDER BY id DESC LIMIT ?");
	size_t count = 0;

	query_int(&q, number);
	query_int(&q, STORE_CODES_MAX);
	while (count < STORE_CODES_MAX && query_row(&q)) {
		ret[count].id = query_get_int(&q);
		ret[count].number = number;
		query_get_bytes(&q, ret[count].public_key, sizeof(ret[count].public_key));
		ret[count].created = query_get_int(&q);
		ret[count++].expires = query_get_int(&q);
	}
	*ret_count = count;
	return query_end(&q);
}
