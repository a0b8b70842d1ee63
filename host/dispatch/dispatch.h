/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dispatch: judges a message, runs its operation or has a worker run it, and answers; one log line a request, never a body.
 *
 * A transport owns it: it says who calls, hands in messages, waits for the handles of the workers and takes the answers. Nothing here waits.
 * One thread.
 */
#ifndef MOKHOA_DISPATCH_H
#define MOKHOA_DISPATCH_H

#include "err.h"
#include "profile.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISPATCH_RUNNING_MAX  4 /* requests under way; the next one is "busy" */
#define DISPATCH_CALLS_MAX    8 /* and workers that have answered and are about to end */
#define DISPATCH_WATCHERS_MAX 8 /* channels that watch for tokens; the next one is "busy" */
#define DISPATCH_HANDLES_MAX  (DISPATCH_CALLS_MAX + 1)

/* What a transport is to dispatch. Everything is borrowed until dispatch_free(). */
struct dispatch_port {
	const struct profile_set *profiles; /* NULL: nothing may run, profiles_error says why */
	enum err profiles_error;
	const char *extension;					    /* what the browser's arguments say, NULL where they say nothing */
	const char *origin;					    /* the page's, which the transport has proven; then no message has an envelope. NULL: the envelope says it */
	void (*send)(void *context, const void *bytes, size_t len); /* one envelope (with an origin: one message) to the page, at most FRAME_OUT_MAX bytes */
	void *context;
};

struct dispatch;

struct dispatch *dispatch_new(const struct dispatch_port *port);

/* Ends every worker but those that survive (worker_link.h). */
void dispatch_free(struct dispatch *d);

/* A message as it came from the page. Its answer is sent now or in a later turn; there always is one. */
void dispatch_message(struct dispatch *d, const void *bytes, size_t len);

/* What the transport could not read as a message: answered with this error and no id. */
void dispatch_unreadable(struct dispatch *d, enum err e);

/* A request of the local user himself on the command line, who has no origin and may call everything; params are borrowed. */
void dispatch_command(struct dispatch *d, const struct profile *profile, const char *method, json_t *params);

/* The workers' handles and the milliseconds until the next deadline (-1: none), for os_wait(). */
size_t dispatch_handles(const struct dispatch *d, intptr_t ret_handles[DISPATCH_HANDLES_MAX]);
int dispatch_timeout(const struct dispatch *d);

/* After the wait, before any other call: ready goes with the handles in their order. */
void dispatch_turn(struct dispatch *d, const bool *ready);

/* Requests that have no answer yet. */
size_t dispatch_running(const struct dispatch *d);

#endif
