/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/admin/requests/{number}/refuse: no, or no longer, with a reason for the customer. */
#include "answer.h"
#include "call.h"
#include "decode.h"

static enum err
refuse(struct call *c, struct store_request *r, const char *reason)
{
	enum state to;
	enum err e = store_request_by_number(c->store, r->number, r);
	enum store_mail mail = r->state == STATE_APPROVED ? STORE_MAIL_REVOKED : STORE_MAIL_REFUSED; /* who has a code is told that it is dead */

	if (e == ERR_OK)
		e = machine_next(r->state, MACHINE_REFUSE, &to);
	if (e == ERR_OK)
		e = store_request_set_note(c->store, r->number, reason);
	if (e == ERR_OK)
		e = store_request_set_decided(c->store, r->number, c->person->id, c->now);
	if (e == ERR_OK)
		e = call_move(c, r, MACHINE_REFUSE, "");
	return e == ERR_OK ? call_mail(c, r->number, mail, r->email) : e;
}

enum err
op_admin_refuse(struct call *c, json_t **ret_answer)
{
	struct decode_reason d;
	struct store_request r;
	enum err e = decode_reason(c->body, &d);

	if (e == ERR_OK)
		e = call_find_number(c, &r);
	if (e == ERR_OK)
		e = call_begin(c);
	if (e == ERR_OK)
		e = call_end(c, refuse(c, &r, d.reason));
	if (e == ERR_OK)
		e = store_request_by_number(c->store, r.number, &r);
	return e == ERR_OK ? answer_one(c, &r, ret_answer) : e;
}
