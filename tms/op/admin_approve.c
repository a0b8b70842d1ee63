/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/admin/requests/{number}/approve: a person has made sure who asks, heard the check phrase, and says yes. Another mail address
 * than the one on record needs a reason and a second person, and the old address is told.
 */
#include "answer.h"
#include "call.h"
#include "code.h"
#include "decode.h"
#include "os.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

#define OTHERS_MAX 64 /* requests that are cancelled in one go */

/* The phrase as it was heard; one that does not fit is written down. */
static enum err
check_phrase(struct call *c, const struct store_request *r, const char *heard)
{
	char phrase[CODE_PHRASE_LEN + 1];
	enum err e = code_phrase(r->id, r->host_kem_pk, r->host_sig_pk, phrase);

	if (e != ERR_OK || code_phrase_equal(heard, phrase))
		return e;
	e = call_begin(c);
	if (e == ERR_OK)
		e = call_end(c, call_audit(c, NULL, r->number, "phrase", "error=%s", err_name(ERR_PHRASE_MISMATCH)));
	return e == ERR_OK ? ERR_PHRASE_MISMATCH : e;
}

static enum err
cancel_others(struct call *c, const struct store_request *r)
{
	int64_t numbers[OTHERS_MAX];
	char detail[64];
	size_t count = OTHERS_MAX;
	enum err e = ERR_OK;

	snprintf(detail, sizeof(detail), "approved=%lld", (long long)r->number);
	while (e == ERR_OK && count == OTHERS_MAX) {
		e = store_request_open_of(c->store, &r->token, numbers, OTHERS_MAX, &count);
		for (size_t i = 0; e == ERR_OK && i < count; i++) {
			struct store_request other;
			if (numbers[i] == r->number)
				continue;
			e = store_request_by_number(c->store, numbers[i], &other);
			if (e == ERR_OK)
				e = call_move(c, &other, MACHINE_CANCEL, detail);
		}
	}
	return e;
}

/* The approval with all that follows from it; the code goes to address. What is written down is what this person says, the second one where there are two. */
static enum err
approve(struct call *c, struct store_request *r, const struct decode_approve *d, const struct store_approval *a, const char *address)
{
	char detail[STORE_DETAIL_SIZE];
	enum err e = store_approval_put(c->store, a);

	if (e == ERR_OK)
		e = store_request_set_email(c->store, r->number, address);
	if (e == ERR_OK)
		e = store_request_set_expires(c->store, r->number, c->now + c->service->config->approval_valid_s);
	if (e == ERR_OK)
		e = store_request_set_decided(c->store, r->number, c->person->id, c->now);
	if (e == ERR_OK)
		e = cancel_others(c, r);
	if (a->second != 0)
		snprintf(detail, sizeof(detail), "how=%s reference=%s email=%s reason=%s", d->how, d->reference, address, d->reason);
	else
		snprintf(detail, sizeof(detail), "how=%s reference=%s", d->how, d->reference);
	if (e == ERR_OK)
		e = call_move(c, r, MACHINE_APPROVE, detail);
	return e == ERR_OK ? call_mail(c, r->number, STORE_MAIL_CODE, address) : e;
}

/* What this person says now, as a row. */
static void
fill_approval(const struct call *c, const struct store_request *r, const struct decode_approve *d, struct store_approval *a)
{
	*a = (struct store_approval){ .number = r->number, .first = c->person->id, .created = c->now };
	os_random(a->id, sizeof(a->id));
	text_copy(a->how, sizeof(a->how), d->how);
	text_copy(a->reference, sizeof(a->reference), d->reference);
}

/* Whether the first person's proposal still stands: not where that person may not come in any more. */
static enum err
find_proposal(struct call *c, const struct store_request *r, const char *email, struct store_approval *ret)
{
	struct store_person first;
	enum err e = store_approval_of(c->store, r->number, ret);

	if (e == ERR_OK)
		e = store_person_by_id(c->store, ret->first, &first);
	return e == ERR_OK && (strcmp(ret->email, email) != 0 || first.role == STORE_NONE) ? ERR_REQUEST_NOT_APPROVED : e;
}

/*
 * With another address the first person's call waits as a proposal; the same address from somebody else is the second one's yes, and
 * another address is a proposal of its own.
 */
static enum err
approve_changed(struct call *c, struct store_request *r, const struct decode_approve *d, const struct store_token *token)
{
	struct store_approval a;
	enum err e = find_proposal(c, r, d->email, &a);

	if (e == ERR_OK) {
		e = call_check_other(c, a.first);
		if (e == ERR_SECOND_PERSON)
			e = ERR_SECOND_APPROVER;
		a.second = c->person->id;
		if (e == ERR_OK)
			e = approve(c, r, d, &a, d->email);
		return e == ERR_OK ? call_mail(c, r->number, STORE_MAIL_ADDRESS_CHANGED, token->email) : e;
	}
	if (e != ERR_REQUEST_NOT_APPROVED)
		return e;
	fill_approval(c, r, d, &a);
	text_copy(a.email, sizeof(a.email), d->email);
	text_copy(a.email_reason, sizeof(a.email_reason), d->reason);
	e = store_approval_put(c->store, &a);
	return e == ERR_OK ? call_audit(c, NULL, r->number, "propose", "how=%s reference=%s email=%s reason=%s", a.how, a.reference, a.email, a.email_reason) : e;
}

/* In a transaction, where what is read still holds when it is written. */
static enum err
decide(struct call *c, struct store_request *r, const struct decode_approve *d)
{
	struct store_approval a;
	struct store_token token;
	struct store_type type;
	enum state to;
	enum err e = store_request_by_number(c->store, r->number, r);

	if (e == ERR_OK)
		e = machine_next(r->state, MACHINE_APPROVE, &to);
	if (e == ERR_OK)
		e = call_judge_token(c, r, &token, &type);
	if (e != ERR_OK)
		return e;
	if (d->email != NULL && strcmp(d->email, token.email) != 0)
		return approve_changed(c, r, d, &token);
	if (token.email[0] == '\0')
		return ERR_MAIL_ADDRESS;
	fill_approval(c, r, d, &a);
	return approve(c, r, d, &a, token.email);
}

enum err
op_admin_approve(struct call *c, json_t **ret_answer)
{
	struct decode_approve d;
	struct store_request r;
	struct store_token token;
	struct store_type type;
	enum state to;
	enum err e = decode_approve(c->body, &d);

	if (e == ERR_OK)
		e = call_find_number(c, &r);
	if (e == ERR_OK)
		e = machine_next(r.state, MACHINE_APPROVE, &to);
	if (e == ERR_OK)
		e = check_phrase(c, &r, d.phrase);
	/* an approval of what cannot be released would only send the customer in a circle */
	if (e == ERR_OK)
		e = call_check_token(c, &r, &token, &type);
	if (e == ERR_OK)
		e = call_begin(c);
	if (e == ERR_OK)
		e = call_end(c, decide(c, &r, &d));
	if (e == ERR_OK)
		e = store_request_by_number(c->store, r.number, &r);
	return e == ERR_OK ? answer_one(c, &r, ret_answer) : e;
}
