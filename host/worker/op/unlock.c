/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unlock: an approved request becomes a token with a new PIN. unlock_token() reads as the order of things; each step is one function above it.
 *
 * Until the new PIN is proved, whatever fails is the answer. From then on the customer has what he wanted: what fails later (the rotation of
 * the SO PIN, the report) is told to the server, now or by a later operation, and the answer is a success. A killed worker leaves
 * the journal, from which the next unlock or unlock.status goes on; the server gives the same release and the same grant again.
 */
#include "operation.h"

#include "attempt.h"
#include "certificate_view.h"
#include "code.h"
#include "find_token.h"
#include "json.h"
#include "log.h"
#include "open_request.h"
#include "prompt.h"

#include <stdio.h>
#include <string.h>

#define WAIT_MS 30000 /* for a status call that is under way */

struct unlock {
	struct op_call *call;
	unsigned char id[TRANSCRIPT_ID_LEN];
	struct journal_entry *entry; /* the open request's, NULL while it is closed */
	struct token_policy policy;  /* what the server says of this kind of token */
	struct open_request request;
	struct found_token token;
	enum stage stage;
	bool resumed;	    /* may_be_set() when it began */
	struct secret code; /* what the person typed */
	struct secret pin;
	unsigned char h[KEY_HASH_LEN];
	struct tms_released released; /* what the server gave for it */
	struct secret next;
	unsigned active;	  /* the candidate that the token took */
	struct step_outcome said; /* by the token, in the step that decided */
};

/* ---- the request ---- */

static enum err
take_request(struct unlock *u)
{
	enum err e = request_open(u->call->profile, u->id, WAIT_MS, &u->request);

	if (e == ERR_OK)
		u->entry = request_entry(&u->request);
	return e;
}

/* Others may look and ask while a person thinks. */
static void
leave_request(struct unlock *u)
{
	if (u->entry != NULL)
		request_close(&u->request);
	u->entry = NULL;
}

/*
 * From the release on writes down, and tells the page, how far it has come; once the new PIN is proved, for the report of who finds the journal, too. The
 * journal keeps the farthest that this request ever came, whoever goes on with it.
 */
static enum err
enter(struct unlock *u, enum stage stage)
{
	enum err e = ERR_OK;

	u->stage = stage;
	if (u->entry != NULL) {
		if (u->entry->stage == STAGE_COUNT || stage > u->entry->stage)
			u->entry->stage = stage;
		if (u->entry->outcome.known && stage != STAGE_REPORTING)
			u->entry->outcome.stage = stage;
		e = journal_save(u->request.journal);
	}
	op_notify(u->call, "unlock.progress", json_pack("{s:o, s:s}", "request", request_id_json(u->id), "stage", stage_name(stage)));
	return e;
}

/* ---- before anybody is asked for anything ---- */

/* In this process or in one that died. */
static bool
was_released(const struct journal_entry *entry)
{
	return entry->stage != STAGE_COUNT && entry->stage >= STAGE_SETTING_PIN;
}

/* An unlock of this request that was cut short may have set a PIN, or has. */
static bool
may_be_set(const struct journal_entry *entry)
{
	return entry->unclear != 0 || (entry->stage != STAGE_COUNT && entry->stage > STAGE_SETTING_PIN);
}

/* An unlock that was cut short after its end was known is only reported. */
static bool
has_ended(const struct unlock *u)
{
	return u->entry->outcome.known;
}

static enum err
look_for(struct unlock *u, const struct token_name *name)
{
	enum err e;

	found_token_free(&u->token);
	e = token_find(u->call->profile, name, &u->token);
	/* his request says which token is meant, and that one is not there: that is all he needs to be told */
	return e == ERR_NO_TOKEN || e == ERR_NO_READER ? ERR_TOKEN_ABSENT : e;
}

static enum err
find_token(struct unlock *u)
{
	struct token_name name = u->entry->token;

	leave_request(u);
	return look_for(u, &name);
}

/* Whether there is something to type a code for. */
static enum err
ask_server(struct unlock *u)
{
	enum err e = request_ask(&u->request, "status");

	if (e == ERR_OK)
		e = request_allows_unlock(u->entry);
	if (e == ERR_OK && !attempt_is_left(u->entry))
		e = ERR_TOKEN_FAILED;
	/* what is approved has a kind: the same signed answer says so */
	if (e == ERR_OK && !u->request.has_policy)
		e = ERR_TMS_ANSWER;
	u->policy = u->request.policy;
	return e;
}

/*
 * Whether this kind of token can be unlocked as it stands there: otherwise nobody types a code for it. One that an unlock of this request has opened before it was
 * cut short is not locked any more, and is gone on with all the same.
 */
static enum err
judge_token(struct unlock *u)
{
	const struct step_token *token = u->token.token;

	u->resumed = may_be_set(u->entry);
	switch (u->policy.family) {
	case FAMILY_SO_PIN:
		return token_so_pin_fits(token, u->entry->reason, u->policy.flags_reliable && !u->resumed);
	case FAMILY_PUK:
		return token->pin == PIN_STATE_LOCKED || u->resumed ? ERR_OK : ERR_TOKEN_NOT_YET_LOCKED;
	case FAMILY_NONE:
	case FAMILY_COUNT:
		break;
	}
	return ERR_TOKEN_UNSUPPORTED;
}

/* ---- the person ---- */

/* What token and authority both take; what the token takes where they contradict each other. */
static void
pin_lengths(const struct unlock *u, struct prompt_question *q)
{
	const struct step_token *token = u->token.token;

	q->pin_min = u->policy.pin_min > token->pin_min ? u->policy.pin_min : token->pin_min;
	q->pin_max = u->policy.pin_max != 0 && u->policy.pin_max < token->pin_max ? u->policy.pin_max : token->pin_max;
	if (q->pin_min > q->pin_max) {
		q->pin_min = token->pin_min;
		q->pin_max = token->pin_max;
	}
}

static enum err
ask_person(struct unlock *u)
{
	struct prompt_question question = {
		.program = u->call->profile->prompt,
		.origin = u->call->origin[0] != '\0' ? u->call->origin : "mokhoa-host call",
		.label = u->token.token->label,
		.serial = u->token.token->name.serial,
		.pin_characters = u->policy.pin_characters,
	};
	char phrase[sizeof(u->entry->phrase)], language[sizeof(u->entry->language)];
	enum err e;

	pin_lengths(u, &question);
	memcpy(phrase, u->entry->phrase, sizeof(phrase));
	memcpy(language, u->entry->language, sizeof(language));
	question.phrase = phrase;
	question.language = language;
	leave_request(u);
	e = enter(u, STAGE_PROMPTING);
	return e == ERR_OK ? prompt_ask(&question, &u->code, &u->pin) : e;
}

/* ---- the release ---- */

static enum err
send_code(struct unlock *u, const struct transcript_release *release)
{
	struct tms_release_call call = { .release = release, .h = u->h, .host_kem = u->request.host_kem };
	struct key_sig *code_key_pair = code_key(&u->code, u->id);
	enum err e;

	secret_wipe(&u->code);
	if (code_key_pair == NULL)
		return ERR_NO_MEMORY;
	call.code_key = code_key_pair;
	e = tms_release(&u->request.tms, &call, &u->released);
	key_sig_free(code_key_pair);
	return e;
}

/* The fields of h; the certificate's number is the one that the request was made with. */
static enum err
describe_release(struct unlock *u, struct certificate_serial *serial, struct transcript_release *ret)
{
	*ret = (struct transcript_release){ .token = u->entry->token };
	memcpy(ret->id, u->id, sizeof(ret->id));
	memcpy(ret->approval, u->entry->approval, sizeof(ret->approval));
	key_kem_public(u->request.host_kem, ret->host_kem_pk);
	key_sig_public(u->request.host_sig, ret->host_sig_pk);
	if (u->entry->certificate_len != 0 && !certificate_serial(u->entry->certificate, u->entry->certificate_len, serial))
		return ERR_JOURNAL_FAILED;
	ret->certificate_serial = serial->bytes;
	ret->certificate_serial_len = serial->len;
	return transcript_release_hash(ret, u->h);
}

static enum err
release(struct unlock *u)
{
	struct certificate_serial serial = { .len = 0 };
	struct transcript_release release_fields;
	enum err e = take_request(u);

	/* a person may have cancelled it in another window while this one waited */
	if (e == ERR_OK)
		e = request_allows_unlock(u->entry);
	if (e == ERR_OK)
		e = enter(u, STAGE_RELEASING);
	if (e == ERR_OK)
		e = describe_release(u, &serial, &release_fields);
	if (e == ERR_OK)
		e = send_code(u, &release_fields);
	return e;
}

/* It was here when this unlock began: a step that does not find it any more means that it was pulled out. */
static enum err
since_begun(const struct unlock *u, enum err e)
{
	return e == ERR_TOKEN_ABSENT && u->stage > STAGE_PROMPTING ? ERR_TOKEN_REMOVED : e;
}

/* ---- the new PIN ---- */

/* A PUK is for a locked PIN alone: where the attempt that was cut short has opened the token, what is left is to prove the PIN, which is typed once more. */
static bool
is_set(const struct unlock *u)
{
	return u->resumed && u->released.family == FAMILY_PUK && u->token.token->pin != PIN_STATE_LOCKED;
}

/*
 * What the token says of an attempt whose end nobody has seen may be newer than the look before the prompt: whoever was at work for it (a service that a
 * module asks) may have gone on after the step had died.
 */
static enum err
look_again(struct unlock *u)
{
	return u->entry->unclear != 0 ? look_for(u, &u->entry->token) : ERR_OK;
}

static enum err
set_pin(struct unlock *u)
{
	enum err e = enter(u, STAGE_SETTING_PIN);

	if (e == ERR_OK)
		e = look_again(u);
	if (e == ERR_OK && !is_set(u))
		e = attempt_set_pin(&u->request, &u->token, &u->released, &u->pin, &u->active, &u->said);
	return e;
}

/* A login from a fresh process; from here on the unlock has happened, and the journal says so before the server hears of it. */
static enum err
prove_pin(struct unlock *u)
{
	struct step_proof proof = { .built = false };
	struct buf message = buf_new(TRANSCRIPT_MAX);
	enum err e;

	/* the token has taken the new PIN: a journal that cannot say so does not undo it */
	(void)enter(u, STAGE_PROVING_PIN);
	transcript_unlocked(&message, u->h, u->released.nonce);
	e = buf_error(&message);
	if (e == ERR_OK)
		e = step_prove(u->token.module, &u->entry->token, &u->pin, u->entry->certificate, u->entry->certificate_len, message.data, message.len,
		    &proof, &u->said);
	buf_free(&message);
	if (e == ERR_OK)
		attempt_succeeded(u->entry, u->released.rotation, &proof);
	return e;
}

/* ---- the next SO PIN ---- */

static enum err
grant(struct unlock *u)
{
	enum err e = enter(u, STAGE_GRANTING);

	return e == ERR_OK ? tms_grant(&u->request.tms, u->id, u->h, u->active, u->request.host_kem, &u->next) : e;
}

static enum err
rotate(struct unlock *u)
{
	enum err e = enter(u, STAGE_ROTATING);

	if (e == ERR_OK)
		e = step_rotate(u->token.module, &u->entry->token, &u->released.candidates[u->active], &u->next, &u->said);
	/* whatever the token said, nothing is done with the old ones any more */
	for (unsigned i = 0; i < u->released.count; i++)
		secret_wipe(&u->released.candidates[i]);
	return e;
}

static enum err
prove_rotation(struct unlock *u)
{
	enum err e = enter(u, STAGE_PROVING_ROTATION);

	if (e == ERR_OK)
		e = step_prove_rotation(u->token.module, &u->entry->token, &u->next, &u->pin, &u->said);
	return e;
}

/* The server has the next SO PIN before the token gets it, and keeps the old one until it is told that the new one was proved. */
static void
change_so_pin(struct unlock *u)
{
	struct journal_outcome *o = &u->entry->outcome;
	enum err e;

	u->said = (struct step_outcome){ .cryptoki = 0 };
	if ((e = grant(u)) == ERR_OK &&
	    (e = rotate(u)) == ERR_OK &&
	    (e = prove_rotation(u)) == ERR_OK)
		o->rotated = true;
	o->error = since_begun(u, e);
	o->cryptoki = u->said.cryptoki;
	o->stage = e == ERR_OK ? STAGE_REPORTING : u->stage;
	if (e != ERR_OK)
		log_info("unlock", "rotated=no stage=%s result=%s", stage_name(u->stage), err_name(e));
}

/* ---- the end ---- */

static void
add_cryptoki(struct unlock *u, uint64_t cryptoki)
{
	if (cryptoki != 0)
		op_detail(u->call, "cryptoki", json_integer((json_int_t)(cryptoki & INT64_MAX)));
}

/* A failure after the release: the server is told where it ended the request; where it did not, the same request may be unlocked again. */
static void
note_failure(struct unlock *u, enum err e)
{
	add_cryptoki(u, u->said.cryptoki);
	if (u->entry == NULL || !was_released(u->entry) || !attempt_ends_request(e, u->entry))
		return;
	attempt_failed(u->entry, u->entry->stage, attempt_verdict(e, u->entry), &u->said);
	if (journal_save(u->request.journal) == ERR_OK)
		(void)request_report(&u->request);
}

/* The server verifies the proof before it says "completed". */
static const char *
proof_word(const struct journal_entry *entry)
{
	const struct journal_outcome *o = &entry->outcome;

	if (o->proof_len != 0)
		return o->reported && entry->state == STATE_COMPLETED ? "verified" : "unreported";
	return o->proof_built ? "no_key" : "not_built";
}

/* The answer to an unlock that has ended. Its report may have to wait; that the server does not take the proof is said each time that it does not. */
static enum err
report(struct unlock *u)
{
	const struct journal_outcome *o = &u->entry->outcome;
	enum err e;

	(void)enter(u, STAGE_REPORTING);
	e = request_report(&u->request);
	if (!o->completed)
		e = o->error;
	if (!o->completed || e == ERR_PROOF_REFUSED) {
		add_cryptoki(u, o->cryptoki);
		return e;
	}
	u->call->result = json_pack("{s:o, s:s, s:b, s:s}",
	    "request", request_id_json(u->id),
	    "state", state_for_customer(state_is_final(u->entry->state) ? u->entry->state : STATE_COMPLETED),
	    "rotated", o->rotated ? 1 : 0,
	    "proof", proof_word(u->entry));
	return u->call->result != NULL ? ERR_OK : ERR_NO_MEMORY;
}

static enum err
unlock_token(struct unlock *u)
{
	enum err e;

	if ((e = find_token(u)) != ERR_OK ||
	    (e = step_hold(&u->token.token->name, &u->call->token)) != ERR_OK ||
	    (e = take_request(u)) != ERR_OK)
		return e;
	/* another unlock of it may have ended before this one held the token; from here on there is none */
	if (has_ended(u))
		return report(u);
	if ((e = ask_server(u)) != ERR_OK ||
	    (e = judge_token(u)) != ERR_OK ||
	    (e = ask_person(u)) != ERR_OK ||
	    (e = release(u)) != ERR_OK ||
	    (e = set_pin(u)) != ERR_OK ||
	    (e = prove_pin(u)) != ERR_OK) {
		e = since_begun(u, e);
		note_failure(u, e);
		return e;
	}
	/* a key that is not rotated was released and stays what it is: so it is reported */
	if (u->released.rotation)
		change_so_pin(u);
	return report(u);
}

static void
forget(struct unlock *u)
{
	leave_request(u);
	found_token_free(&u->token);
	wipe(u, sizeof(*u));
}

static enum err
run(struct op_call *call)
{
	struct unlock u = { .call = call, .stage = STAGE_PROMPTING };
	enum err e = op_request_id(call, u.id);

	if (e == ERR_OK)
		e = take_request(&u);
	if (e == ERR_OK)
		e = has_ended(&u) ? report(&u) : unlock_token(&u);
	if (e != ERR_OK && e != ERR_INVALID_PARAMS)
		op_detail(call, "request", request_id_json(u.id));
	if (e != ERR_OK && u.entry != NULL)
		op_detail_refusal(call, &u.request.tms.refusal);
	forget(&u);
	return e;
}

const struct op op_unlock = { .name = "unlock", .run = run };
