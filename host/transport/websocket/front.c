/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "front.h"

#include "conversation.h"
#include "gate.h"
#include "log.h"
#include "os.h"
#include "starter.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPTS_A_TURN 64
#define TURN_MS	       1000 /* libwebsockets has clocks of its own */
#define ROUNDS_MAX     64   /* messages of one host that a turn passes on */
#define POLLS_MAX      (1 + DOORS_MAX + FRONT_HEADS_MAX + FRONT_CONVERSATIONS_MAX * CONVERSATION_POLLS)

/* A connection whose head has not ended. */
struct knock {
	int socket; /* -1: the place is free */
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

/* Without a word, and at once: the other side sees the same whatever was wrong. */
static void
turn_away(int socket)
{
	struct linger at_once = { .l_onoff = 1 };

	(void)setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(socket);
}

/* ---- before the gate ---- */

static void
refuse(struct hall *h, struct knock *k, const char *why)
{
	log_debug("door", "refused: %s", why);
	h->tally.refused++;
	turn_away(k->socket);
	k->socket = -1;
}

/* A free place, or that of the one who has been silent for longest. */
static struct knock *
place_for_knock(struct hall *h)
{
	struct knock *oldest = &h->knocks[0];

	for (size_t i = 0; i < FRONT_HEADS_MAX; i++) {
		if (h->knocks[i].socket < 0)
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
		if (h->conversations[i].socket < 0)
			return &h->conversations[i];
	return NULL;
}

static void
let_in(struct hall *h, struct knock *k, const struct gate_pass *pass)
{
	struct conversation *c = free_conversation(h);
	int socket = k->socket;

	if (c == NULL) {
		refuse(h, k, "too many pages");
		return;
	}
	k->socket = -1;
	h->tally.passed++;
	h->tally.handed += pass->head_len;
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
	ssize_t got = recv(k->socket, k->bytes + k->len, sizeof(k->bytes) - k->len, 0);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
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
	int yes = 1;

	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		int fd = accept4(door->socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		struct knock *k;
		if (fd < 0)
			return;
		h->tally.connections++;
		if (!os_peer_is_owner(h->setup->peers, fd)) {
			h->tally.foreign++;
			turn_away(fd);
			continue;
		}
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
		k = place_for_knock(h);
		k->socket = fd;
		k->port = door->port;
		k->since_ms = os_now_ms();
		k->len = 0;
		hear_knock(h, k); /* a browser's head comes with its connection */
	}
}

/* ---- the loop ---- */

static nfds_t
fill_polls(const struct hall *h, struct pollfd *polls)
{
	const struct front_setup *s = h->setup;
	nfds_t n = 0;

	polls[n++] = (struct pollfd){ (int)s->starter, POLLIN, 0 };
	for (size_t i = 0; i < DOORS_MAX; i++)
		polls[n++] = (struct pollfd){ i < s->door_count ? s->doors[i].socket : -1, POLLIN, 0 };
	for (size_t i = 0; i < FRONT_HEADS_MAX; i++)
		polls[n++] = (struct pollfd){ h->knocks[i].socket, POLLIN, 0 };
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
		if (h->knocks[i].socket >= 0 && now - h->knocks[i].since_ms >= FRONT_HEAD_MS)
			refuse(h, &h->knocks[i], "head too slow");
	for (size_t i = 0; i < FRONT_CONVERSATIONS_MAX; i++)
		empty = empty && h->conversations[i].socket < 0;
	if (!empty)
		h->idle_since_ms = now;
	return !h->setup->ends_idle || now - h->idle_since_ms < FRONT_IDLE_MS;
}

static void
take_turns(struct hall *h, const struct pollfd *polls)
{
	const struct pollfd *at = polls + 1;
	bool said = true;

	/* conversations first: what is accepted now was not waited for */
	for (size_t i = 0; i < FRONT_CONVERSATIONS_MAX; i++)
		conversation_turn(&h->conversations[i], at + DOORS_MAX + FRONT_HEADS_MAX + i * CONVERSATION_POLLS);
	for (size_t i = 0; i < FRONT_HEADS_MAX; i++)
		if (at[DOORS_MAX + i].revents != 0 && h->knocks[i].socket >= 0)
			hear_knock(h, &h->knocks[i]);
	for (size_t i = 0; i < h->setup->door_count; i++)
		if (at[i].revents != 0)
			accept_all(h, &h->setup->doors[i]);
	/* what was settled may have given libwebsockets something to say, and that is nothing that poll() would wake us for */
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
	struct pollfd polls[POLLS_MAX];

	if (h == NULL)
		return ERR_NO_MEMORY;
	h->setup = setup;
	h->idle_since_ms = os_now_ms();
	for (size_t i = 0; i < FRONT_HEADS_MAX; i++)
		h->knocks[i].socket = -1;
	for (size_t i = 0; i < FRONT_CONVERSATIONS_MAX; i++)
		conversation_clear(&h->conversations[i]);
	while (look_at_clock(h)) {
		nfds_t count = fill_polls(h, polls);
		if (poll(polls, count, TURN_MS) < 0 && errno != EINTR)
			break;
		if (polls[0].revents != 0 && !starter_drain(setup->starter))
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
