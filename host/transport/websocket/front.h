/* SPDX-License-Identifier: Apache-2.0 */
/*
 * front: the event loop of the process that talks to browsers: who connects, what he says first, and the conversations of those who passed.
 *
 * A connection of another user is reset before a byte of it is read; a head that the gate refuses is reset without an answer, whatever was
 * wrong with it. Both look the same from outside.
 */
#ifndef MOKHOA_FRONT_H
#define MOKHOA_FRONT_H

#include "doors.h"
#include "starter.h"
#include "ws_talk.h"

#include <stdbool.h>
#include <stdint.h>

#define FRONT_CONVERSATIONS_MAX 8  /* pages at a time */
#define FRONT_HEADS_MAX		32 /* connections whose head has not ended; the oldest makes room */
#define FRONT_HEAD_MS		5000
#define FRONT_IDLE_MS		(10u * 60 * 1000) /* without a page, after which a server that the service manager started ends */

struct front_setup {
	const struct door *doors;
	size_t door_count;
	bool ends_idle;
	const char *const *origins;
	size_t origin_count;
	struct starter_line *starter; /* starter_ask(); its other end is closed when we shall end */
	intptr_t peers;		      /* os_peers_open() */
	struct ws_library *library;
};

/* Serves until the starter's end is closed, or nobody has come for long. Says in the log what has passed. ERR_NO_MEMORY. */
enum err front_serve(const struct front_setup *setup);

#endif
