/* SPDX-License-Identifier: Apache-2.0 */
/* The inventory at the desk: its list in parts, what is never released, and what takes two people. */
#include "by_two.h"

#include "check.h"
#include "inventory.h"
#include "json.h"
#include "text.h"
#include "world.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- lost and retired ---- */

static void
test_lost_is_never_released(void)
{
	struct world *w = world_new();
	struct machine *m, *late;
	json_t *one = NULL;
	int64_t id;

	world_import(w, 1, "khach@example.vn");
	id = token_of(w, 1).id;
	m = approved(w, 1);
	CHECK(desk(w, 0, op_admin_token_lost, id, reason()) == ERR_OK && token_of(w, 1).life == STORE_LOST);
	CHECK(machine_release(m) == ERR_TOKEN_LOST);
	/* another request still comes into the queue, says so, and is not approved */
	late = machine_new(w, 1, MACHINE_OWN);
	CHECK(machine_create(late) == ERR_OK && world_state(w, late->number) == STATE_PENDING);
	CHECK(world_desk(w, 0, op_admin_detail, late->number, NULL, &one) == ERR_OK);
	CHECK_TEXT(json_string_value(json_object_get(one, "token_life")), "lost");
	CHECK(json_integer_value(json_object_get(one, "token_number")) == id);
	json_decref(one);
	CHECK(machine_approve(late) == ERR_TOKEN_LOST && world_state(w, late->number) == STATE_PENDING);
	/* taking it back takes two */
	CHECK(desk(w, 0, op_admin_token_restore, id, reason()) == ERR_OK && token_of(w, 1).life == STORE_LOST);
	CHECK(confirm(w, 0, waiting(w, 1)) == ERR_SECOND_PERSON && token_of(w, 1).life == STORE_LOST);
	CHECK(confirm(w, 1, waiting(w, 1)) == ERR_OK && token_of(w, 1).life == STORE_ACTIVE);
	CHECK(machine_release(m) == ERR_OK);
	/* what was given before is not given again */
	CHECK(desk(w, 1, op_admin_token_retire, id, reason()) == ERR_OK);
	CHECK(machine_release(m) == ERR_TOKEN_RETIRED);
	CHECK(machine_approve(late) == ERR_TOKEN_RETIRED || world_state(w, late->number) != STATE_PENDING);
	/* and the machine that has it may still rotate: the customer's PIN is safe, and the authority knows the next one */
	CHECK(machine_grant(m, 0) == ERR_OK);
	machine_free(late);
	machine_free(m);
	world_free(w);
}

/* Which life may become which, by one person alone. */
static void
test_lives(void)
{
	static const struct {
		enum store_life from;
		enum err (*op)(struct call *, json_t **);
		enum err want;
		enum store_life to;
	} cells[] = {
		{ STORE_ACTIVE, op_admin_token_lost, ERR_OK, STORE_LOST },
		{ STORE_ACTIVE, op_admin_token_retire, ERR_OK, STORE_RETIRED },
		{ STORE_ACTIVE, op_admin_token_restore, ERR_TOKEN_LIFE_WRONG, STORE_ACTIVE },
		{ STORE_LOST, op_admin_token_lost, ERR_TOKEN_LIFE_WRONG, STORE_LOST },
		{ STORE_LOST, op_admin_token_retire, ERR_OK, STORE_RETIRED },
		{ STORE_LOST, op_admin_token_restore, ERR_OK, STORE_LOST },
		{ STORE_RETIRED, op_admin_token_lost, ERR_TOKEN_LIFE_WRONG, STORE_RETIRED },
		{ STORE_RETIRED, op_admin_token_retire, ERR_TOKEN_LIFE_WRONG, STORE_RETIRED },
		{ STORE_RETIRED, op_admin_token_restore, ERR_OK, STORE_RETIRED },
	};
	struct world *w = world_new();

	for (unsigned i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
		world_import(w, i + 1, "");
		CHECK(store_token_set_life(w->scratch.store, token_of(w, i + 1).id, cells[i].from) == ERR_OK);
		CHECK(desk(w, 0, cells[i].op, token_of(w, i + 1).id, reason()) == cells[i].want);
		CHECK(token_of(w, i + 1).life == cells[i].to);
	}
	CHECK(desk(w, 0, op_admin_token_lost, 99, reason()) == ERR_TOKEN_UNKNOWN);
	CHECK(desk(w, 0, op_admin_token_lost, token_of(w, 1).id, json_object()) == ERR_INVALID_PARAMS);
	CHECK(desk(w, 0, op_admin_token_cure, token_of(w, 1).id, reason()) == ERR_TOKEN_LIFE_WRONG);
	world_free(w);
}

/* ---- the vault is asked outside of the transaction: what people say meanwhile counts ---- */

struct between {
	struct world *world;
	int listener;
	char real[200];
};

static void
pass_on(int from, int to)
{
	char bytes[4096];
	ssize_t n = read(from, bytes, sizeof(bytes));

	CHECK(n > 0 && write(to, bytes, (size_t)n) == n);
}

static void *
run_between(void *context)
{
	struct between *b = context;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int caller = accept(b->listener, NULL, NULL);
	int vault = socket(AF_UNIX, SOCK_STREAM, 0);
	struct store *store = NULL;
	struct store_token t = scratch_token(1);

	snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", b->real);
	CHECK(connect(vault, (struct sockaddr *)&address, sizeof(address)) == 0);
	pass_on(caller, vault);
	CHECK(store_open(b->world->scratch.path, &store) == ERR_OK && store_token_by_name(store, &t.name, &t) == ERR_OK);
	CHECK(store_token_set_life(store, t.id, STORE_LOST) == ERR_OK);
	store_close(store);
	pass_on(vault, caller);
	close(vault);
	close(caller);
	return NULL;
}

static void
test_lost_while_the_vault_works(void)
{
	struct world *w = world_new();
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct between b = { .world = w, .listener = socket(AF_UNIX, SOCK_STREAM, 0) };
	struct machine *m;
	pthread_t thread;

	world_import(w, 1, "khach@example.vn");
	m = approved(w, 1);
	snprintf(b.real, sizeof(b.real), "%s", w->config.vault.socket);
	snprintf(address.sun_path, sizeof(address.sun_path), "%.80s/between.vault", w->scratch.folder);
	CHECK(bind(b.listener, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(b.listener, 1) == 0);
	w->config.vault.socket = address.sun_path;
	CHECK(pthread_create(&thread, NULL, run_between, &b) == 0);
	CHECK(machine_release(m) == ERR_TOKEN_LOST);
	pthread_join(thread, NULL);
	CHECK(world_state(w, m->number) == STATE_APPROVED && token_of(w, 1).failures == 0);
	w->config.vault.socket = b.real;
	close(b.listener);
	unlink(address.sun_path);
	machine_free(m);
	world_vault_stop(w);
	world_free(w);
}

/* ---- a suspect row ---- */

static void
test_cure(void)
{
	struct world *w = world_new();
	struct machine *m;
	int64_t id, before;

	world_import(w, 1, "khach@example.vn");
	id = token_of(w, 1).id;
	before = token_of(w, 1).active;
	make_suspect(w, 1);
	CHECK(desk(w, 0, op_admin_token_cure, id, reason()) == ERR_OK && token_of(w, 1).state == STORE_SUSPECT);
	CHECK(desk(w, 1, op_admin_token_cure, id, reason()) == ERR_PROPOSAL_OPEN);
	CHECK(confirm(w, 1, waiting(w, 1)) == ERR_OK);
	CHECK(token_of(w, 1).state == STORE_UNVERIFIED && token_of(w, 1).failures == 0 && token_of(w, 1).active == before);
	m = approved(w, 1);
	CHECK(machine_release(m) == ERR_OK);
	machine_free(m);
	world_free(w);
}

/* Each way in which a proposal comes to nothing leaves the token as it is. */
static void
test_proposals_that_end(void)
{
	struct world *w = world_new();
	struct store_proposal p;
	struct store_person gone;
	int64_t before, proposal;

	world_import(w, 1, "khach@example.vn");
	before = token_of(w, 1).active;
	/* rejected by another, withdrawn by who made it */
	CHECK(propose_replace(w, 0, 1, OTHER_SO_PIN) == ERR_OK);
	proposal = waiting(w, 1);
	CHECK(desk(w, 1, op_admin_proposal_reject, proposal, reason()) == ERR_OK);
	CHECK(store_proposal_by_id(w->scratch.store, proposal, &p) == ERR_OK && p.state == STORE_PROPOSAL_REJECTED && p.sealed[0] == 0);
	CHECK(confirm(w, 1, proposal) == ERR_PROPOSAL_CLOSED);
	CHECK(desk(w, 1, op_admin_proposal_reject, proposal, reason()) == ERR_PROPOSAL_CLOSED);
	CHECK(propose_replace(w, 0, 1, OTHER_SO_PIN) == ERR_OK);
	proposal = waiting(w, 1);
	CHECK(desk(w, 0, op_admin_proposal_reject, proposal, reason()) == ERR_OK);
	CHECK(store_proposal_by_id(w->scratch.store, proposal, &p) == ERR_OK && p.state == STORE_PROPOSAL_WITHDRAWN);
	/* a week */
	CHECK(propose_replace(w, 0, 1, OTHER_SO_PIN) == ERR_OK);
	proposal = waiting(w, 1);
	w->now += 7 * 86400;
	CHECK(confirm(w, 1, proposal) == ERR_PROPOSAL_CLOSED);
	CHECK(propose_replace(w, 0, 1, OTHER_SO_PIN) == ERR_OK); /* one that is over bars no other */
	CHECK(store_proposal_by_id(w->scratch.store, proposal, &p) == ERR_OK && p.state == STORE_PROPOSAL_EXPIRED && p.sealed[0] == 0);
	proposal = waiting(w, 1);
	/* the token is another one by now */
	CHECK(desk(w, 1, op_admin_token_lost, token_of(w, 1).id, reason()) == ERR_OK);
	CHECK(confirm(w, 1, proposal) == ERR_PROPOSAL_STALE);
	CHECK(store_token_set_life(w->scratch.store, token_of(w, 1).id, STORE_ACTIVE) == ERR_OK);
	/* who proposed it has left */
	gone = w->people[0];
	gone.role = STORE_NONE;
	CHECK(store_person_put(w->scratch.store, &gone, &gone.id) == ERR_OK);
	CHECK(confirm(w, 1, proposal) == ERR_PROPOSAL_CLOSED);
	CHECK(confirm(w, 1, 99) == ERR_PROPOSAL_UNKNOWN && desk(w, 1, op_admin_proposal_reject, 99, reason()) == ERR_PROPOSAL_UNKNOWN);
	CHECK(token_of(w, 1).active == before && log_lines(w) == 0);
	world_free(w);
}

/* A person's second certificate is no second person. */
static void
test_two_certificates(void)
{
	struct world *w = world_new();
	struct store_person renewed = w->people[0];

	world_import(w, 1, "khach@example.vn");
	CHECK(propose_replace(w, 0, 1, OTHER_SO_PIN) == ERR_OK);
	renewed.fingerprint[KEY_HASH_LEN - 1] ^= 1;
	CHECK(store_person_put(w->scratch.store, &renewed, &renewed.id) == ERR_OK && renewed.id == w->people[0].id);
	w->people[1] = renewed;
	CHECK(confirm(w, 1, waiting(w, 1)) == ERR_SECOND_PERSON && log_lines(w) == 0);
	world_free(w);
}

/* ---- looking ---- */

static void
test_detail(void)
{
	struct world *w = world_new();
	struct machine *m;
	json_t *one = NULL;

	world_import(w, 1, "khach@example.vn");
	make_suspect(w, 1);
	CHECK(desk(w, 0, op_admin_token_cure, token_of(w, 1).id, reason()) == ERR_OK);
	CHECK(desk(w, 1, op_admin_token_lost, token_of(w, 1).id, reason()) == ERR_OK);
	CHECK(world_desk(w, 0, op_admin_token, token_of(w, 1).id, NULL, &one) == ERR_OK);
	CHECK_TEXT(json_string_value(json_object_get(one, "life")), "lost");
	CHECK_TEXT(json_string_value(json_object_get(one, "state")), "suspect");
	CHECK_TEXT(json_string_value(json_object_get(one, "certificate_serial")), "1001");
	CHECK(json_is_true(json_object_get(one, "proposed")) && json_integer_value(json_object_get(one, "failures")) == 2);
	CHECK(json_array_size(json_object_get(one, "requests")) == 3 && json_array_size(json_object_get(one, "proposals")) == 1);
	CHECK(json_array_size(json_object_get(one, "history")) == 3); /* suspect, propose, lost */
	CHECK(json_is_true(json_object_get(json_array_get(json_object_get(one, "proposals"), 0), "mine")));
	json_decref(one);
	CHECK(world_desk(w, 1, op_admin_proposals, 0, NULL, &one) == ERR_OK);
	CHECK(json_array_size(json_object_get(one, "proposals")) == 1);
	CHECK(json_is_false(json_object_get(json_array_get(json_object_get(one, "proposals"), 0), "mine")));
	json_decref(one);
	w->now += 7 * 86400;
	CHECK(world_desk(w, 1, op_admin_proposals, 0, NULL, &one) == ERR_OK && json_array_size(json_object_get(one, "proposals")) == 0);
	json_decref(one);
	CHECK(world_desk(w, 0, op_admin_token, 99, NULL, &one) == ERR_TOKEN_UNKNOWN);
	m = machine_new(w, 2, MACHINE_OWN);
	CHECK(machine_create(m) == ERR_OK && world_desk(w, 0, op_admin_detail, m->number, NULL, &one) == ERR_OK);
	CHECK_TEXT(json_string_value(json_object_get(one, "token_life")), "");
	CHECK_TEXT(json_string_value(json_object_get(one, "token_state")), "");
	json_decref(one);
	machine_free(m);
	world_free(w);
}

static enum err
tokens(struct world *w, struct call_query query, json_t **ret_answer)
{
	struct call c = { .service = w->service, .store = w->scratch.store, .now = w->now, .person = &w->people[0], .query = query };

	return op_admin_tokens(&c, ret_answer);
}

/* The rows of the part that begins there, and where the next one does: 0 is nowhere. */
static size_t
part_of_tokens(struct world *w, int64_t after, int64_t limit, int64_t *ret_next)
{
	json_t *answer = NULL;
	size_t count;

	if (!CHECK(tokens(w, (struct call_query){ .after = after, .limit = limit }, &answer) == ERR_OK))
		return 0;
	count = json_array_size(json_object_get(answer, "tokens"));
	*ret_next = json_integer_value(json_object_get(answer, "next"));
	CHECK(json_object_size(answer) == 2);
	json_decref(answer);
	return count;
}

static void
test_parts(void)
{
	struct world *w = world_new();
	json_t *answer = NULL;
	int64_t next = 0;

	for (unsigned char i = 1; i <= 3; i++)
		world_import(w, i, "khach@example.vn");
	CHECK(part_of_tokens(w, 0, 2, &next) == 2 && next != 0);
	CHECK(part_of_tokens(w, next, 2, &next) == 1 && next == 0);
	/* a part that is just full is the last one */
	CHECK(part_of_tokens(w, 0, 3, &next) == 3 && next == 0);
	CHECK(part_of_tokens(w, 0, 0, &next) == 3 && next == 0);
	CHECK(part_of_tokens(w, 0, 100, &next) == 3 && next == 0);
	CHECK(tokens(w, (struct call_query){ .limit = 101 }, &answer) == ERR_INVALID_PARAMS);
	CHECK(tokens(w, (struct call_query){ .limit = -1 }, &answer) == ERR_INVALID_PARAMS);
	CHECK(tokens(w, (struct call_query){ .life = "nonsense" }, &answer) == ERR_INVALID_PARAMS);
	CHECK(tokens(w, (struct call_query){ .token_serial = "longer than sixteen" }, &answer) == ERR_INVALID_PARAMS);
	CHECK(answer == NULL);
	world_free(w);
}

int
main(void)
{
	test_lost_is_never_released();
	test_lives();
	test_lost_while_the_vault_works();
	test_cure();
	test_proposals_that_end();
	test_two_certificates();
	test_detail();
	test_parts();
	return CHECK_DONE();
}
