/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv: a text of comma-separated values (RFC 4180), strictly read: UTF-8 that can be shown, no blank at the end of a field, quotes only
 * around a whole field. A byte order mark in front is passed over, and a line may end with a line feed alone.
 *
 * The text is borrowed; a row's fields belong to the reader until the next row. Fields may be secrets: csv_close() wipes them.
 */
#ifndef MOKHOA_CSV_H
#define MOKHOA_CSV_H

#include "buf.h"
#include "err.h"

#include <stdbool.h>
#include <stddef.h>

#define CSV_FIELDS_MAX 16   /* of a row */
#define CSV_ROW_MAX    8192 /* bytes of a row's fields */

struct csv {
	const char *text;
	size_t len;
	size_t at;
	unsigned line;		  /* of the next row, from 1 */
	char fields[CSV_ROW_MAX]; /* of the last row, each with a NUL */
};

struct csv_row {
	unsigned line;
	size_t count;
	const char *fields[CSV_FIELDS_MAX];
};

void csv_open(struct csv *c, const void *text, size_t len);
void csv_close(struct csv *c);

/* Whether there is another row. */
bool csv_more(const struct csv *c);

/* ERR_CSV_INVALID, the cause says why: then the reader stands on the next line and ret_row has the number of the bad one. */
enum err csv_next(struct csv *c, struct csv_row *ret_row, const char **ret_cause);

/* Appends a field, in quotes where it needs them; the comma or line end behind it is the caller's. */
void csv_write(struct buf *b, const char *field);

#endif
