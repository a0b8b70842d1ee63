/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/admin/proposals/{number}/reject: no, with a reason; from who proposed it, it is taken back. */
#include "answer.h"
#include "call.h"
#include "decode.h"

/* In a transaction. */
static enum err
reject(struct call *c, const char *reason, struct store_token *ret_token)
{
	struct store_proposal p = { .id = 0 };
	char note[CALL_REASON_SIZE];
	bool mine = false;
	enum err e = store_proposal_expire(c->store, c->now);

	if (e == ERR_OK)
		e = store_proposal_by_id(c->store, c->number, &p);
	if (e == ERR_OK)
		e = store_token_by_id(c->store, p.token, ret_token);
	if (e == ERR_OK)
		e = call_check_other(c, p.proposer);
	if (e == ERR_SECOND_PERSON) {
		mine = true;
		e = ERR_OK;
	}
	if (e == ERR_OK)
		e = store_proposal_end(c->store, p.id, mine ? STORE_PROPOSAL_WITHDRAWN : STORE_PROPOSAL_REJECTED, c->person->id, reason, c->now);
	return e == ERR_OK ? call_audit_said(c, p.token, 0, mine ? "withdraw" : "reject", call_reason(reason, note), "proposal=%lld kind=%s", (long long)p.id,
				 store_proposal_kind_name(p.kind))
			   : e;
}

enum err
op_admin_proposal_reject(struct call *c, json_t **ret_answer)
{
	struct decode_reason d;
	struct store_token t;
	enum err e = decode_reason(c->body, &d);

	if (e == ERR_OK)
		e = call_begin(c);
	if (e == ERR_OK)
		e = call_end(c, reject(c, d.reason, &t));
	return e == ERR_OK ? answer_token(c, &t, ret_answer) : e;
}
