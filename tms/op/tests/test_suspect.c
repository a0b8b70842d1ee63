/* SPDX-License-Identifier: Apache-2.0 */
/* A token whose releases lead nowhere is left alone: after how many, and from when on. */
#include "check.h"
#include "world.h"

#include <stdio.h>

/* What the desk knows of the tokens' kind. */
static void
set_tries(struct world *w, unsigned so_tries)
{
	struct store_type t = { .name = "loại", .rotation = true, .so_tries = so_tries, .created = w->now };

	t.policy = (struct token_policy){ .family = FAMILY_SO_PIN, .pin_characters = CHARACTERS_ANY };
	snprintf(t.manufacturer, sizeof(t.manufacturer), "%s", scratch_token(1).name.manufacturer);
	CHECK(store_type_put(w->scratch.store, &t) == ERR_OK);
}

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
		struct machine *m;

		world_import(w, 1, "khach@example.vn");
		set_tries(w, kinds[i].so_tries);
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

enum rotation_end {
	UNREPORTED,
	REFUSED, /* C_SetPIN said OK, and its proof that the SO PIN is wrong */
	UNPROVED,
	ROTATED,
	NOT_MADE,
	CURED, /* unreported, and two people say that it may be tried again */
	ROTATION_END_COUNT
};

static void
end_rotation(struct world *w, struct machine *m, enum rotation_end end)
{
	static const struct machine_report reports[ROTATION_END_COUNT] = {
		[REFUSED] = { .result = "completed", .stage = "proving_rotation", .error = "token_so_refused", .proof_mechanism = "" },
		[UNPROVED] = { .result = "completed", .stage = "proving_rotation", .error = "module_failed", .proof_mechanism = "" },
		[ROTATED] = { .result = "completed", .rotated = true, .proof_mechanism = "" },
		[NOT_MADE] = { .result = "completed", .stage = "rotating", .error = "token_failed", .proof_mechanism = "" },
	};

	if (end == CURED)
		CHECK(store_token_cured(w->scratch.store, world_token(w, &m->token).id) == ERR_OK);
	else if (end != UNREPORTED)
		CHECK(machine_done(m, &reports[end]) == ERR_OK);
}

/* The proof of a rotation may have cost a try, which a token that takes an odd number of them does not have over: so many releases in vain are left to it. */
static void
test_suspect_after_rotation(void)
{
	static const struct {
		unsigned so_tries;
		unsigned releases[ROTATION_END_COUNT];
	} kinds[] = { { 3, { 0, 0, 0, 1, 1, 1 } }, { 4, { 1, 1, 1, 1, 1, 1 } }, { 5, { 1, 1, 1, 2, 2, 2 } }, { 6, { 2, 2, 2, 2, 2, 2 } }, { 0, { 2, 2, 2, 2, 2, 2 } } };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		for (enum rotation_end end = UNREPORTED; end < ROTATION_END_COUNT; end++) {
			struct world *w = world_new();
			struct machine *m;

			world_import(w, 1, "khach@example.vn");
			set_tries(w, kinds[i].so_tries);
			m = machine_granted(w, 1);
			CHECK(world_token(w, &m->token).rotation_tries == 1);
			end_rotation(w, m, end);
			machine_free(m);
			for (unsigned n = 0; n < kinds[i].releases[end]; n++) {
				m = machine_approved(w, 1);
				CHECK(machine_release(m) == ERR_OK);
				machine_free(m);
			}
			m = machine_new(w, 1, MACHINE_OWN);
			CHECK(machine_create(m) == ERR_OK);
			if (!CHECK(machine_approve(m) == ERR_ESCROW_SUSPECT))
				printf("  %u tries, end %d\n", kinds[i].so_tries, (int)end);
			machine_free(m);
			world_free(w);
		}
	}
}

/* A report that comes late gives a token back that is suspect only because nobody knew how its rotation went. */
static void
test_suspect_until_reported(void)
{
	struct world *w = world_new();
	struct machine *first;
	struct machine *again;
	struct machine *m = machine_new(w, 1, MACHINE_OWN);

	world_import(w, 1, "khach@example.vn");
	set_tries(w, 3);
	first = machine_granted(w, 1);
	CHECK(machine_create(m) == ERR_OK && machine_approve(m) == ERR_ESCROW_SUSPECT);
	CHECK(world_token(w, &m->token).state == STORE_SUSPECT && world_audits(w, m->number, "suspect") == 1);
	end_rotation(w, first, ROTATED);
	CHECK(world_token(w, &m->token).state == STORE_VERIFIED && world_token(w, &m->token).rotation_tries == 0);
	again = machine_approved(w, 1);
	CHECK(machine_release(again) == ERR_OK);
	machine_free(first);
	machine_free(again);
	machine_free(m);
	world_free(w);
}

/* What is known of its tries became less between approval and release. */
static void
test_fewer_tries_since(void)
{
	struct world *w = world_new();
	struct machine *m[2];

	world_import(w, 1, "khach@example.vn");
	m[0] = machine_approved(w, 1);
	CHECK(machine_release(m[0]) == ERR_OK);
	m[1] = machine_approved(w, 1);
	set_tries(w, 3);
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
	test_suspect_after_rotation();
	test_suspect_until_reported();
	test_fewer_tries_since();
	test_suspect_since();
	return CHECK_DONE();
}
