/* SPDX-License-Identifier: Apache-2.0 */
#include "rate.h"

#define TOKEN 1000u

struct rate
rate_new(unsigned per_second, unsigned burst, uint64_t now_ms)
{
	return (struct rate){ per_second, burst, now_ms, (uint64_t)burst * TOKEN };
}

bool
rate_take(struct rate *r, uint64_t now_ms)
{
	uint64_t full = (uint64_t)r->burst * TOKEN;
	uint64_t passed = now_ms - r->filled_ms;

	/* a pause that fills the bucket whatever it held: its product could be larger than a number */
	if (passed >= full)
		r->thousandths = full;
	else
		r->thousandths += passed * r->per_second;
	if (r->thousandths > full)
		r->thousandths = full;
	r->filled_ms = now_ms;
	if (r->thousandths < TOKEN)
		return false;
	r->thousandths -= TOKEN;
	return true;
}
