/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table: a whole table of tokens (sheet.h) from stdin, row by row, every bad line named on stderr, so that one run shows them all.
 */
#ifndef MOKHOA_TABLE_H
#define MOKHOA_TABLE_H

#include "err.h"
#include "sheet.h"

#define TABLE_MAX ((size_t)1 << 29) /* bytes */

struct table_count {
	unsigned lines; /* the names of the columns not counted */
	unsigned refused;
};

/*
 * Calls each() for every good row; its error refuses that row alone, for a cause that it may name. ERR_OK where nothing was refused, else the first
 * error, which was said. key_name as in sheet_open().
 */
enum err table_run(const char *key_name, enum err (*each)(const struct sheet_row *row, void *context, const char **ret_cause), void *context,
    struct table_count *ret_count);

#endif
