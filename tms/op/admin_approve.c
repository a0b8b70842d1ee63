/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/admin/requests/{number}/approve: a person has made sure who asks, heard the check phrase, and says yes. Another mail address
 * than the one on record needs a reason, and the old address is told. Where the policy asks for it, for that or for every request of a type or an agency,
 * nothing follows before a second person says yes, too.
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

/* A yes under way: what is asked for, and what it means here. */
struct yes {
	const struct decode_approve *said;
	const struct store_token *token;
	const char *address; /* where the code goes */
	const char *changed; /* the same where it is not the one on record, else empty */
};

/* What somebody has typed with a yes; of the address only where it is another one. */
static void
write_said(char note[STORE_DETAIL_SIZE], const char *reference, const char *changed, const char *reason)
{
	if (changed[0] != '\0')
		snprintf(note, STORE_DETAIL_SIZE, "reference=%s email=%s reason=%s", reference, changed, reason);
	else
		snprintf(note, STORE_DETAIL_SIZE, "reference=%s", reference);
}

/* The approval with all that follows from it. What is written down is what this person says, the second one where there are two. */
static enum err
approve(struct call *c, struct store_request *r, const struct yes *y, const struct store_approval *a)
{
	char detail[32];
	char note[STORE_DETAIL_SIZE];
	enum err e = store_approval_put(c->store, a);

	if (e == ERR_OK)
		e = store_request_set_email(c->store, r->number, y->address);
	if (e == ERR_OK)
		e = store_request_set_expires(c->store, r->number, c->now + c->service->config->approval_valid_s);
	if (e == ERR_OK)
		e = store_request_set_decided(c->store, r->number, c->person->id, c->now);
	if (e == ERR_OK)
		e = cancel_others(c, r);
	snprintf(detail, sizeof(detail), "how=%s", y->said->how);
	write_said(note, y->said->reference, y->changed, y->said->reason);
	if (e == ERR_OK)
		e = call_move_said(c, r, MACHINE_APPROVE, detail, note);
	if (e == ERR_OK)
		e = call_mail(c, r->number, STORE_MAIL_CODE, y->address);
	return e == ERR_OK && y->changed[0] != '\0' ? call_mail(c, r->number, STORE_MAIL_ADDRESS_CHANGED, y->token->email) : e;
}

/* What this person says now, as a row. */
static void
fill_approval(const struct call *c, const struct store_request *r, const struct yes *y, struct store_approval *a)
{
	*a = (struct store_approval){ .number = r->number, .first = c->person->id, .created = c->now };
	os_random(a->id, sizeof(a->id));
	text_copy(a->how, sizeof(a->how), y->said->how);
	text_copy(a->reference, sizeof(a->reference), y->said->reference);
	text_copy(a->email, sizeof(a->email), y->changed);
	text_copy(a->email_reason, sizeof(a->email_reason), y->changed[0] != '\0' ? y->said->reason : "");
}

/* Who said yes first could still say it: at the desk, an approver, and of nobody else's agency. */
static bool
may_still(const struct store_person *first, const struct store_request *r)
{
	return first->role == STORE_APPROVER && (first->agency[0] == '\0' || strcmp(first->agency, r->agency) == 0);
}

static enum err
find_proposal(struct call *c, const struct store_request *r, const char *changed, struct store_approval *ret)
{
	struct store_person first;
	enum err e = store_approval_of(c->store, r->number, ret);

	if (e == ERR_OK)
		e = store_person_by_id(c->store, ret->first, &first);
	return e == ERR_OK && (strcmp(ret->email, changed) != 0 || !may_still(&first, r)) ? ERR_REQUEST_NOT_APPROVED : e;
}

/*
 * The first person's call waits as a proposal; the same address from somebody else is the second one's yes, and another address is a
 * proposal of its own.
 */
static enum err
approve_by_two(struct call *c, struct store_request *r, const struct yes *y)
{
	struct store_approval a;
	char note[STORE_DETAIL_SIZE];
	enum err e = find_proposal(c, r, y->changed, &a);

	if (e == ERR_OK) {
		e = call_check_other(c, a.first);
		if (e == ERR_SECOND_PERSON)
			e = ERR_SECOND_APPROVER;
		a.second = c->person->id;
		return e == ERR_OK ? approve(c, r, y, &a) : e;
	}
	if (e != ERR_REQUEST_NOT_APPROVED)
		return e;
	fill_approval(c, r, y, &a);
	e = store_approval_put(c->store, &a);
	write_said(note, a.reference, a.email, a.email_reason);
	return e == ERR_OK ? call_audit_said(c, 0, r->number, "propose", note, "how=%s", a.how) : e;
}

/* Whether the policy of the authority, of the token's type or of its agency asks for two people. */
static enum err
asks_for_two(struct call *c, const struct store_request *r, const struct store_type *type, bool changed, bool *ret)
{
	const enum config_second second = c->service->config->second_approver;
	struct store_agency agency = { .second_approver = false };
	enum err e = r->agency[0] != '\0' ? store_agency_by_id(c->store, r->agency, &agency) : ERR_OK;

	*ret = type->second_approver || agency.second_approver || second == CONFIG_SECOND_ALWAYS || (changed && second == CONFIG_SECOND_ADDRESS);
	return e;
}

/* In a transaction, where what is read still holds when it is written. */
static enum err
decide(struct call *c, struct store_request *r, const struct decode_approve *d)
{
	struct store_approval a;
	struct store_token token;
	struct yes y = { .said = d, .token = &token, .changed = "" };
	struct store_type type;
	bool two = false;
	enum state to;
	enum err e = store_request_by_number(c->store, r->number, r);

	if (e == ERR_OK)
		e = machine_next(r->state, MACHINE_APPROVE, &to);
	if (e == ERR_OK)
		e = call_judge_token(c, r, &token, &type);
	if (e != ERR_OK)
		return e;
	y.address = d->email != NULL ? d->email : token.email;
	if (y.address[0] == '\0')
		return ERR_MAIL_ADDRESS;
	if (strcmp(y.address, token.email) != 0)
		y.changed = y.address;
	e = asks_for_two(c, r, &type, y.changed[0] != '\0', &two);
	if (e != ERR_OK || two)
		return e == ERR_OK ? approve_by_two(c, r, &y) : e;
	fill_approval(c, r, &y, &a);
	return approve(c, r, &y, &a);
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
