/* SPDX-License-Identifier: Apache-2.0 */
/* A token whose releases lead nowhere is left alone: after how many, and from when on. */
#include "check.h"
#include "world.h"

#include <stdio.h>

/* Releases of a token that no grant follows count over all its requests; a third is neither approved, so that nobody gets a code for nothing, nor made. */
static void
test_suspect(void)
{
	struct world *w = world_new();
	struct machine *m[3];

	world_import(w, 1, "khach@example.vn");
	for (int i = 0; i < 2; i++) {
		m[i] = machine_approved(w, 1);
		CHECK(machine_release(m[i]) == ERR_OK);
	}
	m[2] = machine_new(w, 1, MACHINE_OWN);
	CHECK(machine_create(m[2]) == ERR_OK);
	for (int i = 0; i < 2; i++)
		CHECK(machine_approve(m[2]) == ERR_ESCROW_SUSPECT);
	CHECK(world_token(w, &m[2]->token).state == STORE_SUSPECT && world_state(w, m[2]->number) == STATE_PENDING);
	CHECK(world_audits(w, m[2]->number, "suspect") == 1);
	for (int i = 0; i < 3; i++)
		machine_free(m[i]);
	world_free(w);
}

/* A token of which the desk knows how many wrong SO PINs it takes: releases in vain, of two tries each, leave it one. */
static void
test_suspect_by_tries(void)
{
	static const struct {
		unsigned so_tries;
		unsigned releases;
	} kinds[] = { { 0, 2 }, { 3, 1 }, { 4, 1 }, { 5, 2 }, { 6, 2 }, { 7, 2 }, { 255, 2 } };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct world *w = world_new();
		struct store_type t = { .name = "loại", .rotation = true, .so_tries = kinds[i].so_tries, .created = w->now };
		struct machine *m;

		world_import(w, 1, "khach@example.vn");
		t.policy = (struct token_policy){ .family = FAMILY_SO_PIN, .pin_characters = CHARACTERS_ANY };
		snprintf(t.manufacturer, sizeof(t.manufacturer), "%s", scratch_token(1).name.manufacturer);
		CHECK(store_type_put(w->scratch.store, &t) == ERR_OK);
		for (unsigned n = 0; n < kinds[i].releases; n++) {
			m = machine_approved(w, 1);
			CHECK(machine_release(m) == ERR_OK && machine_release(m) == ERR_OK); /* the same release, which is not counted again */
			CHECK(world_token(w, &m->token).failures == n + 1);
			machine_free(m);
		}
		m = machine_new(w, 1, MACHINE_OWN);
		CHECK(machine_create(m) == ERR_OK && machine_approve(m) == ERR_ESCROW_SUSPECT);
		CHECK(world_token(w, &m->token).state == STORE_SUSPECT && world_audits(w, m->number, "suspect") == 1);
		machine_free(m);
		world_free(w);
	}
}

/* What is known of its tries became less between approval and release. */
static void
test_fewer_tries_since(void)
{
	struct world *w = world_new();
	struct store_type t = { .name = "loại", .rotation = true, .so_tries = 3, .created = w->now };
	struct machine *m[2];

	world_import(w, 1, "khach@example.vn");
	t.policy = (struct token_policy){ .family = FAMILY_SO_PIN, .pin_characters = CHARACTERS_ANY };
	snprintf(t.manufacturer, sizeof(t.manufacturer), "%s", scratch_token(1).name.manufacturer);
	m[0] = machine_approved(w, 1);
	CHECK(machine_release(m[0]) == ERR_OK);
	m[1] = machine_approved(w, 1);
	CHECK(store_type_put(w->scratch.store, &t) == ERR_OK);
	CHECK(machine_release(m[1]) == ERR_ESCROW_SUSPECT && world_state(w, m[1]->number) == STATE_APPROVED);
	CHECK(machine_release(m[0]) == ERR_OK); /* what was released before is the same for ever */
	for (int i = 0; i < 2; i++)
		machine_free(m[i]);
	world_free(w);
}

/* It became suspect between approval and release. */
static void
test_suspect_since(void)
{
	struct world *w = world_new();
	struct machine *m;

	world_import(w, 1, "khach@example.vn");
	m = machine_approved(w, 1);
	CHECK(store_token_mark(w->scratch.store, world_token(w, &m->token).id, STORE_SUSPECT) == ERR_OK);
	CHECK(machine_release(m) == ERR_ESCROW_SUSPECT && world_state(w, m->number) == STATE_APPROVED);
	machine_free(m);
	world_free(w);
}

int
main(void)
{
	test_suspect();
	test_suspect_by_tries();
	test_fewer_tries_since();
	test_suspect_since();
	return CHECK_DONE();
}
