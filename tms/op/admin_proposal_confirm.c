/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/admin/proposals/{number}/confirm: another person says yes, and it is done. */
#include "answer.h"
#include "call.h"
#include "decode.h"
#include "inventory_change.h"

#include <string.h>

/* What somebody proposed who may not any more is nobody's first yes. */
static enum err
check_proposer(struct call *c, const struct store_proposal *p)
{
	struct store_person first;
	enum err e = store_person_by_id(c->store, p->proposer, &first);

	return e == ERR_OK && first.role != STORE_OPERATOR && first.role != STORE_APPROVER ? ERR_PROPOSAL_CLOSED : e;
}

/* The second person says yes to what the first one has seen, and to nothing that came after. */
static enum err
check_unchanged(const struct store_token *t, const struct store_proposal *p)
{
	return t->active == p->active && t->next == p->next && t->life == p->life ? ERR_OK : ERR_PROPOSAL_STALE;
}

static enum err
check(struct call *c, const struct store_token *t, const struct store_proposal *p)
{
	enum err e = p->state == STORE_PROPOSAL_OPEN && p->expires > c->now ? ERR_OK : ERR_PROPOSAL_CLOSED;

	if (e == ERR_OK)
		e = check_proposer(c, p);
	if (e == ERR_OK)
		e = call_check_other(c, p->proposer);
	if (e == ERR_OK)
		e = check_unchanged(t, p);
	return e == ERR_OK ? change_allowed(c, t, p->kind) : e;
}

/* Proposal and token of one moment: a token that a faster yes has changed is no stale proposal, but a closed one. */
static enum err
read_both(struct call *c, struct store_proposal *ret_p, struct store_token *ret_t)
{
	enum err e = store_begin_reading(c->store);

	if (e != ERR_OK)
		return e;
	e = store_proposal_by_id(c->store, c->number, ret_p);
	if (e == ERR_OK)
		e = store_token_by_id(c->store, ret_p->token, ret_t);
	store_rollback(c->store);
	return e;
}

/* Outside of the transaction, because the vault is asked: a key of it that was taken out of use since would leave the token without a candidate. What it finds is what the first one was told. */
static enum err
check_before(struct call *c)
{
	struct store_proposal p;
	struct store_proposal now;
	struct store_token t;
	enum err e = read_both(c, &p, &t);

	if (e == ERR_OK)
		e = check(c, &t, &p);
	now = p;
	if (e == ERR_OK)
		e = change_check_rows(c, &t, &now);
	return e == ERR_OK && strcmp(now.compared, p.compared) != 0 ? ERR_PROPOSAL_STALE : e;
}

/* In a transaction. */
static enum err
confirm(struct call *c, struct store_proposal *ret_p, struct store_token *ret_token)
{
	char note[CALL_REASON_SIZE];
	enum err e = store_proposal_by_id(c->store, c->number, ret_p);

	if (e == ERR_OK)
		e = store_token_by_id(c->store, ret_p->token, ret_token);
	if (e == ERR_OK)
		e = check(c, ret_token, ret_p);
	if (e == ERR_OK)
		e = store_proposal_end(c->store, ret_p->id, STORE_PROPOSAL_CONFIRMED, c->person->id, "", c->now);
	if (e == ERR_OK)
		e = call_audit_said(c, ret_p->token, 0, "confirm", call_reason(ret_p->reason, note), "proposal=%lld kind=%s", (long long)ret_p->id, store_proposal_kind_name(ret_p->kind));
	return e == ERR_OK ? change_apply(c, ret_token, ret_p) : e;
}

enum err
op_admin_proposal_confirm(struct call *c, json_t **ret_answer)
{
	struct store_proposal p;
	struct store_token t = { .id = 0 };
	enum err e = decode_nothing(c->body);

	if (e == ERR_OK)
		e = check_before(c);
	if (e == ERR_OK)
		e = call_begin(c);
	if (e == ERR_OK)
		e = call_end(c, confirm(c, &p, &t));
	/* it has happened, whatever the log says to this: its own words are in the server's */
	if (e == ERR_OK)
		(void)change_applied(c, &t, &p);
	if (e == ERR_OK)
		e = store_token_by_id(c->store, t.id, &t);
	return e == ERR_OK ? answer_token(c, &t, ret_answer) : e;
}
