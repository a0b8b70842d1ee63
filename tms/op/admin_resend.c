/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/admin/requests/{number}/resend: another code by mail, for a customer who calls and cannot find the first. */
#include "answer.h"
#include "call.h"
#include "decode.h"

static enum err
resend(struct call *c, struct store_request *r)
{
	enum err e = store_request_by_number(c->store, r->number, r);

	return e == ERR_OK ? call_resend(c, r) : e;
}

enum err
op_admin_resend(struct call *c, json_t **ret_answer)
{
	struct store_request r;
	enum err e = decode_nothing(c->body);

	if (e == ERR_OK)
		e = call_find_number(c, &r);
	if (e == ERR_OK)
		e = call_begin(c);
	if (e == ERR_OK)
		e = call_end(c, resend(c, &r));
	return e == ERR_OK ? answer_one(c, &r, ret_answer) : e;
}
