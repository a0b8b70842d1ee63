/* SPDX-License-Identifier: Apache-2.0 */
/* Create: the two queues, the limits, the same call twice, and what status, resend and cancel say of it. */
#include "check.h"
#include "json.h"
#include "world.h"

#include <stdlib.h>

/* Which queue a machine lands in, and that its answer tells it nothing of that. */
static void
test_queues(void)
{
	static const struct {
		unsigned token;
		enum machine_certificate certificate;
		enum state state;
	} rows[] = {
		{ 1, MACHINE_OWN, STATE_PENDING },
		{ 1, MACHINE_OTHER, STATE_UNIDENTIFIED },
		{ 1, MACHINE_RENEWED, STATE_UNIDENTIFIED }, /* the number on record counts */
		{ 1, MACHINE_FOREIGN, STATE_UNIDENTIFIED },
		{ 1, MACHINE_NONE, STATE_UNIDENTIFIED },
		{ 2, MACHINE_OWN, STATE_UNIDENTIFIED }, /* nobody knows the token */
	};
	struct world *w = world_new();

	w->config.unidentified_by_address = 100;
	world_import(w, 1, "khach@example.vn");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct machine *m = machine_new(w, rows[i].token, rows[i].certificate);
		struct store_request r;
		CHECK(machine_create(m) == ERR_OK);
		CHECK(store_request_by_number(w->scratch.store, m->number, &r) == ERR_OK);
		CHECK(r.state == rows[i].state && r.identified == (rows[i].state == STATE_PENDING));
		CHECK_TEXT(r.address, "203.0.113.7");
		CHECK_TEXT(r.email, rows[i].token == 1 ? "khach@example.vn" : "");
		CHECK(r.expires == w->now + 3600);
		CHECK(machine_verb(m, "status") == ERR_OK);
		CHECK_TEXT(m->state, "pending");
		CHECK_TEXT(m->email, "");
		CHECK(world_audits(w, m->number, "create") == 1);
		machine_free(m);
	}
	world_free(w);
}

/* The record has no number: any customer has a certificate of the authority, and the token's is one of the address on record. */
static void
test_queues_without_a_number(void)
{
	static const struct {
		const char *email;
		enum machine_certificate certificate;
		enum state state;
	} rows[] = {
		{ "khach@example.vn", MACHINE_RENEWED, STATE_PENDING },
		{ "khach@example.vn", MACHINE_FORGED, STATE_UNIDENTIFIED },
		{ "khach@example.vn", MACHINE_OTHER, STATE_UNIDENTIFIED }, /* there is no address in it */
		{ "khach@example.vn", MACHINE_NONE, STATE_UNIDENTIFIED },
		{ "khach@example.vn.example", MACHINE_RENEWED, STATE_UNIDENTIFIED },
		{ "ach@example.vn", MACHINE_RENEWED, STATE_UNIDENTIFIED },
		{ "", MACHINE_RENEWED, STATE_UNIDENTIFIED },
		{ "", MACHINE_OTHER, STATE_UNIDENTIFIED },
	};
	struct world *w = world_new();

	w->config.unidentified_by_address = 100;
	w->config.unidentified_max = 100;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct machine *m = machine_new(w, i, rows[i].certificate);
		struct store_request r;
		world_import_bare(w, i, rows[i].email);
		CHECK(machine_create(m) == ERR_OK);
		CHECK(store_request_by_number(w->scratch.store, m->number, &r) == ERR_OK);
		CHECK(r.state == rows[i].state && r.identified == (rows[i].state == STATE_PENDING));
		machine_free(m);
	}
	world_free(w);
}

static void
test_customer_name(void)
{
	struct world *w = world_new();
	struct machine *known = machine_new(w, 1, MACHINE_OWN);
	struct machine *strange = machine_new(w, 2, MACHINE_FOREIGN);
	struct store_request r;

	world_import(w, 1, "khach@example.vn");
	CHECK(machine_create(known) == ERR_OK && machine_create(strange) == ERR_OK);
	CHECK(store_request_by_number(w->scratch.store, known->number, &r) == ERR_OK);
	CHECK_TEXT(r.customer, "CÔNG TY CỔ PHẦN THỬ NGHIỆM");
	CHECK(store_request_by_number(w->scratch.store, strange->number, &r) == ERR_OK);
	CHECK_TEXT(r.customer, "Công ty A");
	CHECK_TEXT(r.certificate_serial, "1002");
	machine_free(known);
	machine_free(strange);
	world_free(w);
}

static void
test_same_call(void)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	int64_t number;

	world_import(w, 1, "khach@example.vn");
	CHECK(machine_create(m) == ERR_OK);
	number = m->number;
	w->now += 60;
	for (int i = 0; i < 5; i++)
		CHECK(machine_create(m) == ERR_OK && m->number == number); /* and no limit is used up */
	m->idempotency_key[0] ^= 1;
	CHECK(machine_create(m) == ERR_OK && m->number != number);
	machine_free(m);
	world_free(w);
}

static void
test_limit_of_a_token(void)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	struct machine *other = machine_new(w, 2, MACHINE_OWN);

	world_import(w, 1, "khach@example.vn");
	world_import(w, 2, "khach@example.vn");
	for (unsigned char i = 0; i < 3; i++) {
		m->idempotency_key[0] = i;
		CHECK(machine_create(m) == ERR_OK);
	}
	/* what is too many is not lost, but seen only by who looks for it; another token is not concerned */
	for (unsigned char i = 3; i < 7; i++) {
		m->idempotency_key[0] = i;
		CHECK(machine_create(m) == ERR_OK && world_state(w, m->number) == STATE_UNIDENTIFIED);
	}
	m->idempotency_key[0] = 7;
	CHECK(machine_create(m) == ERR_REQUEST_LIMIT);
	CHECK(machine_create(other) == ERR_OK && world_state(w, other->number) == STATE_PENDING);
	machine_free(m);
	machine_free(other);
	world_free(w);
}

/* The certificate is in every document that the customer has signed: whoever has one and the serial number cannot shut him out either. */
static void
test_stranger_with_the_certificate(void)
{
	struct world *w = world_new();
	struct machine *stranger = machine_new(w, 1, MACHINE_OWN);
	struct machine *owner = machine_new(w, 1, MACHINE_OWN);

	world_import(w, 1, "khach@example.vn");
	for (unsigned char i = 0; i < 3; i++) {
		stranger->idempotency_key[0] = i;
		CHECK(machine_create(stranger) == ERR_OK && world_state(w, stranger->number) == STATE_PENDING);
	}
	CHECK(machine_create(owner) == ERR_OK && world_state(w, owner->number) == STATE_UNIDENTIFIED);
	/* on the phone he says his phrase, and the others are cancelled */
	CHECK(machine_approve(owner) == ERR_OK && world_state(w, owner->number) == STATE_APPROVED);
	CHECK(world_state(w, stranger->number) == STATE_CANCELLED);
	machine_free(stranger);
	machine_free(owner);
	world_free(w);
}

/* Somebody who has read a serial number fills his own queue and shuts nobody out. */
static void
test_limit_of_strangers(void)
{
	struct world *w = world_new();
	struct machine *stranger = machine_new(w, 1, MACHINE_NONE);
	struct machine *owner = machine_new(w, 1, MACHINE_OWN);

	world_import(w, 1, "khach@example.vn");
	for (unsigned char i = 0; i < 4; i++) {
		stranger->idempotency_key[0] = i;
		CHECK(machine_create(stranger) == ERR_OK);
	}
	stranger->idempotency_key[0] = 4;
	CHECK(machine_create(stranger) == ERR_BUSY); /* by address */
	CHECK(machine_create(owner) == ERR_OK && world_state(w, owner->number) == STATE_PENDING);
	w->config.unidentified_by_address = 100;
	for (unsigned char i = 4; i < 6; i++) {
		stranger->idempotency_key[0] = i;
		CHECK(machine_create(stranger) == ERR_OK);
	}
	stranger->idempotency_key[0] = 6;
	CHECK(machine_create(stranger) == ERR_BUSY); /* in all */
	machine_free(stranger);
	machine_free(owner);
	world_free(w);
}

/* An IPv6 network of 64 bits is one customer's: each of its addresses counts for it, and no other network pays for it. */
static void
test_limit_of_a_network(void)
{
	static const char *const addresses[] = { "2001:db8:1:2::1", "2001:DB8:1:2:0:0:0:2", "2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2:8000::" };
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_NONE);
	struct store_request r;

	for (unsigned char i = 0; i < 4; i++) {
		w->address = addresses[i];
		m->idempotency_key[0] = i;
		CHECK(machine_create(m) == ERR_OK && store_request_by_number(w->scratch.store, m->number, &r) == ERR_OK);
		CHECK_TEXT(r.address, "2001:db8:1:2::/64");
	}
	w->address = "2001:db8:1:2::5";
	m->idempotency_key[0] = 4;
	CHECK(machine_create(m) == ERR_BUSY);
	w->address = "2001:db8:1:3::1";
	CHECK(machine_create(m) == ERR_OK);
	w->address = "::ffff:192.0.2.1";
	m->idempotency_key[0] = 5;
	CHECK(machine_create(m) == ERR_OK && store_request_by_number(w->scratch.store, m->number, &r) == ERR_OK);
	CHECK_TEXT(r.address, "192.0.2.1");
	machine_free(m);
	world_free(w);
}

static enum err
create_with(struct world *w, json_t *body)
{
	json_t *answer;
	enum err e = world_call(w, op_create, NULL, body, &answer);

	json_decref(answer);
	return e;
}

static void
test_refused(void)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	json_t *body;

	body = machine_create_body(m);
	json_object_set_new(body, "reason", json_string("forgotten"));
	CHECK(create_with(w, body) == ERR_SIGNATURE_REFUSED);
	body = machine_create_body(m);
	json_object_set_new(body, "certificate", json_string(""));
	CHECK(create_with(w, body) == ERR_SIGNATURE_REFUSED);
	body = machine_create_body(m);
	json_object_set_new(body, "certificate", json_string("AAAA"));
	CHECK(create_with(w, body) == ERR_INVALID_PARAMS);
	body = machine_create_body(m);
	json_object_set_new(body, "extra", json_true());
	CHECK(create_with(w, body) == ERR_INVALID_PARAMS);
	body = machine_create_body(m);
	json_object_del(body, "language");
	CHECK(create_with(w, body) == ERR_INVALID_PARAMS);
	machine_free(m);
	world_free(w);
}

/* Signature and counter of the calls that carry one. */
static void
test_signed(void)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	struct machine *thief = machine_new(w, 1, MACHINE_OWN);

	world_import(w, 1, "khach@example.vn");
	CHECK(machine_create(m) == ERR_OK);
	CHECK(machine_verb(m, "status") == ERR_OK);
	m->counter = 0;
	CHECK(machine_verb(m, "status") == ERR_SIGNATURE_REFUSED); /* the same number again */
	m->counter = 41;
	CHECK(machine_verb(m, "status") == ERR_OK);
	m->counter = 5;
	CHECK(machine_verb(m, "cancel") == ERR_SIGNATURE_REFUSED);
	/* knows the id, has not the key */
	memcpy(thief->id_text, m->id_text, sizeof(m->id_text));
	memcpy(thief->id, m->id, sizeof(m->id));
	thief->counter = 100;
	CHECK(machine_verb(thief, "status") == ERR_SIGNATURE_REFUSED);
	CHECK(machine_verb(thief, "cancel") == ERR_SIGNATURE_REFUSED);
	CHECK(machine_verb(thief, "resend") == ERR_SIGNATURE_REFUSED);
	CHECK(world_state(w, m->number) == STATE_PENDING);
	strcpy(m->id_text, "AAAAAAAAAAAAAAAAAAAAAA");
	CHECK(machine_verb(m, "status") == ERR_REQUEST_UNKNOWN);
	strcpy(m->id_text, "x");
	CHECK(machine_verb(m, "status") == ERR_REQUEST_UNKNOWN);
	machine_free(m);
	machine_free(thief);
	world_free(w);
}

static void
test_cancel(void)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);

	world_import(w, 1, "khach@example.vn");
	CHECK(machine_create(m) == ERR_OK);
	CHECK(machine_verb(m, "resend") == ERR_REQUEST_NOT_APPROVED);
	CHECK(machine_verb(m, "cancel") == ERR_OK);
	CHECK_TEXT(m->state, "cancelled");
	CHECK(world_audits(w, m->number, "cancel") == 1);
	CHECK(machine_verb(m, "cancel") == ERR_REQUEST_CANCELLED);
	CHECK(machine_verb(m, "resend") == ERR_REQUEST_CANCELLED);
	CHECK(machine_approve(m) == ERR_REQUEST_CANCELLED);
	machine_free(m);
	world_free(w);
}

/* The proof holds, but the certificate is one that anybody could have brought: it says nothing of the token. One too many in the queue is identified all the same. */
static void
test_whose_proof(bool bare)
{
	const struct {
		enum machine_certificate certificate;
		const char *proof;
	} all[] = { { MACHINE_OTHER, "unidentified" }, { MACHINE_FOREIGN, "unidentified" }, { bare ? MACHINE_RENEWED : MACHINE_OWN, "verified" } };
	const size_t known = 2;
	struct world *w = world_new();

	if (bare)
		world_import_bare(w, 1, "khach@example.vn");
	else
		world_import(w, 1, "khach@example.vn");
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct machine *m = machine_new(w, 1, all[i].certificate);
		struct machine_report r = { .result = "completed", .rotated = true, .proof_mechanism = "ecdsa-sha256" };
		struct store_done done;
		unsigned char proof[1024];

		for (int n = 0; i == known && n < 3; n++) {
			struct machine *other = machine_new(w, 1, all[i].certificate);
			CHECK(machine_create(other) == ERR_OK && world_state(w, other->number) == STATE_PENDING);
			machine_free(other);
		}
		CHECK(machine_create(m) == ERR_OK && world_state(w, m->number) == STATE_UNIDENTIFIED);
		CHECK(machine_to_release(m) == ERR_OK && machine_grant(m, 0) == ERR_OK);
		r.proof = proof;
		r.proof_len = machine_prove(m, w->token_key, proof);
		CHECK(machine_done(m, &r) == ERR_OK);
		CHECK(store_done_of(w->scratch.store, m->number, &done) == ERR_OK);
		CHECK_TEXT(done.proof, all[i].proof);
		machine_free(m);
	}
	world_free(w);
}

int
main(void)
{
	test_queues();
	test_queues_without_a_number();
	test_customer_name();
	test_same_call();
	test_limit_of_a_token();
	test_stranger_with_the_certificate();
	test_limit_of_strangers();
	test_limit_of_a_network();
	test_refused();
	test_signed();
	test_cancel();
	test_whose_proof(false);
	test_whose_proof(true);
	return CHECK_DONE();
}
