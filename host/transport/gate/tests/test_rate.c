/* SPDX-License-Identifier: Apache-2.0 */
/* How many pass in a burst, in a second, and after a long sleep. */
#include "rate.h"

#include "check.h"

static unsigned
taken(struct rate *r, uint64_t now_ms, unsigned tries)
{
	unsigned count = 0;

	for (unsigned i = 0; i < tries; i++)
		count += rate_take(r, now_ms);
	return count;
}

int
main(void)
{
	struct rate r = rate_new(20, 40, 1000);

	CHECK(taken(&r, 1000, 100) == 40);
	CHECK(taken(&r, 1049, 100) == 0);
	CHECK(taken(&r, 1050, 100) == 1);
	CHECK(taken(&r, 2050, 100) == 20);
	CHECK(taken(&r, 2000000, 100) == 40);
	CHECK(taken(&r, UINT64_MAX, 100) == 40);
	/* nothing is lost to rounding: a token every 50 ms, looked at every millisecond */
	r = rate_new(20, 1, 0);
	CHECK(taken(&r, 0, 1) == 1);
	{
		unsigned count = 0;
		for (uint64_t now = 1; now <= 1000; now++)
			count += taken(&r, now, 1);
		CHECK(count == 20);
	}
	return CHECK_DONE();
}
