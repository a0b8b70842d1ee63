/* SPDX-License-Identifier: Apache-2.0 */
/* Done: what the report makes of the request and of the token, and which proofs hold. */
#include "check.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

static const struct machine_report completed = { .result = "completed", .rotated = true, .proof_mechanism = "" };
static const struct machine_report not_rotated = { .result = "completed", .rotated = false, .proof_mechanism = "" };
static const struct machine_report failed = { .result = "failed", .rotated = false, .proof_mechanism = "" };

static void
test_completed(void)
{
	struct world *w = world_new();
	struct machine *m;
	struct machine_report proved = completed;
	struct store_token before;
	struct store_escrow row;
	struct store_done done;
	unsigned char proof[1024];

	world_import(w, 1, "khach@example.vn");
	m = machine_granted(w, 1);
	before = world_token(w, &m->token);
	proved.proof_mechanism = "ecdsa-sha256";
	proved.proof = proof;
	proved.proof_len = machine_prove(m, w->token_key, proof);
	CHECK(machine_done(m, &proved) == ERR_OK);
	CHECK_TEXT(m->state, "completed");
	CHECK(world_token(w, &m->token).active == before.next && world_token(w, &m->token).next == 0 && world_token(w, &m->token).state == STORE_VERIFIED);
	CHECK(store_escrow_by_id(w->scratch.store, before.active, &row) == ERR_OK && row.retired == w->now);
	CHECK(store_done_of(w->scratch.store, m->number, &done) == ERR_OK && done.rotated && done.cryptoki == 0xa0);
	CHECK_TEXT(done.proof, "verified");
	CHECK(world_mails(w, m->number, STORE_MAIL_UNLOCKED) == 1);
	/* the answer was lost: the report comes again, with a new counter */
	CHECK(machine_done(m, &completed) == ERR_OK);
	CHECK_TEXT(m->state, "completed");
	CHECK(machine_done(m, &failed) == ERR_STATE_WRONG);
	m->counter--;
	CHECK(machine_done(m, &completed) == ERR_SIGNATURE_REFUSED);
	m->counter++;
	CHECK(world_mails(w, m->number, STORE_MAIL_UNLOCKED) == 1 && world_audits(w, m->number, "done") == 1);
	CHECK(machine_release(m) == ERR_STATE_WRONG);
	CHECK(machine_grant(m, 0) == ERR_STATE_WRONG);
	machine_free(m);
	world_free(w);
}

/* Proofs that do not hold: another key's, another release's, another mechanism, none that could. */
static void
test_proof_refused(void)
{
	struct world *w = world_new();
	EVP_PKEY *stranger = world_key_new(WORLD_EC);
	struct machine *m;
	struct machine_report r = completed;
	unsigned char proof[1024];

	world_import(w, 1, "khach@example.vn");
	m = machine_granted(w, 1);
	r.proof_mechanism = "ecdsa-sha256";
	r.proof = proof;
	r.proof_len = machine_prove(m, stranger, proof);
	CHECK(machine_done(m, &r) == ERR_PROOF_REFUSED);
	m->nonce[0] ^= 1;
	r.proof_len = machine_prove(m, w->token_key, proof);
	m->nonce[0] ^= 1;
	CHECK(machine_done(m, &r) == ERR_PROOF_REFUSED);
	r.proof_len = machine_prove(m, w->token_key, proof);
	r.proof_mechanism = "rsa-pkcs1-sha256";
	CHECK(machine_done(m, &r) == ERR_PROOF_REFUSED);
	CHECK(world_audits(w, m->number, "proof") == 3 && world_state(w, m->number) == STATE_RELEASED);
	CHECK(world_token(w, &m->token).next != 0 && world_token(w, &m->token).state == STORE_UNVERIFIED);
	r.proof_mechanism = "ecdsa-sha256";
	CHECK(machine_done(m, &r) == ERR_OK);
	machine_free(m);
	EVP_PKEY_free(stranger);
	world_free(w);
}

/* However many wrong proofs a machine sends, the desk can read what else happened. */
static void
test_many_wrong_proofs(void)
{
	struct world *w = world_new();
	struct machine *m;
	struct machine_report r = completed;
	unsigned char proof[1024];

	world_import(w, 1, "khach@example.vn");
	m = machine_granted(w, 1);
	r.proof_mechanism = "rsa-pkcs1-sha256";
	r.proof = proof;
	r.proof_len = machine_prove(m, w->token_key, proof);
	for (int i = 0; i < 20; i++)
		CHECK(machine_done(m, &r) == ERR_PROOF_REFUSED);
	CHECK(world_audits(w, m->number, "proof") == 8 && world_state(w, m->number) == STATE_RELEASED);
	CHECK(machine_done(m, &completed) == ERR_OK && world_audits(w, m->number, "done") == 1);
	machine_free(m);
	world_free(w);
}

/* Without a certificate no proof can hold, and none is asked for. */
static void
test_without_certificate(void)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_NONE);
	struct machine_report r = completed;
	unsigned char proof[1024];
	struct store_done done;

	world_import(w, 1, "khach@example.vn");
	CHECK(machine_to_release(m) == ERR_OK && machine_grant(m, 0) == ERR_OK);
	r.proof_mechanism = "ecdsa-sha256";
	r.proof = proof;
	r.proof_len = machine_prove(m, w->token_key, proof);
	CHECK(machine_done(m, &r) == ERR_PROOF_REFUSED);
	CHECK(machine_done(m, &completed) == ERR_OK);
	CHECK(store_done_of(w->scratch.store, m->number, &done) == ERR_OK);
	CHECK_TEXT(done.proof, "none");
	machine_free(m);
	world_free(w);
}

/* A rotation that is not reported as done leaves both candidates. */
static void
test_not_rotated(void)
{
	struct world *w = world_new();
	struct machine *m;
	struct store_token before;

	world_import(w, 1, "khach@example.vn");
	m = machine_granted(w, 1);
	before = world_token(w, &m->token);
	CHECK(machine_done(m, &not_rotated) == ERR_OK);
	CHECK(world_token(w, &m->token).active == before.active && world_token(w, &m->token).next == before.next && world_token(w, &m->token).state == STORE_VERIFIED);
	machine_free(m);
	world_free(w);
}

/* A newer machine's word for what went wrong is kept as it is; what it says of the token counts as of any error that a token gave. */
static void
test_error_of_a_newer_machine(void)
{
	struct world *w = world_new();
	struct machine *m;
	struct machine_report r = not_rotated;
	struct store_token before;
	struct store_done done;

	world_import(w, 1, "khach@example.vn");
	m = machine_granted(w, 1);
	before = world_token(w, &m->token);
	r.stage = "rotating";
	r.error = "Token_dreams";
	CHECK(machine_done(m, &r) == ERR_INVALID_PARAMS);
	r.error = "token_dreams_of_electric_sheep_x";
	CHECK(machine_done(m, &r) == ERR_INVALID_PARAMS); /* 32 bytes */
	r.error = "token_dreams_of_electric_sheep_";
	CHECK(machine_done(m, &r) == ERR_OK && world_state(w, m->number) == STATE_COMPLETED);
	CHECK(store_done_of(w->scratch.store, m->number, &done) == ERR_OK);
	CHECK_TEXT(done.error, "token_dreams_of_electric_sheep_");
	CHECK(world_token(w, &m->token).active == before.active && world_token(w, &m->token).next == before.next && world_token(w, &m->token).state == STORE_VERIFIED);
	machine_free(m);
	world_free(w);
}

/* A next SO PIN that the token cannot take is given to nobody again. */
static void
test_no_such_pin(void)
{
	static const struct machine_report reports[] = {
		{ .result = "completed", .stage = "rotating", .cryptoki = 0xa1, .proof_mechanism = "" },
		{ .result = "completed", .stage = "rotating", .cryptoki = 0xa2, .proof_mechanism = "" },
		{ .result = "completed", .stage = "rotating", .cryptoki = 0x1b8, .proof_mechanism = "" },
	};
	struct world *w = world_new();

	world_import(w, 1, "khach@example.vn");
	for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++) {
		struct machine *m = machine_granted(w, 1);
		struct store_token before = world_token(w, &m->token);
		struct store_escrow row;

		CHECK(machine_done(m, &reports[i]) == ERR_OK);
		CHECK(world_token(w, &m->token).active == before.active && world_token(w, &m->token).next == 0);
		CHECK(store_escrow_by_id(w->scratch.store, before.next, &row) == ERR_OK && row.retired == w->now);
		CHECK(store_escrow_by_id(w->scratch.store, before.active, &row) == ERR_OK && row.retired == 0);
		machine_free(m);
	}
	world_free(w);
}

/* What a report must not say: what failed and was rotated all the same. Nothing moves. */
static void
test_failed_and_rotated(void)
{
	static const struct machine_report report = { .result = "failed", .rotated = true, .proof_mechanism = "" };
	struct world *w = world_new();
	struct machine *m;
	struct store_token before;

	world_import(w, 1, "khach@example.vn");
	m = machine_granted(w, 1);
	before = world_token(w, &m->token);
	CHECK(machine_done(m, &report) == ERR_INVALID_PARAMS);
	CHECK(world_token(w, &m->token).active == before.active && world_token(w, &m->token).next == before.next && world_state(w, m->number) == STATE_RELEASED);
	machine_free(m);
	world_free(w);
}

static void
test_without_grant(void)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);

	world_import(w, 1, "khach@example.vn");
	CHECK(machine_to_release(m) == ERR_OK);
	CHECK(machine_done(m, &completed) == ERR_STATE_WRONG); /* rotated to what? */
	CHECK(world_state(w, m->number) == STATE_RELEASED);
	CHECK(machine_done(m, &not_rotated) == ERR_OK);
	CHECK(world_token(w, &m->token).failures == 0 && world_token(w, &m->token).state == STORE_VERIFIED); /* it did open the token */
	machine_free(m);
	world_free(w);
}

/* The next one that an earlier session was granted is not this session's to report. */
static void
test_rotated_by_another(void)
{
	struct world *w = world_new();
	struct machine *dead;
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	struct store_token before;

	world_import(w, 1, "khach@example.vn");
	dead = machine_granted(w, 1);
	before = world_token(w, &dead->token);
	CHECK(machine_to_release(m) == ERR_OK);
	CHECK(machine_done(m, &completed) == ERR_STATE_WRONG);
	CHECK(world_token(w, &m->token).active == before.active && world_token(w, &m->token).next == before.next);
	machine_free(dead);
	machine_free(m);
	world_free(w);
}

/* What ended keeps no code. */
static void
test_codes_end(void)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	struct store_code codes[STORE_CODES_MAX];
	size_t count = 0;

	world_import(w, 1, "khach@example.vn");
	CHECK(machine_to_release(m) == ERR_OK);
	CHECK(store_code_list(w->scratch.store, m->number, codes, &count) == ERR_OK && count == 1);
	CHECK(machine_done(m, &failed) == ERR_OK);
	CHECK(store_code_list(w->scratch.store, m->number, codes, &count) == ERR_OK && count == 0);
	machine_free(m);
	world_free(w);
}

static void
test_failed(void)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	struct machine *early = machine_new(w, 2, MACHINE_OWN);
	struct machine *pending = machine_new(w, 3, MACHINE_OWN);

	for (unsigned n = 1; n <= 3; n++)
		world_import(w, n, "khach@example.vn");
	CHECK(machine_to_release(m) == ERR_OK);
	CHECK(machine_done(m, &failed) == ERR_OK);
	CHECK_TEXT(m->state, "failed");
	CHECK(world_token(w, &m->token).failures == 1 && world_token(w, &m->token).state == STORE_UNVERIFIED);
	CHECK(world_mails(w, m->number, STORE_MAIL_UNLOCKED) == 0);
	CHECK(machine_done(m, &failed) == ERR_OK);
	CHECK(machine_done(m, &completed) == ERR_STATE_WRONG);
	/* found hopeless before anything was released */
	CHECK(machine_create(early) == ERR_OK && machine_approve(early) == ERR_OK);
	CHECK(machine_done(early, &completed) == ERR_STATE_WRONG);
	CHECK(machine_done(early, &failed) == ERR_OK);
	CHECK_TEXT(early->state, "failed");
	CHECK(machine_create(pending) == ERR_OK);
	CHECK(machine_done(pending, &failed) == ERR_STATE_WRONG);
	machine_free(m);
	machine_free(early);
	machine_free(pending);
	world_free(w);
}

static enum err
sweep(struct world *w, size_t *ret_count)
{
	struct call c = { .service = w->service, .store = w->scratch.store, .now = w->now, .address = "" };

	return op_sweep(&c, ret_count);
}

/* A release that nobody reports becomes unknown; the machine may still come back. */
static void
test_unknown(void)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	size_t count = 0;

	world_import(w, 1, "khach@example.vn");
	CHECK(machine_to_release(m) == ERR_OK);
	w->now += 600;
	CHECK(sweep(w, &count) == ERR_OK && count == 0);
	w->now += 1;
	CHECK(sweep(w, &count) == ERR_OK && count == 1);
	CHECK(world_state(w, m->number) == STATE_UNKNOWN && world_mails(w, m->number, STORE_MAIL_UNKNOWN) == 1);
	CHECK(sweep(w, &count) == ERR_OK && count == 0);
	CHECK(machine_release(m) == ERR_OK);
	CHECK(machine_grant(m, 0) == ERR_OK && world_state(w, m->number) == STATE_UNKNOWN);
	CHECK(machine_done(m, &completed) == ERR_OK);
	CHECK_TEXT(m->state, "completed");
	machine_free(m);
	world_free(w);
}

/* What nobody reported in a month has failed: its codes end, its machine may let go, and the token keeps every SO PIN that it may have. */
static void
test_unknown_ends(void)
{
	struct world *w = world_new();
	struct machine *m;
	struct store_token before;
	struct store_code codes[STORE_CODES_MAX];
	size_t count = 0;

	world_import(w, 1, "khach@example.vn");
	m = machine_granted(w, 1);
	before = world_token(w, &m->token);
	w->now += 601;
	CHECK(sweep(w, &count) == ERR_OK && count == 1);
	w->now += w->config.failed_after_s;
	CHECK(sweep(w, &count) == ERR_OK && count == 0 && world_state(w, m->number) == STATE_UNKNOWN);
	w->now += 1;
	CHECK(sweep(w, &count) == ERR_OK && count == 1);
	CHECK(world_state(w, m->number) == STATE_FAILED && world_audits(w, m->number, "give_up") == 1);
	CHECK(store_code_list(w->scratch.store, m->number, codes, &count) == ERR_OK && count == 0);
	CHECK(machine_verb(m, "status") == ERR_OK);
	CHECK_TEXT(m->state, "failed");
	CHECK(world_token(w, &m->token).active == before.active && world_token(w, &m->token).next == before.next);
	CHECK(machine_release(m) == ERR_STATE_WRONG);
	machine_free(m);
	world_free(w);
}

/* The report of a session that a newer one has overtaken changes nothing of the token. */
static void
test_overtaken(void)
{
	struct world *w = world_new();
	struct machine *older;
	struct machine *newer;
	struct store_token now;

	world_import(w, 1, "khach@example.vn");
	older = machine_granted(w, 1);
	newer = machine_new(w, 1, MACHINE_OWN);
	CHECK(machine_to_release(newer) == ERR_OK && newer->candidate_count == 2 && machine_grant(newer, 0) == ERR_OK);
	now = world_token(w, &newer->token);
	CHECK(machine_done(older, &completed) == ERR_OK);
	CHECK(world_token(w, &newer->token).active == now.active && world_token(w, &newer->token).next == now.next);
	CHECK(machine_done(newer, &completed) == ERR_OK);
	CHECK(world_token(w, &newer->token).active == now.next && world_token(w, &newer->token).next == 0);
	machine_free(older);
	machine_free(newer);
	world_free(w);
}

static unsigned
log_lines(const struct world *w)
{
	FILE *f = fopen(w->config.escrow_log, "r");
	unsigned lines = 0;

	for (int c = f != NULL ? getc(f) : EOF; c != EOF; c = getc(f))
		lines += c == '\n';
	if (f != NULL)
		fclose(f);
	return lines;
}

/*
 * A machine falls asleep between its grant and the card; another unlocks the same token in between and dies in its turn. Whichever of them
 * sets what it was granted, and whenever: the server knows it, because both were granted the same.
 */
static void
test_one_successor(void)
{
	struct world *w = world_new();
	struct machine *asleep;
	struct machine *second;
	struct machine *third;

	world_import(w, 1, "khach@example.vn");
	asleep = machine_granted(w, 1);
	second = machine_new(w, 1, MACHINE_OWN);
	third = machine_new(w, 1, MACHINE_OWN);
	CHECK(log_lines(w) == 1);
	CHECK(machine_to_release(second) == ERR_OK && second->candidate_count == 2 && machine_grant(second, 1) == ERR_OK);
	CHECK(secret_equal(&second->next, &asleep->next));
	CHECK(log_lines(w) == 1);
	CHECK(machine_to_release(third) == ERR_OK && third->candidate_count == 2);
	CHECK(secret_equal(&third->candidates[0], &asleep->next));
	/* once it is proved to be the token's, its own successor is drawn */
	CHECK(machine_grant(third, 0) == ERR_OK && !secret_equal(&third->next, &asleep->next));
	CHECK(log_lines(w) == 2);
	machine_free(third);
	machine_free(second);
	machine_free(asleep);
	world_free(w);
}

/* A type of the family, of the tokens that world_import() makes. */
static void
set_type(struct world *w, enum family family, bool rotation)
{
	struct store_type t = { .name = "loại", .rotation = rotation, .key_length = 8, .key_characters = CHARACTERS_DIGITS, .created = w->now };

	snprintf(t.manufacturer, sizeof(t.manufacturer), "%s", scratch_token(1).name.manufacturer);
	t.policy = (struct token_policy){ family, 6, 8, CHARACTERS_DIGITS, true };
	CHECK(store_type_put(w->scratch.store, &t) == ERR_OK);
}

/* Released, not rotated: nothing is granted, and the token's row says since when the key is known outside. */
static void
test_not_rotated_by_type(enum family family)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	struct machine_report rotated = { .result = "completed", .rotated = true, .proof_mechanism = "" };
	struct store_token before;
	json_t *one;

	world_import(w, 1, "khach@example.vn");
	set_type(w, family, false);
	CHECK(machine_create(m) == ERR_OK && machine_verb(m, "status") == ERR_OK && m->policy.family == FAMILY_COUNT);
	CHECK(machine_approve(m) == ERR_OK);
	machine_mail(m, 900);
	CHECK(machine_verb(m, "status") == ERR_OK && m->policy.family == family && m->policy.pin_min == 6 && m->policy.pin_max == 8);
	CHECK(m->policy.pin_characters == CHARACTERS_DIGITS && m->policy.flags_reliable);
	CHECK(machine_release(m) == ERR_OK && m->family == family && !m->rotation);
	/* what was released is what it was, whatever is said of the type later */
	set_type(w, FAMILY_SO_PIN, true);
	CHECK(machine_release(m) == ERR_OK && m->family == family && !m->rotation);
	CHECK(machine_grant(m, 0) == ERR_STATE_WRONG);
	before = world_token(w, &m->token);
	CHECK(machine_done(m, &rotated) == ERR_STATE_WRONG);
	w->now += 60;
	CHECK(machine_done(m, &not_rotated) == ERR_OK);
	CHECK_TEXT(m->state, "completed");
	CHECK(world_token(w, &m->token).active == before.active && world_token(w, &m->token).next == 0 && world_token(w, &m->token).failures == 0);
	CHECK(world_token(w, &m->token).state == STORE_VERIFIED && world_token(w, &m->token).exposed == w->now - 60);
	CHECK(world_desk(w, 0, op_admin_detail, m->number, NULL, &one) == ERR_OK);
	CHECK_TEXT(json_string_value(json_object_get(one, "outcome")), "not_rotated");
	CHECK_TEXT(json_string_value(json_object_get(one, "family")), "so_pin");
	json_decref(one);
	machine_free(m);
	world_free(w);
}

/* A machine may know the key from its release on, whatever it says or does not say of it; until the token is proved to have another one. */
static void
test_exposed(void)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	int64_t since = w->now;

	world_import(w, 1, "khach@example.vn");
	CHECK(machine_to_release(m) == ERR_OK && world_token(w, &m->token).exposed == since);
	w->now += 60;
	CHECK(machine_done(m, &failed) == ERR_OK && world_token(w, &m->token).exposed == since);
	machine_free(m);
	m = machine_new(w, 1, MACHINE_OWN);
	CHECK(machine_to_release(m) == ERR_OK && machine_grant(m, 0) == ERR_OK && world_token(w, &m->token).exposed == since);
	CHECK(machine_done(m, &completed) == ERR_OK && world_token(w, &m->token).exposed == 0);
	machine_free(m);
	world_free(w);
}

/* What cannot be unlocked is neither approved nor, where it turns out later, released. */
static void
test_no_family(void)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);

	world_import(w, 1, "khach@example.vn");
	set_type(w, FAMILY_NONE, false);
	CHECK(machine_create(m) == ERR_OK && machine_approve(m) == ERR_TOKEN_UNSUPPORTED && world_state(w, m->number) == STATE_PENDING);
	set_type(w, FAMILY_SO_PIN, true);
	CHECK(machine_approve(m) == ERR_OK);
	machine_mail(m, 900);
	set_type(w, FAMILY_NONE, false);
	CHECK(machine_verb(m, "status") == ERR_OK && m->policy.family == FAMILY_NONE);
	CHECK(machine_release(m) == ERR_TOKEN_UNSUPPORTED && world_state(w, m->number) == STATE_APPROVED);
	machine_free(m);
	world_free(w);
}

/* The next SO PIN is what the type says. */
static void
test_key_of_the_type(void)
{
	struct world *w = world_new();
	struct machine *m;

	world_import(w, 1, "khach@example.vn");
	set_type(w, FAMILY_SO_PIN, true);
	m = machine_granted(w, 1);
	CHECK(m->rotation && m->next.len == 8);
	machine_free(m);
	world_free(w);
}

int
main(void)
{
	test_completed();
	test_proof_refused();
	test_many_wrong_proofs();
	test_without_certificate();
	test_not_rotated();
	test_error_of_a_newer_machine();
	test_no_such_pin();
	test_failed_and_rotated();
	test_without_grant();
	test_rotated_by_another();
	test_codes_end();
	test_failed();
	test_unknown();
	test_unknown_ends();
	test_overtaken();
	test_one_successor();
	test_not_rotated_by_type(FAMILY_PUK);
	test_not_rotated_by_type(FAMILY_SO_PIN);
	test_exposed();
	test_no_family();
	test_key_of_the_type();
	return CHECK_DONE();
}
