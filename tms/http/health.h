/* SPDX-License-Identifier: Apache-2.0 */
/*
 * health: how this server stands, for who watches it, on a listener of its own that no customer reaches: a Unix socket or a port of 127.0.0.1.
 *
 *   GET /healthz   200 where the process lives: its main loop has come round within two minutes
 *   GET /readyz    200 where it can do its work: database and vault answer, and it is not stopping; else 503 and what is missing
 *   GET /metrics   for Prometheus (text format 0.0.4)
 *
 * A thread and a store connection of its own.
 */
#ifndef MOKHOA_HEALTH_H
#define MOKHOA_HEALTH_H

#include "current.h"
#include "err.h"
#include "metrics.h"

struct health;
struct outbox;

struct health_of {
	struct current *current;
	struct outbox *outbox; /* may be NULL */
	struct metrics *metrics;
	const char *version;
};

/* Listens at listen.metrics of the configuration as it is now. All is borrowed until health_stop(). ERR_CONFIG_INVALID where the listener cannot be had (logged). */
enum err health_start(const struct health_of *of, struct health **ret_health);

/* The main loop has come round. NULL is fine, as for the next two. */
void health_beat(struct health *h);

/* From now on it is not ready any more. */
void health_stopping(struct health *h);
void health_stop(struct health *h);

#endif
