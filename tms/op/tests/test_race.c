/* SPDX-License-Identifier: Apache-2.0 */
/* The same thing from many sides at once, each with a store connection of its own, as the server's threads have. */
#include "check.h"
#include "inventory.h"
#include "os.h"
#include "text.h"
#include "world.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SIDES 8

struct side {
	struct world *world;
	enum err (*op)(struct call *c, json_t **ret_answer);
	struct store *store;
	const struct store_person *person;
	const char *id;
	int64_t number;
	json_t *body;
	json_t *answer;
	pthread_barrier_t *start;
	pthread_t thread;
	enum err e;
};

static void *
run_side(void *context)
{
	struct side *s = context;
	struct call c = { .service = s->world->service, .store = s->store, .now = s->world->now, .address = "", .person = s->person, .id = s->id, .number = s->number, .body = s->body };

	pthread_barrier_wait(s->start);
	s->e = s->op(&c, &s->answer);
	json_decref(c.detail);
	return NULL;
}

/* Runs all sides at once; who fills one of them before. */
static void
run_all(struct world *w, struct side sides[SIDES])
{
	pthread_barrier_t start;

	pthread_barrier_init(&start, NULL, SIDES);
	for (int i = 0; i < SIDES; i++) {
		sides[i].world = w;
		sides[i].start = &start;
		CHECK(store_open(w->scratch.path, &sides[i].store) == ERR_OK);
		CHECK(pthread_create(&sides[i].thread, NULL, run_side, &sides[i]) == 0);
	}
	for (int i = 0; i < SIDES; i++) {
		pthread_join(sides[i].thread, NULL);
		store_close(sides[i].store);
		json_decref(sides[i].body);
	}
	pthread_barrier_destroy(&start);
}

static int
count(const struct side sides[SIDES], enum err e)
{
	int found = 0;

	for (int i = 0; i < SIDES; i++)
		found += sides[i].e == e;
	return found;
}

static struct machine *
approved(struct world *w)
{
	world_import(w, 1, "khach@example.vn");
	return machine_approved(w, 1);
}

/* One release is made; whoever is not told to come again has the one answer of it. */
static void
test_release(void)
{
	struct world *w = world_new();
	struct machine *m = approved(w);
	struct side sides[SIDES] = { 0 };
	struct store_token token;
	const json_t *first = NULL;

	for (int i = 0; i < SIDES; i++)
		sides[i] = (struct side){ .op = op_release, .id = m->id_text, .body = machine_release_body(m) };
	run_all(w, sides);
	CHECK(count(sides, ERR_OK) >= 1 && count(sides, ERR_OK) + count(sides, ERR_BUSY) == SIDES);
	for (int i = 0; i < SIDES; i++) {
		if (sides[i].e != ERR_OK)
			continue;
		if (first == NULL)
			first = sides[i].answer;
		CHECK(json_equal(first, sides[i].answer));
	}
	for (int i = 0; i < SIDES; i++)
		json_decref(sides[i].answer);
	CHECK(store_token_by_name(w->scratch.store, &m->token, &token) == ERR_OK && token.failures == 1);
	CHECK(world_audits(w, m->number, "release") == 1 && machine_release(m) == ERR_OK);
	machine_free(m);
	world_free(w);
}

/* However many come at once, five codes are looked at. */
static void
test_wrong_codes(void)
{
	struct world *w = world_new();
	struct machine *m = approved(w);
	struct side sides[SIDES] = { 0 };

	key_sig_free(m->code);
	m->code = key_sig_new();
	for (int i = 0; i < SIDES; i++)
		sides[i] = (struct side){ .op = op_release, .id = m->id_text, .body = machine_release_body(m) };
	run_all(w, sides);
	CHECK(count(sides, ERR_CODE_WRONG) >= 1 && count(sides, ERR_CODE_WRONG) <= 4);
	CHECK(count(sides, ERR_CODE_WRONG) + count(sides, ERR_BUSY) + count(sides, ERR_REQUEST_LOCKED_OUT) == SIDES);
	for (int i = 0; i < SIDES && world_state(w, m->number) != STATE_LOCKED_OUT; i++)
		(void)machine_release(m);
	CHECK(world_audits(w, m->number, "code") == 5 && world_state(w, m->number) == STATE_LOCKED_OUT);
	machine_free(m);
	world_free(w);
}

/* A vault that takes longer than an attempt lasts: another one begins in between, and the vault never answers. */
struct slow {
	struct world *world;
	int64_t number;
	int listener;
};

static void *
run_slow_vault(void *context)
{
	struct slow *slow = context;
	struct store *store = NULL;
	int64_t later = slow->world->now + 60;
	int fd = accept(slow->listener, NULL, NULL);

	CHECK(store_open(slow->world->scratch.path, &store) == ERR_OK);
	CHECK(store_request_begin_try(store, slow->number, later, 15) == ERR_OK);
	store_close(store);
	close(fd);
	return NULL;
}

/* A right code that came to nothing takes back its own try, and not that of a code which was tried meanwhile. */
static void
test_slow_attempt(void)
{
	struct world *w = world_new();
	struct machine *m = approved(w);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct slow slow = { .world = w, .number = m->number, .listener = socket(AF_UNIX, SOCK_STREAM, 0) };
	struct store_request r;
	pthread_t thread;

	snprintf(address.sun_path, sizeof(address.sun_path), "%.90s/slow.vault", w->scratch.folder);
	CHECK(bind(slow.listener, (const struct sockaddr *)&address, sizeof(address)) == 0 && listen(slow.listener, 1) == 0);
	w->config.vault.socket = address.sun_path;
	CHECK(pthread_create(&thread, NULL, run_slow_vault, &slow) == 0);
	CHECK(machine_release(m) == ERR_VAULT_UNREACHABLE);
	pthread_join(thread, NULL);
	CHECK(store_request_by_number(w->scratch.store, m->number, &r) == ERR_OK && r.attempts == 1 && r.trying == w->now + 60);
	close(slow.listener);
	unlink(address.sun_path);
	machine_free(m);
	world_free(w);
}

static void
test_grant(void)
{
	struct world *w = world_new();
	struct machine *m = approved(w);
	struct side sides[SIDES] = { 0 };
	unsigned char signature[KEY_SIG_LEN];
	char text[128];
	struct buf transcript = buf_new(TRANSCRIPT_MAX);

	CHECK(machine_release(m) == ERR_OK);
	transcript_grant_request(&transcript, m->h, 0);
	CHECK(key_sig_sign(m->sig, transcript.data, transcript.len, signature) == ERR_OK);
	buf_free(&transcript);
	text_b64_encode(signature, sizeof(signature), text);
	for (int i = 0; i < SIDES; i++)
		sides[i] = (struct side){ .op = op_grant, .id = m->id_text, .body = json_pack("{s:i, s:s}", "active", 0, "signature", text) };
	run_all(w, sides);
	CHECK(count(sides, ERR_OK) == SIDES);
	for (int i = 1; i < SIDES; i++)
		CHECK(json_equal(sides[0].answer, sides[i].answer));
	for (int i = 0; i < SIDES; i++)
		json_decref(sides[i].answer);
	CHECK(world_audits(w, m->number, "grant") == 1);
	machine_free(m);
	world_free(w);
}

static void
test_approve(void)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	struct side sides[SIDES] = { 0 };
	char phrase[16];

	world_import(w, 1, "khach@example.vn");
	CHECK(machine_create(m) == ERR_OK);
	machine_phrase(m, phrase);
	for (int i = 0; i < SIDES; i++)
		sides[i] = (struct side){ .op = op_admin_approve, .person = &w->people[i % 2], .number = m->number, .body = json_pack("{s:s, s:s, s:s}", "how", "agency", "reference", "", "phrase", phrase) };
	run_all(w, sides);
	CHECK(count(sides, ERR_OK) == 1 && count(sides, ERR_REQUEST_DECIDED) == SIDES - 1);
	CHECK(world_mails(w, m->number, STORE_MAIL_CODE) == 1 && world_audits(w, m->number, "approve") == 1);
	for (int i = 0; i < SIDES; i++)
		json_decref(sides[i].answer);
	machine_free(m);
	world_free(w);
}

/* Two people stand at the desk, and both press several times: one yes is carried out. */
static void
test_confirm(void)
{
	struct world *w = world_new();
	struct side sides[SIDES] = { 0 };
	struct store_token t = scratch_token(1);
	struct store_proposal p;
	json_t *answer = NULL;

	world_import(w, 1, "khach@example.vn");
	t = world_token(w, &t.name);
	CHECK(store_token_set_life(w->scratch.store, t.id, STORE_LOST) == ERR_OK);
	CHECK(world_desk(w, 0, op_admin_token_restore, t.id, json_pack("{s:s}", "reason", "tìm thấy"), &answer) == ERR_OK);
	json_decref(answer);
	CHECK(store_proposal_open_of(w->scratch.store, t.id, &p) == ERR_OK);
	for (int i = 0; i < SIDES; i++)
		sides[i] = (struct side){ .op = i % 4 == 3 ? op_admin_proposal_reject : op_admin_proposal_confirm, .person = &w->people[1], .number = p.id, .body = i % 4 == 3 ? json_pack("{s:s}", "reason", "chưa rõ") : json_object() };
	run_all(w, sides);
	CHECK(count(sides, ERR_OK) == 1 && count(sides, ERR_PROPOSAL_CLOSED) == SIDES - 1);
	CHECK(store_proposal_by_id(w->scratch.store, p.id, &p) == ERR_OK);
	CHECK((p.state == STORE_PROPOSAL_CONFIRMED) == (world_token(w, &t.name).life == STORE_ACTIVE));
	CHECK(p.state == STORE_PROPOSAL_CONFIRMED || p.state == STORE_PROPOSAL_REJECTED);
	for (int i = 0; i < SIDES; i++)
		json_decref(sides[i].answer);
	world_free(w);
}

static void *
run_done(void *context)
{
	struct machine *m = context;
	const struct machine_report report = { .result = "completed", .rotated = true, .proof_mechanism = "" };

	CHECK(machine_done(m, &report) == ERR_OK);
	return NULL;
}

/* The sweep gives up on a request whose report has just been read: the report counts. */
static void
test_done_and_sweep(void)
{
	struct world *w = world_new();
	struct machine *m = approved(w);
	struct store *sweep = NULL;
	pthread_t thread;

	CHECK(machine_release(m) == ERR_OK && machine_grant(m, 0) == ERR_OK);
	CHECK(store_open(w->scratch.path, &sweep) == ERR_OK && store_begin(sweep) == ERR_OK);
	CHECK(pthread_create(&thread, NULL, run_done, m) == 0);
	os_sleep_ms(300); /* it has read the request, and waits for the right to write */
	CHECK(store_request_transition(sweep, m->number, STATE_RELEASED, STATE_UNKNOWN, w->now) == ERR_OK && store_commit(sweep) == ERR_OK);
	pthread_join(thread, NULL);
	CHECK(world_state(w, m->number) == STATE_COMPLETED && world_audits(w, m->number, "done") == 1);
	store_close(sweep);
	machine_free(m);
	world_free(w);
}

/* The same create call: one row. */
static void
test_create(void)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	struct side sides[SIDES] = { 0 };

	world_import(w, 1, "khach@example.vn");
	for (int i = 0; i < SIDES; i++)
		sides[i] = (struct side){ .op = op_create, .body = machine_create_body(m) };
	run_all(w, sides);
	CHECK(count(sides, ERR_OK) == SIDES);
	for (int i = 1; i < SIDES; i++)
		CHECK(json_equal(sides[0].answer, sides[i].answer));
	for (int i = 0; i < SIDES; i++)
		json_decref(sides[i].answer);
	machine_free(m);
	world_free(w);
}

int
main(void)
{
	for (int i = 0; i < 3; i++) {
		test_release();
		test_wrong_codes();
		test_grant();
		test_approve();
		test_confirm();
		test_create();
	}
	test_slow_attempt();
	test_done_and_sweep();
	return CHECK_DONE();
}
