/* SPDX-License-Identifier: Apache-2.0 */
/* So many calls a minute: the exact cut, who is counted as one, and that one does not pay for another. */
#include "check.h"
#include "limit.h"

#include <stdio.h>

#define START_MS 1000000u

static unsigned
passed(struct limit *l, const char *address, unsigned calls, uint64_t now_ms)
{
	unsigned count = 0;
	unsigned retry = 0;

	for (unsigned i = 0; i < calls; i++)
		count += limit_address(l, address, now_ms, &retry) == ERR_OK;
	return count;
}

static void
the_cut_is_exact(void)
{
	static const unsigned limits[] = { 1, 7, 60, 1200 };

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct limit *l = limit_new();
		unsigned retry = 0;
		limit_set(l, limits[i], 1);
		CHECK(passed(l, "192.0.2.1", 10 * limits[i] + 10, START_MS) == limits[i]);
		CHECK(limit_address(l, "192.0.2.1", START_MS, &retry) == ERR_BUSY && retry >= 1 && retry <= 60);
		/* what Retry-After says is true */
		CHECK(limit_address(l, "192.0.2.1", START_MS + 1000u * retry, &retry) == ERR_OK);
		/* after a quiet minute it is as at the start */
		CHECK(passed(l, "192.0.2.1", 10 * limits[i] + 10, START_MS + 200000) == limits[i]);
		limit_free(l);
	}
}

/* Ten times the limit for ten minutes: a minute's worth at once, then the rate. */
static void
ten_times_the_limit_for_ten_minutes(void)
{
	struct limit *l = limit_new();
	unsigned count = 0;
	unsigned other = 0;

	limit_set(l, 60, 1);
	for (uint64_t ms = 0; ms < 600000; ms += 100) {
		count += passed(l, "192.0.2.1", 1, START_MS + ms);
		if (ms % 1000 == 0)
			other += passed(l, "192.0.2.2", 1, START_MS + ms);
	}
	CHECK(count >= 659 && count <= 661);
	CHECK(other == 600);
	limit_free(l);
}

static void
who_is_one(void)
{
	static const struct {
		const char *first, *second;
		bool same;
	} cases[] = {
		{ "192.0.2.1", "::ffff:192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.2", false },
		{ "2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true },
		{ "2001:db8:1:2::1", "2001:DB8:0001:2:0:0:0:9", true },
		{ "2001:db8:1:2::1", "2001:db8:1:3::1", false },
		{ "::1", "::ffff:0.0.0.1", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct limit *l = limit_new();
		limit_set(l, 1, 1);
		CHECK(passed(l, cases[i].first, 2, START_MS) == 1);
		if (!CHECK(passed(l, cases[i].second, 1, START_MS) == !cases[i].same))
			printf("  %s %s\n", cases[i].first, cases[i].second);
		limit_free(l);
	}
}

static void
people_and_addresses_are_apart(void)
{
	struct limit *l = limit_new();
	unsigned retry = 0;

	limit_set(l, 1, 2);
	CHECK(limit_person(l, 1, START_MS, &retry) == ERR_OK && limit_person(l, 1, START_MS, &retry) == ERR_OK);
	CHECK(limit_person(l, 1, START_MS, &retry) == ERR_BUSY && retry == 30);
	CHECK(limit_person(l, 2, START_MS, &retry) == ERR_OK);
	CHECK(passed(l, "::", 1, START_MS) == 1);
	CHECK(passed(l, "", 100, START_MS) == 100 && passed(l, "nobody", 100, START_MS) == 100);
	limit_free(l);
	limit_free(NULL);
}

/* 100,000 addresses do not free one that goes on calling. */
static void
a_crowd_frees_nobody(void)
{
	struct limit *l = limit_new();
	unsigned count = 0;

	limit_set(l, 60, 1);
	for (unsigned i = 0; i < 100000; i++) {
		char address[32];
		snprintf(address, sizeof(address), "10.%u.%u.%u", i >> 16, (i >> 8) & 255, i & 255);
		(void)passed(l, address, 1, START_MS);
		count += passed(l, "192.0.2.1", 1, START_MS);
	}
	CHECK(count == 60);
	limit_free(l);
}

int
main(void)
{
	the_cut_is_exact();
	ten_times_the_limit_for_ten_minutes();
	who_is_one();
	people_and_addresses_are_apart();
	a_crowd_frees_nobody();
	return CHECK_DONE();
}
