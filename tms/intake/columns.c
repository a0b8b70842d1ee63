/* SPDX-License-Identifier: Apache-2.0 */
#include "columns.h"

#include <string.h>

const char *
columns_place(const struct columns *c, const struct csv_row *head, size_t *ret_at)
{
	for (size_t column = 0; column < c->count; column++)
		ret_at[column] = CSV_FIELDS_MAX;
	for (size_t i = 0; i < head->count; i++) {
		size_t column = 0;
		while (column < c->count && strcmp(c->names[column], head->fields[i]) != 0)
			column++;
		if (column == c->count)
			return "a column that is not known";
		if (ret_at[column] != CSV_FIELDS_MAX)
			return "a column that stands there twice";
		ret_at[column] = i;
	}
	for (size_t column = 0; column < c->needed; column++)
		if (ret_at[column] == CSV_FIELDS_MAX)
			return c->missing;
	return NULL;
}

void
columns_write(struct buf *b, const char *const *fields, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		csv_write(b, fields[i]);
		buf_add_text(b, i + 1 < count ? "," : "\r\n");
	}
}
