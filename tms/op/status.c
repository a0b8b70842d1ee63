/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/requests/{id}/status: where it stands. */
#include "answer.h"
#include "call.h"

enum err
op_status(struct call *c, json_t **ret_answer)
{
	struct store_request r;
	uint64_t counter;
	enum err e = call_open(c, "status", &r, &counter);

	return e == ERR_OK ? answer_status(c, &r, counter, ret_answer) : e;
}
