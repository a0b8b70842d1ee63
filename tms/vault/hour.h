/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hour: how many rows were opened in the last hour, by minutes: what limits the damage of a server that was taken over.
 *
 * A struct hour belongs to one thread. Times are os_now_ms().
 */
#ifndef MOKHOA_HOUR_H
#define MOKHOA_HOUR_H

#include <stdbool.h>
#include <stdint.h>

struct hour {
	unsigned max;
	uint64_t minute;   /* the newest one that was counted */
	unsigned rows[60]; /* of minute m at m % 60 */
};

/* Counts so many rows before they are opened; false, and nothing is counted, where the hour has no room for them. */
bool hour_take(struct hour *h, uint64_t now_ms, unsigned count);

unsigned hour_sum(const struct hour *h);

#endif
