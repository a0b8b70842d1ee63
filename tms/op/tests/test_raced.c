/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_raced APPROVALS REQUESTS: eight connections decide about the same request at once, again and again: whatever comes of it, every step that is written down is one of the
 * table of machine.h and begins where the one before it ended. Then wrong codes, a hundred for each request from eight sides: five are looked at.
 */
#include "check.h"
#include "code.h"
#include "text.h"
#include "world.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIDES		8
#define APPROVERS	6 /* of the sides; the others refuse */
#define CODES_A_REQUEST 100
#define CODES_LOOKED_AT 5

struct race {
	struct world *world;
	pthread_barrier_t begin;
	pthread_barrier_t end;
	int64_t number; /* of the request of this round; 0: it is over */
	char phrase[CODE_PHRASE_LEN + 1];
};

struct side {
	struct race *race;
	pthread_t thread;
	unsigned n;
	unsigned right;
	unsigned strange; /* answers that nobody may get */
};

static json_t *
decision(const struct side *me)
{
	if (me->n >= APPROVERS)
		return json_pack("{s:s}", "reason", "không");
	return json_pack("{s:s, s:s, s:s}", "how", "agency", "reference", "", "phrase", me->race->phrase);
}

static void
decide(struct side *me, struct store *s)
{
	const struct world *w = me->race->world;
	struct call c = { .service = w->service, .store = s, .now = w->now, .address = "", .person = &w->people[me->n % 2], .number = me->race->number, .body = decision(me) };
	json_t *answer = NULL;
	enum err e = me->n < APPROVERS ? op_admin_approve(&c, &answer) : op_admin_refuse(&c, &answer);

	me->right += e == ERR_OK;
	me->strange += e != ERR_OK && e != ERR_REQUEST_DECIDED;
	json_decref(answer);
	json_decref(c.body);
	json_decref(c.detail);
}

static void *
run_side(void *context)
{
	struct side *me = context;
	struct store *s = NULL;

	CHECK(store_open(me->race->world->scratch.path, &s) == ERR_OK);
	for (;;) {
		pthread_barrier_wait(&me->race->begin);
		if (me->race->number == 0)
			break;
		decide(me, s);
		pthread_barrier_wait(&me->race->end);
	}
	store_close(s);
	return NULL;
}

/* ---- what was written down about one request ---- */

struct steps {
	enum state at;
	unsigned illegal;
	unsigned approvals;
};

static enum state
word_behind(const char *detail, const char *key)
{
	const char *at = strstr(detail, key);
	char word[32] = "";

	if (at != NULL)
		snprintf(word, sizeof(word), "%.*s", (int)strcspn(at + strlen(key), " "), at + strlen(key));
	return state_from_name(word);
}

static enum machine_action
action_of(const char *what)
{
	int action = 0;

	while (action < MACHINE_ACTION_COUNT && strcmp(machine_action_name((enum machine_action)action), what) != 0)
		action++;
	return (enum machine_action)action;
}

static void
look_at_step(const struct store_audit *row, void *context)
{
	struct steps *steps = context;
	enum machine_action action = action_of(row->what);
	enum state to = STATE_COUNT;

	if (action == MACHINE_ACTION_COUNT)
		return;
	steps->approvals += action == MACHINE_APPROVE;
	steps->illegal += word_behind(row->detail, "from=") != steps->at || machine_next(steps->at, action, &to) != ERR_OK || to != word_behind(row->detail, "to=");
	steps->at = to;
}

static unsigned
illegal_steps(struct world *w, int64_t number, unsigned *ret_approvals)
{
	struct steps steps = { .at = STATE_PENDING };

	CHECK(store_audit_list(w->scratch.store, number, look_at_step, &steps) == ERR_OK);
	*ret_approvals += steps.approvals;
	return steps.illegal + (steps.approvals > 1) + (steps.at != world_state(w, number));
}

/* ---- approvals ---- */

static int64_t
next_request(struct race *race, unsigned n)
{
	struct store_request r = scratch_request(n);
	int64_t number = 0;

	r.token = scratch_token(1).name;
	r.expires = race->world->now + 3600;
	CHECK(code_phrase(r.id, r.host_kem_pk, r.host_sig_pk, race->phrase) == ERR_OK);
	CHECK(store_request_insert(race->world->scratch.store, &r, "", 0, &number) == ERR_OK);
	return number;
}

static void
test_approvals(unsigned approvals)
{
	struct world *w = world_new();
	struct race race = { .world = w };
	struct side sides[SIDES];
	unsigned rounds = (approvals + APPROVERS - 1) / APPROVERS;
	unsigned illegal = 0;
	unsigned approved = 0;
	unsigned right = 0;
	int64_t before = 0;

	world_import(w, 1, "khach@example.vn");
	pthread_barrier_init(&race.begin, NULL, SIDES + 1);
	pthread_barrier_init(&race.end, NULL, SIDES + 1);
	for (unsigned i = 0; i < SIDES; i++) {
		sides[i] = (struct side){ .race = &race, .n = i };
		CHECK(pthread_create(&sides[i].thread, NULL, run_side, &sides[i]) == 0);
	}
	for (unsigned n = 1; n <= rounds; n++) {
		race.number = next_request(&race, n);
		pthread_barrier_wait(&race.begin);
		pthread_barrier_wait(&race.end);
		/* the one before may have been cancelled by this one's approval, and is settled by now */
		if (before != 0)
			illegal += illegal_steps(w, before, &approved);
		before = race.number;
	}
	if (before != 0)
		illegal += illegal_steps(w, before, &approved);
	race.number = 0;
	pthread_barrier_wait(&race.begin);
	for (unsigned i = 0; i < SIDES; i++) {
		pthread_join(sides[i].thread, NULL);
		CHECK(sides[i].strange == 0);
		right += i < APPROVERS ? sides[i].right : 0;
	}
	printf("raced_approvals=%u requests=%u approved=%u illegal=%u\n", rounds * APPROVERS, rounds, approved, illegal);
	CHECK(illegal == 0 && right == approved && approved <= rounds);
	pthread_barrier_destroy(&race.begin);
	pthread_barrier_destroy(&race.end);
	world_free(w);
}

/* ---- wrong codes ---- */

struct guesser {
	struct machine *machine;
	json_t *body;
	pthread_t thread;
	unsigned count;
	unsigned right;
};

static void *
run_guesser(void *context)
{
	struct guesser *me = context;
	const struct world *w = me->machine->world;
	struct store *s = NULL;

	CHECK(store_open(w->scratch.path, &s) == ERR_OK);
	for (unsigned i = 0; i < me->count; i++) {
		struct call c = { .service = w->service, .store = s, .now = w->now, .address = "", .id = me->machine->id_text, .body = me->body };
		json_t *answer = NULL;
		me->right += op_release(&c, &answer) == ERR_OK;
		json_decref(answer);
		json_decref(c.detail);
	}
	store_close(s);
	return NULL;
}

/* How many of a hundred were looked at. */
static unsigned
guess(struct world *w, unsigned token)
{
	struct machine *m = machine_new(w, token, MACHINE_OWN);
	struct guesser guessers[SIDES];
	unsigned looked_at;

	world_import(w, token, "khach@example.vn");
	CHECK(machine_create(m) == ERR_OK && machine_approve(m) == ERR_OK);
	machine_mail(m, 900);
	CHECK(machine_verb(m, "status") == ERR_OK);
	key_sig_free(m->code);
	m->code = key_sig_new();
	for (unsigned i = 0; i < SIDES; i++) {
		guessers[i] = (struct guesser){ .machine = m, .body = machine_release_body(m), .count = CODES_A_REQUEST / SIDES + (i < CODES_A_REQUEST % SIDES) };
		CHECK(pthread_create(&guessers[i].thread, NULL, run_guesser, &guessers[i]) == 0);
	}
	for (unsigned i = 0; i < SIDES; i++) {
		pthread_join(guessers[i].thread, NULL);
		json_decref(guessers[i].body);
		CHECK(guessers[i].right == 0);
	}
	looked_at = world_audits(w, m->number, "code");
	machine_free(m);
	return looked_at;
}

static void
test_codes(unsigned requests)
{
	struct world *w = world_new();
	unsigned most = 0;

	for (unsigned n = 1; n <= requests; n++) {
		unsigned looked_at = guess(w, n);
		if (looked_at > most)
			most = looked_at;
	}
	printf("wrong_codes=%u requests=%u looked_at_most=%u\n", requests * CODES_A_REQUEST, requests, most);
	CHECK(most <= CODES_LOOKED_AT && most > 0);
	world_free(w);
}

int
main(int argc, char **argv)
{
	test_approvals(argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 600);
	test_codes(argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 4);
	return CHECK_DONE();
}
