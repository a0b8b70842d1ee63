/* SPDX-License-Identifier: Apache-2.0 */
/* unlock.resend: another code by mail, where the first is lost or has expired. */
#include "operation.h"

static enum err
run(struct op_call *call)
{
	return op_ask_server(call, "resend");
}

const struct op op_unlock_resend = { .name = "unlock.resend", .run = run };
