/* SPDX-License-Identifier: Apache-2.0 */
#include "call.h"

#include "decode.h"
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FAILURES_MAX 2 /* releases of a token that no grant followed: the next one is not made */
#define TRIES_MAX    2 /* wrong SO PINs that one request may cost: JOURNAL_ATTEMPTS_MAX of the worker */

enum err
call_begin(struct call *c)
{
	return store_begin(c->store);
}

enum err
call_end(struct call *c, enum err e)
{
	return store_end(c->store, e);
}

#if defined(__GNUC__)
__attribute__((format(printf, 5, 0)))
#endif
static enum err
add_audit(struct call *c, const char *who, struct store_audit *row, const char *what, const char *format, va_list args)
{
	row->created = c->now;
	if (who == NULL && c->person != NULL)
		row->person = c->person->id;
	text_copy(row->who, sizeof(row->who), who != NULL ? who : "host");
	text_copy(row->what, sizeof(row->what), what);
	vsnprintf(row->detail, sizeof(row->detail), format, args);
	return store_audit_add(c->store, row);
}

enum err
call_audit(struct call *c, const char *who, int64_t number, const char *what, const char *format, ...)
{
	struct store_audit row = { .number = number };
	va_list args;
	enum err e;

	va_start(args, format);
	e = add_audit(c, who, &row, what, format, args);
	va_end(args);
	return e;
}

enum err
call_audit_token(struct call *c, const char *who, int64_t token, int64_t number, const char *what, const char *format, ...)
{
	struct store_audit row = { .number = number, .token = token };
	va_list args;
	enum err e;

	va_start(args, format);
	e = add_audit(c, who, &row, what, format, args);
	va_end(args);
	return e;
}

const char *
call_reason(const char *reason, char ret[CALL_REASON_SIZE])
{
	snprintf(ret, CALL_REASON_SIZE, "reason=%s", reason);
	return ret;
}

enum err
call_audit_said(struct call *c, int64_t token, int64_t number, const char *what, const char *note, const char *format, ...)
{
	struct store_audit row = { .number = number, .token = token };
	va_list args;
	enum err e;

	text_copy(row.note, sizeof(row.note), note);
	va_start(args, format);
	e = add_audit(c, NULL, &row, what, format, args);
	va_end(args);
	return e;
}

enum err
call_check_life(const struct store_token *token)
{
	if (token->life == STORE_ACTIVE)
		return ERR_OK;
	return token->life == STORE_LOST ? ERR_TOKEN_LOST : ERR_TOKEN_RETIRED;
}

enum err
call_check_other(struct call *c, int64_t person)
{
	struct store_person first;
	enum err e = store_person_by_id(c->store, person, &first);

	return e == ERR_OK && (first.id == c->person->id || strcmp(first.name, c->person->name) == 0) ? ERR_SECOND_PERSON : e;
}

bool
call_is_identified(const struct call *c, const struct issued *certificate, const struct store_token *token)
{
	char serial[2 * STORE_SERIAL_MAX + 1];

	if (certificate == NULL || token == NULL || !authorities_issued(c->service->issuers, certificate))
		return false;
	/* any customer has a certificate of this authority: where the record does not say which one is the token's, whose it is must be who gets the code */
	if (token->certificate_serial[0] == '\0')
		return issued_has_email(certificate, token->email);
	issued_serial(certificate, serial);
	return issued_same_serial(token->certificate_serial, serial);
}

enum err
call_mail(struct call *c, int64_t number, enum store_mail kind, const char *to)
{
	struct store_outbox row = { .number = number, .kind = kind, .state = STORE_OUTBOX_QUEUED, .due = c->now, .created = c->now };
	int64_t id;

	if (to[0] == '\0')
		return ERR_OK;
	text_copy(row.to, sizeof(row.to), to);
	c->mailed = true;
	return store_outbox_insert(c->store, &row, &id);
}

enum err
call_move(struct call *c, struct store_request *r, enum machine_action action, const char *detail)
{
	return call_move_said(c, r, action, detail, "");
}

/* By whom: what time does is nobody's act. */
static enum err
note_move(struct call *c, const struct store_request *r, enum machine_action action, const char *detail, const char *note, enum state from, enum state to)
{
	bool of_time = action == MACHINE_EXPIRE || action == MACHINE_LOSE || action == MACHINE_GIVE_UP;
	const char *what = machine_action_name(action);
	const char *blank = detail[0] != '\0' ? " " : "";

	if (of_time)
		return call_audit(c, "tms", r->number, what, "from=%s to=%s%s%s", state_name(from), state_name(to), blank, detail);
	return call_audit_said(c, 0, r->number, what, note, "from=%s to=%s%s%s", state_name(from), state_name(to), blank, detail);
}

enum err
call_move_said(struct call *c, struct store_request *r, enum machine_action action, const char *detail, const char *note)
{
	enum state from = r->state;
	enum state to;
	enum err e = machine_next(from, action, &to);

	if (e == ERR_OK)
		e = store_request_transition(c->store, r->number, from, to, c->now);
	if (e == ERR_OK)
		e = note_move(c, r, action, detail, note, from, to);
	if (e == ERR_OK && state_is_final(to))
		e = store_code_delete_of(c->store, r->number);
	if (e != ERR_OK)
		return e;
	r->state = to;
	r->changed = c->now;
	return ERR_OK;
}

static bool
is_over(const struct call *c, const struct store_request *r)
{
	return r->expires <= c->now && (r->state == STATE_PENDING || r->state == STATE_UNIDENTIFIED || r->state == STATE_APPROVED);
}

enum err
call_expire(struct call *c, struct store_request *r)
{
	enum err e;

	if (!is_over(c, r))
		return ERR_OK;
	e = call_begin(c);
	if (e != ERR_OK)
		return e;
	e = call_move(c, r, MACHINE_EXPIRE, "");
	/* nobody has asked for mail about a request that anybody can send who has read a serial number */
	if (e == ERR_OK && (r->identified || r->decided != 0))
		e = call_mail(c, r->number, STORE_MAIL_EXPIRED, r->email);
	e = call_end(c, e);
	/* somebody else was faster: the row says what it is now */
	return e == ERR_STATE_WRONG ? store_request_by_number(c->store, r->number, r) : e;
}

enum err
call_find(struct call *c, struct store_request *ret)
{
	unsigned char id[TRANSCRIPT_ID_LEN];
	size_t len = 0;
	enum err e;

	if (!text_b64_decode(c->id, strlen(c->id), id, sizeof(id), &len) || len != sizeof(id))
		return ERR_REQUEST_UNKNOWN;
	e = store_request_by_id(c->store, id, ret);
	return e == ERR_OK ? call_expire(c, ret) : e;
}

enum err
call_find_number(struct call *c, struct store_request *ret)
{
	enum err e = store_request_by_number(c->store, c->number, ret);

	return e == ERR_OK ? call_expire(c, ret) : e;
}

enum err
call_check_newest(struct call *c, const struct store_request *r, struct store_token *ret_token)
{
	enum err e = store_token_by_name(c->store, &r->token, ret_token);

	return e == ERR_OK && ret_token->release != r->number ? ERR_STATE_WRONG : e;
}

/*
 * What a report at `rotating` says. In a step process nothing but C_SetPIN is new: starting the module, finding the token and the SO login went well twice in this very
 * unlock, so that what goes wrong without a word from the module goes wrong in that call, which is nearly all waiting for a card that has the command.
 */
static enum call_rotation
rotation_cut_short(const char *error, uint64_t cryptoki)
{
	/* the worker was killed over it, or did not wait for it any longer: the call was not cut */
	if (strcmp(error, err_name(ERR_OK)) == 0 || strcmp(error, err_name(ERR_TIMEOUT)) == 0)
		return CALL_ROTATION_LIKELY;
	/* with a return value the module could not be started or had no list of slots, and no PIN call was made; without one the process died */
	if (strcmp(error, err_name(ERR_MODULE_FAILED)) == 0)
		return cryptoki == 0 ? CALL_ROTATION_LIKELY : CALL_ROTATION_NONE;
	/* without a return value it was gone before anything was asked of it; a card without power takes back what it has not finished, and may have finished it */
	if (strcmp(error, err_name(ERR_TOKEN_REMOVED)) == 0)
		return cryptoki == 0 ? CALL_ROTATION_NONE : CALL_ROTATION_UNLIKELY;
	return CALL_ROTATION_NONE;
}

enum call_rotation
call_rotation(bool rotated, const char *stage, const char *error, uint64_t cryptoki)
{
	if (rotated)
		return CALL_ROTATION_LIKELY;
	if (strcmp(stage, stage_name(STAGE_PROVING_ROTATION)) == 0)
		return strcmp(error, err_name(ERR_TOKEN_SO_REFUSED)) != 0 ? CALL_ROTATION_LIKELY : CALL_ROTATION_NONE;
	return strcmp(stage, stage_name(STAGE_ROTATING)) == 0 ? rotation_cut_short(error, cryptoki) : CALL_ROTATION_NONE;
}

unsigned
call_failures_max(const struct store_type *type, unsigned rotation_tries)
{
	unsigned safe;

	_Static_assert((CALL_ONE_RELEASE_TRIES - 1) / TRIES_MAX == 1 && CALL_ONE_RELEASE_TRIES / TRIES_MAX > 1, "the most tries of one release");
	if (type->so_tries == 0)
		return FAILURES_MAX;
	safe = (type->so_tries - 1 - rotation_tries) / TRIES_MAX;
	return safe < FAILURES_MAX ? safe : FAILURES_MAX;
}

enum err
call_judge_token(struct call *c, const struct store_request *r, struct store_token *ret_token, struct store_type *ret_type)
{
	enum err e = store_token_by_name(c->store, &r->token, ret_token);

	if (e == ERR_OK)
		e = call_check_life(ret_token);
	if (e == ERR_OK)
		e = store_type_of(c->store, &r->token, ret_type);
	if (e != ERR_OK)
		return e;
	if (ret_type->policy.family == FAMILY_NONE)
		return ERR_TOKEN_UNSUPPORTED;
	return ret_token->state == STORE_SUSPECT || ret_token->failures >= call_failures_max(ret_type, ret_token->rotation_tries) ? ERR_ESCROW_SUSPECT : ERR_OK;
}

enum err
call_check_token(struct call *c, const struct store_request *r, struct store_token *ret_token, struct store_type *ret_type)
{
	enum err judged = call_judge_token(c, r, ret_token, ret_type);
	enum err e;

	if (judged != ERR_ESCROW_SUSPECT || ret_token->state == STORE_SUSPECT)
		return judged;
	e = call_begin(c);
	if (e != ERR_OK)
		return e;
	e = store_token_mark(c->store, ret_token->id, STORE_SUSPECT);
	if (e == ERR_OK)
		e = call_audit_token(c, "tms", ret_token->id, r->number, "suspect", "failures=%u of %u%s", ret_token->failures, call_failures_max(ret_type, ret_token->rotation_tries),
		    ret_token->rotation_tries != 0 ? " (a rotation may have cost a try)" : "");
	e = call_end(c, e);
	return e == ERR_OK ? judged : e;
}

enum err
call_check_signature(const struct store_request *r, struct buf *transcript, const unsigned char signature[KEY_SIG_LEN])
{
	enum err e = buf_error(transcript);

	if (e == ERR_OK && !key_sig_verify(r->host_sig_pk, transcript->data, transcript->len, signature))
		e = ERR_SIGNATURE_REFUSED;
	buf_free(transcript);
	return e;
}

enum err
call_open(struct call *c, const char *verb, struct store_request *ret, uint64_t *ret_counter)
{
	struct buf transcript = buf_new(TRANSCRIPT_MAX);
	struct decode_counted d;
	enum err e = decode_counted(c->body, &d);

	if (e == ERR_OK)
		e = call_find(c, ret);
	if (e != ERR_OK)
		return e;
	transcript_verb_request(&transcript, verb, ret->id, d.counter);
	e = call_check_signature(ret, &transcript, d.signature);
	if (e == ERR_OK)
		e = store_request_count_up(c->store, ret->number, d.counter);
	if (e == ERR_OK)
		*ret_counter = d.counter;
	return e;
}

enum err
call_hash(const struct store_request *r, const unsigned char approval[TRANSCRIPT_ID_LEN], unsigned char ret_h[KEY_HASH_LEN])
{
	struct transcript_release t = { .token = r->token };
	unsigned char serial[STORE_SERIAL_MAX];

	if (!issued_serial_bytes(r->certificate_serial, serial, &t.certificate_serial_len))
		return ERR_INTERNAL;
	memcpy(t.id, r->id, sizeof(t.id));
	memcpy(t.approval, approval, sizeof(t.approval));
	memcpy(t.host_kem_pk, r->host_kem_pk, sizeof(t.host_kem_pk));
	memcpy(t.host_sig_pk, r->host_sig_pk, sizeof(t.host_sig_pk));
	t.certificate_serial = serial;
	return transcript_release_hash(&t, ret_h);
}
