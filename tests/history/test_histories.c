/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random histories of one token (history.h):
 *
 *   test_histories                     a sample, the same at every run
 *   test_histories --full              100,000
 *   test_histories --from N --count M [--seconds T]  these, as far as the time goes
 *   test_histories --seed N [--keep HEX]  one, event by event; of its events only these
 *
 * One that fails is cut down to the events that it needs, and says how it is run again.
 */
#define _POSIX_C_SOURCE 200809L
#include "check.h"
#include "history.h"
#include "log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define SAMPLE	     150
#define FULL	     100000
#define TOKENS_MAX   100 /* of one server: a store that grows slows all of them down */
#define FAILURES_MAX 3

static struct history_server server;
static struct history_totals totals;

static bool
run(uint64_t seed, uint64_t keep, bool say, char *ret_wrong)
{
	struct history_totals unread = { 0 };

	if (server.world == NULL || server.tokens >= TOKENS_MAX) {
		if (server.world != NULL)
			world_free(server.world);
		history_server_open(&server);
	}
	return history_run(&server, seed, keep, say, ret_wrong == NULL ? &unread : &totals, ret_wrong);
}

/* Leaves out every event without which it still fails. */
static uint64_t
cut_down(uint64_t seed, uint64_t keep)
{
	char wrong[256];
	uint64_t before;

	do {
		before = keep;
		for (unsigned i = 0; i < 64; i++)
			if ((keep >> i & 1) != 0 && !run(seed, keep & ~(UINT64_C(1) << i), false, wrong))
				keep &= ~(UINT64_C(1) << i);
	} while (keep != before);
	return keep;
}

static void
tell_failure(uint64_t seed, uint64_t keep, const char *wrong)
{
	char again[256];

	printf("history %" PRIu64 ": %s\n", seed, wrong);
	keep = cut_down(seed, keep);
	run(seed, keep, true, again);
	printf("  %s\n  again: test_histories --seed %" PRIu64 " --keep %" PRIx64 "\n", again, seed, keep);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
run_all(uint64_t from, uint64_t count, double until)
{
	unsigned failures = 0;
	uint64_t i;
	char wrong[256];

	for (i = 0; i < count && failures < FAILURES_MAX && now() < until; i++) {
		if (CHECK(run(from + i, UINT64_MAX, false, wrong)))
			continue;
		failures++;
		tell_failure(from + i, UINT64_MAX, wrong);
	}
	printf("histories %" PRIu64 " to %" PRIu64 "\n", from, from + i - 1);
}

static void
say_totals(double seconds)
{
	printf("%" PRIu64 " events, %" PRIu64 " messages (%" PRIu64 " came again), %" PRIu64 " unlocks, %" PRIu64 " workers killed, %" PRIu64 " crashes of the server, %.1f s\n",
	    totals.events, totals.messages, totals.replays, totals.unlocks, totals.kills, totals.crashes, seconds);
	printf("at the end: %" PRIu64 " unlocked (%" PRIu64 " at the cost of a try), %" PRIu64 " suspect, %" PRIu64 " on their last SO try; on tokens with silent or wrong flags at most %u wrong tries in a row\n",
	    totals.ends[HISTORY_UNLOCKED], totals.recoveries_with_a_try, totals.ends[HISTORY_SUSPECT], totals.ends[HISTORY_LAST_TRY], totals.most_wrong);
	printf("values before taken back %" PRIu64 " times; %" PRIu64 " of the tokens had a wrong one at the end until then\n", totals.reinstated, totals.ways_back);
}

int
main(int argc, char **argv)
{
	uint64_t from = 1, count = SAMPLE, seed = 0, keep = UINT64_MAX;
	double seconds = 86400, begin = now();
	char wrong[256];

	/* a log and a disk of their own would be all that is measured */
	unsetenv("MOKHOA_ERRORS_SEEN");
	if (access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 1);
	for (int i = 1; i < argc; i++) {
		bool more = i + 1 < argc;
		if (strcmp(argv[i], "--full") == 0)
			count = FULL;
		else if (more && strcmp(argv[i], "--from") == 0)
			from = strtoull(argv[++i], NULL, 10);
		else if (more && strcmp(argv[i], "--count") == 0)
			count = strtoull(argv[++i], NULL, 10);
		else if (more && strcmp(argv[i], "--seed") == 0)
			seed = strtoull(argv[++i], NULL, 10);
		else if (more && strcmp(argv[i], "--seconds") == 0)
			seconds = strtod(argv[++i], NULL);
		else if (more && strcmp(argv[i], "--keep") == 0)
			keep = strtoull(argv[++i], NULL, 16);
		else
			return 2;
	}
	if (seed == 0 && freopen("/dev/null", "w", stderr) == NULL)
		return 1;
	if (seed == 0)
		run_all(from, count, begin + seconds);
	else if (!CHECK(run(seed, keep, true, wrong)))
		printf("  %s\n", wrong);
	say_totals(now() - begin);
	sim_close();
	world_free(server.world);
	return CHECK_DONE();
}
