/* SPDX-License-Identifier: Apache-2.0 */
#include "front.h"

#include "conversation.h"
#include "gate.h"
#include "log.h"
#include "os.h"
#include "starter.h"

#include <assert.h>
#include <stdlib.h>

#define ACCEPTS_A_TURN 64
#define TURN_MS	       1000 /* libwebsockets has clocks of its own */
#define ROUNDS_MAX     64   /* messages of one host that a turn passes on */
#define POLLS_MAX      (1 + DOORS_MAX + FRONT_HEADS_MAX + FRONT_CONVERSATIONS_MAX * CONVERSATION_POLLS)

static_assert(POLLS_MAX <= OS_POLL_MAX && 1 + FRONT_CONVERSATIONS_MAX <= OS_WAIT_MAX, "all of it in one wait");

/* A connection whose head has not ended. */
struct knock {
	intptr_t socket; /* -1: the place is free */
	uint16_t port;
	uint64_t since_ms;
	size_t len;
	unsigned char bytes[GATE_HEAD_MAX + 1]; /* one more, so that a head that is too long is seen to be */
};

/* What the log says at the end, and tests count by. */
struct tally {
	unsigned long connections;
	unsigned long foreign; /* of another user, or gone before it was looked at */
	unsigned long refused; /* by the gate */
	unsigned long passed;
	unsigned long handed; /* bytes of heads that libwebsockets was given */
};

struct hall {
	const struct front_setup *setup;
	struct knock knocks[FRONT_HEADS_MAX];
	struct conversation conversations[FRONT_CONVERSATIONS_MAX];
	struct tally tally;
	uint64_t idle_since_ms;
};

/* ---- before the gate ---- */

/* Without a word, and at once: the other side sees the same whatever was wrong. */
static void
refuse(struct hall *h, struct knock *k, const char *why)
{
	log_debug("door", "refused: %s", why);
	h->tally.refused++;
	os_socket_reset(k->socket);
	k->socket = -1;
}

/* A free place, or that of the one who has been silent for longest. */
static struct knock *
place_for_knock(struct hall *h)
{
	struct knock *oldest = &h->knocks[0];

	for (size_t i = 0; i < FRONT_HEADS_MAX; i++) {
		if (h->knocks[i].socket == -1)
			return &h->knocks[i];
		if (h->knocks[i].since_ms < oldest->since_ms)
			oldest = &h->knocks[i];
	}
	refuse(h, oldest, "others wait");
	return oldest;
}

static struct conversation *
free_conversation(struct hall *h)
{
	for (size_t i = 0; i < FRONT_CONVERSATIONS_MAX; i++)
		if (h->conversations[i].socket == -1)
			return &h->conversations[i];
	return NULL;
}

static void
let_in(struct hall *h, struct knock *k, const struct gate_pass *pass)
{
	struct conversation *c = free_conversation(h);
	intptr_t socket = k->socket;

	if (c == NULL) {
		refuse(h, k, "too many pages");
		return;
	}
	k->socket = -1;
	h->tally.passed++;
	h->tally.handed += (unsigned long)pass->head_len;
	log_debug("door", "origin=%s passed", pass->origin);
	if (conversation_begin(c, socket, pass, h->setup->library, h->setup->starter) != ERR_OK)
		log_error("door", "there is no memory for a page");
}

static void
hear_knock(struct hall *h, struct knock *k)
{
	const struct gate_rule rule = { k->port, h->setup->origins, h->setup->origin_count };
	struct gate_pass pass;
	const char *why = NULL;
	enum gate_verdict verdict;
	long got = os_receive(k->socket, k->bytes + k->len, sizeof(k->bytes) - k->len);

	if (got == OS_LATER)
		return;
	if (got <= 0) {
		refuse(h, k, "gone");
		return;
	}
	k->len += (size_t)got;
	verdict = gate_judge(&rule, k->bytes, k->len, &pass, &why);
	if (verdict == GATE_PASS)
		let_in(h, k, &pass);
	else if (verdict == GATE_REFUSE)
		refuse(h, k, why);
}

static void
accept_all(struct hall *h, const struct door *door)
{
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		intptr_t socket = os_accept(door->socket);
		struct knock *k;
		if (socket == -1)
			return;
		h->tally.connections++;
		if (!os_peer_is_owner(h->setup->peers, socket)) {
			h->tally.foreign++;
			os_socket_reset(socket);
			continue;
		}
		k = place_for_knock(h);
		k->socket = socket;
		k->port = door->port;
		k->since_ms = os_now_ms();
		k->len = 0;
		hear_knock(h, k); /* a browser's head comes with its connection */
	}
}

/* ---- the loop ---- */

static size_t
fill_polls(const struct hall *h, struct os_poll *polls)
{
	const struct front_setup *s = h->setup;
	size_t n = 0;

	polls[n++] = (struct os_poll){ .at = s->starter->link.in, .is_handle = true };
	for (size_t i = 0; i < DOORS_MAX; i++)
		polls[n++] = (struct os_poll){ .at = i < s->door_count ? s->doors[i].socket : -1 };
	for (size_t i = 0; i < FRONT_HEADS_MAX; i++)
		polls[n++] = (struct os_poll){ .at = h->knocks[i].socket };
	for (size_t i = 0; i < FRONT_CONVERSATIONS_MAX; i++, n += CONVERSATION_POLLS)
		conversation_polls(&h->conversations[i], polls + n);
	return n;
}

/* Who has not ended his head in time, and whether anybody is here. */
static bool
look_at_clock(struct hall *h)
{
	uint64_t now = os_now_ms();
	bool empty = true;

	for (size_t i = 0; i < FRONT_HEADS_MAX; i++)
		if (h->knocks[i].socket != -1 && now - h->knocks[i].since_ms >= FRONT_HEAD_MS)
			refuse(h, &h->knocks[i], "head too slow");
	for (size_t i = 0; i < FRONT_CONVERSATIONS_MAX; i++)
		empty = empty && h->conversations[i].socket == -1;
	if (!empty)
		h->idle_since_ms = now;
	return !h->setup->ends_idle || now - h->idle_since_ms < FRONT_IDLE_MS;
}

static void
take_turns(struct hall *h, const struct os_poll *polls)
{
	const struct os_poll *at = polls + 1;
	bool said = true;

	/* conversations first: what is accepted now was not waited for */
	for (size_t i = 0; i < FRONT_CONVERSATIONS_MAX; i++)
		conversation_turn(&h->conversations[i], at + DOORS_MAX + FRONT_HEADS_MAX + i * CONVERSATION_POLLS);
	for (size_t i = 0; i < FRONT_HEADS_MAX; i++)
		if (at[DOORS_MAX + i].ready && h->knocks[i].socket != -1)
			hear_knock(h, &h->knocks[i]);
	for (size_t i = 0; i < h->setup->door_count; i++)
		if (at[i].ready)
			accept_all(h, &h->setup->doors[i]);
	/* what was settled may have given libwebsockets something to say, and that is nothing that os_poll() would wake us for */
	for (int round = 0; said && round < ROUNDS_MAX; round++) {
		ws_library_turn(h->setup->library);
		said = false;
		for (size_t i = 0; i < FRONT_CONVERSATIONS_MAX; i++)
			said = conversation_settle(&h->conversations[i]) || said;
	}
}

enum err
front_serve(const struct front_setup *setup)
{
	struct hall *h = calloc(1, sizeof(*h));
	struct os_poll polls[POLLS_MAX];

	if (h == NULL)
		return ERR_NO_MEMORY;
	h->setup = setup;
	h->idle_since_ms = os_now_ms();
	for (size_t i = 0; i < FRONT_HEADS_MAX; i++)
		h->knocks[i].socket = -1;
	for (size_t i = 0; i < FRONT_CONVERSATIONS_MAX; i++)
		conversation_clear(&h->conversations[i]);
	while (look_at_clock(h)) {
		os_poll(polls, fill_polls(h, polls), TURN_MS);
		if (polls[0].ready && !starter_drain(setup->starter))
			break; /* it has gone: nobody could be answered */
		take_turns(h, polls);
	}
	for (size_t i = 0; i < FRONT_CONVERSATIONS_MAX; i++)
		conversation_end(&h->conversations[i]);
	log_info("door", "ended connections=%lu foreign=%lu refused=%lu passed=%lu handed=%lu", h->tally.connections, h->tally.foreign, h->tally.refused,
	    h->tally.passed, h->tally.handed);
	free(h);
	return ERR_OK;
}
