/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/requests/{id}/done: how the unlock ended, with the proof that the token's own key has signed. */
#include "answer.h"
#include "call.h"
#include "decode.h"
#include "escrow_log.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

#define WRONG_PROOFS_NOTED 8 /* of one request */

/* PKCS#11 2.40, 6.1: what a token says of an SO PIN whose characters or length it does not take, or that is too simple for it. */
#define CKR_PIN_INVALID	  0xa1
#define CKR_PIN_LEN_RANGE 0xa2
#define CKR_PIN_TOO_WEAK  0x1b8

static enum err
check_caller(struct call *c, const struct store_request *r, const struct decode_done *d)
{
	struct buf transcript = buf_new(TRANSCRIPT_MAX);
	enum err e;

	transcript_done_request(&transcript, r->id, &d->done);
	e = call_check_signature(r, &transcript, d->signature);
	return e == ERR_OK ? store_request_count_up(c->store, r->number, d->done.counter) : e;
}

/* What the history says of a proof: a key that anybody may have made proves that the machine has it, and nothing of the token. */
#define PROOF_NONE	   "none"
#define PROOF_VERIFIED	   "verified"
#define PROOF_UNIDENTIFIED "unidentified"

/* Whose certificate it is, in the words of the history. */
static enum err
name_proof(struct call *c, const struct store_request *r, const struct issued *certificate, const char **ret_proof)
{
	struct store_token token;
	enum err e = store_token_by_name(c->store, &r->token, &token);

	if (e == ERR_OK)
		*ret_proof = call_is_identified(c, certificate, &token) ? PROOF_VERIFIED : PROOF_UNIDENTIFIED;
	return e;
}

/* Whether the key of the certificate that came with the request has signed h and nonce of its release: *ret_proof says whose, and stays where it has not. */
static enum err
verify_proof(struct call *c, const struct store_request *r, const struct transcript_done *d, const char **ret_proof)
{
	struct buf transcript = buf_new(TRANSCRIPT_MAX);
	unsigned char der[STORE_CERTIFICATE_MAX];
	struct store_release released;
	struct issued *certificate = NULL;
	size_t len = 0;
	enum err e = store_release_of(c->store, r->number, &released);

	if (e == ERR_OK)
		e = store_request_certificate(c->store, r->number, der, &len);
	if (e == ERR_OK) {
		transcript_unlocked(&transcript, released.h, released.nonce);
		certificate = issued_from_der(der, len);
		if (buf_error(&transcript) == ERR_OK && certificate != NULL &&
		    issued_verifies(certificate, d->proof_mechanism, &transcript, d->proof, d->proof_len))
			e = name_proof(c, r, certificate, ret_proof);
	}
	issued_free(certificate);
	buf_free(&transcript);
	return e;
}

/* In a transaction. A machine may send wrong proofs without end: the first ones say it all, and the rest of the history can still be read. */
static enum err
note_wrong_proof(struct call *c, const struct store_request *r, const char *mechanism)
{
	int64_t count = 0;
	enum err e = store_audit_count(c->store, r->number, "proof", &count);

	if (e != ERR_OK || count >= WRONG_PROOFS_NOTED)
		return e;
	return call_audit(c, NULL, r->number, "proof", "error=%s mechanism=%s", err_name(ERR_PROOF_REFUSED), mechanism);
}

/* A proof that does not hold is written down; the request stays where it is, for people to look at. */
static enum err
check_proof(struct call *c, const struct store_request *r, const struct transcript_done *d, const char **ret_proof)
{
	enum err e;

	*ret_proof = PROOF_NONE;
	if (d->proof_len == 0)
		return ERR_OK;
	e = verify_proof(c, r, d, ret_proof);
	if (e != ERR_OK || strcmp(*ret_proof, PROOF_NONE) != 0)
		return e;
	e = call_begin(c);
	if (e == ERR_OK)
		e = call_end(c, note_wrong_proof(c, r, d->proof_mechanism));
	return e == ERR_OK ? ERR_PROOF_REFUSED : e;
}

/* Whether people have entered another value since the newest release: nothing that this machine was given is active. */
static bool
is_replaced(const struct store_token *token, const struct store_release *released, const struct store_grant *grant)
{
	return token->active != released->candidates[0] && token->active != released->candidates[1] && token->active != grant->next;
}

/*
 * Where the rotation was proved the SO PIN was right last. Where it was not, and its proof was begun, that was a wrong try, or may have been one: C_SetPIN has said that it was made, and
 * the card has another SO PIN than it was asked for.
 */
static unsigned
tries_of_rotation(const struct transcript_done *d)
{
	return !d->rotated && stage_from_name(d->stage) == STAGE_PROVING_ROTATION ? 1 : 0;
}

/*
 * The machine has looked at the token before people entered their value, or after it and they were wrong: a report says nothing of when that was, and may have waited
 * for days. So neither takes the other's place. Beside what they entered there is room for one: the next row wherever the rotation may have been made, also where that is the less
 * likely, because the vault alone knows its value and nobody could enter it again; without a grant, of two that were released, the one that was tried first.
 */
static enum err
believe_both(struct call *c, const struct store_request *r, const struct store_token *token, const struct store_release *released,
    const struct store_grant *grant, const struct transcript_done *d)
{
	bool next = grant->next != 0 && call_rotation(d->rotated, d->stage, d->error, d->cryptoki) != CALL_ROTATION_NONE;
	enum err e = store_token_reported(c->store, token->id, next ? grant->next : released->candidates[grant->active], token->active, tries_of_rotation(d), c->now);

	return e == ERR_OK ? escrow_log_append(c->service->config, c->store, &token->name, r->number, c->now) : e;
}

/*
 * The token was asked to take the next SO PIN and said that no such one can be its SO PIN: then it never was and never will be, and the next grant is to make
 * another one (by what the operator has said of the type in between). Kept as a candidate, it would be given again for ever.
 */
static bool
says_no_such_pin(const struct transcript_done *d)
{
	return !d->rotated && strcmp(d->result, "completed") == 0 && stage_from_name(d->stage) == STAGE_ROTATING &&
	       (d->cryptoki == CKR_PIN_INVALID || d->cryptoki == CKR_PIN_LEN_RANGE || d->cryptoki == CKR_PIN_TOO_WEAK);
}

/* What the machine was given. Nothing is granted where the report does not need it; a rotation without a grant is none that can be true. */
static enum err
find_given(struct call *c, const struct store_request *r, bool needs_grant, struct store_release *ret_released, struct store_grant *ret_grant)
{
	enum err e = store_grant_of(c->store, r->number, ret_grant);

	if (e == ERR_STATE_WRONG && !needs_grant) {
		*ret_grant = (struct store_grant){ .next = 0 };
		e = ERR_OK;
	}
	return e == ERR_OK ? store_release_of(c->store, r->number, ret_released) : e;
}

/*
 * What the report says of the token's SO PIN, where no newer release has taken the token over. A rotation that is not reported as done
 * leaves both candidates: the next session finds out which one it is.
 */
static enum err
settle_token(struct call *c, const struct store_request *r, const struct transcript_done *d)
{
	bool no_such_pin = says_no_such_pin(d);
	struct store_release released;
	struct store_grant grant;
	struct store_token token;
	enum err e = store_token_by_name(c->store, &r->token, &token);

	/* behind a restore the grant may be one that the backup does not have: the candidates are the log's then, and the report is as true as before */
	if (e != ERR_OK || token.release != r->number || strcmp(d->result, "completed") != 0)
		return e;
	e = find_given(c, r, d->rotated || no_such_pin, &released, &grant);
	if (e != ERR_OK)
		return e;
	if (is_replaced(&token, &released, &grant))
		return believe_both(c, r, &token, &released, &grant, d);
	if (d->rotated)
		e = store_token_rotated(c->store, token.id, grant.next, c->now);
	else if (no_such_pin && grant.next == token.next)
		e = store_token_next_refused(c->store, token.id, c->now);
	return e == ERR_OK ? store_token_proved(c->store, token.id, d->rotated, tries_of_rotation(d), c->now) : e;
}

static enum err
keep_report(struct call *c, const struct store_request *r, const struct transcript_done *d, const char *proof)
{
	struct store_done row = { .number = r->number, .cryptoki = d->cryptoki, .rotated = d->rotated, .created = c->now };

	text_copy(row.result, sizeof(row.result), d->result);
	text_copy(row.stage, sizeof(row.stage), d->stage);
	text_copy(row.error, sizeof(row.error), d->error);
	text_copy(row.proof, sizeof(row.proof), proof);
	return store_done_insert(c->store, &row);
}

/* A value that other tokens have, too, and that is still this one's: whoever looks at the request reads it, and the next unlock rotates. */
static enum err
note_must_rotate(struct call *c, const struct store_request *r)
{
	struct store_token token;
	bool must = false;
	enum err e = store_token_by_name(c->store, &r->token, &token);

	if (e == ERR_OK && token.release == r->number)
		e = store_token_must_rotate(c->store, &token, &must);
	return e == ERR_OK && must ? call_audit(c, "tms", r->number, "must_rotate", "cause=other tokens have this value, too") : e;
}

static enum err
finish(struct call *c, struct store_request *r, const struct transcript_done *d, const char *proof, enum machine_action action)
{
	char detail[STORE_DETAIL_SIZE];
	enum err e;

	snprintf(detail, sizeof(detail), "stage=%s error=%s cryptoki=0x%llx rotated=%s proof=%s", d->stage, d->error,
	    (unsigned long long)d->cryptoki, d->rotated ? "yes" : "no", proof);
	e = r->state != STATE_APPROVED ? settle_token(c, r, d) : ERR_OK;
	if (e == ERR_OK && r->state != STATE_APPROVED)
		e = note_must_rotate(c, r);
	if (e == ERR_OK)
		e = keep_report(c, r, d, proof);
	if (e == ERR_OK)
		e = call_move(c, r, action, detail);
	if (e == ERR_OK && action == MACHINE_COMPLETE)
		e = call_mail(c, r->number, STORE_MAIL_UNLOCKED, r->email);
	return e;
}

/*
 * In a transaction, where the request is looked at again: while the proof was verified the sweep may have given up on it, which is no reason to
 * lose the report.
 */
static enum err
take_report(struct call *c, struct store_request *r, const struct transcript_done *d, const char *proof, enum machine_action action)
{
	enum state to;
	enum err e = store_request_by_number(c->store, r->number, r);

	if (e == ERR_OK)
		e = machine_next(r->state, action, &to);
	return e == ERR_OK && to != r->state ? finish(c, r, d, proof, action) : e;
}

enum err
op_done(struct call *c, json_t **ret_answer)
{
	struct decode_done d;
	struct store_request r;
	enum machine_action action = MACHINE_FAIL;
	const char *proof = PROOF_NONE;
	enum state to;
	enum err e = decode_done(c->body, &d);

	if (e == ERR_OK)
		e = call_find(c, &r);
	if (e == ERR_OK)
		e = check_caller(c, &r, &d);
	if (e != ERR_OK)
		return e;
	if (strcmp(d.done.result, "completed") == 0)
		action = MACHINE_COMPLETE;
	e = machine_next(r.state, action, &to);
	/* a report that came before is not taken again, but answered */
	if (e == ERR_OK && to != r.state) {
		e = check_proof(c, &r, &d.done, &proof);
		if (e == ERR_OK)
			e = call_begin(c);
		if (e == ERR_OK)
			e = call_end(c, take_report(c, &r, &d.done, proof, action));
	}
	return e == ERR_OK ? answer_status(c, &r, d.done.counter, ret_answer) : e;
}
