/* SPDX-License-Identifier: Apache-2.0 */
#include "admin_import.h"

#include "answer.h"
#include "decode.h"
#include "intake.h"

#include <stdlib.h>
#include <string.h>

struct part {
	struct intake intake;
	struct sheet sheet;
	json_t *rows;
	unsigned counts[INTAKE_RESULT_COUNT];
	unsigned lines;
	enum err failed; /* what ended it behind the lines that were looked at */
};

static void
add(struct part *p, unsigned line, const struct token_name *token, enum intake_result result, const char *cause)
{
	p->counts[result]++;
	/* a row that could not be made leaves no array, and that is found at the end */
	if (json_array_append_new(p->rows, json_pack("{s:I, s:s, s:s, s:s, s:s, s:s}",
					       "line", (json_int_t)line,
					       "manufacturer", token->manufacturer,
					       "model", token->model,
					       "serial", token->serial,
					       "result", intake_result_name(result),
					       "cause", cause)) != 0) {
		json_decref(p->rows);
		p->rows = NULL;
	}
}

static void
say(const struct intake_line *l, void *context)
{
	add(context, l->line, &l->token, l->result, l->cause);
}

/* Whether the first line names a column of SO PINs in clear: such a table has left its place already, and nothing of it is looked at. */
static bool
is_in_clear(struct csv *csv, const char *table, size_t len)
{
	struct csv_row row;
	const char *cause;
	bool clear = false;

	csv_open(csv, table, len);
	if (csv_next(csv, &row, &cause) == ERR_OK)
		for (size_t i = 0; i < row.count; i++)
			clear = clear || strcmp(row.fields[i], "so_pin") == 0;
	csv_close(csv);
	return clear;
}

static unsigned
lines_of(const char *table, size_t len)
{
	unsigned lines = 0;

	for (size_t i = 0; i < len; i++)
		lines += table[i] == '\n';
	return lines;
}

static void
take_rows(struct part *p)
{
	struct sheet_row row;
	const char *cause = NULL;
	enum err e;

	while (sheet_next(&p->sheet, &row, &e, &cause)) {
		p->lines++;
		if (e == ERR_OK)
			(void)intake_take(&p->intake, &row, &cause);
		else
			intake_bad(&p->intake, &row, e, cause);
		cause = NULL;
	}
}

static enum err
take(struct part *p, const struct decode_import *d)
{
	const struct token_name nobody = { .serial = "" };
	const char *cause = NULL;
	enum err e = sheet_open(&p->sheet, "sealed", d->table, d->len, &cause);

	if (e == ERR_CSV_INVALID)
		add(p, 1, &nobody, INTAKE_INVALID, cause);
	else if (e == ERR_OK)
		take_rows(p);
	sheet_close(&p->sheet);
	return e == ERR_CSV_INVALID ? ERR_OK : e;
}

/* Each row that was written has one of its own; this one says who has had how many compared, which tells him something each time. */
static enum err
write_down(struct call *c, const struct part *p)
{
	const unsigned *n = p->counts;
	enum err e = call_begin(c);

	if (e == ERR_OK)
		e = call_audit(c, NULL, 0, "import_table", "dry_run=%s lines=%u imported=%u same=%u differs=%u", p->intake.dry_run ? "yes" : "no", p->lines,
		    n[INTAKE_IMPORTED] + n[INTAKE_IMPORTED_SHARED], n[INTAKE_SAME], n[INTAKE_DIFFERS]);
	return call_end(c, e);
}

/* What a comparison has found is told only where it is written down that there was one. */
static void
forget_compared(struct part *p)
{
	json_t *row;
	size_t i;

	json_array_foreach(p->rows, i, row)
	{
		const char *result = json_string_value(json_object_get(row, "result"));
		if (result != NULL && (strcmp(result, intake_result_name(INTAKE_SAME)) == 0 || strcmp(result, intake_result_name(INTAKE_DIFFERS)) == 0))
			json_object_set_new(row, "result", json_string(intake_result_name(INTAKE_NOT_COMPARED)));
	}
}

/* An error is the answer only before a line was looked at: what was written of a part is on record, whatever failed behind it. */
static enum err
run(struct call *c, struct part *p, const struct decode_import *d)
{
	enum err e;

	p->intake.config = c->service->config;
	p->intake.store = c->store;
	p->intake.now = c->now;
	p->intake.person = c->person->id;
	p->intake.dry_run = d->dry_run;
	p->intake.each = say;
	p->intake.context = p;
	/* where the log cannot be written the configuration is what it was at the start: its disk is not */
	if (intake_begin(&p->intake) != ERR_OK)
		return ERR_ESCROW_LOG_FAILED;
	e = take(p, d);
	p->failed = intake_end(&p->intake);
	if (e != ERR_OK)
		return e;
	e = write_down(c, p);
	if (e != ERR_OK)
		forget_compared(p);
	if (p->failed == ERR_OK)
		p->failed = e;
	return ERR_OK;
}

enum err
op_admin_import(struct call *c, json_t **ret_answer)
{
	struct part *p;
	struct decode_import d;
	enum err e = decode_import(c->body, &d);

	if (e == ERR_OK && lines_of(d.table, d.len) > ADMIN_IMPORT_ROWS + 1)
		e = ERR_INVALID_PARAMS;
	if (e != ERR_OK)
		return e;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return ERR_NO_MEMORY;
	p->rows = json_array();
	if (is_in_clear(&p->sheet.csv, d.table, d.len))
		e = ERR_TABLE_UNSEALED;
	if (e == ERR_OK)
		e = run(c, p, &d);
	if (e == ERR_OK)
		e = answer_packed(json_pack("{s:o, s:b, s:s}", "rows", p->rows, "dry_run", (int)d.dry_run, "failed", p->failed != ERR_OK ? err_name(p->failed) : ""), ret_answer);
	else
		json_decref(p->rows);
	free(p);
	return e;
}
