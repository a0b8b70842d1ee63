/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include "options.h"
#include "os.h"

#include <stdio.h>
#include <unistd.h>

static void
complain(unsigned line, const char *serial, enum err e, const char *cause)
{
	char detail[256];

	snprintf(detail, sizeof(detail), "line %u%s%s%s%s", line, serial[0] != '\0' ? ", serial " : "", serial, cause[0] != '\0' ? ": " : "", cause);
	options_complain(e, detail);
}

static enum err
run_rows(struct sheet *s, enum err (*each)(const struct sheet_row *row, void *context, const char **ret_cause), void *context,
    struct table_count *count)
{
	struct sheet_row row;
	const char *cause = NULL;
	enum err first = ERR_OK;
	enum err e;

	while (sheet_next(s, &row, &e, &cause)) {
		count->lines++;
		if (e == ERR_OK) {
			cause = "";
			e = each(&row, context, &cause);
		}
		if (e == ERR_OK)
			continue;
		count->refused++;
		complain(row.line, row.token.serial, e, cause);
		if (first == ERR_OK)
			first = e;
	}
	return first;
}

enum err
table_run(const char *key_name, enum err (*each)(const struct sheet_row *row, void *context, const char **ret_cause), void *context,
    struct table_count *ret_count)
{
	struct buf text = buf_new(TABLE_MAX);
	struct sheet s;
	const char *cause = "";
	enum err e = os_read_to_end(STDIN_FILENO, &text);

	*ret_count = (struct table_count){ 0 };
	if (e != ERR_OK) {
		options_complain(e, "stdin");
		buf_free(&text);
		return e;
	}
	e = sheet_open(&s, key_name, text.data, text.len, &cause);
	if (e != ERR_OK)
		complain(1, "", e, cause);
	else
		e = run_rows(&s, each, context, ret_count);
	sheet_close(&s);
	buf_free(&text);
	return e;
}
