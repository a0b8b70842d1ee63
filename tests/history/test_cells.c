/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The counter of the SO PIN, cell by cell: how many tries are left (1 to 10) x what the flags say of it (right, nothing, wrong) x the candidates (right, stale,
 * pending: the second one is right) x what the first call with it says. Each with the real attempts and the real journal, and a customer who tries again as
 * long as the request lives. Cells whose call says nothing that is certain are run twice, with a call that was carried out and one that was not, and every
 * cell once more with a module that says the same at every call.
 */
#define _POSIX_C_SOURCE 200809L
#include "sim.h"

#include "attempt.h"
#include "check.h"
#include "json.h"
#include "os.h"

#include <stdlib.h>
#include <unistd.h>

#define SO_MAX	    10
#define UNLOCKS_MAX 5 /* of one request: no customer comes further */

enum candidates {
	RIGHT,
	STALE,
	PENDING,
	CANDIDATES_COUNT
};

static const char *const flag_words[] = { "right", "never", "wrong" };
static const char *const candidate_words[] = { "right", "stale", "pending" };
static const struct {
	const char *name;
	enum sim_fate fate;
	bool is_certain; /* the call says whether the PIN was right */
} said[] = {
	{ "OK", SIM_FATE_SAYS_OK, true },
	{ "INCORRECT", SIM_FATE_SAYS_INCORRECT, true },
	{ "LOCKED", SIM_FATE_SAYS_LOCKED, true },
	{ "GENERAL_ERROR", SIM_FATE_GENERAL_ERROR, false },
	{ "DEVICE_REMOVED", SIM_FATE_REMOVED, false },
	{ "hang", SIM_FATE_HANG, false },
};

#define SAID_COUNT (sizeof(said) / sizeof(said[0]))

struct cell {
	unsigned left;
	enum sim_flags flags;
	enum candidates candidates;
	size_t said;
	bool carried_out;
	bool always; /* not the first call alone */
};

static struct sim sim;
static struct profile_module module = { .name = "sim", .path = "/sim.so" };

static void
set_up(const struct cell *c)
{
	sim.token = (struct sim_token){ .locked = true, .so_left = c->left, .so_max = SO_MAX, .flags = c->flags, .name = { .serial = "1" } };
	secret_set(&sim.token.so_pin, "12345678", 8);
	secret_set(&sim.token.user_pin, "before", 6);
	sim.fate = said[c->said].fate;
	sim.fated = c->always ? 1000 : 1;
	sim.is_carried_out = c->carried_out;
	sim.so_calls = 0;
}

static void
fill_released(const struct cell *c, struct tms_released *ret)
{
	*ret = (struct tms_released){ .family = FAMILY_SO_PIN, .rotation = true, .count = c->candidates == PENDING ? 2 : 1 };
	secret_set(&ret->candidates[0], c->candidates == RIGHT ? "12345678" : "87654321", 8);
	if (ret->count == 2)
		secret_set(&ret->candidates[1], "12345678", 8);
}

static void
open_journal(struct open_request *ret)
{
	struct journal_entry entry = { .profile = "ca", .token = { .serial = "1" }, .reason = "locked", .language = "vi", .state = STATE_RELEASED, .stage = STAGE_SETTING_PIN };

	*ret = (struct open_request){ .journal = NULL };
	os_random(entry.idempotency_key, sizeof(entry.idempotency_key));
	CHECK(journal_begin(&entry, &ret->journal) == ERR_OK);
}

/* One unlock of the request, from the look at the token to the proof. */
static enum err
unlock_once(struct open_request *r, const struct tms_released *released)
{
	struct secret pin = { 0 };
	struct step_outcome outcome = { .presented = false };
	struct step_proof proof;
	struct found_token found = { .module = NULL };
	const struct profile profile = { .modules = { module }, .module_count = 1 };
	const struct token_name name = request_entry(r)->token;
	unsigned active;
	enum err e;

	sim.token.at = 0; /* plugged in again */
	secret_set(&pin, "new-pin", 7);
	e = token_find(&profile, &name, &found);
	if (e == ERR_OK)
		e = attempt_is_left(request_entry(r)) ? token_so_pin_fits(found.token, request_entry(r)->reason, false) : ERR_TOKEN_FAILED;
	if (e == ERR_OK)
		e = attempt_set_pin(r, &found, released, &pin, &active, &outcome);
	if (e == ERR_OK) {
		sim.fated = 0;
		e = step_prove(&module, &name, &pin, NULL, 0, "", 0, &proof, &outcome);
	}
	found_token_free(&found);
	return e;
}

/* The request as its owner lives it; how it ended. */
static enum err
run_request(const struct cell *c, unsigned *ret_unlocks)
{
	struct tms_released released;
	struct open_request r;
	enum err e;

	set_up(c);
	fill_released(c, &released);
	open_journal(&r);
	*ret_unlocks = 0;
	do {
		e = unlock_once(&r, &released);
		++*ret_unlocks;
	} while (e != ERR_OK && !attempt_ends_request(e, request_entry(&r)) && *ret_unlocks < UNLOCKS_MAX);
	/* the real one keeps it on the disk as long as it is not reported */
	request_entry(&r)->state = STATE_FAILED;
	CHECK(journal_save(r.journal) == ERR_OK);
	journal_close(r.journal);
	return e;
}

/* How it must end, said once more and in another way; ERR_COUNT where either of two ends is right. */
static enum err
expected(const struct cell *c)
{
	bool certain = said[c->said].is_certain;
	bool low = c->flags == SIM_FLAGS_RIGHT && c->left < SO_MAX;

	if (c->flags == SIM_FLAGS_RIGHT && c->left == 1)
		return ERR_TOKEN_SO_LAST_TRY;
	if (c->always || (!certain && (low || c->flags == SIM_FLAGS_WRONG)))
		return ERR_COUNT;
	switch (said[c->said].fate) {
	case SIM_FATE_SAYS_LOCKED:
		return ERR_TOKEN_SO_LOCKED;
	case SIM_FATE_SAYS_OK:
		return c->candidates == RIGHT && c->carried_out ? ERR_OK : ERR_PIN_NOT_PROVED;
	case SIM_FATE_SAYS_INCORRECT:
		if (c->candidates != PENDING)
			return ERR_TOKEN_SO_REFUSED;
		break;
	default:
		if (c->candidates == RIGHT)
			return ERR_OK;
		break;
	}
	return ERR_COUNT;
}

static bool
is_defined_end(enum err e)
{
	return e == ERR_OK || e == ERR_TOKEN_SO_REFUSED || e == ERR_TOKEN_SO_LOCKED || e == ERR_TOKEN_SO_LAST_TRY || e == ERR_PIN_NOT_PROVED ||
	       e == ERR_TOKEN_FAILED || e == ERR_TOKEN_REMOVED || e == ERR_MODULE_FAILED;
}

static void
check_cell(const struct cell *c)
{
	unsigned candidates = c->candidates == PENDING ? 2 : 1;
	unsigned unlocks;
	enum err e = run_request(c, &unlocks);
	enum err must = expected(c);
	unsigned wrong = sim.token.wrong_in_a_row;
	int right = CHECK(is_defined_end(e) && (must == ERR_COUNT || must == e)) && CHECK(unlocks < UNLOCKS_MAX && sim.so_calls <= 2);

	/* nothing is called on a last try that is told, and so none is ever used */
	if (c->flags == SIM_FLAGS_RIGHT)
		right = CHECK(sim.token.so_left >= 1 && wrong <= candidates && (c->left > 1 || sim.so_calls == 0)) && right;
	/* elsewhere a second try is made of one candidate only where nobody knows how the first ended */
	else
		right = CHECK(wrong <= 2 && (wrong <= candidates || !said[c->said].is_certain)) && right;
	/* where it says that it has worked, it has */
	right = CHECK((e == ERR_OK) <= !sim.token.locked) && right;
	if (!right)
		printf("  left=%u flags=%s candidates=%s says=%s%s%s: %s (%s) after %u unlocks, %u calls, %u wrong, %u left\n", c->left, flag_words[c->flags], candidate_words[c->candidates],
		    said[c->said].name, c->carried_out ? " carried-out" : "", c->always ? " always" : "", err_name(e), must != ERR_COUNT ? err_name(must) : "any", unlocks, sim.so_calls, wrong,
		    sim.token.so_left);
}

static unsigned
check_all(void)
{
	unsigned cells = 0;

	for (unsigned left = 1; left <= SO_MAX; left++)
		for (enum sim_flags flags = 0; flags < SIM_FLAGS_COUNT; flags++)
			for (enum candidates candidates = 0; candidates < CANDIDATES_COUNT; candidates++)
				for (size_t s = 0; s < SAID_COUNT; s++, cells++)
					for (unsigned variant = 0; variant < 4; variant++) {
						const struct cell c = { left, flags, candidates, s, (variant & 1) != 0, (variant & 2) != 0 };
						check_cell(&c);
					}
	return cells;
}

int
main(void)
{
	const char *tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	json_open();
	snprintf(sim.folder[0], sizeof(sim.folder[0]), "%s/mokhoa-cells-%ld", tmp, (long)getpid());
	CHECK(os_make_private(sim.folder[0]) == ERR_OK);
	sim.now = 1700000000;
	sim_begin(&sim);
	printf("%u cells\n", check_all());
	sim_end(&sim);
	sim_close();
	sim_remove(sim.folder[0]);
	return CHECK_DONE();
}
