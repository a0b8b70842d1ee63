/* SPDX-License-Identifier: Apache-2.0 */
/* A table of tokens, and what is read of it written and read again. */
#include "csv.h"
#include "sheet.h"
#include "text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct csv csv, again;
static struct sheet sheet;

static void
write_and_read_again(const struct csv_row *row)
{
	struct buf b = buf_new(4 * CSV_ROW_MAX);
	struct csv_row second;
	const char *cause;

	for (size_t i = 0; i < row->count; i++) {
		if (!text_is_showable(row->fields[i], strlen(row->fields[i])))
			abort();
		csv_write(&b, row->fields[i]);
		buf_add_text(&b, i + 1 < row->count ? "," : "\r\n");
	}
	csv_open(&again, b.data, b.len);
	/* a single empty field is an empty line, and a row that begins with the mark loses it */
	if (row->count > 1 && strncmp(row->fields[0], "\xef\xbb\xbf", 3) != 0) {
		if (csv_next(&again, &second, &cause) != ERR_OK || second.count != row->count || csv_more(&again))
			abort();
		for (size_t i = 0; i < row->count; i++)
			if (strcmp(row->fields[i], second.fields[i]) != 0)
				abort();
	}
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct csv_row row;
	struct sheet_row token;
	const char *cause = NULL;
	unsigned line = 0;
	enum err e;

	csv_open(&csv, data, size);
	while (csv_more(&csv)) {
		e = csv_next(&csv, &row, &cause);
		if (row.line != ++line || (e == ERR_OK) != (cause == NULL))
			abort();
		if (e == ERR_OK)
			write_and_read_again(&row);
	}
	if (sheet_open(&sheet, size % 2 == 0 ? "so_pin" : "sealed", data, size, &cause) == ERR_OK)
		while (sheet_next(&sheet, &token, &e, &cause))
			if (e == ERR_OK && token.token.serial[0] == '\0')
				abort();
	sheet_close(&sheet);
	return 0;
}
