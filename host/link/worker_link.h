/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker_link: one worker at work: the program mokhoa-worker beside the running one, its order, its frames, its end.
 *
 * Nothing here waits for the worker: the owner's event loop waits for link_handle() and for the deadline, then calls link_read() once and
 * link_next() until it has nothing more. A worker that crashes, hangs or talks nonsense costs its own request and nothing else.
 *
 * A worker that survives is never killed by us, whatever it does or does not say: it may be in the middle of changing a PIN, and each of its own
 * waits has an end. One thread. (The C library has a <link.h>, so this one is not called that.)
 */
#ifndef MOKHOA_WORKER_LINK_H
#define MOKHOA_WORKER_LINK_H

#include "err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct link;

enum link_kind {
	LINK_NOTHING, /* no whole frame yet */
	LINK_NOTIFICATION,
	LINK_RESULT,
	LINK_ERROR
};

struct link_message {
	enum link_kind kind;
	char name[33]; /* of a notification, or the wire name of an error */
	json_t *body;  /* params, result or error object: the caller's from here on */
};

/*
 * Starts a worker and hands it its order (protocol/README.md, "Private pipes"), which is borrowed. A worker that survives is started out of
 * our process group and job, so that a closed browser cannot cut an unlock in half. ERR_WORKER_FAILED where it cannot be started.
 */
enum err link_start(const json_t *order, bool survives, uint64_t deadline_ms, struct link **ret_link);

/* What to wait for (os_wait), and until when (os_now_ms). */
intptr_t link_handle(const struct link *link);
uint64_t link_deadline(const struct link *link);

/* The worker has given its answer: it may take a moment to end by itself, and nothing that it still says is read. */
void link_linger(struct link *link);

/* Reads once; blocks where the handle is not ready. ERR_WORKER_FAILED: the worker has closed its side. */
enum err link_read(struct link *link);

/* The next message that was read. ERR_WORKER_FAILED: it is none that a worker may send. */
enum err link_next(struct link *link, struct link_message *ret_message);

/* Frees the link. The worker is killed if it still runs, or goes on by itself if it survives; one that has ended is collected. NULL is fine. */
void link_free(struct link *link);

#endif
