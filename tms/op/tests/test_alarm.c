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
	test_without_an_address();
	return CHECK_DONE();
}
