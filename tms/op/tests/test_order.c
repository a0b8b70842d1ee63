/* SPDX-License-Identifier: Apache-2.0 */
/* Which of two candidates the next machine is to try first, by what the machines before it have reported. */
#include "check.h"
#include "world.h"

#include <stdio.h>
#include <string.h>

static const struct machine_report failed = { .result = "failed", .rotated = false, .proof_mechanism = "" };

/* Which of two candidates comes first, after a session that was granted the next one and reported this (NULL: nothing). */
static void
check_order(const struct machine_report *report, bool next_first)
{
	struct world *w = world_new();
	struct machine *before;
	struct machine *m = machine_new(w, 1, MACHINE_OWN);

	world_import(w, 1, "khach@example.vn");
	before = machine_granted(w, 1);
	CHECK(report == NULL || machine_done(before, report) == ERR_OK);
	CHECK(machine_to_release(m) == ERR_OK && m->candidate_count == 2);
	if (!CHECK(secret_equal(&m->candidates[0], &before->next) == next_first && secret_equal(&m->candidates[1], &before->next) != next_first))
		printf("  stage=%s error=%s\n", report != NULL ? report->stage : "", report != NULL ? report->error : "");
	machine_free(before);
	machine_free(m);
	world_free(w);
}

/* Which of two candidates comes first, after a session that was released them and never granted another, and reported this. */
static void
check_order_after(const struct machine_report *report, bool other_first)
{
	struct world *w = world_new();
	struct machine *before, *m = machine_new(w, 1, MACHINE_OWN), *last = machine_new(w, 1, MACHINE_OWN);

	world_import(w, 1, "khach@example.vn");
	before = machine_granted(w, 1);
	CHECK(machine_to_release(m) == ERR_OK && m->candidate_count == 2 && machine_done(m, report) == ERR_OK);
	CHECK(machine_to_release(last) == ERR_OK && last->candidate_count == 2);
	if (!CHECK(secret_equal(&last->candidates[0], &m->candidates[other_first]) && secret_equal(&last->candidates[1], &m->candidates[!other_first])))
		printf("  stage=%s error=%s\n", report->stage, report->error);
	machine_free(before);
	machine_free(m);
	machine_free(last);
	world_free(w);
}

/* One that did not come so far says nothing new, unless the token refused what it tried first. */
static void
test_order_after_one_in_vain(void)
{
	static const struct machine_report said[] = {
		{ .result = "failed", .proof_mechanism = "", .stage = "setting_pin", .error = "token_so_refused" },
		{ .result = "failed", .proof_mechanism = "", .stage = "setting_pin", .error = "token_failed" },
		{ .result = "failed", .proof_mechanism = "", .stage = "setting_pin", .error = "token_so_last_try" },
		{ .result = "failed", .proof_mechanism = "", .stage = "proving_pin", .error = "token_so_refused" },
	};

	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++)
		check_order_after(&said[i], i == 0);
	check_order_after(&failed, false);
}

static void
test_order_of_candidates(void)
{
	static const struct {
		struct machine_report report;
		bool next_first;
	} cells[] = {
		{ { .result = "completed", .proof_mechanism = "", .stage = "granting", .error = "tms_unreachable" }, false },
		{ { .result = "completed", .proof_mechanism = "", .stage = "rotating", .error = "token_failed" }, false },
		{ { .result = "completed", .proof_mechanism = "", .stage = "rotating", .error = "token_failed", .silent = true }, false },
		{ { .result = "completed", .proof_mechanism = "", .stage = "rotating", .error = "ok" }, true },
		{ { .result = "completed", .proof_mechanism = "", .stage = "rotating", .error = "timeout", .silent = true }, true },
		{ { .result = "completed", .proof_mechanism = "", .stage = "rotating", .error = "module_failed", .silent = true }, true },
		{ { .result = "completed", .proof_mechanism = "", .stage = "rotating", .error = "module_failed", .cryptoki = 0x30 }, false },
		{ { .result = "completed", .proof_mechanism = "", .stage = "rotating", .error = "token_removed", .cryptoki = 0x32 }, false },
		{ { .result = "completed", .proof_mechanism = "", .stage = "rotating", .error = "token_removed", .silent = true }, false },
		{ { .result = "completed", .proof_mechanism = "", .stage = "proving_rotation", .error = "token_so_refused" }, false },
		{ { .result = "completed", .proof_mechanism = "", .stage = "proving_rotation", .error = "token_removed" }, true },
		{ { .result = "completed", .proof_mechanism = "", .stage = "proving_rotation", .error = "timeout", .silent = true }, true },
	};

	check_order(NULL, true);
	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++)
		check_order(&cells[i].report, cells[i].next_first);
}

int
main(void)
{
	test_order_of_candidates();
	test_order_after_one_in_vain();
	return CHECK_DONE();
}
