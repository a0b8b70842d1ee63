/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/admin/waiting: how much waits, since when, and a mark that is another one whenever a request has come in or moved. Every open page of the console asks
 * for it every few seconds, and for the list itself only when the mark has changed.
 */
#include "answer.h"
#include "call.h"
#include "inventory.h"

#include <stdio.h>

#define SETTLED_S 2 /* times are whole seconds: what has changed in this one may change again in it */

static void
write_mark(const struct store_waiting *w, int64_t now, char ret[64])
{
	snprintf(ret, 64, "%lld.%lld.%lld", (long long)w->newest, (long long)w->changed, (long long)(w->changed > now - SETTLED_S ? now : 0));
}

enum err
op_admin_waiting(struct call *c, json_t **ret_answer)
{
	struct store_waiting waiting = { .pending = 0 };
	int64_t unidentified = 0;
	int64_t proposals = 0;
	char mark[64];
	enum err e = store_request_waiting(c->store, &waiting);

	if (e == ERR_OK)
		e = store_request_count_unidentified(c->store, NULL, &unidentified);
	if (e == ERR_OK)
		e = store_proposal_count_open(c->store, c->now, &proposals);
	if (e != ERR_OK)
		return e;
	write_mark(&waiting, c->now, mark);
	return answer_packed(json_pack("{s:I, s:I, s:I, s:I, s:s}",
				 "pending", (json_int_t)waiting.pending,
				 "unidentified", (json_int_t)unidentified,
				 "oldest", (json_int_t)waiting.oldest,
				 "proposals", (json_int_t)proposals,
				 "mark", mark),
	    ret_answer);
}
