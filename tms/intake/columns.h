/* SPDX-License-Identifier: Apache-2.0 */
/* columns: a CSV table whose first line names its columns, in any order. Pure; any thread may call. */
#ifndef MOKHOA_COLUMNS_H
#define MOKHOA_COLUMNS_H

#include "csv.h"
#include "err.h"

#include <stddef.h>

struct columns {
	const char *const *names; /* at most CSV_FIELDS_MAX */
	size_t count;
	size_t needed;	     /* the first of them must be there */
	const char *missing; /* what is said where one is not */
};

/* Where each column stands in the first line, CSV_FIELDS_MAX for one that is missing; NULL, or what is wrong with it. */
const char *columns_place(const struct columns *c, const struct csv_row *head, size_t *ret_at);

/* One line of such a table. */
void columns_write(struct buf *b, const char *const *fields, size_t count);

#endif
