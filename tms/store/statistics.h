/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statistics: how many requests there were, by day, agency, kind of token and state, and how long people took. A day is one of Vietnam's, which has no summer time: days since 1970 there.
 * What is counted is what a person of the scope sees (store_scope()). Each is read along an index made for it, so that a year of a million requests takes no sorting.
 */
#ifndef MOKHOA_STATISTICS_H
#define MOKHOA_STATISTICS_H

#include "store.h"

#define STORE_REPORT_ZONE_S	  25200
#define STORE_REPORT_DAY(seconds) (((seconds) + STORE_REPORT_ZONE_S) / 86400)

struct store_report_row {
	int64_t day;
	char agency[STORE_AGENCY_SIZE]; /* or empty */
	enum state state;
	struct token_name kind; /* without a serial number */
	int64_t count;
};

/* Of the requests that were asked for on the days first <= day < end. */
enum err store_report(struct store *s, int64_t first, int64_t end, void (*each)(const struct store_report_row *row, void *context), void *context);

/* How many of those that were approved, and not taken back, waited so many minutes for it. A number of minutes may come more than once. */
enum err store_report_waits(struct store *s, int64_t first, int64_t end, void (*each)(int64_t minutes, int64_t count, void *context), void *context);

#endif
