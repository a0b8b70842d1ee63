/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server: HTTP on a Unix socket, behind nginx. public.sock serves customers' machines, admin.sock the desk; a route of one does not exist
 * on the other. A pool of threads, each with a store connection of its own.
 */
#ifndef MOKHOA_SERVER_H
#define MOKHOA_SERVER_H

#include "err.h"
#include "service.h"

#include <stdbool.h>

struct outbox;
struct server;

/* service and outbox are borrowed until server_stop(); outbox may be NULL. ERR_CONFIG_INVALID where the socket cannot be had (logged). */
enum err server_start(const struct service *service, struct outbox *outbox, bool desk, struct server **ret_server);

/* Takes no new connection, lets the calls that are under way end (at most 10 seconds), and goes. NULL is fine. */
void server_stop(struct server *s);

#endif
