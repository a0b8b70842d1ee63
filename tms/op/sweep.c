/* SPDX-License-Identifier: Apache-2.0 */
/* What time does to requests: what was never decided or used expires, what was released and never reported becomes unknown, and fails at last; proposals that nobody confirmed end. */
#include "call.h"
#include "inventory.h"
#include "log.h"

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

/* What somebody else has moved in between is left alone; one that cannot be moved keeps no other one back. The first error that there was. */
static enum err
sweep_each(struct call *c, const int64_t *numbers, size_t count, enum err (*step)(struct call *c, struct store_request *r))
{
	enum err first = ERR_OK;

	for (size_t i = 0; i < count; i++) {
		struct store_request r;
		enum err e = store_request_by_number(c->store, numbers[i], &r);
		if (e == ERR_OK)
			e = step(c, &r);
		if (e == ERR_OK || e == ERR_STATE_WRONG)
			continue;
		if (first != ERR_OK)
			continue;
		log_error("sweep", "request=%lld result=%s", (long long)numbers[i], err_name(e));
		first = e;
	}
	return first;
}

struct sweep {
	enum err (*find)(struct store *s, int64_t before, int64_t *ret_numbers, size_t max, size_t *ret_count);
	int64_t before;
	enum err (*step)(struct call *c, struct store_request *r);
};

static enum err
sweep_all(struct call *c, const struct sweep *sweep, size_t *count)
{
	int64_t numbers[BATCH];
	size_t found = 0;
	enum err e = sweep->find(c->store, sweep->before, numbers, BATCH, &found);

	*count += found;
	return e == ERR_OK ? sweep_each(c, numbers, found, sweep->step) : e;
}

enum err
op_sweep(struct call *c, size_t *ret_count)
{
	const struct config *config = c->service->config;
	const struct sweep sweeps[] = {
		{ store_request_expired, c->now, call_expire },
		{ store_request_lost, c->now - config->unknown_after_s, lose },
		{ store_request_unknown, c->now - config->failed_after_s, give_up },
	};
	enum err first = store_proposal_expire(c->store, c->now);

	*ret_count = 0;
	for (size_t i = 0; i < sizeof(sweeps) / sizeof(sweeps[0]); i++) {
		enum err e = sweep_all(c, &sweeps[i], ret_count);
		if (first == ERR_OK)
			first = e;
	}
	return first;
}
