/* SPDX-License-Identifier: Apache-2.0 */
/* import: a table of sealed tokens on stdin into the store (../intake/intake.h), what became of each line on stderr and in a report. */
#include "desk.h"

#include "intake.h"
#include "options.h"
#include "os.h"
#include "report.h"
#include "table.h"

#include <stdio.h>
#include <stdlib.h>

struct import {
	struct intake intake;
	struct report report;
	const char *report_file;
};

static enum err
import_row(const struct sheet_row *row, void *context, const char **ret_cause)
{
	struct import *i = context;

	return intake_take(&i->intake, row, ret_cause);
}

static void
bad_row(const struct sheet_row *row, enum err e, const char *cause, void *context)
{
	struct import *i = context;

	intake_bad(&i->intake, row, e, cause);
}

static void
say(const struct intake_line *l, void *context)
{
	struct import *i = context;

	report_add(&i->report, l);
}

static void
print(const struct import *i, const struct table_count *count)
{
	const unsigned *n = i->report.counts;
	unsigned imported = n[INTAKE_IMPORTED] + n[INTAKE_IMPORTED_SHARED];
	unsigned kept = n[INTAKE_SAME] + n[INTAKE_NEWER];

	printf("lines=%u imported=%u refused=%u", count->lines, imported, count->lines - imported - kept);
	if (kept != 0)
		printf(" kept=%u", kept);
	if (n[INTAKE_IMPORTED_SHARED] != 0)
		printf(" shared=%u", n[INTAKE_IMPORTED_SHARED]);
	printf("%s\n", i->intake.dry_run ? " dry-run" : "");
}

static enum err
import(struct import *i)
{
	const struct table_reader reader = { .key_name = "sealed", .each = import_row, .bad = bad_row, .context = i };
	const struct config *config = i->intake.config;
	struct table_count count;
	enum err e = intake_begin(&i->intake);
	enum err written;

	if (e == ERR_OK)
		e = store_open(config->database, &i->intake.store);
	if (e != ERR_OK) {
		options_complain(e, e == ERR_CONFIG_INVALID ? config->escrow_log : config->database);
		return e;
	}
	e = table_run(&reader, &count);
	written = intake_end(&i->intake);
	if (written != ERR_OK) {
		e = written;
		options_complain(e, "lines that were not yet committed were taken back; run it again");
	}
	print(i, &count);
	store_close(i->intake.store);
	return e;
}

static enum err
run(struct import *i)
{
	enum err e = report_open(&i->report, i->report_file);

	if (e == ERR_OK)
		e = import(i);
	else
		options_complain(e, i->report_file);
	if (report_close(&i->report) != ERR_OK && e == ERR_OK) {
		e = ERR_FILE_FAILED;
		options_complain(e, i->report_file);
	}
	return e;
}

int
desk_import(int argc, char **argv)
{
	const char *config_file = NULL;
	struct import *i = calloc(1, sizeof(*i));
	struct config *config = NULL;
	int status = 1;

	if (i == NULL) {
		options_complain(ERR_NO_MEMORY, NULL);
		return 1;
	}
	i->intake.now = os_time();
	i->intake.each = say;
	i->intake.context = i;
	const struct option_row options[] = {
		{ .name = "--config", .value = &config_file, .required = true },
		{ .name = "--dry-run", .given = &i->intake.dry_run },
		{ .name = "--report", .value = &i->report_file },
	};
	if (options_read(argc, argv, options, sizeof(options) / sizeof(options[0])) != ERR_OK) {
		status = 2;
	} else if (options_config(config_file, &config) == ERR_OK) {
		i->intake.config = config;
		status = run(i) == ERR_OK ? 0 : 1;
	}
	config_free(config);
	free(i);
	return status;
}
