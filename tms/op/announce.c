/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The approvers are told by mail that requests wait, where the operator has given an address of theirs: at once of the first, and of all that have come in since not before
 * announce_every_s is over. Unidentified ones do not count: anybody can send those.
 */
#include "call.h"

/* Whether there is something to say that no mail has said, and time to say it. */
static enum err
look(struct call *c, int64_t *ret_number)
{
	struct store_waiting waiting = { .pending = 0 };
	int64_t told = 0;
	int64_t when = 0;
	enum err e = store_request_waiting(c->store, &waiting);

	if (e == ERR_OK)
		e = store_outbox_last_waiting(c->store, &told, &when);
	/* one that was written in a time to come says that the clock was put back, and nothing of how long ago it was */
	if (when > c->now)
		when = 0;
	*ret_number = e == ERR_OK && waiting.last > told && when <= c->now - c->service->config->announce_every_s ? waiting.last : 0;
	return e;
}

/* Again in a transaction: two servers on one store say it once. */
static enum err
announce(struct call *c)
{
	int64_t number = 0;
	enum err e = look(c, &number);

	return e == ERR_OK && number != 0 ? call_mail(c, number, STORE_MAIL_WAITING, c->service->config->approvers_email) : e;
}

enum err
op_announce(struct call *c)
{
	int64_t number = 0;
	enum err e = c->service->config->approvers_email != NULL ? look(c, &number) : ERR_OK;

	if (e != ERR_OK || number == 0)
		return e;
	e = call_begin(c);
	return e == ERR_OK ? call_end(c, announce(c)) : e;
}
