/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include "options.h"
#include "os.h"

#include <stdio.h>
#include <unistd.h>

#define LINES_SAID  10000 /* rows between two lines of progress that stay */
#define LINES_SHOWN 64	  /* rows between two looks at the clock */
#define SHOWN_MS    200

struct progress {
	bool terminal;
	bool shown; /* an unfinished line stands on the terminal */
	uint64_t last_ms;
};

static void
complain(struct progress *p, unsigned line, const char *serial, enum err e, const char *cause)
{
	char detail[256];

	if (p->shown)
		fprintf(stderr, "\n");
	p->shown = false;
	snprintf(detail, sizeof(detail), "line %u%s%s%s%s", line, serial[0] != '\0' ? ", serial " : "", serial, cause[0] != '\0' ? ": " : "", cause);
	options_complain(e, detail);
}

/* How far it has come: rows, and what part of the text. */
static void
show(struct progress *p, const struct sheet *s, unsigned lines)
{
	unsigned percent = s->csv.len != 0 ? (unsigned)((uint64_t)s->csv.at * 100 / s->csv.len) : 100;

	if (!p->terminal) {
		if (lines % LINES_SAID == 0)
			fprintf(stderr, "mokhoa-tms: lines=%u percent=%u\n", lines, percent);
		return;
	}
	if (lines % LINES_SHOWN != 0 || os_now_ms() - p->last_ms < SHOWN_MS)
		return;
	fprintf(stderr, "\rmokhoa-tms: lines=%u percent=%u", lines, percent);
	p->last_ms = os_now_ms();
	p->shown = true;
}

static enum err
run_rows(struct sheet *s, const struct table_reader *r, struct progress *p, struct table_count *count)
{
	struct sheet_row row;
	const char *cause = NULL;
	enum err first = ERR_OK;
	enum err e;

	while (sheet_next(s, &row, &e, &cause)) {
		count->lines++;
		if (e == ERR_OK) {
			cause = "";
			e = r->each(&row, r->context, &cause);
		} else if (r->bad != NULL) {
			r->bad(&row, e, cause, r->context);
		}
		show(p, s, count->lines);
		if (e == ERR_OK)
			continue;
		count->refused++;
		complain(p, row.line, row.token.serial, e, cause);
		if (first == ERR_OK)
			first = e;
	}
	return first;
}

enum err
table_run(const struct table_reader *reader, struct table_count *ret_count)
{
	struct progress p = { .terminal = isatty(STDERR_FILENO) == 1, .last_ms = os_now_ms() };
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
	e = sheet_open(&s, reader->key_name, text.data, text.len, &cause);
	if (e != ERR_OK)
		complain(&p, 1, "", e, cause);
	else
		e = run_rows(&s, reader, &p, ret_count);
	if (p.shown)
		fprintf(stderr, "\n");
	sheet_close(&s);
	buf_free(&text);
	return e;
}
