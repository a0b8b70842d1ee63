/* SPDX-License-Identifier: Apache-2.0 */
/* The approvers are told of what waits: at once, then gathered, and never of what anybody can send; and what the pages ask for every few seconds. */
#include "check.h"
#include "json.h"
#include "world.h"

#include <string.h>

static bool
announce(struct world *w)
{
	struct call c = { .service = w->service, .store = w->scratch.store, .now = w->now, .address = "" };

	CHECK(op_announce(&c) == ERR_OK);
	return c.mailed;
}

static struct machine *
ask(struct world *w, unsigned token, enum machine_certificate certificate)
{
	struct machine *m = machine_new(w, token, certificate);

	CHECK(machine_create(m) == ERR_OK);
	return m;
}

static void
test_announce(void)
{
	struct world *w = world_new();
	struct machine *m[5];

	for (unsigned token = 1; token <= 4; token++)
		world_import(w, token, "khach@example.vn");
	m[0] = ask(w, 1, MACHINE_OWN);
	CHECK(!announce(w)); /* nobody has given an address */
	w->config.approvers_email = "nguoi-duyet@example.vn";
	w->config.announce_every_s = 900;
	CHECK(announce(w) && world_mails(w, m[0]->number, STORE_MAIL_WAITING) == 1);
	CHECK(!announce(w));
	/* what comes within the quarter of an hour is said at its end, in one */
	w->now += 450;
	m[1] = ask(w, 2, MACHINE_OWN);
	m[2] = ask(w, 3, MACHINE_OWN);
	w->now += 449;
	CHECK(!announce(w));
	w->now += 1;
	CHECK(announce(w) && world_mails(w, m[1]->number, STORE_MAIL_WAITING) == 0 && world_mails(w, m[2]->number, STORE_MAIL_WAITING) == 1);
	/* nothing new, however long the old ones wait; and what is of nobody is no news */
	w->now += 1000;
	m[3] = ask(w, 9, MACHINE_NONE);
	CHECK(world_state(w, m[3]->number) == STATE_UNIDENTIFIED && !announce(w));
	m[4] = ask(w, 4, MACHINE_OWN);
	CHECK(announce(w) && world_mails(w, m[4]->number, STORE_MAIL_WAITING) == 1);
	for (size_t i = 0; i < 5; i++)
		machine_free(m[i]);
	world_free(w);
}

/* A mail of a time to come is none to wait after; the next one is waited for as ever. */
static void
test_clock_was_ahead(void)
{
	enum {
		YEAR_S = 31536000
	};
	struct world *w = world_new();
	struct machine *m[3];

	for (unsigned token = 1; token <= 3; token++)
		world_import(w, token, "khach@example.vn");
	w->config.approvers_email = "nguoi-duyet@example.vn";
	w->config.announce_every_s = 900;
	w->now += YEAR_S;
	m[0] = ask(w, 1, MACHINE_OWN);
	CHECK(announce(w));
	w->now -= YEAR_S;
	CHECK(!announce(w));
	m[1] = ask(w, 2, MACHINE_OWN);
	CHECK(announce(w) && world_mails(w, m[1]->number, STORE_MAIL_WAITING) == 1);
	m[2] = ask(w, 3, MACHINE_OWN);
	CHECK(!announce(w));
	w->now += 900;
	CHECK(announce(w));
	for (size_t i = 0; i < 3; i++)
		machine_free(m[i]);
	world_free(w);
}

/* What waits, as the desk reads it; its mark is the caller's. */
static void
waiting(struct world *w, int64_t pending, int64_t unidentified, int64_t oldest, char ret_mark[64])
{
	json_t *answer = NULL;

	CHECK(world_desk(w, 0, op_admin_waiting, 0, NULL, &answer) == ERR_OK);
	CHECK(json_integer_value(json_object_get(answer, "pending")) == pending);
	CHECK(json_integer_value(json_object_get(answer, "unidentified")) == unidentified);
	CHECK(json_integer_value(json_object_get(answer, "oldest")) == oldest);
	strcpy(ret_mark, json_string_value(json_object_get(answer, "mark")));
	json_decref(answer);
}

static void
test_waiting(void)
{
	struct world *w = world_new();
	struct machine *first, *second, *nobody;
	char marks[6][64];
	json_t *one;

	waiting(w, 0, 0, 0, marks[0]);
	world_import(w, 1, "khach@example.vn");
	world_import(w, 2, "khach@example.vn");
	first = ask(w, 1, MACHINE_OWN);
	waiting(w, 1, 0, w->now, marks[1]);
	CHECK(strcmp(marks[0], marks[1]) != 0);
	/* the second in which something has moved may bring more of it: its mark does not stay */
	w->now += 1;
	waiting(w, 1, 0, w->now - 1, marks[2]);
	CHECK(strcmp(marks[1], marks[2]) != 0);
	w->now += 1;
	waiting(w, 1, 0, w->now - 2, marks[3]);
	w->now += 60;
	waiting(w, 1, 0, w->now - 62, marks[4]);
	CHECK(strcmp(marks[3], marks[4]) == 0);
	second = ask(w, 2, MACHINE_OWN);
	nobody = ask(w, 9, MACHINE_NONE);
	waiting(w, 2, 1, w->now - 62, marks[5]);
	CHECK(strcmp(marks[4], marks[5]) != 0);
	w->now += 60;
	CHECK(world_desk(w, 0, op_admin_refuse, first->number, json_pack("{s:s}", "reason", "x"), &one) == ERR_OK);
	json_decref(one);
	waiting(w, 1, 1, w->now - 60, marks[0]);
	CHECK(strcmp(marks[5], marks[0]) != 0);
	machine_free(first);
	machine_free(second);
	machine_free(nobody);
	world_free(w);
}

/* Who opens a request sees the others for the same token, and of no other one. */
static void
test_others(void)
{
	struct world *w = world_new();
	struct machine *m[12];
	json_t *one = NULL, *others;

	w->config.unidentified_by_address = 20;
	w->config.unidentified_max = 20;
	world_import(w, 1, "khach@example.vn");
	world_import(w, 2, "khach@example.vn");
	for (size_t i = 0; i < 12; i++)
		m[i] = ask(w, i == 11 ? 2 : 1, MACHINE_OWN);
	CHECK(world_desk(w, 0, op_admin_detail, m[5]->number, NULL, &one) == ERR_OK);
	others = json_object_get(one, "others");
	CHECK(json_array_size(others) == 8);
	for (size_t i = 0; i < 8; i++)
		CHECK(json_integer_value(json_object_get(json_array_get(others, i), "number")) == m[i < 5 ? 10 - i : 9 - i]->number);
	json_decref(one);
	CHECK(world_desk(w, 0, op_admin_detail, m[11]->number, NULL, &one) == ERR_OK);
	CHECK(json_array_size(json_object_get(one, "others")) == 0);
	json_decref(one);
	for (size_t i = 0; i < 12; i++)
		machine_free(m[i]);
	world_free(w);
}

int
main(void)
{
	test_announce();
	test_clock_was_ahead();
	test_waiting();
	test_others();
	return CHECK_DONE();
}
