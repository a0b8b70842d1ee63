/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/admin/tokens/{number}/lost and .../retire: nothing is released for this token from now on. One person is enough for that, and not for taking it
 * back (admin_token_propose.c).
 */
#include "answer.h"
#include "call.h"
#include "decode.h"

/* In a transaction. */
static enum err
set_life(struct call *c, enum store_life to, const char *what, const char *reason, struct store_token *ret)
{
	enum err e = store_token_by_id(c->store, c->number, ret);
	enum store_life from = ret->life;
	char note[CALL_REASON_SIZE];

	if (e == ERR_OK && !store_life_ends(from, to))
		e = ERR_TOKEN_LIFE_WRONG;
	if (e == ERR_OK)
		e = store_token_set_life(c->store, ret->id, to);
	if (e == ERR_OK)
		e = call_audit_said(c, ret->id, 0, what, call_reason(reason, note), "from=%s to=%s", store_life_name(from), store_life_name(to));
	if (e == ERR_OK)
		ret->life = to;
	return e;
}

static enum err
end_life(struct call *c, enum store_life to, const char *what, json_t **ret_answer)
{
	struct decode_reason d;
	struct store_token t = { .life = STORE_RETIRED };
	enum err e = decode_reason(c->body, &d);

	if (e == ERR_OK)
		e = call_begin(c);
	if (e == ERR_OK)
		e = call_end(c, set_life(c, to, what, d.reason, &t));
	return e == ERR_OK ? answer_token(c, &t, ret_answer) : e;
}

enum err
op_admin_token_lost(struct call *c, json_t **ret_answer)
{
	return end_life(c, STORE_LOST, "lost", ret_answer);
}

enum err
op_admin_token_retire(struct call *c, json_t **ret_answer)
{
	return end_life(c, STORE_RETIRED, "retire", ret_answer);
}
