/* SPDX-License-Identifier: Apache-2.0 */
/*
 * columns: a CSV table whose first line names its columns, in any order. The rows of columns_run() have their fields in the order of the names that
 * the caller gives, "" for a column that the table does not have.
 */
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

/* What each() is given of a column that the table does not have: an empty text, told from others by its place. */
extern const char columns_absent[];

/*
 * The table on stdin. Calls each() for every row, whose error refuses that row alone, for a cause that it may name; every bad line is said on
 * stderr. ERR_OK where nothing was refused, else the first error. *ret_taken counts the rows that were not refused.
 */
enum err columns_run(const struct columns *c, enum err (*each)(const char *const *fields, void *context, const char **ret_cause), void *context,
    unsigned *ret_taken);

/* One line of such a table, and the whole on stdout: all or nothing, e being what came before. */
void columns_write(struct buf *b, const char *const *fields, size_t count);
enum err columns_print(enum err e, const struct buf *b);

#endif
