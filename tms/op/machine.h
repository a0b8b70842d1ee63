/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine: what may happen to a request in each state, in one table. Pure; any thread may call.
 */
#ifndef MOKHOA_MACHINE_H
#define MOKHOA_MACHINE_H

#include "err.h"
#include "op.h"

enum machine_action {
	MACHINE_APPROVE,
	MACHINE_REFUSE,
	MACHINE_CANCEL,
	MACHINE_EXPIRE,
	MACHINE_RESEND, /* another code */
	MACHINE_RELEASE,
	MACHINE_LOCK_OUT,
	MACHINE_LOSE,	 /* no report came */
	MACHINE_GIVE_UP, /* none will be waited for any longer */
	MACHINE_GRANT,
	MACHINE_COMPLETE,
	MACHINE_FAIL,
	MACHINE_ACTION_COUNT
};

/* The word of the audit row, which is that of the call where there is one: "approve", "done", ... */
const char *machine_action_name(enum machine_action action);

/* Where the action leads; the same state where it changes nothing (a stored answer, a repeated report). Else why it may not be. */
enum err machine_next(enum state from, enum machine_action action, enum state *ret_to);

#endif
