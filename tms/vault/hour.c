/* SPDX-License-Identifier: Apache-2.0 */
#include "hour.h"

#define MINUTES (sizeof(((struct hour *)0)->rows) / sizeof(unsigned))

/* Forgets the minutes that have become older than an hour. */
static void
move_to(struct hour *h, uint64_t minute)
{
	if (minute - h->minute >= MINUTES)
		h->minute = minute - MINUTES;
	while (h->minute < minute)
		h->rows[++h->minute % MINUTES] = 0;
}

unsigned
hour_sum(const struct hour *h)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < MINUTES; i++)
		sum += h->rows[i];
	return sum;
}

bool
hour_take(struct hour *h, uint64_t now_ms, unsigned count)
{
	unsigned sum;

	move_to(h, now_ms / 60000);
	sum = hour_sum(h);
	if (sum > h->max || count > h->max - sum)
		return false;
	h->rows[h->minute % MINUTES] += count;
	return true;
}
