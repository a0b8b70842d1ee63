/* SPDX-License-Identifier: Apache-2.0 */
/* rows: a table of types or modules (columns.h) from stdin and to stdout. Each row's fields stand in the order of the names that the caller gives. */
#ifndef MOKHOA_ROWS_H
#define MOKHOA_ROWS_H

#include "columns.h"

/* What each() is given of a column that the table does not have: an empty text, told from others by its place. */
extern const char rows_absent[];

/*
 * The table on stdin. Calls each() for every row, whose error refuses that row alone, for a cause that it may name; every bad line is said on
 * stderr. ERR_OK where nothing was refused, else the first error. *ret_taken counts the rows that were not refused.
 */
enum err rows_run(const struct columns *c, enum err (*each)(const char *const *fields, void *context, const char **ret_cause), void *context,
    unsigned *ret_taken);

/* The whole on stdout: all or nothing, e being what came before. */
enum err rows_print(enum err e, const struct buf *b);

#endif
