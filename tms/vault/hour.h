/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hour: how often something was done in the last hour (rows opened, rows compared), by minutes: what limits the damage of a server that was taken over.
 *
 * A struct hour belongs to one thread. Times are os_now_ms().
 */
#ifndef MOKHOA_HOUR_H
#define MOKHOA_HOUR_H

#include <stdbool.h>
#include <stdint.h>

#define HOUR_MINUTES   60
#define HOUR_COUNT_MAX 1000000 /* what a maximum may be */

struct hour {
	unsigned max;
	uint64_t minute;	     /* the newest one that was counted */
	unsigned rows[HOUR_MINUTES]; /* of minute m at m % 60 */
};

/* Counts so many rows before they are opened; false, and nothing is counted, where the hour has no room for them. */
bool hour_take(struct hour *h, uint64_t now_ms, unsigned count);

/* Takes back what hour_take() has counted a moment ago, for what was not done. */
void hour_return(struct hour *h, unsigned count);

unsigned hour_sum(const struct hour *h);

/* The counts by minutes, the newest first; and the other way round, as they were so many minutes ago. */
void hour_read(const struct hour *h, uint64_t now_ms, unsigned ret[HOUR_MINUTES]);
void hour_set(struct hour *h, uint64_t now_ms, uint64_t age, const unsigned counts[HOUR_MINUTES]);

#endif
