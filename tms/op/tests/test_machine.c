/* SPDX-License-Identifier: Apache-2.0 */
/* The state machine as a table: every state against every action, written down a second time and by hand. */
#include "buf.h"
#include "check.h"
#include "machine.h"
#include "os.h"

#include <stdio.h>
#include <string.h>

/* A state to go to, or an error's wire name. One column an action, in the order of enum machine_action. */
static const char *const expected[STATE_COUNT][MACHINE_ACTION_COUNT + 1] = {
	/* approve, refuse, cancel, expire, resend, release, lock_out, lose, give_up, grant, complete, fail */
	[STATE_PENDING] = { "approved", "refused", "cancelled", "expired", "request_not_approved", "request_not_approved", "state_wrong", "state_wrong", "state_wrong", "state_wrong", "state_wrong", "state_wrong" },
	[STATE_UNIDENTIFIED] = { "approved", "refused", "cancelled", "expired", "request_not_approved", "request_not_approved", "state_wrong", "state_wrong", "state_wrong", "state_wrong", "state_wrong", "state_wrong" },
	[STATE_APPROVED] = { "request_decided", "refused", "cancelled", "expired", "approved", "released", "locked_out", "state_wrong", "state_wrong", "state_wrong", "state_wrong", "failed" },
	[STATE_REFUSED] = { "request_decided", "request_decided", "request_refused", "state_wrong", "request_refused", "request_refused", "state_wrong", "state_wrong", "state_wrong", "state_wrong", "state_wrong", "state_wrong" },
	[STATE_RELEASED] = { "request_decided", "request_decided", "state_wrong", "state_wrong", "state_wrong", "released", "locked_out", "unknown", "failed", "released", "completed", "failed" },
	[STATE_COMPLETED] = { "request_decided", "request_decided", "state_wrong", "state_wrong", "state_wrong", "state_wrong", "state_wrong", "state_wrong", "state_wrong", "state_wrong", "completed", "state_wrong" },
	[STATE_UNKNOWN] = { "request_decided", "request_decided", "state_wrong", "state_wrong", "state_wrong", "unknown", "locked_out", "state_wrong", "failed", "unknown", "completed", "failed" },
	[STATE_FAILED] = { "request_decided", "request_decided", "state_wrong", "state_wrong", "state_wrong", "state_wrong", "state_wrong", "state_wrong", "state_wrong", "state_wrong", "state_wrong", "failed" },
	[STATE_EXPIRED] = { "request_expired", "request_expired", "request_expired", "state_wrong", "request_expired", "request_expired", "state_wrong", "state_wrong", "state_wrong", "state_wrong", "state_wrong", "state_wrong" },
	[STATE_CANCELLED] = { "request_cancelled", "request_cancelled", "request_cancelled", "state_wrong", "request_cancelled", "request_cancelled", "state_wrong", "state_wrong", "state_wrong", "state_wrong", "state_wrong", "state_wrong" },
	[STATE_LOCKED_OUT] = { "request_decided", "request_decided", "request_locked_out", "state_wrong", "request_locked_out", "request_locked_out", "state_wrong", "state_wrong", "state_wrong", "state_wrong", "state_wrong", "state_wrong" },
};

static void
test_cell(enum state from, enum machine_action action)
{
	enum state to = STATE_COUNT;
	enum err e = machine_next(from, action, &to);

	if (!CHECK_TEXT(e == ERR_OK ? state_name(to) : err_name(e), expected[from][action]))
		printf("  %s, %s\n", state_name(from), machine_action_name(action));
	CHECK((to == STATE_COUNT) == (e != ERR_OK));
	/* what is final stays what it is */
	CHECK(!state_is_final(from) || e != ERR_OK || to == from);
}

/* A line of the table in ../../README.md: what each action makes of a request in that state. */
static void
write_line(enum state from, struct buf *ret)
{
	buf_add_text(ret, "| `");
	buf_add_text(ret, state_name(from));
	buf_add_text(ret, "` |");
	for (int action = 0; action < MACHINE_ACTION_COUNT; action++) {
		enum state to = STATE_COUNT;
		enum err e = machine_next(from, (enum machine_action)action, &to);
		buf_add_text(ret, e == ERR_OK ? " **" : " ");
		buf_add_text(ret, e == ERR_OK ? state_name(to) : e == ERR_STATE_WRONG ? ""
										      : err_name(e));
		buf_add_text(ret, e == ERR_OK ? "** |" : e == ERR_STATE_WRONG ? "|"
									      : " |");
	}
	buf_add_text(ret, "\n");
}

/* The table as it is printed for people is this one. */
static void
test_readme(const char *path)
{
	struct buf readme = buf_new(1 << 20);
	const char *text;

	CHECK(os_read_file(path, &readme) == ERR_OK);
	text = buf_text(&readme);
	for (int from = 0; from < STATE_COUNT; from++) {
		struct buf line = buf_new(4096);
		write_line((enum state)from, &line);
		if (!CHECK(text != NULL && buf_error(&line) == ERR_OK && strstr(text, buf_text(&line)) != NULL))
			printf("%s lacks\n%s", path, buf_text(&line));
		buf_free(&line);
	}
	buf_free(&readme);
}

int
main(int argc, char **argv)
{
	enum state to;

	if (argc == 2)
		test_readme(argv[1]);
	for (int from = 0; from < STATE_COUNT; from++)
		for (int action = 0; action < MACHINE_ACTION_COUNT; action++)
			test_cell((enum state)from, (enum machine_action)action);
	CHECK(machine_next(STATE_COUNT, MACHINE_APPROVE, &to) == ERR_STATE_WRONG);
	CHECK(machine_next(STATE_PENDING, MACHINE_ACTION_COUNT, &to) == ERR_STATE_WRONG);
	CHECK_TEXT(machine_action_name(MACHINE_ACTION_COUNT), "");
	CHECK_TEXT(machine_action_name(MACHINE_COMPLETE), "done");
	return CHECK_DONE();
}
