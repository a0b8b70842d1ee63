/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rate: a bucket that holds so many tokens and gets so many a second: who finds it empty was too fast. Pure; the clock is the caller's.
 */
#ifndef MOKHOA_RATE_H
#define MOKHOA_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct rate {
	unsigned per_second;
	unsigned burst;
	uint64_t filled_ms;   /* when the bucket was looked at last */
	uint64_t thousandths; /* of a token */
};

/* A full bucket. */
struct rate rate_new(unsigned per_second, unsigned burst, uint64_t now_ms);

/* Takes one token; false where there is none. now_ms never goes back. */
bool rate_take(struct rate *r, uint64_t now_ms);

#endif
