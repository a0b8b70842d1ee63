/* SPDX-License-Identifier: Apache-2.0 */
/* The alarm over many releases: above its bound, once an hour, to whom it may concern. */
#include "check.h"
#include "world.h"

#include <string.h>

static void
sound(struct world *w)
{
	struct call c = { .service = w->service, .store = w->scratch.store, .now = w->now, .address = "" };

	CHECK(op_alarm(&c) == ERR_OK);
}

static int64_t
release_one(struct world *w, unsigned token)
{
	struct machine *m;
	int64_t number;

	world_import(w, token, "khach@example.vn");
	m = machine_new(w, token, MACHINE_OWN);
	CHECK(machine_to_release(m) == ERR_OK);
	number = m->number;
	machine_free(m);
	return number;
}

static void
export_one(struct world *w)
{
	struct store_audit a = { .created = w->now, .who = "desk", .what = "export" };

	CHECK(store_audit_add(w->scratch.store, &a) == ERR_OK);
}

static void
test_alarm(void)
{
	struct world *w = world_new();
	int64_t newest = 0;

	w->config.alarm_releases = 2;
	w->config.operator_email = "van-hanh@example.vn";
	sound(w);
	for (unsigned token = 1; token <= 2; token++)
		newest = release_one(w, token);
	sound(w);
	CHECK(world_audits(w, 0, "alarm") == 0);
	newest = release_one(w, 3);
	sound(w);
	CHECK(world_audits(w, 0, "alarm") == 1 && world_mails(w, newest, STORE_MAIL_ALARM) == 1);
	/* once, however many follow */
	w->now += 3500;
	for (int i = 0; i < 5; i++)
		export_one(w);
	sound(w);
	CHECK(world_audits(w, 0, "alarm") == 1);
	/* an hour after it, what has come in between counts: exports alone */
	w->now += 200;
	sound(w);
	CHECK(world_audits(w, 0, "alarm") == 2 && world_mails(w, newest, STORE_MAIL_ALARM) == 2);
	w->now += 3700;
	sound(w);
	CHECK(world_audits(w, 0, "alarm") == 2);
	world_free(w);
}

/* A clock that was a year ahead for ten minutes mutes nothing when it is right again, and what was written then is opened in no hour of now. */
static void
test_clock_was_ahead(void)
{
	enum {
		YEAR_S = 31536000
	};
	struct world *w = world_new();

	w->config.alarm_releases = 2;
	w->now += YEAR_S;
	for (int i = 0; i < 3; i++)
		export_one(w);
	sound(w);
	CHECK(world_audits(w, 0, "alarm") == 1);
	w->now -= YEAR_S;
	sound(w);
	CHECK(world_audits(w, 0, "alarm") == 1);
	for (int i = 0; i < 3; i++)
		export_one(w);
	sound(w);
	CHECK(world_audits(w, 0, "alarm") == 2);
	sound(w);
	CHECK(world_audits(w, 0, "alarm") == 2);
	world_free(w);
}

/* The same look is written down once in a while, and a row of a time to come does not stand for it. */
static void
test_looks_after_a_clock_was_ahead(void)
{
	enum {
		YEAR_S = 31536000,
		WHILE_S = 600
	};
	struct world *w = world_new();
	struct store_audit look = { .created = w->now + YEAR_S, .person = w->people[0].id, .number = 1, .what = "view", .detail = "route=detail" };
	bool seen = true;

	CHECK(store_audit_add(w->scratch.store, &look) == ERR_OK);
	look.created = w->now;
	CHECK(store_audit_seen(w->scratch.store, &look, look.created - WHILE_S, &seen) == ERR_OK && !seen);
	CHECK(store_audit_add(w->scratch.store, &look) == ERR_OK);
	look.created += WHILE_S - 1;
	CHECK(store_audit_seen(w->scratch.store, &look, look.created - WHILE_S, &seen) == ERR_OK && seen);
	look.created += 1;
	CHECK(store_audit_seen(w->scratch.store, &look, look.created - WHILE_S, &seen) == ERR_OK && !seen);
	world_free(w);
}

static void
test_without_an_address(void)
{
	struct world *w = world_new();
	int64_t number;

	w->config.alarm_releases = 1;
	number = release_one(w, 1);
	export_one(w);
	sound(w);
	CHECK(world_audits(w, 0, "alarm") == 1 && world_mails(w, number, STORE_MAIL_ALARM) == 0);
	world_free(w);
}

int
main(void)
{
	test_alarm();
	test_clock_was_ahead();
	test_looks_after_a_clock_was_ahead();
	test_without_an_address();
	return CHECK_DONE();
}
