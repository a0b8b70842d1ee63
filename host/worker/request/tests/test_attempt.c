/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* mkdtemp, setenv */
#include "attempt.h"

#include "check.h"
#include "json.h"
#include "os.h"
#include "step_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char home[] = "/tmp/mokhoa-attempt-XXXXXX";

static const struct profile profile = { .name = "ca-mot" };
/* it is not there: whoever comes to ask the token is told so */
static const struct profile_module module = { .name = "absent", .path = "/nonexistent/module.so" };

static struct open_request
open_one(void)
{
	struct journal_entry entry = { .profile = "ca-mot", .token = { .serial = "T1" }, .reason = "locked", .language = "vi", .stage = STAGE_COUNT };
	unsigned char id[TRANSCRIPT_ID_LEN];
	struct journal *journal = NULL;
	struct open_request r = { .journal = NULL };

	entry.created = os_time();
	os_random(entry.idempotency_key, sizeof(entry.idempotency_key));
	os_random(id, sizeof(id));
	CHECK(journal_begin(&entry, &journal) == ERR_OK);
	CHECK(journal_name(journal, id) == ERR_OK);
	CHECK(request_take(&profile, journal, &r) == ERR_OK);
	return r;
}

static void
move(const char *from, const char *to)
{
	char one[OS_PATH_MAX], other[OS_PATH_MAX];

	snprintf(one, sizeof(one), "%s/%s", home, from);
	snprintf(other, sizeof(other), "%s/%s", home, to);
	CHECK(rename(one, other) == 0);
}

/* What was not written down was not attempted, and costs the request nothing. */
static void
test_a_journal_that_cannot_be_written(void)
{
	struct tms_released released = { .family = FAMILY_SO_PIN, .count = 1, .candidates = { { .len = 4, .bytes = "1234" } } };
	struct secret pin = { .len = 4, .bytes = "5678" };
	struct step_outcome said = { .cryptoki = 0 };
	const struct step_token token = { .so_pin = PIN_STATE_UNKNOWN };
	const struct found_token found = { .module = &module, .token = &token };
	struct open_request r = open_one();
	unsigned active = 9;

	move("mokhoa", "elsewhere");
	for (unsigned i = 0; i <= JOURNAL_ATTEMPTS_MAX; i++) {
		CHECK(attempt_set_pin(&r, &found, &released, &pin, &active, &said) == ERR_JOURNAL_FAILED);
		CHECK(!attempt_ends_request(ERR_JOURNAL_FAILED, request_entry(&r)));
	}
	CHECK(request_entry(&r)->unclear == 0 && attempt_is_left(request_entry(&r)));
	move("elsewhere", "mokhoa");
	/* now it is written down, and taken back: no step was begun */
	CHECK(attempt_set_pin(&r, &found, &released, &pin, &active, &said) == ERR_WORKER_FAILED);
	CHECK(request_entry(&r)->unclear == 0);
	request_close(&r);
}

/* A worker that died over its step: that the token refused the candidate counts, where the step could still leave it. */
static void
test_what_a_step_has_left(void)
{
	static const struct {
		enum err said; /* ERR_COUNT: nothing of ours */
		unsigned count;
		unsigned unclear;
		enum err e;
		unsigned active; /* that is tried next, 9 none */
		unsigned refused_then;
		unsigned unclear_then;
	} cases[] = {
		{ ERR_TOKEN_SO_REFUSED, 2, 1, ERR_WORKER_FAILED, 1, 1, 0 },
		{ ERR_TOKEN_SO_REFUSED, 1, 1, ERR_TOKEN_SO_REFUSED, 9, 1, 0 },
		{ ERR_OK, 2, 1, ERR_WORKER_FAILED, 0, 0, 1 },
		{ ERR_WORKER_FAILED, 2, 1, ERR_WORKER_FAILED, 0, 0, 1 },
		{ ERR_TOKEN_FAILED, 2, 1, ERR_WORKER_FAILED, 0, 0, 1 },
		{ ERR_COUNT, 2, 1, ERR_WORKER_FAILED, 0, 0, 1 },
		/* there was another attempt behind it */
		{ ERR_TOKEN_SO_REFUSED, 2, 2, ERR_TOKEN_FAILED, 0, 0, 2 },
		/* it was heard */
		{ ERR_TOKEN_SO_REFUSED, 2, 0, ERR_WORKER_FAILED, 0, 0, 0 },
	};
	struct tms_released released = { .family = FAMILY_SO_PIN, .candidates = { { .len = 4, .bytes = "1234" }, { .len = 4, .bytes = "4321" } } };
	const struct secret pin = { .len = 4, .bytes = "5678" };
	const struct step_outcome outcome = { .presented = true };
	const struct step_token token = { .so_pin = PIN_STATE_UNKNOWN };
	const struct found_token found = { .module = &module, .token = &token };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct step_outcome said = { .cryptoki = 0 };
		struct open_request r = open_one();
		char keep[OS_PATH_MAX];
		unsigned active = 9;

		released.count = cases[i].count;
		request_entry(&r)->unclear = cases[i].unclear;
		CHECK(journal_attempt_path(r.journal, keep) == ERR_OK);
		if (cases[i].said != ERR_COUNT)
			step_keep_answer(keep, cases[i].said, &outcome);
		else
			CHECK(os_write_private(keep, "{}", 2) == ERR_OK);
		/* no step is begun, because there is no such module: what was settled before it is what stays */
		if (!CHECK(attempt_set_pin(&r, &found, &released, &pin, &active, &said) == cases[i].e) ||
		    !CHECK(active == cases[i].active && request_entry(&r)->refused == cases[i].refused_then && request_entry(&r)->unclear == cases[i].unclear_then))
			printf("  case %zu: active %u, refused %u, unclear %u\n", i, active, request_entry(&r)->refused, request_entry(&r)->unclear);
		/* before a first attempt its place is free, and it goes with the request */
		CHECK(cases[i].unclear != 0 || access(keep, F_OK) != 0);
		step_keep_answer(keep, ERR_OK, &outcome);
		request_entry(&r)->state = STATE_FAILED;
		CHECK(journal_save(r.journal) == ERR_OK && access(keep, F_OK) != 0);
		request_close(&r);
	}
}

static void
test_a_known_end_stays(void)
{
	struct journal_entry entry = { .stage = STAGE_COUNT };
	struct step_proof proof = { .built = true };
	struct step_outcome said = { .cryptoki = 0xa0 };

	attempt_failed(&entry, STAGE_SETTING_PIN, ERR_TOKEN_SO_REFUSED, &said);
	CHECK(entry.outcome.known && !entry.outcome.completed && entry.outcome.error == ERR_TOKEN_SO_REFUSED && entry.outcome.cryptoki == 0xa0);
	entry.outcome.known = false;
	attempt_succeeded(&entry, true, &proof);
	CHECK(entry.outcome.completed && entry.outcome.stage == STAGE_GRANTING);
	attempt_failed(&entry, STAGE_SETTING_PIN, ERR_TOKEN_SO_REFUSED, &said);
	CHECK(entry.outcome.completed && entry.outcome.stage == STAGE_GRANTING && entry.outcome.error == ERR_OK);
}

static void
remove_one(const char *name, void *context)
{
	char path[OS_PATH_MAX];

	(void)context;
	snprintf(path, sizeof(path), "%s/mokhoa/ca-mot/requests/%s", home, name);
	CHECK(os_remove(path) == ERR_OK);
}

static void
clean_up(void)
{
	const char *const folders[] = { "/mokhoa/ca-mot/requests", "/mokhoa/ca-mot", "/mokhoa", "" };
	char path[OS_PATH_MAX];

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", home, folders[i]);
		if (i == 0)
			CHECK(os_list(path, remove_one, NULL) == ERR_OK);
		CHECK(rmdir(path) == 0);
	}
}

int
main(void)
{
	json_open();
	CHECK(mkdtemp(home) != NULL && setenv("XDG_STATE_HOME", home, 1) == 0);
	test_a_journal_that_cannot_be_written();
	test_what_a_step_has_left();
	test_a_known_end_stays();
	clean_up();
	return CHECK_DONE();
}
