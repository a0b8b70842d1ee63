/* SPDX-License-Identifier: Apache-2.0 */
/* unlock.cancel: the customer withdraws a request that is not released. */
#include "operation.h"

static enum err
run(struct op_call *call)
{
	return op_ask_server(call, "cancel");
}

const struct op op_unlock_cancel = { .name = "unlock.cancel", .run = run };
