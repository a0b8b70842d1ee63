/* SPDX-License-Identifier: Apache-2.0 */
#include "rows.h"

#include "options.h"
#include "os.h"

#include <stdio.h>
#include <unistd.h>

#define ROWS_MAX ((size_t)1 << 20) /* bytes of a table of types or modules */

const char rows_absent[] = "";

static void
complain(unsigned line, enum err e, const char *cause)
{
	char detail[256];

	snprintf(detail, sizeof(detail), "line %u%s%s", line, cause != NULL ? ": " : "", cause != NULL ? cause : "");
	options_complain(e, detail);
}

struct work {
	const struct columns *columns;
	size_t at[CSV_FIELDS_MAX];
	size_t width; /* of the table */
	enum err (*each)(const char *const *fields, void *context, const char **ret_cause);
	void *context;
};

static enum err
take_row(const struct work *w, const struct csv_row *row, const char **ret_cause)
{
	const char *fields[CSV_FIELDS_MAX];

	if (row->count != w->width) {
		*ret_cause = "not as many fields as columns";
		return ERR_CSV_INVALID;
	}
	for (size_t column = 0; column < w->columns->count; column++)
		fields[column] = w->at[column] != CSV_FIELDS_MAX ? row->fields[w->at[column]] : rows_absent;
	return w->each(fields, w->context, ret_cause);
}

static enum err
take_head(struct work *w, struct csv *csv)
{
	struct csv_row row;
	const char *cause = NULL;
	enum err e = csv_next(csv, &row, &cause);

	if (e == ERR_OK)
		cause = columns_place(w->columns, &row, w->at);
	if (cause != NULL) {
		complain(1, ERR_CSV_INVALID, cause);
		return ERR_CSV_INVALID;
	}
	w->width = row.count;
	return ERR_OK;
}

enum err
rows_run(const struct columns *c, enum err (*each)(const char *const *fields, void *context, const char **ret_cause), void *context,
    unsigned *ret_taken)
{
	struct work w = { .columns = c, .each = each, .context = context };
	struct buf text = buf_new(ROWS_MAX);
	struct csv csv;
	enum err first = os_read_to_end(STDIN_FILENO, &text);

	*ret_taken = 0;
	if (first != ERR_OK) {
		options_complain(first, "stdin");
		buf_free(&text);
		return first;
	}
	csv_open(&csv, text.data, text.len);
	first = take_head(&w, &csv);
	while (w.width != 0 && csv_more(&csv)) {
		struct csv_row row;
		const char *cause = NULL;
		enum err e = csv_next(&csv, &row, &cause);

		if (e == ERR_OK)
			e = take_row(&w, &row, &cause);
		if (e == ERR_OK) {
			(*ret_taken)++;
			continue;
		}
		complain(row.line, e, cause);
		if (first == ERR_OK)
			first = e;
	}
	csv_close(&csv);
	buf_free(&text);
	return first;
}

enum err
rows_print(enum err e, const struct buf *b)
{
	if (e == ERR_OK)
		e = buf_error(b);
	if (e == ERR_OK && !os_write_all(STDOUT_FILENO, b->data, b->len))
		e = ERR_INTERNAL;
	if (e != ERR_OK)
		options_complain(e, NULL);
	return e;
}
