/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/requests/{id}/cancel: the customer takes back what is not released. */
#include "answer.h"
#include "call.h"

enum err
op_cancel(struct call *c, json_t **ret_answer)
{
	struct store_request r;
	uint64_t counter;
	enum err e = call_open(c, "cancel", &r, &counter);

	if (e == ERR_OK)
		e = call_begin(c);
	if (e == ERR_OK)
		e = call_end(c, call_move(c, &r, MACHINE_CANCEL, ""));
	return e == ERR_OK ? answer_status(c, &r, counter, ret_answer) : e;
}
