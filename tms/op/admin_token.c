/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/admin/tokens/{number}: one token of the inventory: who has it, what is known of its SO PIN, its requests side by side, its history. */
#include "answer.h"
#include "call.h"

enum err
op_admin_token(struct call *c, json_t **ret_answer)
{
	struct store_token t;
	enum err e = store_token_by_id(c->store, c->number, &t);

	return e == ERR_OK ? answer_token(c, &t, ret_answer) : e;
}
