/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ws_talk: one WebSocket as libwebsockets speaks it: it answers the handshake, removes masks, puts frames together and says goodbye.
 *
 * libwebsockets has no socket of a browser: it has one end of a pair of which we hold the other, reads only what gate.h and ws_frame.h have let pass,
 * and never waits: whoever has written to the pair calls ws_talk_hear(), and later ws_library_turn(). One thread. Structs are the caller's.
 */
#ifndef MOKHOA_WS_TALK_H
#define MOKHOA_WS_TALK_H

#include "err.h"
#include "ws_frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ws_library;
struct lws;

struct ws_talk {
	/* A whole message of the page; borrowed for the call. */
	void (*take)(void *owner, const void *bytes, size_t len);
	void *owner;

	/* ---- its own ---- */
	struct lws *wsi;       /* NULL: it is over */
	unsigned char *saying; /* with room in front for libwebsockets; NULL where nothing waits to be said */
	size_t saying_len;
	enum ws_close closing;
	unsigned char heard[WS_MESSAGE_MAX];
	size_t heard_len;
};

/* Everything that libwebsockets opens is opened here, before a sandbox. At most talks conversations at a time. */
enum err ws_library_open(unsigned talks, struct ws_library **ret_library);
void ws_library_close(struct ws_library *library);

/* Does all that there is to do now, and returns. To be called at least once a second while a talk is open: libwebsockets has clocks of its own. */
void ws_library_turn(struct ws_library *library);

/* Begins a talk over end, which is libwebsockets' from here on, whatever is returned. ERR_NO_MEMORY. */
enum err ws_talk_begin(struct ws_library *library, intptr_t end, struct ws_talk *talk);

/* libwebsockets hears what was written to our end of the pair: nobody has to wait for its end, and on Windows nobody could. */
void ws_talk_hear(struct ws_talk *talk);

/* A message to the page; not while one is being said. ERR_NO_MEMORY. */
enum err ws_talk_say(struct ws_talk *talk, const void *bytes, size_t len);
bool ws_talk_is_saying(const struct ws_talk *talk);

/* Says goodbye with this code, behind what is being said. */
void ws_talk_close(struct ws_talk *talk, enum ws_close code);

/* The struct may go: libwebsockets sees that our end of the pair was closed, which comes first, and forgets it. */
void ws_talk_drop(struct ws_talk *talk);

#endif
