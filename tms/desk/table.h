/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table: a whole table of tokens (sheet.h) from stdin, row by row, every bad line named on stderr, so that one run shows them all. A long one says how far
 * it has come: a line that is written over on a terminal, one line every 10,000 rows elsewhere.
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

/* What is done with the rows. */
struct table_reader {
	const char *key_name; /* as in sheet_open() */

	/* A good row; its error refuses that row alone, for a cause that it may name. */
	enum err (*each)(const struct sheet_row *row, void *context, const char **ret_cause);

	/* A row that is none, and why; its token may be empty. NULL: nothing more than what is said. */
	void (*bad)(const struct sheet_row *row, enum err e, const char *cause, void *context);
	void *context;
};

/* ERR_OK where nothing was refused, else the first error, which was said. */
enum err table_run(const struct table_reader *reader, struct table_count *ret_count);

#endif
