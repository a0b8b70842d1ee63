/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/admin/requests/{number}: one request with its history. */
#include "answer.h"
#include "call.h"

enum err
op_admin_detail(struct call *c, json_t **ret_answer)
{
	struct store_request r;
	enum err e = call_find_number(c, &r);

	return e == ERR_OK ? answer_one(c, &r, ret_answer) : e;
}
