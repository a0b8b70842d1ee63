/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upkeep: what the server does for its records every few seconds: anchors the audit when it is due, erases personal data whose time is over. One thread.
 *
 * What is erased does not come back, and whether it is due the clock alone says, which a dead battery or a wrong time server puts years ahead. So nothing is erased before
 * the clock has been steady for a while: long enough that somebody, or the time server, has put it right.
 */
#ifndef MOKHOA_UPKEEP_H
#define MOKHOA_UPKEEP_H

#include "service.h"
#include "store.h"

#include <stdbool.h>
#include <stdint.h>

struct upkeep {
	int64_t anchored;    /* the row that was anchored last */
	int64_t anchored_at; /* when there was last a look */
	struct {
		int64_t began; /* both clocks when they began to go together */
		uint64_t began_ms;
		int64_t wait_s; /* for so long they have to; 0 before the first look */
		bool steady;	/* they have */
	} clock;
};

/*
 * A look at the clock (seconds since 1970) beside the one that nobody sets (milliseconds, os_now_ms()). First at the start, before anything is written that would have the time of a wrong clock: behind
 * a newest audit row of more than 31 days ago it has to be steady for a day, else for an hour. A jump of more than an hour, in either direction, begins it anew.
 */
void upkeep_clock(struct upkeep *u, struct store *s, int64_t now, uint64_t now_ms);

/* Begins with { 0 }. What fails is logged, and tried again the next time. Erases by a steady clock alone. */
void upkeep_run(struct upkeep *u, const struct service *service, struct store *s, int64_t now);

/* At the end: anchors what is behind the last anchor. */
void upkeep_end(struct upkeep *u, const struct service *service, struct store *s, int64_t now);

#endif
