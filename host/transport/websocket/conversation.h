/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conversation: one page that has passed the gate: its socket, libwebsockets' end of a pair, and the mokhoa-host that answers it.
 *
 *   browser --socket--> ws_frame --pair--> libwebsockets --message--> frame --pipe--> mokhoa-host --> worker
 *
 * Nothing here waits. What comes from the host is read only when the page has taken what came before, so that a page that does not read costs
 * a buffer and stops its own host and no other.
 */
#ifndef MOKHOA_CONVERSATION_H
#define MOKHOA_CONVERSATION_H

#include "frame.h"
#include "gate.h"
#include "os.h"
#include "rate.h"
#include "starter.h"
#include "ws_talk.h"

#include <stdbool.h>
#include <stdint.h>

#define CONVERSATION_POLLS 3

struct conversation {
	intptr_t socket; /* the browser's; -1: the place is free */
	intptr_t pair;	 /* the other end is libwebsockets' */
	struct ws_talk talk;
	struct ws_frames frames;
	struct rate rate;
	unsigned long counted;	/* frames that the rate has seen */
	unsigned char in[4096]; /* from the browser, not judged to its end */
	size_t in_len;
	unsigned char out[4096]; /* from libwebsockets, not taken by the browser */
	size_t out_len;
	const char *origin;
	struct starter_line *starter;
	intptr_t host_in, host_out; /* -1: not started, or ended */
	struct frame_reader host;
	uint64_t deadline_ms; /* then it has been idle for too long, or takes too long to end */
};

/* A free place. */
void conversation_clear(struct conversation *c);

/*
 * Takes over a socket whose head has passed the gate; starter is asked for a host with the first message. Closes the socket itself where it
 * fails.
 */
enum err conversation_begin(struct conversation *c, intptr_t socket, const struct gate_pass *pass, struct ws_library *library, struct starter_line *starter);

/* What to wait for, and what came of it; between the two nobody else touches c. An entry of -1 waits for nothing. */
void conversation_polls(const struct conversation *c, struct os_poll ret_polls[CONVERSATION_POLLS]);
void conversation_turn(struct conversation *c, const struct os_poll polls[CONVERSATION_POLLS]);

/* After libwebsockets had its turn; true where it has been given something to say and needs another one. */
bool conversation_settle(struct conversation *c);

/* Ends at once and frees the place; harmless where it is free. */
void conversation_end(struct conversation *c);

#endif
