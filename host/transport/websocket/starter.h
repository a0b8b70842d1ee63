/* SPDX-License-Identifier: Apache-2.0 */
/*
 * starter: starts a mokhoa-host for each conversation, on behalf of the process that talks to browsers and may start nothing itself.
 *
 * A seccomp filter is inherited by all that its process starts, and a worker that loads vendors' modules and opens a window lives under none. So
 * there are two processes: this one, which reads no byte of a browser, and the one in front, which has no way to start a program, open a file
 * or make a connection. Between them is a socket that carries an origin one way and two pipes the other.
 */
#ifndef MOKHOA_STARTER_H
#define MOKHOA_STARTER_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STARTER_HOSTS_MAX  8   /* conversations at a time */
#define STARTER_ORIGIN_MAX 320 /* bytes of an origin */

/* The two ends of the socket between the processes. */
enum err starter_pair(intptr_t ret_ends[2]);

/*
 * The side that starts: serves until its other end is closed, or a signal (SIGTERM, SIGINT) asks this process to end. Only these origins have a
 * host started. Hosts end by themselves when their pipes are closed.
 */
void starter_serve(intptr_t end, const char *const *origins, size_t origin_count);

/*
 * The side in front asks: a host for a page of this origin. *ret_in is what we write to, *ret_out what we read; both are the caller's, and
 * writing to the host does not block. ERR_BUSY where there are too many, ERR_WORKER_FAILED where it cannot be started or is not within seconds;
 * a host that comes later than that is given to nobody. One thread of a process asks.
 */
enum err starter_ask(intptr_t end, const char *origin, intptr_t *ret_in, intptr_t *ret_out);

/* Takes away what came too late, without waiting; false where the side that starts has gone. */
bool starter_drain(intptr_t end);

#endif
