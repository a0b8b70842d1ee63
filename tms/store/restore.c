/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a restore makes of a backup: tokens that the escrow log knows newer candidates of, and requests that may have gone on. Where the lines of the log begin is
 * noted in a table of this connection alone, one row a token, because there may be tens of millions.
 */
#include "query.h"

#include "text.h"

#include <stdio.h>
#include <string.h>

/* ---- which line of the log is a token's last ---- */

enum err
store_log_begin(struct store *s)
{
	return query_exec(s,
	    "CREATE TEMP TABLE logged (manufacturer TEXT NOT NULL, model TEXT NOT NULL, serial TEXT NOT NULL, at BIGINT NOT NULL UNIQUE,"
	    " restored INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (serial, manufacturer, model))");
}

enum err
store_log_note(struct store *s, const struct token_name *token, int64_t at)
{
	struct query q = query_new(s,
	    "INSERT INTO logged (manufacturer, model, serial, at) VALUES (?, ?, ?, ?)"
	    " ON CONFLICT (serial, manufacturer, model) DO UPDATE SET at = excluded.at");

	query_text(&q, token->manufacturer);
	query_text(&q, token->model);
	query_text(&q, token->serial);
	query_int(&q, at);
	return query_run(&q, NULL);
}

enum err
store_log_next(struct store *s, enum store_restored restored, int64_t after, int64_t *ret_at, bool *ret_found)
{
	struct query q = query_new(s, "SELECT at FROM logged WHERE restored = ? AND at > ? ORDER BY at LIMIT 1");

	query_int(&q, restored);
	query_int(&q, after);
	*ret_found = query_row(&q);
	if (*ret_found)
		*ret_at = query_get_int(&q);
	return query_end(&q);
}

enum err
store_log_count(struct store *s, int64_t *ret_tokens, int64_t *ret_unknown)
{
	struct query q = query_new(s,
	    "SELECT count(*), count(*) FILTER (WHERE token.id IS NULL) FROM logged LEFT JOIN token USING (serial, manufacturer, model)");

	if (query_row(&q)) {
		*ret_tokens = query_get_int(&q);
		*ret_unknown = query_get_int(&q);
	}
	return query_end(&q);
}

/* ---- tokens ---- */

/* The row of those very bytes, 0 where there is none. */
static enum err
find_row(struct store *s, int64_t token, const struct store_candidate *row, int64_t *ret_id)
{
	struct query q = query_new(s, "SELECT id FROM escrow WHERE token = ? AND sealed = ?");

	query_int(&q, token);
	query_bytes(&q, row->sealed, sizeof(row->sealed));
	*ret_id = 0;
	return query_number(&q, ret_id);
}

static enum err
find_or_insert_row(struct store *s, int64_t token, const struct store_candidate *row, int64_t now, int64_t *ret_id)
{
	struct store_escrow fresh = { .token = token, .version = row->version, .shared = row->shared, .created = now };
	struct query q;
	enum err e = find_row(s, token, row, ret_id);

	if (e != ERR_OK)
		return e;
	if (*ret_id == 0) {
		memcpy(fresh.sealed, row->sealed, sizeof(fresh.sealed));
		return store_escrow_insert(s, &fresh, ret_id);
	}
	q = query_new(s, "UPDATE escrow SET retired = 0 WHERE id = ?");
	query_int(&q, *ret_id);
	return query_run(&q, NULL);
}

static enum err
retire_others(struct store *s, int64_t token, const int64_t ids[STORE_CANDIDATES_MAX], int64_t now)
{
	struct query q = query_new(s, "UPDATE escrow SET retired = ? WHERE token = ? AND retired = 0 AND id NOT IN (?, ?)");

	query_int(&q, now);
	query_int(&q, token);
	for (size_t i = 0; i < STORE_CANDIDATES_MAX; i++)
		query_int(&q, ids[i]);
	return query_run(&q, NULL);
}

/* Both rows of the line become the token's candidates; what was given of it before the backup is not given again. */
static enum err
take_rows(struct store *s, int64_t token, const struct store_candidates *c, int64_t now)
{
	int64_t ids[STORE_CANDIDATES_MAX] = { 0 };
	struct query q;
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < c->count; i++)
		e = find_or_insert_row(s, token, &c->rows[i], now, &ids[i]);
	if (e == ERR_OK)
		e = retire_others(s, token, ids, now);
	if (e != ERR_OK)
		return e;
	q = query_new(s, "UPDATE token SET active = ?, next = nullif(?, 0), state = ?, failures = 0, rotation_tries = 0, release = NULL, restored = ? WHERE id = ?");
	query_int(&q, ids[0]);
	query_int(&q, ids[1]);
	query_text(&q, store_token_state_name(STORE_UNVERIFIED));
	query_int(&q, now);
	query_int(&q, token);
	return query_run(&q, NULL);
}

/*
 * What a record says decides where a code goes and whose certificate is identified: nothing of that is taken from a line that nobody has proved. Then the token has no address on
 * record, any that is typed at an approval is another one, and the policy asks for a second person.
 */
static enum err
make_token(struct store *s, const struct store_candidates *c, bool proved, int64_t now)
{
	struct store_token t = { .name = c->token, .state = STORE_UNVERIFIED, .created = now };
	int64_t id;
	enum err e;

	text_copy(t.customer, sizeof(t.customer), c->customer);
	if (proved) {
		text_copy(t.email, sizeof(t.email), c->email);
		text_copy(t.certificate_serial, sizeof(t.certificate_serial), c->certificate_serial);
	}
	/* no line says whose customer it is: as in an import, the mail address does, where it can */
	e = store_agency_of_email(s, t.email, t.agency);
	if (e == ERR_OK)
		e = store_token_import(s, &t, c->rows[0].version, c->rows[0].sealed, &id);
	if (e == ERR_OK)
		e = store_token_describe(s, id, c->rows[0].shared, "");
	return e == ERR_OK ? take_rows(s, id, c, now) : e;
}

static bool
is_candidate(const struct store_token *token, int64_t row)
{
	return row == token->active || row == token->next;
}

/*
 * Whether the database knows all that the line says. A line with a successor was known as soon as that one was made, whichever of the two it may be by now, but not
 * where people have put another value in their place in between. Any other has a proved, entered or reinstated row in front, which may be an older one that became a
 * candidate again: that its bytes are there says nothing.
 */
static enum err
is_known(struct store *s, const struct store_token *token, const struct store_candidates *c, bool *ret)
{
	int64_t first = 0;
	int64_t last = 0;
	bool has_successor;
	enum err e = find_row(s, token->id, &c->rows[c->count - 1], &last);

	if (e == ERR_OK)
		e = find_row(s, token->id, &c->rows[0], &first);
	has_successor = c->rows[c->count - 1].version > c->rows[0].version && last > first;
	*ret = first != 0 && last != 0 &&
	       (has_successor ? is_candidate(token, first) || is_candidate(token, last) : is_candidate(token, first) && is_candidate(token, last));
	return e;
}

static enum err
mark(struct store *s, int64_t at, enum store_restored restored)
{
	struct query q = query_new(s, "UPDATE logged SET restored = ? WHERE at = ?");

	query_int(&q, restored);
	query_int(&q, at);
	return query_run(&q, NULL);
}

enum err
store_restore_judge(struct store *s, int64_t at, const struct store_candidates *c, bool proved, int64_t now, enum store_restored *ret_restored)
{
	struct store_token token;
	bool known = false;
	enum err e = store_token_by_name(s, &c->token, &token);

	*ret_restored = STORE_RESTORED_MADE;
	if (e == ERR_ESCROW_MISSING) {
		e = make_token(s, c, proved, now);
	} else {
		if (e == ERR_OK)
			e = is_known(s, &token, c, &known);
		*ret_restored = known ? STORE_RESTORED_AS_IT_WAS : STORE_RESTORED_NEWER;
	}
	return e == ERR_OK && *ret_restored != STORE_RESTORED_AS_IT_WAS ? mark(s, at, *ret_restored) : e;
}

enum err
store_restore_behind(struct store *s, const struct token_name *name, int64_t *ret_id)
{
	struct query q = query_new(s, "SELECT token.id FROM logged JOIN token USING (serial, manufacturer, model) WHERE serial = ? AND manufacturer = ? AND model = ? AND logged.restored <> ?");

	query_text(&q, name->serial);
	query_text(&q, name->manufacturer);
	query_text(&q, name->model);
	query_int(&q, STORE_RESTORED_AS_IT_WAS);
	*ret_id = 0;
	return query_number(&q, ret_id);
}

enum err
store_restore_keep(struct store *s, int64_t token, const struct store_candidates *c, int64_t time)
{
	int64_t row = 0;
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < c->count; i++) {
		struct store_escrow kept = { .token = token, .version = c->rows[i].version, .shared = c->rows[i].shared, .created = time, .retired = time };

		e = find_row(s, token, &c->rows[i], &row);
		if (e != ERR_OK || row != 0)
			continue;
		memcpy(kept.sealed, c->rows[i].sealed, sizeof(kept.sealed));
		e = store_escrow_insert(s, &kept, &row);
	}
	return e;
}

enum err
store_restore_take(struct store *s, const struct store_candidates *c, int64_t now)
{
	struct store_token token;
	enum err e = store_token_by_name(s, &c->token, &token);

	return e == ERR_OK ? take_rows(s, token.id, c, now) : e;
}

/*
 * Releases are in no line, so how many of them were in vain since the backup nobody knows: of the two that a token has one counts as made. A type whose tokens take so few tries
 * that they have one release alone keeps what the backup says: else no token of it could be unlocked before two people have looked at it.
 */
enum err
store_restore_failures(struct store *s, int64_t few_tries)
{
	struct query q = query_new(s,
	    "UPDATE token SET failures = 1 WHERE failures = 0 AND coalesce("
	    "(SELECT so_tries FROM type WHERE type.manufacturer = token.manufacturer AND type.model = token.model),"
	    " (SELECT so_tries FROM type WHERE type.manufacturer = token.manufacturer AND type.model = ''), 0) NOT BETWEEN 1 AND ?");

	query_int(&q, few_tries);
	return query_run(&q, NULL);
}

/* ---- requests ---- */

/* One statement with the time, how many rows it changed. */
static enum err
run_at(struct store *s, const char *sql, int64_t now, int *ret_changed)
{
	struct query q = query_new(s, sql);

	query_int(&q, now);
	return query_run(&q, ret_changed);
}

/* The next approved request and the address on record. */
static enum err
next_approved(struct store *s, int64_t *number, char email[STORE_EMAIL_SIZE], bool *ret_found)
{
	struct query q = query_new(s,
	    "SELECT request.number, coalesce(token.email, request.email) FROM request LEFT JOIN token ON token.serial = request.serial"
	    " AND token.manufacturer = request.manufacturer AND token.model = request.model WHERE request.state = 'approved' AND request.number > ?"
	    " ORDER BY request.number LIMIT 1");

	query_int(&q, *number);
	*ret_found = query_row(&q);
	if (*ret_found) {
		*number = query_get_int(&q);
		query_get_text(&q, email, STORE_EMAIL_SIZE);
	}
	return query_end(&q);
}

static enum err
take_addresses_back(struct store *s)
{
	char email[STORE_EMAIL_SIZE];
	int64_t number = 0;
	bool found = true;
	enum err e = ERR_OK;

	while (e == ERR_OK && found) {
		e = next_approved(s, &number, email, &found);
		if (e == ERR_OK && found)
			e = store_request_set_email(s, number, email);
	}
	return e;
}

/* The audit row of the request that the query has found, which ends here; *after is its number, or 0 where there is none any more. */
static enum err
note_moved(struct store *s, struct query *q, const char *from, int64_t now, int64_t *after)
{
	struct store_audit a = { .created = now, .who = "tms", .what = "restore" };
	char to[32] = "";
	enum err e;

	if (query_row(q)) {
		a.number = query_get_int(q);
		query_get_text(q, to, sizeof(to));
	}
	e = query_end(q);
	*after = a.number;
	snprintf(a.detail, sizeof(a.detail), "from=%s to=%s", from, to);
	return e == ERR_OK && a.number != 0 ? store_audit_add(s, &a) : e;
}

static enum err
note_approvals(struct store *s, int64_t now)
{
	int64_t after = 0;
	enum err e;

	do {
		struct query q = query_new(s,
		    "SELECT number, CASE WHEN identified <> 0 THEN 'pending' ELSE 'unidentified' END FROM request WHERE state = 'approved' AND number > ? ORDER BY number LIMIT 1");
		query_int(&q, after);
		e = note_moved(s, &q, "approved", now, &after);
	} while (e == ERR_OK && after != 0);
	return e;
}

/* In a state of before its approval, with the address on record; how long it may wait begins anew. */
static enum err
take_approvals_back(struct store *s, int64_t now, int64_t valid_s, int64_t *ret_count)
{
	struct query q;
	int changed = 0;
	enum err e = note_approvals(s, now);

	if (e == ERR_OK)
		e = query_exec(s, "DELETE FROM code WHERE number IN (SELECT number FROM request WHERE state = 'approved')");
	if (e == ERR_OK)
		e = query_exec(s, "DELETE FROM approval WHERE number IN (SELECT number FROM request WHERE state = 'approved')");
	if (e == ERR_OK)
		e = take_addresses_back(s);
	if (e != ERR_OK)
		return e;
	q = query_new(s,
	    "UPDATE request SET state = CASE WHEN identified <> 0 THEN 'pending' ELSE 'unidentified' END, changed = ?1, expires = ?1 + ?2, decided = 0, decider = NULL, trying = 0"
	    " WHERE state = 'approved'");
	query_int(&q, now);
	query_int(&q, valid_s);
	e = query_run(&q, &changed);
	*ret_count = changed;
	return e;
}

#define OVERTAKEN \
	"state = 'released' AND EXISTS (SELECT 1 FROM token WHERE token.serial = request.serial AND token.manufacturer = request.manufacturer" \
	" AND token.model = request.model AND token.restored = ?1)"

static enum err
note_releases(struct store *s, int64_t now)
{
	int64_t after = 0;
	enum err e;

	do {
		struct query q = query_new(s, "SELECT number, 'unknown' FROM request WHERE " OVERTAKEN " AND number > ?2 ORDER BY number LIMIT 1");
		query_int(&q, now);
		query_int(&q, after);
		e = note_moved(s, &q, "released", now, &after);
	} while (e == ERR_OK && after != 0);
	return e;
}

/* A release whose token went on after the backup: how it ended is not known here. */
static enum err
forget_releases(struct store *s, int64_t now, int64_t *ret_count)
{
	int changed = 0;
	enum err e = note_releases(s, now);

	if (e == ERR_OK)
		e = run_at(s, "UPDATE request SET state = 'unknown', changed = ?1, trying = 0 WHERE " OVERTAKEN, now, &changed);
	*ret_count = changed;
	return e;
}

/* Mails of the backup's moment went out soon after it. */
static enum err
forget_mails(struct store *s)
{
	return query_exec(s, "UPDATE outbox SET state = 'failed', error = 'restored' WHERE state IN ('queued', 'sending')");
}

/* Numbers that people may have been told after the backup are not given to others. */
static enum err
skip_numbers(struct store *s, int64_t highest)
{
	struct query q = query_new_each(s, "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'request'",
	    "SELECT setval(pg_get_serial_sequence('request', 'number'), greatest(?, nextval(pg_get_serial_sequence('request', 'number'))))");
	int changed = 0;
	enum err e;

	query_int(&q, highest);
	e = query_run(&q, &changed);
	if (e != ERR_OK || changed != 0)
		return e;
	/* SQLite has no row before the first request */
	q = query_new(s, "INSERT INTO sqlite_sequence (name, seq) VALUES ('request', ?)");
	query_int(&q, highest);
	return query_run(&q, NULL);
}

enum err
store_restore_requests(struct store *s, int64_t now, int64_t valid_s, int64_t highest, struct store_restored_requests *ret)
{
	struct store_restored_requests r = { 0 };
	enum err e = take_approvals_back(s, now, valid_s, &r.pending);

	if (e == ERR_OK)
		e = forget_releases(s, now, &r.unknown);
	if (e == ERR_OK)
		e = forget_mails(s);
	if (e == ERR_OK)
		e = skip_numbers(s, highest);
	*ret = r;
	return e;
}
