/* SPDX-License-Identifier: Apache-2.0 */
/* What the server erases by itself, and by which clock: a wrong one that is put right in time has erased nothing. */
#include "check.h"
#include "upkeep.h"
#include "world.h"

#define HOUR  3600
#define DAY   (24 * HOUR)
#define MONTH 2629800
#define YEAR  (365 * DAY)

/* A server that erases after a month, with a request that has ended. */
struct server {
	struct world *w;
	struct upkeep upkeep;
	uint64_t ms; /* the clock that nobody sets */
	int64_t number;
};

static struct server
server_new(void)
{
	struct server s = { .w = world_new(), .ms = 77 };
	struct machine *m = machine_new(s.w, 1, MACHINE_OWN);

	s.w->config.erase_after_months = 1;
	world_import(s.w, 1, "khach@example.vn");
	CHECK(machine_create(m) == ERR_OK && machine_verb(m, "cancel") == ERR_OK);
	s.number = m->number;
	machine_free(m);
	return s;
}

/* One look of the server's, after that time by its clock and by the one that nobody sets: whether the request's personal data are gone behind it. */
static bool
erases_after(struct server *s, int64_t clock, int64_t passed)
{
	struct store *store = s->w->scratch.store;
	struct store_request r;

	s->w->now += clock;
	s->ms += (uint64_t)passed * 1000;
	upkeep_clock(&s->upkeep, store, s->w->now, s->ms);
	upkeep_run(&s->upkeep, s->w->service, store, s->w->now);
	CHECK(store_request_by_number(store, s->number, &r) == ERR_OK);
	return r.erased != 0;
}

/* As people and machines do while a server works. */
static void
work(struct server *s)
{
	struct store_audit a = { .created = s->w->now, .who = "desk", .what = "export" };

	CHECK(store_audit_add(s->w->scratch.store, &a) == ERR_OK);
}

static void
test_at_the_start(void)
{
	struct server s = server_new();

	s.w->now += 2 * MONTH;
	work(&s);
	CHECK(!erases_after(&s, 0, 0) && !erases_after(&s, HOUR - 1, HOUR - 1));
	CHECK(erases_after(&s, 1, 1));
	world_free(s.w);
}

/* Nobody knows whether it was two months without current, or a clock without a battery. */
static void
test_behind_a_long_rest(void)
{
	struct server s = server_new();

	CHECK(!erases_after(&s, 2 * MONTH, 0));
	work(&s); /* by a time that may be wrong */
	CHECK(!erases_after(&s, HOUR, HOUR) && !erases_after(&s, 23 * HOUR - 1, 23 * HOUR - 1));
	CHECK(erases_after(&s, 1, 1));
	world_free(s.w);
}

static void
test_jump(void)
{
	struct server s = server_new();

	CHECK(!erases_after(&s, 0, 0) && !erases_after(&s, DAY, DAY));
	/* five years ahead for a minute */
	CHECK(!erases_after(&s, 5 * YEAR, 15) && !erases_after(&s, 45, 45) && !erases_after(&s, -5 * YEAR, 15));
	for (int64_t day = 1; day < 30; day++) {
		work(&s);
		CHECK(!erases_after(&s, DAY, DAY));
	}
	/* it is due, and the clock jumps at that moment */
	CHECK(!erases_after(&s, DAY, DAY - HOUR - 1) && !erases_after(&s, HOUR - 1, HOUR - 1));
	CHECK(erases_after(&s, 1, 1));
	world_free(s.w);
}

/* Time servers put a clock right by seconds, and some by minutes. What counts is the time that has passed. */
static void
test_put_right(void)
{
	struct server s = server_new();

	s.w->now += 2 * MONTH;
	work(&s);
	CHECK(!erases_after(&s, 0, 0) && !erases_after(&s, HOUR, HOUR / 2) && !erases_after(&s, HOUR / 2, HOUR / 2 - 1));
	CHECK(erases_after(&s, -HOUR, 1));
	world_free(s.w);
}

int
main(void)
{
	test_at_the_start();
	test_behind_a_long_rest();
	test_jump();
	test_put_right();
	return CHECK_DONE();
}
