/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbox: the mail worker: a thread with a store connection of its own that sends what the store's outbox holds, when it is due.
 *
 * A code is made here, at the moment of sending, and is stored nowhere: the public half of its key is committed before the mail goes
 * out, and deleted again where the mail certainly did not. Several workers, in several processes, may share one store.
 */
#ifndef MOKHOA_OUTBOX_H
#define MOKHOA_OUTBOX_H

#include "err.h"

#include <stdint.h>

struct config;
struct outbox;

/* Opens the store, loads the templates (ERR_TEMPLATE_INVALID, logged) and the key of bounced mails (ERR_CONFIG_INVALID, logged), and starts the thread; config is borrowed until outbox_stop(). */
enum err outbox_start(const struct config *config, struct outbox **ret_outbox);

/*
 * From the next mail on this configuration counts, which is borrowed like the first one, whose time is over when this returns: it waits for the mail that is under
 * way, at most a minute. ERR_CONFIG_INVALID, ERR_TEMPLATE_INVALID (logged), ERR_NO_MEMORY: all stays as it was.
 */
enum err outbox_reload(struct outbox *o, const struct config *config);

/* What has become of this process's tries. */
struct outbox_tally {
	uint64_t sent;
	uint64_t later;	 /* will be tried again */
	uint64_t failed; /* for good */
	uint64_t alarms; /* of those: an operator must look */
};

/* Any thread may call. */
void outbox_count(struct outbox *o, struct outbox_tally *ret);

/* There may be a new row: looks at once and not within the second. Any thread may call. */
void outbox_wake(struct outbox *o);

/* Ends the thread after the mail that is under way, at most a minute. NULL is fine. */
void outbox_stop(struct outbox *o);

#endif
