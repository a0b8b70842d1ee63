/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L
#include "history_parts.h"

#include "json.h"
#include "query.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define WAY_BACK_MAX 64 /* more than a history leaves rows of a token */

/* ---- events ---- */

enum event {
	EVENT_REQUEST,
	EVENT_APPROVE,
	EVENT_MAIL,
	EVENT_UNLOCK,
	EVENT_GO_ON,
	EVENT_STATUS,
	EVENT_REFUSE,
	EVENT_CANCEL,
	EVENT_RESEND,
	EVENT_PLUG,
	EVENT_KILL,
	EVENT_CRASH,
	EVENT_RESTART,
	EVENT_REPLAY,
	EVENT_CLOCK,
	EVENT_SWEEP,
	EVENT_REPLACE,
	EVENT_CURE,
	EVENT_LIFE,
	EVENT_COUNT
};

static const struct {
	const char *name;
	unsigned weight;
} events[EVENT_COUNT] = {
	[EVENT_REQUEST] = { "request", 14 },
	[EVENT_APPROVE] = { "approve", 18 },
	[EVENT_MAIL] = { "mail", 16 },
	[EVENT_UNLOCK] = { "unlock", 26 },
	[EVENT_GO_ON] = { "go on", 22 },
	[EVENT_STATUS] = { "status", 6 },
	[EVENT_REFUSE] = { "refuse", 2 },
	[EVENT_CANCEL] = { "cancel", 2 },
	[EVENT_RESEND] = { "resend", 3 },
	[EVENT_PLUG] = { "plug", 10 },
	[EVENT_KILL] = { "kill", 4 },
	[EVENT_CRASH] = { "crash", 5 },
	[EVENT_RESTART] = { "restart", 1 },
	[EVENT_REPLAY] = { "replay", 10 },
	[EVENT_CLOCK] = { "clock", 6 },
	[EVENT_SWEEP] = { "sweep", 5 },
	[EVENT_REPLACE] = { "replace", 6 },
	[EVENT_CURE] = { "cure", 3 },
	[EVENT_LIFE] = { "lost, retired or back", 3 },
};

static enum event
pick(struct dice *d)
{
	uint64_t total = 0;
	uint64_t n;

	for (int i = 0; i < EVENT_COUNT; i++)
		total += events[i].weight;
	n = dice_roll(d, total);
	for (int i = 0; i < EVENT_COUNT; i++) {
		if (n < events[i].weight)
			return (enum event)i;
		n -= events[i].weight;
	}
	return EVENT_SWEEP;
}

static void
set_clock(struct history *h)
{
	static const int64_t jumps[] = { 5, 61, 620, 3600, 4000, DAY_S, 8 * (int64_t)DAY_S, 31 * (int64_t)DAY_S, -600, -DAY_S };

	h->sim.now += jumps[dice_roll(&h->dice, sizeof(jumps) / sizeof(jumps[0]))];
}

static void
go_on(struct history *h, bool kill)
{
	int actor = (int)dice_roll(&h->dice, SIM_ACTORS);

	for (int i = 0; i < SIM_ACTORS && !sim_is_running(actor); i++)
		actor = (actor + 1) % SIM_ACTORS;
	if (!sim_is_running(actor))
		return;
	if (kill)
		sim_kill(actor);
	else
		sim_go_on(actor);
	history_hear(h, actor);
}

static void
happen(struct history *h, enum event e)
{
	switch (e) {
	case EVENT_REQUEST:
		if ((h->reliable || h->sim.token.takes_puk) && dice_percent(&h->dice, 80))
			h->sim.token.locked = true;
		/* mostly where the token is */
		history_page(h, h->sim.token.at >= 0 && dice_percent(&h->dice, 90) ? h->sim.token.at : (int)dice_roll(&h->dice, SIM_MACHINES), &op_unlock_request, history_request_params(h));
		break;
	case EVENT_APPROVE:
		history_decide(h, true);
		break;
	case EVENT_REFUSE:
		history_decide(h, false);
		break;
	case EVENT_MAIL:
		history_send_mails(h);
		break;
	case EVENT_UNLOCK:
		history_page_on_request(h, &op_unlock);
		break;
	case EVENT_CANCEL:
		history_page_on_request(h, &op_unlock_cancel);
		break;
	case EVENT_RESEND:
		history_page_on_request(h, &op_unlock_resend);
		break;
	case EVENT_STATUS:
		history_page(h, (int)dice_roll(&h->dice, SIM_MACHINES), &op_unlock_status, json_object());
		break;
	case EVENT_PLUG:
		h->sim.token.at = (int)dice_roll(&h->dice, SIM_MACHINES + 1) - 1;
		break;
	case EVENT_GO_ON:
	case EVENT_KILL:
		go_on(h, e == EVENT_KILL);
		break;
	case EVENT_CRASH:
		crash.mode = dice_percent(&h->dice, 50) ? CRASH_BEFORE : CRASH_AFTER;
		crash.in = (unsigned)dice_roll(&h->dice, 4);
		break;
	case EVENT_RESTART:
		history_restart(h);
		break;
	case EVENT_REPLAY:
		history_replay(h);
		break;
	case EVENT_CLOCK:
		set_clock(h);
		break;
	case EVENT_SWEEP:
		history_sweep(h);
		break;
	case EVENT_REPLACE:
		if (dice_percent(&h->dice, 70))
			history_replace(h);
		else
			history_reinstate(h);
		/* a machine that died over its unlock tells of it now */
		if (dice_percent(&h->dice, 70))
			for (int i = 0; i < SIM_MACHINES; i++)
				history_page(h, i, &op_unlock_status, json_object());
		break;
	case EVENT_CURE:
		history_cure(h);
		break;
	case EVENT_LIFE:
		history_change_life(h);
		break;
	case EVENT_COUNT:
		break;
	}
}

/* ---- the end ---- */

void
history_calm(struct history *h)
{
	for (int i = 0; i < SIM_ACTORS; i++) {
		sim_kill(i);
		history_hear(h, i);
	}
	crash.mode = CRASH_NOT;
	h->sim.sleeps = h->sim.dies = h->sim.loses = h->sim.fails = h->sim.lies = 0;
	memset(h->sim.skew, 0, sizeof(h->sim.skew));
	h->sim.token.at = 0;
	h->honest = true;
}

/* Asked again, what was lost on its way is the same request: the desk may have decided on it. */
static const struct sim_request *
ask_for_recovery(struct history *h, enum err *ret_error)
{
	int actor = history_page(h, 0, &op_unlock_request, history_request_params(h));
	const struct sim_request *r;
	struct store_request row;

	*ret_error = sim_error(actor);
	if (*ret_error != ERR_OK)
		return NULL;
	r = sim_request_find(&h->sim, json_string_value(json_object_get(sim_result(actor), "request")));
	checker_look(&h->checker);
	if (store_request_by_number(h->w->scratch.store, history_number_of(h, r->id), &row) != ERR_OK)
		*ret_error = ERR_REQUEST_UNKNOWN;
	else if (row.state == STATE_APPROVED)
		*ret_error = history_desk(h, op_admin_resend, row.number, json_object());
	else
		*ret_error = history_approve(h, row.number);
	checker_look(&h->checker);
	return r;
}

/* A request that can be unlocked; NULL, and why not. */
static const struct sim_request *
recover_request(struct history *h, enum err *ret_error)
{
	const struct sim_request *r;

	h->sim.now += DAY_S / 2; /* so that another code can be sent */
	for (int tries = 0; tries < 4; tries++) {
		r = ask_for_recovery(h, ret_error);
		if (*ret_error != ERR_REQUEST_DECIDED && *ret_error != ERR_REQUEST_CANCELLED && *ret_error != ERR_REQUEST_EXPIRED)
			break;
	}
	history_send_mails(h);
	return *ret_error == ERR_OK ? r : NULL;
}

/* Nothing that people have entered by mistake is the end of it: as often as it takes, two of them go back to what was on record before. */
static void
find_way_back(struct history *h)
{
	uint64_t before = h->totals->reinstated;

	for (unsigned i = 0; i < WAY_BACK_MAX && !h->checker.fits && h->checker.wrong[0] == '\0'; i++) {
		history_reinstate(h);
		checker_look(&h->checker);
	}
	if (!h->checker.fits)
		checker_wrong(&h->checker, "two people do not get the token's SO PIN back, after %u steps", (unsigned)(h->totals->reinstated - before));
	h->totals->ways_back++;
}

static enum history_end
recover(struct history *h)
{
	unsigned before = h->sim.token.wrong_in_a_row;
	enum err e = history_make_active(h);
	const struct sim_request *r;

	if (e != ERR_OK)
		checker_wrong(&h->checker, "two people cannot take it back that the token is lost: %s", err_name(e));
	if (h->checker.known && !h->checker.fits)
		find_way_back(h);
	h->sim.token.locked = true;
	r = recover_request(h, &e);

	if (r != NULL) {
		e = sim_error(history_page(h, 0, &op_unlock, json_pack("{s:s}", "request", r->id)));
		if (h->say)
			printf("  recovery: %s\n", err_name(e));
	}
	if (e == ERR_ESCROW_SUSPECT) {
		if (!checker_may_be_suspect(&h->checker))
			checker_wrong(&h->checker, "suspect after %u releases in vain", h->checker.in_vain);
		return HISTORY_SUSPECT;
	}
	if (e == ERR_TOKEN_SO_LAST_TRY || e == ERR_TOKEN_SO_LOCKED || e == ERR_TOKEN_PUK_LOCKED) {
		if (h->sim.token.so_left > 1)
			checker_wrong(&h->checker, "%s with %u tries", err_name(e), h->sim.token.so_left);
		return HISTORY_LAST_TRY;
	}
	if (e != ERR_OK) {
		if (h->checker.fits || e != ERR_TOKEN_SO_REFUSED)
			checker_wrong(&h->checker, "the recovery ends in %s", err_name(e));
		return HISTORY_SUSPECT;
	}
	h->totals->recoveries_with_a_try += r->wrong != 0;
	if (r->wrong > 1)
		checker_wrong(&h->checker, "the recovery has cost %u tries, %u before it", r->wrong, before);
	if (h->rotation && world_token(h->w, &h->sim.token.name).next != 0)
		checker_wrong(&h->checker, "the recovery has not rotated");
	h->totals->rotations += h->rotation;
	return HISTORY_UNLOCKED;
}

/* ---- the whole ---- */

static void
plug_in_first(struct history *h, unsigned n, struct dice *d)
{
	struct sim_token *t = &h->sim.token;
	X509 *x509 = world_issue(&h->w->ca, h->w->token_key, "Công ty A", 0x1000 + (long)n, -7200, 3600);

	*t = (struct sim_token){ .name = scratch_token(n).name, .locked = true };
	t->certificate_len = world_der(x509, t->certificate);
	X509_free(x509);
	t->so_max = t->so_left = 3 + (unsigned)dice_roll(d, 8);
	t->flags = (enum sim_flags)dice_roll(d, SIM_FLAGS_COUNT);
	secret_set(&t->user_pin, "before", 6);
	secret_set(&t->so_pin, h->checker.fits ? WORLD_SO_PIN : "0000000000000000", 16);
}

/* What the desk has said of this kind of token, or nothing (a type that says what no type does). */
static void
set_type(struct history *h, struct dice *d)
{
	struct store_type t = { .name = "x", .created = h->w->now };
	/* of their own, so that the histories stay what they were before this was drawn */
	struct dice known = { .state = d->state ^ 0x736f7472696573 };
	struct dice kind = { .state = d->state ^ 0x70756b };

	h->rotation = !dice_percent(d, 20);
	h->reliable = dice_percent(d, 30);
	h->sim.token.takes_puk = dice_percent(&kind, 15);
	if (h->sim.token.takes_puk) {
		h->rotation = false;
		h->sim.token.flags = SIM_FLAGS_NEVER;
	}
	t.rotation = h->rotation;
	h->checker.so_tries = t.so_tries = dice_percent(&known, 50) ? h->sim.token.so_max : 0;
	snprintf(t.manufacturer, sizeof(t.manufacturer), "%s", h->sim.token.name.manufacturer);
	t.policy = (struct token_policy){ .family = h->sim.token.takes_puk ? FAMILY_PUK : FAMILY_SO_PIN, .pin_characters = CHARACTERS_ANY, .flags_reliable = h->reliable };
	if (store_type_put(h->w->scratch.store, &t) != ERR_OK)
		exit(1);
}

static void
fill_profile(struct history *h)
{
	static struct profile_module module = { .name = "sim", .path = "/sim.so" };

	h->sim.profile = (struct profile){ .name = "ca", .tms = "https://tms.example", .tms_key_count = 1, .modules = { module }, .module_count = 1, .prompt = "/prompt", .hotline = "1900 1234", .language = "vi" };
	memcpy(h->sim.profile.tms_keys[0], h->w->tms_pk, sizeof(h->w->tms_pk));
}

static int64_t
next_number(struct world *w)
{
	struct query q = query_new(w->scratch.store, "SELECT coalesce(max(number), 0) + 1 FROM request");
	int64_t number = query_row(&q) ? query_get_int(&q) : 1;

	(void)query_end(&q);
	return number;
}

struct history *
history_new(struct history_server *server, struct dice *d, struct history_totals *totals)
{
	struct history *h = calloc(1, sizeof(*h));
	unsigned n = ++server->tokens;
	bool fits = !dice_percent(d, 7);

	if (h == NULL)
		exit(1);
	h->w = server->world;
	h->totals = totals;
	checker_begin(&h->checker, h->w, &h->sim, fits);
	h->checker.first = next_number(h->w);
	world_import(h->w, n, "khach@example.vn");
	plug_in_first(h, n, d);
	set_type(h, d);
	fill_profile(h);
	h->sim.now = h->w->now;
	for (int i = 0; i < SIM_MACHINES; i++) {
		snprintf(h->sim.folder[i], sizeof(h->sim.folder[i]), "%s/machine-%d", h->w->scratch.folder, i);
		if (mkdir(h->sim.folder[i], 0700) != 0 && errno != EEXIST)
			perror(h->sim.folder[i]);
		h->sim.skew[i] = dice_percent(d, 20) ? (int64_t)dice_roll(d, 200000) - 100000 : 0;
	}
	h->sim.fate = SIM_FATE_COUNT;
	h->sim.sleeps = (unsigned)dice_roll(d, 12);
	h->sim.dies = (unsigned)dice_roll(d, 4);
	h->sim.loses = (unsigned)dice_roll(d, 25);
	h->sim.fails = (unsigned)dice_roll(d, 15);
	h->sim.lies = (unsigned)dice_roll(d, 40);
	h->sim.context = h;
	h->sim.serve = history_serve;
	h->sim.ask = history_ask;
	h->sim.sign = history_sign;
	sim_begin(&h->sim);
	return h;
}

void
history_free(struct history *h)
{
	history_calm(h);
	sim_end(&h->sim);
	for (size_t i = 0; i < h->message_count; i++)
		json_decref(h->messages[i].body);
	for (int i = 0; i < SIM_MACHINES; i++)
		sim_remove(h->sim.folder[i]);
	checker_end(&h->checker);
	free(h);
}

static void
play(struct history *h, uint64_t keep, struct dice *d)
{
	uint64_t count = 8 + dice_roll(d, HISTORY_EVENTS - 8 + 1);

	for (uint64_t i = 0; i < count && h->checker.wrong[0] == '\0'; i++) {
		enum event e = pick(d);
		h->dice.state = dice_roll(d, UINT64_MAX);
		if ((keep >> i & 1) == 0)
			continue;
		if (h->say)
			printf("  %2llu %s\n", (unsigned long long)i, events[e].name);
		h->totals->events++;
		happen(h, e);
		checker_look(&h->checker);
	}
}

bool
history_run(struct history_server *server, uint64_t seed, uint64_t keep, bool say, struct history_totals *totals, char *ret_wrong)
{
	struct dice d = { .state = seed };
	struct history *h = history_new(server, &d, totals);
	enum history_end how;
	bool right;

	h->say = say;
	if (say)
		printf("  puk=%d rotation=%d reliable=%d fits=%d tries=%u known=%d flags=%d sleeps=%u dies=%u loses=%u fails=%u\n", h->sim.token.takes_puk, h->rotation, h->reliable, h->checker.fits, h->sim.token.so_max, h->checker.so_tries != 0, (int)h->sim.token.flags, h->sim.sleeps, h->sim.dies, h->sim.loses, h->sim.fails);
	play(h, keep, &d);
	if (h->checker.wrong[0] == '\0') {
		history_calm(h);
		how = recover(h);
		checker_look(&h->checker);
		totals->ends[how]++;
	}
	if (h->sim.token.flags != SIM_FLAGS_RIGHT && h->checker.most_wrong > totals->most_wrong)
		totals->most_wrong = h->checker.most_wrong;
	right = h->checker.wrong[0] == '\0';
	snprintf(ret_wrong, 256, "%s", h->checker.wrong);
	history_free(h);
	return right;
}
