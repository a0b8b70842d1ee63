/* SPDX-License-Identifier: Apache-2.0 */
#include "hour.h"

/* Forgets the minutes that have become older than an hour. */
static void
move_to(struct hour *h, uint64_t minute)
{
	if (minute - h->minute >= HOUR_MINUTES)
		h->minute = minute - HOUR_MINUTES;
	while (h->minute < minute)
		h->rows[++h->minute % HOUR_MINUTES] = 0;
}

unsigned
hour_sum(const struct hour *h)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < HOUR_MINUTES; i++)
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
	h->rows[h->minute % HOUR_MINUTES] += count;
	return true;
}

void
hour_return(struct hour *h, unsigned count)
{
	unsigned *rows = &h->rows[h->minute % HOUR_MINUTES];

	*rows -= count < *rows ? count : *rows;
}

void
hour_read(const struct hour *h, uint64_t now_ms, unsigned ret[HOUR_MINUTES])
{
	struct hour now = *h;

	move_to(&now, now_ms / 60000);
	for (uint64_t i = 0; i < HOUR_MINUTES; i++)
		ret[i] = now.rows[(now.minute + HOUR_MINUTES - i) % HOUR_MINUTES];
}

void
hour_set(struct hour *h, uint64_t now_ms, uint64_t age, const unsigned counts[HOUR_MINUTES])
{
	h->minute = now_ms / 60000;
	for (uint64_t i = 0; i < HOUR_MINUTES; i++)
		h->rows[(h->minute + HOUR_MINUTES - i) % HOUR_MINUTES] = i >= age ? counts[i - age] : 0;
}
