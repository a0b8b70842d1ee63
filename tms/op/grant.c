/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/requests/{id}/grant: the machine has found which candidate is the token's SO PIN and gets the next one, which the server has
 * kept, logged on another device, and committed before it answers. No grant, no rotation.
 */
#include "answer.h"
#include "call.h"
#include "decode.h"
#include "escrow_log.h"
#include "vault_client.h"

#include <string.h>

/* Where nothing was approved there is no h, and no signature over it can be right. */
static enum err
check_caller(struct call *c, const struct store_request *r, const struct decode_grant *d, unsigned char ret_h[KEY_HASH_LEN])
{
	struct buf transcript = buf_new(TRANSCRIPT_MAX);
	struct store_approval a;
	enum err e = store_approval_of(c->store, r->number, &a);

	if (e == ERR_OK)
		e = call_hash(r, a.id, ret_h);
	if (e != ERR_OK)
		return e == ERR_REQUEST_NOT_APPROVED ? ERR_SIGNATURE_REFUSED : e;
	transcript_grant_request(&transcript, ret_h, d->active);
	return call_check_signature(r, &transcript, d->signature);
}

/* The vault makes the next SO PIN after the active one. */
static enum err
renew(struct call *c, const struct store_request *r, const struct store_escrow *active, const unsigned char h[KEY_HASH_LEN],
    struct store_escrow *ret_next, struct vault_answer *ret_answer)
{
	struct vault_row row = { .version = active->version };
	struct vault_format format;
	struct vault_row next;
	struct store_type type;
	enum err e = store_type_of(c->store, &r->token, &type);

	if (e != ERR_OK)
		return e;
	format = (struct vault_format){ .length = type.key_length, .characters = type.key_characters };
	memcpy(row.sealed, active->sealed, sizeof(row.sealed));
	e = vault_renew(c->service->config->vault.socket, &r->token, &row, &format, r->host_kem_pk, h, &next, ret_answer);
	if (e != ERR_OK)
		return e;
	*ret_next = (struct store_escrow){ .token = active->token, .version = next.version, .created = c->now };
	memcpy(ret_next->sealed, next.sealed, sizeof(next.sealed));
	memcpy(ret_next->key, next.key, sizeof(ret_next->key));
	return ERR_OK;
}

/* The vault gives the next SO PIN that it has made before to this machine, too. */
static enum err
regrant(struct call *c, const struct store_request *r, int64_t id, const unsigned char h[KEY_HASH_LEN], struct store_escrow *ret_next,
    struct vault_answer *ret_answer)
{
	struct vault_row row;
	enum err e = store_escrow_by_id(c->store, id, ret_next);

	if (e != ERR_OK)
		return e;
	row.version = ret_next->version;
	memcpy(row.sealed, ret_next->sealed, sizeof(row.sealed));
	return vault_regrant(c->service->config->vault.socket, &r->token, &row, r->host_kem_pk, h, ret_answer);
}

/*
 * An SO PIN has one successor and no other, whoever asks and however often. A machine that was granted it may have died before it told
 * us, or sleep for a week with the call to the card still before it: whatever it then does, the card has this SO PIN or its one successor,
 * and both are candidates. (Two machines may so come to know one successor; it is replaced by the next unlock.)
 */
static enum err
find_successor(struct call *c, const struct store_request *r, const struct store_token *token, const struct store_escrow *active,
    const unsigned char h[KEY_HASH_LEN], struct store_escrow *ret_next, struct store_answer *ret_answer)
{
	struct vault_answer answer;
	bool made = false;
	enum err e = token->active == active->id ? store_token_has_successor(c->store, token, &made) : ERR_OK;

	if (e == ERR_OK && made)
		e = regrant(c, r, token->next, h, ret_next, &answer);
	else if (e == ERR_OK)
		e = renew(c, r, active, h, ret_next, &answer);
	if (e != ERR_OK)
		return e == ERR_SEALED_INVALID ? ERR_VAULT_REFUSED : e;
	memcpy(ret_answer->enc, answer.enc, sizeof(answer.enc));
	memcpy(ret_answer->ciphertext, answer.ciphertext, sizeof(answer.ciphertext));
	ret_answer->ciphertext_len = sizeof(answer.ciphertext);
	return ERR_OK;
}

/*
 * In a transaction. The vault was asked outside of it: ERR_BUSY where the token's candidates have changed in between. The log comes before
 * the commit: a line too many is a candidate that is not needed, a line too few would be a token that nobody can open. A successor that was
 * there before (it has an id) is in the log already.
 */
static enum err
keep(struct call *c, struct store_request *r, const struct store_token *before, struct store_escrow *next, struct store_grant *grant, int64_t active)
{
	struct store_token token;
	bool made = next->id == 0;
	enum err e = store_request_by_number(c->store, r->number, r);

	if (e == ERR_OK)
		e = call_check_newest(c, r, &token);
	if (e == ERR_OK && (token.active != before->active || token.next != before->next))
		e = ERR_BUSY;
	if (e == ERR_OK && made)
		e = store_escrow_insert(c->store, next, &next->id);
	if (e != ERR_OK)
		return e;
	grant->next = next->id;
	e = store_token_granted(c->store, token.id, active, grant->next, c->now);
	if (e == ERR_OK)
		e = store_grant_insert(c->store, grant);
	if (e == ERR_OK)
		e = call_move(c, r, MACHINE_GRANT, grant->active == 0 ? "active=0" : "active=1");
	if (e == ERR_OK && made)
		e = escrow_log_append(c->service->config, c->store, &r->token, r->number, c->now);
	return e;
}

/*
 * Whether the value after which the machine asks is one that the server still takes for the token's. Where two people have entered another one since the release
 * (store_token_replaced()), a next one after it would be no candidate: the machine would set it, die before it says so, and the token have an SO PIN that nobody is
 * given. And it must not become one here: that would leave no place for what people entered, on the word of a call that says nothing of when the token was looked
 * at. So there is no rotation; the machine reports what the token took, and that stands beside what was entered (done.c) until a newer release proves either.
 */
static bool
is_candidate(const struct store_token *token, const struct store_release *released, unsigned active)
{
	int64_t row = released->candidates[active];

	return row == token->active || row == token->next;
}

static enum err
grant_first(struct call *c, struct store_request *r, const struct store_release *released, unsigned active, struct store_grant *ret_grant)
{
	struct store_escrow row;
	struct store_escrow next;
	struct store_token token;
	struct store_grant other;
	enum err e;

	if (!released->rotation)
		return ERR_STATE_WRONG;
	if (released->candidates[active] == 0)
		return ERR_INVALID_PARAMS;
	*ret_grant = (struct store_grant){ .number = r->number, .active = active, .created = c->now };
	e = store_escrow_by_id(c->store, released->candidates[active], &row);
	if (e == ERR_OK)
		e = store_token_by_name(c->store, &r->token, &token);
	if (e == ERR_OK && !is_candidate(&token, released, active))
		e = ERR_STATE_WRONG;
	if (e == ERR_OK)
		e = find_successor(c, r, &token, &row, released->h, &next, &ret_grant->answer);
	if (e == ERR_OK)
		e = call_begin(c);
	if (e != ERR_OK)
		return e;
	/* the same call came twice at once, and the other one was first: its answer is this one's, too */
	e = store_grant_of(c->store, r->number, &other);
	if (e == ERR_OK) {
		store_rollback(c->store);
		*ret_grant = other;
		return ERR_OK;
	}
	return call_end(c, e == ERR_STATE_WRONG ? keep(c, r, &token, &next, ret_grant, row.id) : e);
}

enum err
op_grant(struct call *c, json_t **ret_answer)
{
	struct decode_grant d;
	struct store_request r;
	struct store_release released;
	struct store_grant given;
	struct store_token token;
	unsigned char h[KEY_HASH_LEN];
	enum state to;
	enum err e = decode_grant(c->body, &d);

	if (e == ERR_OK)
		e = call_find(c, &r);
	if (e == ERR_OK)
		e = check_caller(c, &r, &d, h);
	if (e == ERR_OK)
		e = machine_next(r.state, MACHINE_GRANT, &to);
	if (e == ERR_OK)
		e = store_release_of(c->store, r.number, &released);
	if (e == ERR_OK) {
		e = store_grant_of(c->store, r.number, &given);
		if (e == ERR_STATE_WRONG)
			e = grant_first(c, &r, &released, d.active, &given);
	}
	if (e == ERR_OK && given.active != d.active)
		e = ERR_STATE_WRONG;
	/* looked at last, also for a grant that was kept before: another release may have come since, or another value */
	if (e == ERR_OK)
		e = call_check_newest(c, &r, &token);
	if (e == ERR_OK && (!is_candidate(&token, &released, d.active) || (given.next != token.active && given.next != token.next)))
		e = ERR_STATE_WRONG;
	return e == ERR_OK ? answer_grant(c, h, given.active, &given.answer, ret_answer) : e;
}
