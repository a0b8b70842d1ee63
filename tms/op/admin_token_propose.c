/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/admin/tokens/{number}/restore, .../replace, .../reinstate and .../cure: what one person proposes; nothing changes until another one confirms it
 * (admin_proposal_confirm.c).
 */
#include "answer.h"
#include "call.h"
#include "decode.h"
#include "inventory_change.h"
#include "text.h"

#include <string.h>

#define VALID_S (7 * 86400)

/* What was compared, outside of the transaction, is what the second person is told. */
static bool
is_as_compared(const struct store_token *t, const struct store_proposal *p)
{
	return p->compared[0] == '\0' || (t->active == p->active && t->next == p->next);
}

/* In a transaction. */
static enum err
propose(struct call *c, struct store_proposal *p, struct store_token *ret_token)
{
	char note[CALL_REASON_SIZE];
	enum err e = store_proposal_expire(c->store, c->now);

	if (e == ERR_OK)
		e = store_token_by_id(c->store, c->number, ret_token);
	if (e == ERR_OK && !is_as_compared(ret_token, p))
		e = ERR_BUSY;
	if (e == ERR_OK)
		e = change_allowed(c, ret_token, p->kind);
	if (e != ERR_OK)
		return e;
	p->token = ret_token->id;
	p->active = ret_token->active;
	p->next = ret_token->next;
	p->life = ret_token->life;
	e = store_proposal_insert(c->store, p, &p->id);
	return e == ERR_OK ? call_audit_said(c, p->token, 0, "propose", call_reason(p->reason, note), "proposal=%lld kind=%s compared=%s", (long long)p->id,
				 store_proposal_kind_name(p->kind), p->compared)
			   : e;
}

static enum err
propose_and_answer(struct call *c, struct store_proposal *p, const char *reason, json_t **ret_answer)
{
	struct store_token t;
	enum err e;

	p->proposer = c->person->id;
	p->created = c->now;
	p->expires = c->now + VALID_S;
	text_copy(p->reason, sizeof(p->reason), reason);
	e = call_begin(c);
	if (e == ERR_OK)
		e = call_end(c, propose(c, p, &t));
	return e == ERR_OK ? answer_token(c, &t, ret_answer) : e;
}

static enum err
propose_kind(struct call *c, enum store_proposal_kind kind, json_t **ret_answer)
{
	struct store_proposal p = { .kind = kind };
	struct decode_reason d;
	enum err e = decode_reason(c->body, &d);

	return e == ERR_OK ? propose_and_answer(c, &p, d.reason, ret_answer) : e;
}

enum err
op_admin_token_restore(struct call *c, json_t **ret_answer)
{
	return propose_kind(c, STORE_RESTORE, ret_answer);
}

enum err
op_admin_token_cure(struct call *c, json_t **ret_answer)
{
	return propose_kind(c, STORE_CURE, ret_answer);
}

/* Outside of the transaction, because the vault is asked. */
static enum err
propose_so_pin(struct call *c, struct store_proposal *p, const char *reason, json_t **ret_answer)
{
	struct store_token t = { .active = 0 };
	enum err e = store_token_by_id(c->store, c->number, &t);

	p->active = t.active;
	p->next = t.next;
	if (e == ERR_OK)
		e = change_check_rows(c, &t, p);
	return e == ERR_OK ? propose_and_answer(c, p, reason, ret_answer) : e;
}

enum err
op_admin_token_reinstate(struct call *c, json_t **ret_answer)
{
	struct store_proposal p = { .kind = STORE_REINSTATE };
	struct decode_reason d;
	enum err e = decode_reason(c->body, &d);

	return e == ERR_OK ? propose_so_pin(c, &p, d.reason, ret_answer) : e;
}

enum err
op_admin_token_replace(struct call *c, json_t **ret_answer)
{
	struct store_proposal p = { .kind = STORE_REPLACE, .version = TRANSCRIPT_ESCROW_FIRST };
	struct decode_replace d;
	enum err e = decode_replace(c->body, &d);

	if (e != ERR_OK)
		return e;
	memcpy(p.sealed, d.sealed, sizeof(p.sealed));
	return propose_so_pin(c, &p, d.reason, ret_answer);
}
