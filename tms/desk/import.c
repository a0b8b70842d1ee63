/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import: a table of sealed tokens into the store. Each line stands alone: a bad one is named, the others are taken. Many lines are written
 * at once, because each commit waits for the disk, and after the vault was asked about each, because nobody else writes in a transaction; a store that fails ends the
 * whole, and what was committed stays: the same table is run again.
 *
 * What is on record is never changed. Whether the table says the same of it only the vault can tell (vault_compare()), and only so often an hour.
 * Where a vault answers, a new row is looked at by it, too: it must open, and is kept under the vault's newest key.
 */
#include "desk.h"

#include "escrow_log.h"
#include "key.h"
#include "options.h"
#include "os.h"
#include "report.h"
#include "table.h"
#include "text.h"
#include "vault_client.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define BATCH 64 /* rows a transaction */

/* A new row, as it is to be written. */
struct waiting {
	struct store_token token;
	struct vault_row sealed;
	bool shared;
};

struct import {
	const struct config *config;
	struct store *store;
	struct waiting waiting[BATCH];
	size_t waiting_count;
	struct report report;
	const char *report_file;
	bool dry_run;
	enum err broken; /* store or escrow log have failed */
	enum err vault;	 /* why it is asked no more */
	int64_t now;
};

/* ---- the transaction ---- */

static enum err
audit(struct store *s, int64_t id, const struct store_token *t, bool shared)
{
	struct store_audit a = { .created = t->created, .who = "desk", .what = "import", .token = id };

	snprintf(a.detail, sizeof(a.detail), "shared=%s agency=%s", shared ? "yes" : "no", t->agency);
	return store_audit_add(s, &a);
}

static enum err
put(struct import *i, const struct waiting *w, struct buf *log)
{
	int64_t id;
	enum err e = store_token_import(i->store, &w->token, SHEET_VERSION, w->sealed.sealed, &id);

	if (e == ERR_OK)
		e = store_token_describe(i->store, id, w->shared, w->sealed.key);
	if (e == ERR_OK)
		e = audit(i->store, id, &w->token, w->shared);
	if (e == ERR_OK)
		e = escrow_log_add(i->store, &w->token.name, 0, i->now, log);
	return e == ERR_OK ? buf_error(log) : e;
}

/* The log comes first, one sync for all lines of the batch: what the database may lose it must know. */
static enum err
write_waiting(struct import *i)
{
	struct buf log;
	enum err e;

	if (i->waiting_count == 0)
		return ERR_OK;
	e = store_begin(i->store);
	if (e != ERR_OK)
		return e;
	log = escrow_log_batch(BATCH);
	for (size_t n = 0; e == ERR_OK && n < i->waiting_count; n++)
		e = put(i, &i->waiting[n], &log);
	if (e == ERR_OK)
		e = escrow_log_write(i->config, i->store, &log);
	buf_free(&log);
	return store_end(i->store, e);
}

/* Nothing of what waits is written; every line from here on fails. */
static enum err
give_up(struct import *i, enum err why)
{
	i->waiting_count = 0;
	report_flush(&i->report, false);
	if (i->broken == ERR_OK)
		i->broken = why;
	return i->broken;
}

static enum err
commit(struct import *i)
{
	enum err e = write_waiting(i);

	if (e != ERR_OK)
		return give_up(i, e);
	i->waiting_count = 0;
	report_flush(&i->report, true);
	return ERR_OK;
}

/* ---- one line ---- */

/* What a line is about. */
struct line {
	const struct sheet_row *row;
	struct vault_row sealed;
	char agency[STORE_AGENCY_SIZE];
	enum report_result result;
	const char *cause;
};

/* Nothing can be opened here, but what is no row at all is seen. */
static bool
read_sealed(const char *text, struct vault_row *ret)
{
	size_t len;

	*ret = (struct vault_row){ .version = SHEET_VERSION };
	return text_b64_decode(text, strlen(text), ret->sealed, sizeof(ret->sealed), &len) && len == sizeof(ret->sealed) && key_kem_public_ok(ret->sealed);
}

/* A vault that is away, or whose hour is used up, is not asked again by this run. */
static bool
asks(struct import *i, enum err e)
{
	if (e == ERR_VAULT_UNREACHABLE || e == ERR_VAULT_LIMIT || e == ERR_VAULT_REFUSED)
		i->vault = e;
	return i->vault == ERR_OK;
}

/* A new row as it is kept. ERR_SEALED_INVALID where the vault is there and cannot open it. */
static enum err
look_at_new(struct import *i, struct line *l)
{
	struct vault_row again;
	enum err e;

	l->result = l->row->shared ? REPORT_IMPORTED_SHARED : REPORT_IMPORTED;
	if (i->vault != ERR_OK)
		return ERR_OK;
	e = vault_rewrap(i->config->vault.socket, &l->row->token, &l->sealed, &again);
	if (e == ERR_OK)
		l->sealed = again;
	if (!asks(i, e) || e == ERR_OK)
		return ERR_OK;
	l->result = REPORT_UNOPENED;
	l->cause = "the vault cannot open it";
	return e;
}

/* Whose customer it is: the agency that the line names, else the one at whose domain the mail address is. */
static enum err
find_agency(struct import *i, struct line *l)
{
	struct store_agency a;
	enum err e;

	if (l->row->agency[0] == '\0')
		return store_agency_of_email(i->store, l->row->email, l->agency);
	e = store_agency_by_id(i->store, l->row->agency, &a);
	if (e == ERR_OK)
		text_copy(l->agency, sizeof(l->agency), a.id);
	if (e == ERR_AGENCY_UNKNOWN) {
		l->result = REPORT_INVALID;
		l->cause = "an agency that is not there: mokhoa-tms agency add";
	}
	return e;
}

static void
wait_for_batch(struct import *i, const struct line *l)
{
	struct waiting *w = &i->waiting[i->waiting_count++];

	*w = (struct waiting){ .token = { .name = l->row->token, .state = STORE_UNVERIFIED, .created = i->now }, .sealed = l->sealed, .shared = l->row->shared };
	text_copy(w->token.customer, sizeof(w->token.customer), l->row->customer);
	text_copy(w->token.email, sizeof(w->token.email), l->row->email);
	text_copy(w->token.certificate_serial, sizeof(w->token.certificate_serial), l->row->certificate_serial);
	text_copy(w->token.agency, sizeof(w->token.agency), l->agency);
}

static enum err
compare(struct import *i, struct line *l, const struct store_escrow *kept)
{
	struct vault_row rows[2] = { l->sealed, { .version = kept->version } };
	bool equal = false;
	enum err e = i->vault;

	memcpy(rows[1].sealed, kept->sealed, sizeof(kept->sealed));
	if (e == ERR_OK)
		e = vault_compare(i->config->vault.socket, &l->row->token, rows, &equal);
	if (!asks(i, e)) {
		l->result = REPORT_NOT_COMPARED;
		l->cause = i->vault == ERR_VAULT_LIMIT ? "not compared: the vault has compared as many as an hour allows" : "not compared: the vault does not answer";
		return ERR_TOKEN_IMPORTED;
	}
	if (e != ERR_OK) {
		l->result = REPORT_UNOPENED;
		l->cause = "the vault cannot open it, or not the row on record";
		return e;
	}
	l->result = equal ? REPORT_SAME : REPORT_DIFFERS;
	return equal ? ERR_OK : ERR_TOKEN_DIFFERS;
}

/*
 * One that is on record, of which nothing is changed. Whatever came after the first import is newer than any table: another row than the first, whose version is that of a
 * table where people have entered it; or a first row that a restore has made of one that was rotated.
 */
static enum err
look_at_kept(struct import *i, struct line *l, const struct store_token *t)
{
	struct store_escrow kept;
	int64_t first = 0;
	enum err e = store_escrow_by_id(i->store, t->active, &kept);

	if (e == ERR_OK)
		e = store_escrow_first(i->store, t->id, &first);
	if (e != ERR_OK)
		return ERR_STORE_FAILED;
	if (t->next != 0 || t->active != first || kept.version > SHEET_VERSION) {
		l->result = REPORT_NEWER;
		return ERR_OK;
	}
	return compare(i, l, &kept);
}

static enum err
judge(struct import *i, struct line *l)
{
	struct store_token t;
	enum err e;

	if (!read_sealed(l->row->key, &l->sealed)) {
		l->result = REPORT_INVALID;
		l->cause = "what stands in the column \"sealed\" was not made by mokhoa-tms seal";
		return ERR_SEALED_INVALID;
	}
	e = store_token_by_name(i->store, &l->row->token, &t);
	if (e == ERR_OK)
		return look_at_kept(i, l, &t);
	if (e != ERR_ESCROW_MISSING)
		return e;
	e = find_agency(i, l);
	if (e == ERR_OK)
		e = look_at_new(i, l);
	if (e == ERR_OK && !i->dry_run)
		wait_for_batch(i, l);
	return e;
}

static enum err
import_row(const struct sheet_row *row, void *context, const char **ret_cause)
{
	struct import *i = context;
	struct line l = { .row = row, .result = REPORT_NOT_WRITTEN, .cause = "" };
	enum err e = i->broken;

	if (e == ERR_OK)
		e = judge(i, &l);
	if (e == ERR_STORE_FAILED || e == ERR_ESCROW_LOG_FAILED || e == ERR_NO_MEMORY) {
		e = give_up(i, e);
		l.result = REPORT_NOT_WRITTEN;
	}
	*ret_cause = l.cause;
	report_add(&i->report, row->line, row->token.serial, l.result);
	if (i->report.pending_count == REPORT_BATCH || i->waiting_count == BATCH)
		return commit(i) != ERR_OK ? i->broken : e;
	return e;
}

static void
bad_row(unsigned line, const char *serial, void *context)
{
	struct import *i = context;

	report_add(&i->report, line, serial, REPORT_INVALID);
	if (i->report.pending_count == REPORT_BATCH)
		(void)commit(i);
}

/* ---- the whole ---- */

/* Whether there is one to be asked; an import without one is no fault. */
static bool
is_vault_there(const struct config *config)
{
	struct stat st;

	return stat(config->vault.socket, &st) == 0 && S_ISSOCK(st.st_mode);
}

static void
print(const struct import *i, const struct table_count *count)
{
	const unsigned *n = i->report.counts;
	unsigned imported = n[REPORT_IMPORTED] + n[REPORT_IMPORTED_SHARED];
	unsigned kept = n[REPORT_SAME] + n[REPORT_NEWER];

	printf("lines=%u imported=%u refused=%u", count->lines, imported, count->lines - imported - kept);
	if (kept != 0)
		printf(" kept=%u", kept);
	if (n[REPORT_IMPORTED_SHARED] != 0)
		printf(" shared=%u", n[REPORT_IMPORTED_SHARED]);
	printf("%s\n", i->dry_run ? " dry-run" : "");
}

static enum err
import(struct import *i)
{
	const struct table_reader reader = { .key_name = "sealed", .each = import_row, .bad = bad_row, .context = i };
	struct table_count count;
	enum err e = escrow_log_check(i->config);

	if (e == ERR_OK)
		e = store_open(i->config->database, &i->store);
	if (e != ERR_OK) {
		options_complain(e, e == ERR_CONFIG_INVALID ? i->config->escrow_log : i->config->database);
		return e;
	}
	i->vault = is_vault_there(i->config) ? ERR_OK : ERR_VAULT_UNREACHABLE;
	e = table_run(&reader, &count);
	if (commit(i) != ERR_OK || i->broken != ERR_OK) {
		e = i->broken;
		options_complain(e, "lines that were not yet committed were taken back; run it again");
	}
	print(i, &count);
	store_close(i->store);
	return e;
}

int
desk_import(int argc, char **argv)
{
	const char *config_file = NULL;
	struct import i = { .now = os_time() };
	const struct option_row options[] = {
		{ .name = "--config", .value = &config_file, .required = true },
		{ .name = "--dry-run", .given = &i.dry_run },
		{ .name = "--report", .value = &i.report_file },
	};
	struct config *config = NULL;
	enum err e;

	if (options_read(argc, argv, options, sizeof(options) / sizeof(options[0])) != ERR_OK)
		return 2;
	if (options_config(config_file, &config) != ERR_OK)
		return 1;
	i.config = config;
	e = report_open(&i.report, i.report_file);
	if (e == ERR_OK)
		e = import(&i);
	else
		options_complain(e, i.report_file);
	if (report_close(&i.report) != ERR_OK && e == ERR_OK) {
		e = ERR_JOURNAL_FAILED;
		options_complain(e, i.report_file);
	}
	config_free(config);
	return e == ERR_OK ? 0 : 1;
}
