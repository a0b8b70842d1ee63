/* SPDX-License-Identifier: Apache-2.0 */
#include "answer.h"

#include "answer_rows.h"
#include "json.h"
#include "text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Seconds after which asking again is worth while: people decide, then a mail travels, then a machine works. */
#define AGAIN_PEOPLE  30
#define AGAIN_MACHINE 5

#define OTHERS_MAX 8 /* requests for the same token that are shown beside one */

/* Signs the transcript with the server's key and frees it. */
static enum err
sign(const struct call *c, struct buf *transcript, unsigned char ret[KEY_SIG_LEN])
{
	enum err e = buf_error(transcript);

	if (e == ERR_OK)
		e = key_sig_sign(c->service->signing_key, transcript->data, transcript->len, ret);
	buf_free(transcript);
	return e;
}

enum err
answer_packed(json_t *value, json_t **ret_value)
{
	if (value == NULL)
		return ERR_NO_MEMORY;
	*ret_value = value;
	return ERR_OK;
}

enum err
answer_create(const struct call *c, const struct store_request *r, json_t **ret_answer)
{
	struct buf transcript = buf_new(TRANSCRIPT_MAX);
	unsigned char signature[KEY_SIG_LEN];
	enum err e;

	transcript_create_answer(&transcript, r->id, r->create_hash, (uint64_t)r->expires, c->service->config->hotline);
	e = sign(c, &transcript, signature);
	if (e != ERR_OK)
		return e;
	return answer_packed(json_pack("{s:o, s:I, s:s, s:s, s:o}",
				 "id", json_b64(r->id, sizeof(r->id)),
				 "expires", (json_int_t)r->expires,
				 "hotline", c->service->config->hotline,
				 "kid", c->service->kid,
				 "signature", json_b64(signature, sizeof(signature))),
	    ret_answer);
}

/* ---- status ---- */

static int64_t
retry_after(const struct store_request *r)
{
	if (state_is_final(r->state))
		return 0;
	return r->state == STATE_RELEASED || r->state == STATE_UNKNOWN ? AGAIN_MACHINE : AGAIN_PEOPLE;
}

/* Whether the approval still stands or has been used. */
static bool
was_approved(const struct store_request *r)
{
	return r->decided != 0 && r->state != STATE_REFUSED && r->state != STATE_EXPIRED && r->state != STATE_CANCELLED;
}

/* When the newest code that still works ends; 0 where there is none. */
static enum err
code_expires(struct call *c, const struct store_request *r, int64_t *ret_expires)
{
	struct store_code codes[STORE_CODES_MAX];
	size_t count = 0;
	enum err e;

	*ret_expires = 0;
	if (r->state != STATE_APPROVED)
		return ERR_OK;
	e = store_code_list(c->store, r->number, codes, &count);
	if (e == ERR_OK && count != 0 && codes[0].expires > c->now)
		*ret_expires = codes[0].expires;
	return e;
}

void
answer_mask(const char *email, char ret[STORE_EMAIL_SIZE])
{
	const char *at = strrchr(email, '@');
	size_t local = at != NULL ? (size_t)(at - email) : 0;

	ret[0] = '\0';
	if (local > 3)
		snprintf(ret, STORE_EMAIL_SIZE, "%c***%s", email[0], at);
	else if (local != 0)
		snprintf(ret, STORE_EMAIL_SIZE, "%.*s%s", (int)local, "***", at);
}

static enum err
sign_status(const struct call *c, const struct store_request *r, uint64_t counter, const struct transcript_status *s,
    unsigned char ret[KEY_SIG_LEN])
{
	struct buf transcript = buf_new(TRANSCRIPT_MAX);

	transcript_status_answer(&transcript, r->id, counter, s);
	return sign(c, &transcript, ret);
}

static json_t *
status_json(const struct call *c, const struct transcript_status *s, const unsigned char signature[KEY_SIG_LEN])
{
	static const struct token_policy nothing = { .pin_min = 0 };
	const struct token_policy *p = s->policy != NULL ? s->policy : &nothing;

	return json_pack("{s:s, s:I, s:I, s:I, s:s, s:o, s:s, s:s, s:I, s:I, s:s, s:b, s:s, s:o}",
	    "state", s->state,
	    "expires", (json_int_t)s->expires,
	    "code_expires", (json_int_t)s->code_expires,
	    "retry_after", (json_int_t)s->retry_after,
	    "email", s->email,
	    "approval", json_b64(s->approval != NULL ? s->approval : (const unsigned char *)"", s->approval != NULL ? TRANSCRIPT_ID_LEN : 0),
	    "note", s->note,
	    "family", s->policy != NULL ? family_name(p->family) : "",
	    "pin_min", (json_int_t)p->pin_min,
	    "pin_max", (json_int_t)p->pin_max,
	    "pin_characters", s->policy != NULL ? characters_name(p->pin_characters) : "",
	    "flags_reliable", p->flags_reliable ? 1 : 0,
	    "kid", c->service->kid,
	    "signature", json_b64(signature, KEY_SIG_LEN));
}

enum err
answer_status(struct call *c, const struct store_request *r, uint64_t counter, json_t **ret_answer)
{
	struct transcript_status s = { .state = state_for_customer(r->state), .note = r->note };
	struct store_approval approval;
	struct store_type type;
	unsigned char signature[KEY_SIG_LEN];
	char email[STORE_EMAIL_SIZE] = "";
	int64_t expires = 0;
	enum err e = code_expires(c, r, &expires);

	if (e == ERR_OK && was_approved(r)) {
		e = store_approval_of(c->store, r->number, &approval);
		s.approval = approval.id;
		answer_mask(r->email, email);
		if (e == ERR_OK)
			e = store_type_of(c->store, &r->token, &type);
		s.policy = &type.policy;
	}
	s.email = email;
	s.expires = (uint64_t)r->expires;
	s.code_expires = (uint64_t)expires;
	s.retry_after = (uint64_t)retry_after(r);
	if (e == ERR_OK)
		e = sign_status(c, r, counter, &s, signature);
	if (e != ERR_OK)
		return e;
	return answer_packed(status_json(c, &s, signature), ret_answer);
}

/* ---- release and grant ---- */

static enum err
sealed(const struct call *c, struct buf *transcript, const struct store_answer *a, json_t **ret_answer)
{
	unsigned char signature[KEY_SIG_LEN];
	enum err e = sign(c, transcript, signature);

	if (e != ERR_OK)
		return e;
	return answer_packed(json_pack("{s:o, s:o, s:s, s:o}",
				 "enc", json_b64(a->enc, sizeof(a->enc)),
				 "ciphertext", json_b64(a->ciphertext, a->ciphertext_len),
				 "kid", c->service->kid,
				 "signature", json_b64(signature, sizeof(signature))),
	    ret_answer);
}

enum err
answer_release(const struct call *c, const struct store_release *r, json_t **ret_answer)
{
	const struct store_answer *a = &r->answer;
	struct buf transcript = buf_new(TRANSCRIPT_MAX);
	json_t *answer = NULL;
	enum err e;

	transcript_release_answer(&transcript, r->h, a->enc, sizeof(a->enc), a->ciphertext, a->ciphertext_len, r->family, r->rotation);
	e = sealed(c, &transcript, a, &answer);
	if (e != ERR_OK)
		return e;
	if (json_object_set_new(answer, "family", json_string(family_name(r->family))) != 0 ||
	    json_object_set_new(answer, "rotation", json_boolean(r->rotation)) != 0) {
		json_decref(answer);
		return ERR_NO_MEMORY;
	}
	*ret_answer = answer;
	return ERR_OK;
}

enum err
answer_grant(const struct call *c, const unsigned char h[KEY_HASH_LEN], unsigned active, const struct store_answer *a, json_t **ret_answer)
{
	struct buf transcript = buf_new(TRANSCRIPT_MAX);

	transcript_grant_answer(&transcript, h, active, a->enc, sizeof(a->enc), a->ciphertext, a->ciphertext_len);
	return sealed(c, &transcript, a, ret_answer);
}

/* ---- the desk ---- */

/* What people say of the token of a request, empty where it is not on record. */
static enum err
life_of(struct call *c, const struct store_request *r, const char **ret_word)
{
	struct store_token token;
	enum err e = store_token_by_name(c->store, &r->token, &token);

	*ret_word = e == ERR_OK ? store_life_name(token.life) : "";
	return e == ERR_ESCROW_MISSING ? ERR_OK : e;
}

enum err
answer_row(struct call *c, const struct store_request *r, json_t **ret_row)
{
	const char *life;
	enum err e = life_of(c, r, &life);

	if (e != ERR_OK)
		return e;
	return answer_packed(json_pack("{s:I, s:s, s:s, s:s, s:o, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:s, s:I}",
				 "number", (json_int_t)r->number,
				 "state", state_name(r->state),
				 "customer", r->customer,
				 "email", r->email,
				 "token", token_name_json(&r->token),
				 "token_life", life,
				 "certificate_serial", issued_shown_serial(r->certificate_serial),
				 "reason", r->reason,
				 "language", r->language,
				 "created", (json_int_t)r->created,
				 "decided", (json_int_t)r->decided,
				 "expires", (json_int_t)r->expires,
				 "agency", r->agency,
				 "erased", (json_int_t)r->erased),
	    ret_row);
}

/* What is in the chain and, as long as it is there, what people have typed beside it. What is too long ends with a whole character. */
static void
join(const struct store_audit *row, char ret[STORE_DETAIL_SIZE])
{
	const char *blank = row->detail[0] != '\0' && row->note[0] != '\0' ? " " : "";
	int len = snprintf(ret, STORE_DETAIL_SIZE, "%s%s%s", row->detail, blank, row->note);
	size_t end = STORE_DETAIL_SIZE - 1;

	if (len < STORE_DETAIL_SIZE)
		return;
	while (end != 0 && !text_is_utf8(ret, end))
		end--;
	ret[end] = '\0';
}

json_t *
answer_entry(const struct store_audit *row)
{
	char detail[STORE_DETAIL_SIZE];

	join(row, detail);
	return json_pack("{s:I, s:s, s:s, s:s}",
	    "time", (json_int_t)row->created,
	    "actor", row->who,
	    "event", row->what,
	    "detail", detail);
}

static void
add_history(const struct store_audit *row, void *context)
{
	answer_rows_add(context, ERR_OK, answer_entry(row));
}

/* How it was approved; empty where it was not, or what one person has said who waits for a second one. */
static enum err
add_approval(struct call *c, const struct store_request *r, json_t *one)
{
	struct store_approval a = { .how = "" };
	struct store_person p = { .name = "" };
	enum err e = store_approval_of(c->store, r->number, &a);
	struct store_person first = { .name = "" };
	bool waits = e == ERR_OK && r->decided == 0;
	json_t *more;

	if (e == ERR_REQUEST_NOT_APPROVED)
		e = ERR_OK;
	if (e == ERR_OK && r->decider != 0)
		e = store_person_by_id(c->store, r->decider, &p);
	if (e == ERR_OK && waits)
		e = store_person_by_id(c->store, a.first, &first);
	if (e == ERR_OK)
		e = answer_packed(json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}",
				      "how", a.how,
				      "reference", a.reference,
				      "decided_by", p.name,
				      "note", r->note,
				      "waiting_email", waits ? a.email : "",
				      "waiting_by", first.name),
		    &more);
	if (e != ERR_OK)
		return e;
	e = json_object_update(one, more) == 0 ? ERR_OK : ERR_NO_MEMORY;
	json_decref(more);
	return e;
}

/* What the report says of the request's unlock. */
static const char *
outcome_word(const struct store_done *d)
{
	if (strcmp(d->result, "completed") != 0)
		return "failed";
	return d->rotated ? "rotated" : "not_rotated";
}

/* Which kind of token it is, where it is on record, and what came of the unlock. */
static enum err
add_outcome(struct call *c, const struct store_request *r, json_t *one)
{
	const char *family = "";
	const char *outcome = "";
	struct store_token token = { .id = 0 };
	const char *state = "";
	struct store_type type;
	struct store_done done;
	enum err e = store_token_by_name(c->store, &r->token, &token);

	if (e == ERR_OK) {
		e = store_type_of(c->store, &r->token, &type);
		family = family_name(type.policy.family);
		state = store_token_state_name(token.state);
	}
	if (e != ERR_OK && e != ERR_ESCROW_MISSING)
		return e;
	e = store_done_of(c->store, r->number, &done);
	if (e == ERR_OK)
		outcome = outcome_word(&done);
	else if (e != ERR_STATE_WRONG)
		return e;
	if (json_object_set_new(one, "family", json_string(family)) != 0 || json_object_set_new(one, "outcome", json_string(outcome)) != 0 ||
	    json_object_set_new(one, "token_number", json_integer(token.id)) != 0 || json_object_set_new(one, "token_state", json_string(state)) != 0)
		return ERR_NO_MEMORY;
	return ERR_OK;
}

struct others {
	int64_t number; /* of the request itself */
	struct answer_rows rows;
};

static void
add_other(const struct store_request *r, void *context)
{
	struct others *others = context;
	json_t *row = NULL;
	enum err e;

	if (r->number == others->number || json_array_size(others->rows.array) == OTHERS_MAX)
		return;
	e = answer_row(others->rows.call, r, &row);
	answer_rows_add(&others->rows, e, row);
}

/* The newest other requests for the same token, which whoever decides looks at side by side. */
static enum err
add_others(struct call *c, const struct store_request *r, json_t *one)
{
	struct others others = { .number = r->number, .rows = answer_rows_new(c) };

	return answer_rows_set(&others.rows, store_request_list_token(c->store, &r->token, OTHERS_MAX + 1, add_other, &others), "others", one);
}

enum err
answer_one(struct call *c, const struct store_request *r, json_t **ret_answer)
{
	struct answer_rows history;
	json_t *one = NULL;
	enum err e = answer_row(c, r, &one);

	if (e == ERR_OK)
		e = add_approval(c, r, one);
	if (e == ERR_OK)
		e = add_outcome(c, r, one);
	if (e == ERR_OK)
		e = add_others(c, r, one);
	if (e == ERR_OK) {
		history = answer_rows_new(c);
		e = answer_rows_set(&history, store_audit_list(c->store, r->number, add_history, &history), "history", one);
	}
	if (e != ERR_OK) {
		json_decref(one);
		return e;
	}
	*ret_answer = one;
	return ERR_OK;
}
