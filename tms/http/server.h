/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server: HTTP on a Unix socket, behind nginx. public.sock serves customers' machines, admin.sock the desk; a route of one does not exist
 * on the other. A pool of threads, each with a store connection of its own.
 */
#ifndef MOKHOA_SERVER_H
#define MOKHOA_SERVER_H

#include "current.h"
#include "err.h"
#include "limit.h"
#include "metrics.h"

#include <stdbool.h>

struct outbox;
struct server;

/* What every server of a process shares; all borrowed until server_stop(). */
struct server_shared {
	struct current *current;
	struct outbox *outbox; /* may be NULL */
	struct limit *limit;
	struct metrics *metrics;
};

/* ERR_CONFIG_INVALID where the socket cannot be had (logged). Sockets and threads are those of the service as it is now. */
enum err server_start(const struct server_shared *shared, bool desk, struct server **ret_server);

/* Takes no new connection from now on. NULL is fine. */
void server_close_door(struct server *s);

/* Closes the door, lets the calls that are under way end (at most 20 seconds, and whatever an operation takes that has begun), and goes. NULL is fine. */
void server_stop(struct server *s);

#endif
