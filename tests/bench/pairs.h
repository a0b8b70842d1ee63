/* SPDX-License-Identifier: Apache-2.0 */
/* pairs: what is measured in turns, A B A B, so that what else the machine does falls on both; and its row of run.sh. Needs POSIX's clock_gettime(). */
#ifndef MOKHOA_PAIRS_H
#define MOKHOA_PAIRS_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PAIRS_MAX 10000

static inline double
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static inline int
pairs_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static inline double
pairs_quantile(const double *sorted, size_t n, double q)
{
	return sorted[(size_t)(q * (double)(n - 1))];
}

/* Prints the row of n pairs in microseconds, at most PAIRS_MAX, which are sorted for it; 1 where the median of their ratios is above the goal. */
static inline int
pairs_report(const char *name, double goal, double *value, double *against, size_t n)
{
	static double ratio[PAIRS_MAX];
	double median;

	for (size_t i = 0; i < n; i++)
		ratio[i] = value[i] / against[i];
	qsort(value, n, sizeof(*value), pairs_compare);
	qsort(against, n, sizeof(*against), pairs_compare);
	qsort(ratio, n, sizeof(*ratio), pairs_compare);
	median = pairs_quantile(ratio, n, 0.5);
	printf("{\"name\": \"%s\", \"value\": %.0f, \"unit\": \"us\", \"against\": %.0f, \"ratio\": %.3f, \"n\": %zu, "
	       "\"spread\": [%.3f, %.3f], \"goal\": %.2f, \"met\": %s}\n",
	    name, pairs_quantile(value, n, 0.5), pairs_quantile(against, n, 0.5), median, n, pairs_quantile(ratio, n, 0.25),
	    pairs_quantile(ratio, n, 0.75), goal, median <= goal ? "true" : "false");
	return median > goal;
}

#endif
