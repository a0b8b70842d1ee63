/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/requests/{id}/resend: another code by mail. The limits hold for customer and desk together. */
#include "answer.h"
#include "call.h"

#define APART_S	   600 /* a mail may take so long to arrive */
#define A_DAY_S	   86400
#define RESEND_MAX 3 /* a day, the first mail of an approval not counted */

/* Says in the error's data how long to wait. */
static enum err
too_early(struct call *c, enum err e, int64_t again)
{
	c->detail = json_pack("{s:I}", "retry_after", (json_int_t)(again > c->now ? again - c->now : 1));
	return e;
}

static enum err
check_limits(struct call *c, const struct store_request *r)
{
	int64_t count = 0;
	int64_t newest = 0;
	enum err e = store_outbox_count(c->store, r->number, STORE_MAIL_CODE, c->now - A_DAY_S, &count, &newest);

	if (e != ERR_OK)
		return e;
	/* one that was sent in a time to come says that the clock was put back, and nothing of how long ago it was */
	if (newest <= c->now && newest + APART_S > c->now)
		return too_early(c, ERR_RESEND_TOO_SOON, newest + APART_S);
	if (r->decided > c->now - A_DAY_S)
		count--;
	return count >= RESEND_MAX ? too_early(c, ERR_RESEND_LIMIT, newest + A_DAY_S) : ERR_OK;
}

enum err
call_resend(struct call *c, struct store_request *r)
{
	enum state to;
	enum err e = machine_next(r->state, MACHINE_RESEND, &to);

	if (e == ERR_OK)
		e = check_limits(c, r);
	if (e == ERR_OK)
		e = call_move(c, r, MACHINE_RESEND, "");
	return e == ERR_OK ? call_mail(c, r->number, STORE_MAIL_CODE, r->email) : e;
}

enum err
op_resend(struct call *c, json_t **ret_answer)
{
	struct store_request r;
	uint64_t counter;
	enum err e = call_open(c, "resend", &r, &counter);

	if (e == ERR_OK)
		e = call_begin(c);
	if (e == ERR_OK)
		e = call_end(c, call_resend(c, &r));
	return e == ERR_OK ? answer_status(c, &r, counter, ret_answer) : e;
}
