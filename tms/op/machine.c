/* SPDX-License-Identifier: Apache-2.0 */
#include "machine.h"

#include <stdbool.h>

/* A cell is a state to go to or an error; a cell that nobody filled is ERR_STATE_WRONG. */
struct cell {
	bool allowed;
	enum state to;
	enum err refusal;
};

#define TO(state) \
	{ \
		.allowed = true, .to = STATE_##state \
	}
#define NO(error) \
	{ \
		.refusal = ERR_##error \
	}

/* clang-format off */
static const struct cell cells[STATE_COUNT][MACHINE_ACTION_COUNT] = {
	[STATE_PENDING] = {
		[MACHINE_APPROVE] = TO(APPROVED), [MACHINE_REFUSE] = TO(REFUSED), [MACHINE_CANCEL] = TO(CANCELLED), [MACHINE_EXPIRE] = TO(EXPIRED),
		[MACHINE_RESEND] = NO(REQUEST_NOT_APPROVED), [MACHINE_RELEASE] = NO(REQUEST_NOT_APPROVED),
	},
	[STATE_UNIDENTIFIED] = {
		[MACHINE_APPROVE] = TO(APPROVED), [MACHINE_REFUSE] = TO(REFUSED), [MACHINE_CANCEL] = TO(CANCELLED), [MACHINE_EXPIRE] = TO(EXPIRED),
		[MACHINE_RESEND] = NO(REQUEST_NOT_APPROVED), [MACHINE_RELEASE] = NO(REQUEST_NOT_APPROVED),
	},
	[STATE_APPROVED] = { /* an approval may be taken back and a failure reported as long as nothing was released */
		[MACHINE_APPROVE] = NO(REQUEST_DECIDED), [MACHINE_REFUSE] = TO(REFUSED), [MACHINE_CANCEL] = TO(CANCELLED), [MACHINE_EXPIRE] = TO(EXPIRED),
		[MACHINE_RESEND] = TO(APPROVED), [MACHINE_RELEASE] = TO(RELEASED), [MACHINE_LOCK_OUT] = TO(LOCKED_OUT), [MACHINE_FAIL] = TO(FAILED),
	},
	[STATE_REFUSED] = {
		[MACHINE_APPROVE] = NO(REQUEST_DECIDED), [MACHINE_REFUSE] = NO(REQUEST_DECIDED), [MACHINE_CANCEL] = NO(REQUEST_REFUSED),
		[MACHINE_RESEND] = NO(REQUEST_REFUSED), [MACHINE_RELEASE] = NO(REQUEST_REFUSED),
	},
	[STATE_RELEASED] = {
		[MACHINE_APPROVE] = NO(REQUEST_DECIDED), [MACHINE_REFUSE] = NO(REQUEST_DECIDED), [MACHINE_RELEASE] = TO(RELEASED), [MACHINE_LOSE] = TO(UNKNOWN),
		[MACHINE_GRANT] = TO(RELEASED), [MACHINE_COMPLETE] = TO(COMPLETED), [MACHINE_FAIL] = TO(FAILED),
	},
	[STATE_COMPLETED] = {
		[MACHINE_APPROVE] = NO(REQUEST_DECIDED), [MACHINE_REFUSE] = NO(REQUEST_DECIDED), [MACHINE_COMPLETE] = TO(COMPLETED),
	},
	[STATE_UNKNOWN] = { /* the machine may come back and go on */
		[MACHINE_APPROVE] = NO(REQUEST_DECIDED), [MACHINE_REFUSE] = NO(REQUEST_DECIDED), [MACHINE_RELEASE] = TO(UNKNOWN),
		[MACHINE_GRANT] = TO(UNKNOWN), [MACHINE_COMPLETE] = TO(COMPLETED), [MACHINE_FAIL] = TO(FAILED),
	},
	[STATE_FAILED] = {
		[MACHINE_APPROVE] = NO(REQUEST_DECIDED), [MACHINE_REFUSE] = NO(REQUEST_DECIDED), [MACHINE_FAIL] = TO(FAILED),
	},
	[STATE_EXPIRED] = {
		[MACHINE_APPROVE] = NO(REQUEST_EXPIRED), [MACHINE_REFUSE] = NO(REQUEST_EXPIRED), [MACHINE_CANCEL] = NO(REQUEST_EXPIRED),
		[MACHINE_RESEND] = NO(REQUEST_EXPIRED), [MACHINE_RELEASE] = NO(REQUEST_EXPIRED),
	},
	[STATE_CANCELLED] = {
		[MACHINE_APPROVE] = NO(REQUEST_CANCELLED), [MACHINE_REFUSE] = NO(REQUEST_CANCELLED), [MACHINE_CANCEL] = NO(REQUEST_CANCELLED),
		[MACHINE_RESEND] = NO(REQUEST_CANCELLED), [MACHINE_RELEASE] = NO(REQUEST_CANCELLED),
	},
	[STATE_LOCKED_OUT] = {
		[MACHINE_APPROVE] = NO(REQUEST_DECIDED), [MACHINE_REFUSE] = NO(REQUEST_DECIDED), [MACHINE_CANCEL] = NO(REQUEST_LOCKED_OUT),
		[MACHINE_RESEND] = NO(REQUEST_LOCKED_OUT), [MACHINE_RELEASE] = NO(REQUEST_LOCKED_OUT),
	},
};
/* clang-format on */

static const char *const names[MACHINE_ACTION_COUNT] = {
	[MACHINE_APPROVE] = "approve",
	[MACHINE_REFUSE] = "refuse",
	[MACHINE_CANCEL] = "cancel",
	[MACHINE_EXPIRE] = "expire",
	[MACHINE_RESEND] = "resend",
	[MACHINE_RELEASE] = "release",
	[MACHINE_LOCK_OUT] = "lock_out",
	[MACHINE_LOSE] = "lose",
	[MACHINE_GRANT] = "grant",
	[MACHINE_COMPLETE] = "done",
	[MACHINE_FAIL] = "done",
};

const char *
machine_action_name(enum machine_action action)
{
	return action >= 0 && action < MACHINE_ACTION_COUNT ? names[action] : "";
}

enum err
machine_next(enum state from, enum machine_action action, enum state *ret_to)
{
	const struct cell *cell;

	if (from < 0 || from >= STATE_COUNT || action < 0 || action >= MACHINE_ACTION_COUNT)
		return ERR_STATE_WRONG;
	cell = &cells[from][action];
	if (!cell->allowed)
		return cell->refusal != ERR_OK ? cell->refusal : ERR_STATE_WRONG;
	*ret_to = cell->to;
	return ERR_OK;
}
