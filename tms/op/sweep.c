/* SPDX-License-Identifier: Apache-2.0 */
/* What time does to requests: what was never decided or used expires, what was released and never reported becomes unknown, and fails at last; proposals that nobody confirmed end. */
#include "call.h"
#include "inventory.h"

#define BATCH 64

static enum err
lose(struct call *c, struct store_request *r)
{
	enum err e = call_begin(c);

	if (e != ERR_OK)
		return e;
	e = call_move(c, r, MACHINE_LOSE, "");
	if (e == ERR_OK)
		e = call_mail(c, r->number, STORE_MAIL_UNKNOWN, r->email);
	return call_end(c, e);
}

/* The token keeps every SO PIN that it may have. */
static enum err
give_up(struct call *c, struct store_request *r)
{
	enum err e = call_begin(c);

	return e == ERR_OK ? call_end(c, call_move(c, r, MACHINE_GIVE_UP, "cause=time")) : e;
}

/* What somebody else has moved in between is left alone. */
static enum err
sweep_each(struct call *c, const int64_t *numbers, size_t count, enum err (*step)(struct call *c, struct store_request *r))
{
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < count; i++) {
		struct store_request r;
		e = store_request_by_number(c->store, numbers[i], &r);
		if (e == ERR_OK)
			e = step(c, &r);
		if (e == ERR_STATE_WRONG)
			e = ERR_OK;
	}
	return e;
}

enum err
op_sweep(struct call *c, size_t *ret_count)
{
	int64_t numbers[BATCH];
	size_t expired = 0;
	size_t lost = 0;
	size_t given_up = 0;
	enum err e = store_request_expired(c->store, c->now, numbers, BATCH, &expired);

	if (e == ERR_OK)
		e = sweep_each(c, numbers, expired, call_expire);
	if (e == ERR_OK)
		e = store_request_lost(c->store, c->now - c->service->config->unknown_after_s, numbers, BATCH, &lost);
	if (e == ERR_OK)
		e = sweep_each(c, numbers, lost, lose);
	if (e == ERR_OK)
		e = store_request_unknown(c->store, c->now - c->service->config->failed_after_s, numbers, BATCH, &given_up);
	if (e == ERR_OK)
		e = sweep_each(c, numbers, given_up, give_up);
	if (e == ERR_OK)
		e = store_proposal_expire(c->store, c->now);
	*ret_count = expired + lost + given_up;
	return e;
}
