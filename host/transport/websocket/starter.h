/* SPDX-License-Identifier: Apache-2.0 */
/*
 * starter: starts a mokhoa-host for each conversation, on behalf of the process that talks to browsers and may start nothing itself.
 *
 * What confines a process (sandbox.h) is inherited by all that it starts, and a worker that loads vendors' modules and opens a window lives under none of it. So there are two
 * processes: this one, which reads no byte of a browser, and the one in front, which has no way to start a program. Between them is a link (os.h) that carries an origin one way
 * and two pipes the other. Each question has a number, so that an answer that comes late is not taken for that of another page.
 */
#ifndef MOKHOA_STARTER_H
#define MOKHOA_STARTER_H

#include "err.h"
#include "os.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STARTER_HOSTS_MAX  8   /* conversations at a time */
#define STARTER_ORIGIN_MAX 320 /* bytes of an origin */

/* One end of the link. */
struct starter_line {
	struct os_link link;
	uint32_t asked; /* of the one in front: questions so far */
};

/*
 * The side that starts: serves until the other has gone or the link was shut down. Only these origins have a host started. Hosts end by themselves when
 * their pipes are closed.
 */
void starter_serve(struct starter_line *line, const char *const *origins, size_t origin_count);

/*
 * The side in front asks: a host for a page of this origin. *ret_in is what we write to (os_write_now()), *ret_out what we read; both are the caller's. ERR_BUSY
 * where there are too many, ERR_WORKER_FAILED where it cannot be started or is not within seconds; a host that comes later than that is given to nobody.
 */
enum err starter_ask(struct starter_line *line, const char *origin, intptr_t *ret_in, intptr_t *ret_out);

/* Takes away what came too late, without waiting; false where the side that starts has gone. */
bool starter_drain(struct starter_line *line);

#endif
