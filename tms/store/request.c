/* SPDX-License-Identifier: Apache-2.0 */
/* Requests: how they come in, are found and counted, and move from state to state. */
#include "database.h"
#include "request_row.h"
#include "row_search.h"

#include <string.h>

#define SELECT "SELECT " REQUEST_COLUMNS " FROM request "

void
request_read(struct query *q, struct store_request *r)
{
	char state[16];

	r->number = query_get_int(q);
	query_get_bytes(q, r->id, sizeof(r->id));
	query_get_bytes(q, r->create_hash, sizeof(r->create_hash));
	query_get_text(q, r->token.manufacturer, sizeof(r->token.manufacturer));
	query_get_text(q, r->token.model, sizeof(r->token.model));
	query_get_text(q, r->token.serial, sizeof(r->token.serial));
	query_get_text(q, r->certificate_serial, sizeof(r->certificate_serial));
	query_get_text(q, r->customer, sizeof(r->customer));
	query_get_text(q, r->email, sizeof(r->email));
	query_get_text(q, r->reason, sizeof(r->reason));
	query_get_text(q, r->language, sizeof(r->language));
	query_get_bytes(q, r->host_kem_pk, sizeof(r->host_kem_pk));
	query_get_bytes(q, r->host_sig_pk, sizeof(r->host_sig_pk));
	query_get_text(q, r->address, sizeof(r->address));
	query_get_text(q, state, sizeof(state));
	r->state = state_from_name(state);
	r->identified = query_get_int(q) != 0;
	r->created = query_get_int(q);
	r->changed = query_get_int(q);
	r->decided = query_get_int(q);
	r->decider = query_get_int(q);
	r->expires = query_get_int(q);
	r->counter = (uint64_t)query_get_int(q);
	r->attempts = (unsigned)query_get_int(q);
	r->trying = query_get_int(q);
	query_get_text(q, r->note, sizeof(r->note));
	query_get_text(q, r->agency, sizeof(r->agency));
	r->erased = query_get_int(q);
}

static void
bind_token(struct query *q, const struct token_name *token)
{
	query_text(q, token->serial);
	query_text(q, token->manufacturer);
	query_text(q, token->model);
}

/* A request is of the agency whose customer's token it is for. */
static enum err
insert_request(struct store *s, const struct store_request *r, const void *certificate, size_t certificate_len, int64_t *ret_number)
{
	struct query q = query_new(s,
	    "INSERT INTO request (id, create_hash, manufacturer, model, serial, certificate, certificate_serial, customer, email, reason, language,"
	    " host_kem_pk, host_sig_pk, address, state, identified, created, changed, expires, agency)"
	    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
	    " coalesce((SELECT agency FROM token WHERE serial = ? AND manufacturer = ? AND model = ?), '')) RETURNING number");

	query_bytes(&q, r->id, sizeof(r->id));
	query_bytes(&q, r->create_hash, sizeof(r->create_hash));
	query_text(&q, r->token.manufacturer);
	query_text(&q, r->token.model);
	query_text(&q, r->token.serial);
	query_bytes(&q, certificate, certificate_len);
	query_text(&q, r->certificate_serial);
	query_text(&q, r->customer);
	query_text(&q, r->email);
	query_text(&q, r->reason);
	query_text(&q, r->language);
	query_bytes(&q, r->host_kem_pk, sizeof(r->host_kem_pk));
	query_bytes(&q, r->host_sig_pk, sizeof(r->host_sig_pk));
	query_text(&q, r->address);
	query_text(&q, state_name(r->state));
	query_int(&q, r->identified);
	query_int(&q, r->created);
	query_int(&q, r->created);
	query_int(&q, r->expires);
	bind_token(&q, &r->token);
	return query_insert(&q, ret_number, NULL);
}

enum err
store_request_insert(struct store *s, const struct store_request *r, const void *certificate, size_t certificate_len, int64_t *ret_number)
{
	bool own = !s->database->in_transaction(s);
	int64_t number = 0;
	enum err e = own ? store_begin(s) : ERR_OK;

	if (e == ERR_OK)
		e = insert_request(s, r, certificate, certificate_len, &number);
	if (e == ERR_OK)
		e = search_add_request(s, number);
	if (own)
		e = store_end(s, e);
	if (e == ERR_OK)
		*ret_number = number;
	return e;
}

static enum err
one_request(struct query *q, struct store_request *ret)
{
	bool found = query_row(q);

	if (found)
		request_read(q, ret);
	return query_found(q, found, ERR_REQUEST_UNKNOWN);
}

enum err
store_request_by_id(struct store *s, const unsigned char id[TRANSCRIPT_ID_LEN], struct store_request *ret)
{
	struct query q = query_new(s, SELECT "WHERE id = ?");

	query_bytes(&q, id, TRANSCRIPT_ID_LEN);
	return one_request(&q, ret);
}

enum err
store_request_by_number(struct store *s, int64_t number, struct store_request *ret)
{
	struct query q = query_new(s, SELECT "WHERE number = ? AND" QUERY_IN_SCOPE("request", "?"));

	query_int(&q, number);
	query_scope(&q);
	return one_request(&q, ret);
}

enum err
store_request_by_hash(struct store *s, const unsigned char create_hash[KEY_HASH_LEN], struct store_request *ret)
{
	struct query q = query_new(s, SELECT "WHERE create_hash = ?");

	query_bytes(&q, create_hash, KEY_HASH_LEN);
	return one_request(&q, ret);
}

enum err
store_request_certificate(struct store *s, int64_t number, unsigned char ret[STORE_CERTIFICATE_MAX], size_t *ret_len)
{
	struct query q = query_new(s, "SELECT certificate FROM request WHERE number = ?");
	bool found;

	query_int(&q, number);
	found = query_row(&q);
	if (found)
		*ret_len = query_get_upto(&q, ret, STORE_CERTIFICATE_MAX);
	return query_found(&q, found, ERR_REQUEST_UNKNOWN);
}

static enum err
read_numbers(struct query *q, int64_t *ret_numbers, size_t max, size_t *ret_count)
{
	size_t count = 0;

	while (count < max && query_row(q))
		ret_numbers[count++] = query_get_int(q);
	*ret_count = count;
	return query_end(q);
}

enum err
store_request_open_of(struct store *s, const struct token_name *token, int64_t *ret_numbers, size_t max, size_t *ret_count)
{
	struct query q = query_new(s,
	    "SELECT number FROM request WHERE serial = ? AND manufacturer = ? AND model = ?"
	    " AND state IN ('pending', 'unidentified', 'approved') ORDER BY number LIMIT ?");

	bind_token(&q, token);
	query_int(&q, (int64_t)max);
	return read_numbers(&q, ret_numbers, max, ret_count);
}

enum err
store_request_count_identified(struct store *s, const struct token_name *token, int64_t *ret_count)
{
	struct query q = query_new(s,
	    "SELECT count(*) FROM request WHERE serial = ? AND manufacturer = ? AND model = ?"
	    " AND state IN ('pending', 'approved') AND identified = 1");

	bind_token(&q, token);
	return query_number(&q, ret_count);
}

/* A number about the requests that are seen, from an index. */
#define READ(head, tail) query_new_in_scope(s, head tail, head " AND" QUERY_OWN("request") tail)

enum err
store_request_count_unidentified(struct store *s, const char *address, int64_t *ret_count)
{
	struct query q = address != NULL
			     ? query_new(s, "SELECT count(*) FROM request WHERE state = 'unidentified' AND address = ?")
			     : READ("SELECT count(*) FROM request WHERE state = 'unidentified'", "");

	if (address != NULL)
		query_text(&q, address);
	return query_number(&q, ret_count);
}

/* One number of a query without values. */
static enum err
read_one(struct query q, int64_t *ret)
{
	*ret = 0;
	return query_number(&q, ret);
}

enum err
store_request_waiting(struct store *s, struct store_waiting *ret)
{
	enum err e = read_one(READ("SELECT count(*) FROM request WHERE state = 'pending'", ""), &ret->pending);

	/* numbers and times grow together */
	if (e == ERR_OK)
		e = read_one(READ("SELECT created FROM request WHERE state = 'pending'", " ORDER BY number LIMIT 1"), &ret->oldest);
	if (e == ERR_OK)
		e = read_one(READ("SELECT coalesce(max(number), 0) FROM request WHERE state = 'pending'", ""), &ret->last);
	if (e == ERR_OK)
		e = read_one(READ("SELECT coalesce(max(number), 0) FROM request WHERE number > 0", ""), &ret->newest);
	if (e == ERR_OK)
		e = read_one(READ("SELECT coalesce(max(changed), 0) FROM request WHERE changed > 0", ""), &ret->changed);
	return e;
}

/* Runs an update that must meet exactly the one row that it means. */
static enum err
run_on_one(struct query *q, enum err missed)
{
	int changed = 0;
	enum err e = query_run(q, &changed);

	return e != ERR_OK ? e : changed == 1 ? ERR_OK
					      : missed;
}

enum err
store_request_transition(struct store *s, int64_t number, enum state from, enum state to, int64_t now)
{
	struct query q = query_new(s, "UPDATE request SET state = ?, changed = ? WHERE number = ? AND state = ?");

	query_text(&q, state_name(to));
	query_int(&q, now);
	query_int(&q, number);
	query_text(&q, state_name(from));
	return run_on_one(&q, ERR_STATE_WRONG);
}

enum err
store_request_count_up(struct store *s, int64_t number, uint64_t counter)
{
	struct query q = query_new(s, "UPDATE request SET counter = ?1 WHERE number = ?2 AND counter < ?1");

	if (counter > INT64_MAX) {
		query_end(&q);
		return ERR_SIGNATURE_REFUSED;
	}
	query_int(&q, (int64_t)counter);
	query_int(&q, number);
	return run_on_one(&q, ERR_SIGNATURE_REFUSED);
}

/* A query that sets one number of one request. */
static enum err
set_int(struct query q, int64_t value, int64_t number)
{
	query_int(&q, value);
	query_int(&q, number);
	return run_on_one(&q, ERR_REQUEST_UNKNOWN);
}

static enum err
set_text(struct query q, const char *text, int64_t number)
{
	query_text(&q, text);
	query_int(&q, number);
	return run_on_one(&q, ERR_REQUEST_UNKNOWN);
}

enum err
store_request_begin_try(struct store *s, int64_t number, int64_t now, int64_t lasts)
{
	struct query q = query_new(s,
	    "UPDATE request SET attempts = attempts + 1, trying = ?1 WHERE number = ?2 AND NOT (trying > ?1 - ?3 AND trying < ?1 + ?3)");

	query_int(&q, now);
	query_int(&q, number);
	query_int(&q, lasts);
	return run_on_one(&q, ERR_BUSY);
}

enum err
store_request_end_try(struct store *s, int64_t number, int64_t began, bool right)
{
	struct query q = query_new(s,
	    "UPDATE request SET attempts = CASE WHEN attempts > ?1 THEN attempts - ?1 ELSE 0 END, trying = CASE trying WHEN ?2 THEN 0 ELSE trying END WHERE number = ?3");

	query_int(&q, right);
	query_int(&q, began);
	query_int(&q, number);
	return run_on_one(&q, ERR_REQUEST_UNKNOWN);
}

enum err
store_request_set_expires(struct store *s, int64_t number, int64_t expires)
{
	return set_int(query_new(s, "UPDATE request SET expires = ? WHERE number = ?"), expires, number);
}

enum err
store_request_set_email(struct store *s, int64_t number, const char *email)
{
	bool own = !s->database->in_transaction(s);
	enum err e = own ? store_begin(s) : ERR_OK;

	if (e == ERR_OK)
		e = search_remove_request(s, number);
	if (e == ERR_OK)
		e = set_text(query_new(s, "UPDATE request SET email = ? WHERE number = ?"), email, number);
	if (e == ERR_OK)
		e = search_add_request(s, number);
	return own ? store_end(s, e) : e;
}

enum err
store_request_set_note(struct store *s, int64_t number, const char *note)
{
	return set_text(query_new(s, "UPDATE request SET note = ? WHERE number = ?"), note, number);
}

enum err
store_request_set_decided(struct store *s, int64_t number, int64_t decider, int64_t decided)
{
	struct query q = query_new(s, "UPDATE request SET decider = ?, decided = ? WHERE number = ?");

	query_int(&q, decider);
	query_int(&q, decided);
	query_int(&q, number);
	return run_on_one(&q, ERR_REQUEST_UNKNOWN);
}

enum err
store_request_expired(struct store *s, int64_t now, int64_t *ret_numbers, size_t max, size_t *ret_count)
{
	struct query q = query_new(s,
	    "SELECT number FROM request WHERE expires <= ? AND state IN ('pending', 'unidentified', 'approved') ORDER BY expires LIMIT ?");

	query_int(&q, now);
	query_int(&q, (int64_t)max);
	return read_numbers(&q, ret_numbers, max, ret_count);
}

enum err
store_request_lost(struct store *s, int64_t before, int64_t *ret_numbers, size_t max, size_t *ret_count)
{
	struct query q = query_new(s, "SELECT number FROM request WHERE changed < ? AND state = 'released' ORDER BY changed LIMIT ?");

	query_int(&q, before);
	query_int(&q, (int64_t)max);
	return read_numbers(&q, ret_numbers, max, ret_count);
}

enum err
store_request_unknown(struct store *s, int64_t before, int64_t *ret_numbers, size_t max, size_t *ret_count)
{
	struct query q = query_new(s, "SELECT number FROM request WHERE changed < ? AND state = 'unknown' ORDER BY changed LIMIT ?");

	query_int(&q, before);
	query_int(&q, (int64_t)max);
	return read_numbers(&q, ret_numbers, max, ret_count);
}
