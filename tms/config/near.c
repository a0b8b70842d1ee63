/* SPDX-License-Identifier: Apache-2.0 */
#include "near.h"

#include <limits.h>
#include <stddef.h>
#include <string.h>

#define WORD_MAX 32

static unsigned
least(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;

	return least < c ? least : c;
}

unsigned
near_distance(const char *a, const char *b)
{
	unsigned cost[WORD_MAX + 1][WORD_MAX + 1];
	size_t rows = strlen(a);
	size_t columns = strlen(b);

	if (rows > WORD_MAX || columns > WORD_MAX)
		return UINT_MAX;
	for (size_t i = 0; i <= rows; i++)
		cost[i][0] = (unsigned)i;
	for (size_t j = 0; j <= columns; j++)
		cost[0][j] = (unsigned)j;
	for (size_t i = 1; i <= rows; i++)
		for (size_t j = 1; j <= columns; j++) {
			unsigned change = a[i - 1] != b[j - 1];
			cost[i][j] = least(cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + change);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && cost[i - 2][j - 2] + 1 < cost[i][j])
				cost[i][j] = cost[i - 2][j - 2] + 1;
		}
	return cost[rows][columns];
}

int
near_may_mean(const char *word, const char *known)
{
	unsigned distance = near_distance(word, known);

	return distance != UINT_MAX && distance <= (strlen(known) + 2) / 3;
}
