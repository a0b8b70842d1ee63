/* SPDX-License-Identifier: Apache-2.0 */
#include "intake.h"

#include "escrow_log.h"
#include "key.h"
#include "text.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char *const names[INTAKE_RESULT_COUNT] = {
	[INTAKE_IMPORTED] = "imported",
	[INTAKE_IMPORTED_SHARED] = "imported_shared",
	[INTAKE_SAME] = "same",
	[INTAKE_NEWER] = "newer",
	[INTAKE_DIFFERS] = "differs",
	[INTAKE_NOT_COMPARED] = "not_compared",
	[INTAKE_UNOPENED] = "unopened",
	[INTAKE_INVALID] = "invalid",
	[INTAKE_NOT_WRITTEN] = "not_written",
};

const char *
intake_result_name(enum intake_result result)
{
	return result >= 0 && result < INTAKE_RESULT_COUNT ? names[result] : "";
}

/* The lines so far are what they are; without `kept` those that were imported are not written after all. */
static void
tell(struct intake *i, bool kept)
{
	for (size_t n = 0; n < i->pending_count; n++) {
		struct intake_line *l = &i->pending[n];
		if (!kept && (l->result == INTAKE_IMPORTED || l->result == INTAKE_IMPORTED_SHARED)) {
			l->result = INTAKE_NOT_WRITTEN;
			l->e = i->broken;
		}
		i->each(l, i->context);
	}
	i->pending_count = 0;
}

/* ---- the transaction ---- */

static enum err
audit(const struct intake *i, int64_t id, const struct store_token *t, bool shared)
{
	struct store_audit a = { .created = t->created, .person = i->person, .what = "import", .token = id };

	if (i->person == 0)
		text_copy(a.who, sizeof(a.who), "desk");
	snprintf(a.detail, sizeof(a.detail), "shared=%s agency=%s", shared ? "yes" : "no", t->agency);
	return store_audit_add(i->store, &a);
}

static enum err
put(struct intake *i, const struct intake_row *w, struct escrow_log_batch *log)
{
	int64_t id;
	enum err e = store_token_import(i->store, &w->token, TRANSCRIPT_ESCROW_FIRST, w->sealed.sealed, &id);

	/* somebody else was faster */
	if (e == ERR_TOKEN_IMPORTED) {
		i->pending[w->pending].result = INTAKE_NOT_COMPARED;
		i->pending[w->pending].e = e;
		return ERR_OK;
	}
	if (e == ERR_OK)
		e = store_token_describe(i->store, id, w->shared, w->sealed.key);
	if (e == ERR_OK)
		e = audit(i, id, &w->token, w->shared);
	if (e == ERR_OK)
		e = escrow_log_add(i->store, &w->token.name, 0, i->now, log);
	return e == ERR_OK ? buf_error(&log->lines) : e;
}

/* The log comes first, one sync for all lines of the batch: what the database may lose it must know. */
static enum err
write_waiting(struct intake *i)
{
	struct escrow_log_batch log;
	enum err e;

	if (i->waiting_count == 0)
		return ERR_OK;
	e = store_begin(i->store);
	if (e != ERR_OK)
		return e;
	e = escrow_log_batch_new(i->config, INTAKE_BATCH, &log);
	for (size_t n = 0; e == ERR_OK && n < i->waiting_count; n++)
		e = put(i, &i->waiting[n], &log);
	if (e == ERR_OK)
		e = escrow_log_write(i->config, i->store, &log);
	escrow_log_batch_free(&log);
	return store_end(i->store, e);
}

/* Nothing of what waits is written; every line from here on fails. */
static enum err
give_up(struct intake *i, enum err why)
{
	i->waiting_count = 0;
	if (i->broken == ERR_OK)
		i->broken = why;
	tell(i, false);
	return i->broken;
}

static enum err
commit(struct intake *i)
{
	enum err e = i->broken == ERR_OK ? write_waiting(i) : i->broken;

	if (e != ERR_OK)
		return give_up(i, e);
	i->waiting_count = 0;
	tell(i, true);
	return ERR_OK;
}

/* ---- one line ---- */

/* What a line is about. */
struct line {
	const struct sheet_row *row;
	struct vault_row sealed;
	char agency[STORE_AGENCY_SIZE];
	enum intake_result result;
	const char *cause;
};

/* Nothing can be opened here, but what is no row at all is seen. */
static bool
read_sealed(const char *text, struct vault_row *ret)
{
	size_t len;

	*ret = (struct vault_row){ .version = TRANSCRIPT_ESCROW_FIRST };
	return text_b64_decode(text, strlen(text), ret->sealed, sizeof(ret->sealed), &len) && len == sizeof(ret->sealed) && key_kem_public_ok(ret->sealed);
}

/* A vault that is away, or whose hour is used up, is not asked again by this run. */
static bool
asks(struct intake *i, enum err e)
{
	if (e == ERR_VAULT_UNREACHABLE || e == ERR_VAULT_LIMIT || e == ERR_VAULT_REFUSED)
		i->vault = e;
	return i->vault == ERR_OK;
}

/* A new row as it is kept. ERR_SEALED_INVALID where the vault is there and cannot open it. */
static enum err
look_at_new(struct intake *i, struct line *l)
{
	struct vault_row again;
	enum err e;

	l->result = l->row->shared ? INTAKE_IMPORTED_SHARED : INTAKE_IMPORTED;
	if (i->vault != ERR_OK)
		return ERR_OK;
	e = vault_rewrap(i->config->vault.socket, &l->row->token, &l->sealed, &again);
	if (e == ERR_OK)
		l->sealed = again;
	if (!asks(i, e) || e == ERR_OK)
		return ERR_OK;
	l->result = INTAKE_UNOPENED;
	l->cause = "the vault cannot open it";
	return e;
}

/* Whose customer it is: the agency that the line names, else the one at whose domain the mail address is. */
static enum err
find_agency(struct intake *i, struct line *l)
{
	struct store_agency a;
	enum err e;

	if (l->row->agency[0] == '\0')
		return store_agency_of_email(i->store, l->row->email, l->agency);
	e = store_agency_by_id(i->store, l->row->agency, &a);
	if (e == ERR_OK)
		text_copy(l->agency, sizeof(l->agency), a.id);
	if (e == ERR_AGENCY_UNKNOWN) {
		l->result = INTAKE_INVALID;
		l->cause = "an agency that is not there: mokhoa-tms agency add";
	}
	return e;
}

static void
wait_for_batch(struct intake *i, const struct line *l)
{
	struct intake_row *w = &i->waiting[i->waiting_count++];

	*w = (struct intake_row){ .pending = i->pending_count, .token = { .name = l->row->token, .state = STORE_UNVERIFIED, .created = i->now }, .sealed = l->sealed, .shared = l->row->shared };
	text_copy(w->token.customer, sizeof(w->token.customer), l->row->customer);
	text_copy(w->token.email, sizeof(w->token.email), l->row->email);
	text_copy(w->token.certificate_serial, sizeof(w->token.certificate_serial), l->row->certificate_serial);
	text_copy(w->token.agency, sizeof(w->token.agency), l->agency);
}

static enum err
compare(struct intake *i, struct line *l, const struct store_escrow *kept)
{
	struct vault_row rows[2] = { l->sealed, { .version = kept->version } };
	bool equal = false;
	enum err e = i->vault;

	memcpy(rows[1].sealed, kept->sealed, sizeof(kept->sealed));
	if (e == ERR_OK)
		e = vault_compare(i->config->vault.socket, &l->row->token, rows, &equal);
	if (!asks(i, e)) {
		l->result = INTAKE_NOT_COMPARED;
		l->cause = i->vault == ERR_VAULT_LIMIT ? "not compared: the vault has compared as many as an hour allows" : "not compared: the vault does not answer";
		return ERR_TOKEN_IMPORTED;
	}
	if (e != ERR_OK) {
		l->result = INTAKE_UNOPENED;
		l->cause = "the vault cannot open it, or not the row on record";
		return e;
	}
	l->result = equal ? INTAKE_SAME : INTAKE_DIFFERS;
	return equal ? ERR_OK : ERR_TOKEN_DIFFERS;
}

/*
 * One that is on record, of which nothing is changed. Whatever came after the first import is newer than any table: another row than the first, whose version is that of a
 * table where people have entered it; or a first row that a restore has made of one that was rotated.
 */
static enum err
look_at_kept(struct intake *i, struct line *l, const struct store_token *t)
{
	struct store_escrow kept;
	int64_t first = 0;
	enum err e = store_escrow_by_id(i->store, t->active, &kept);

	if (e == ERR_OK)
		e = store_escrow_first(i->store, t->id, &first);
	if (e != ERR_OK)
		return ERR_STORE_FAILED;
	if (t->next != 0 || t->active != first || kept.version > TRANSCRIPT_ESCROW_FIRST) {
		l->result = INTAKE_NEWER;
		return ERR_OK;
	}
	return compare(i, l, &kept);
}

static enum err
judge(struct intake *i, struct line *l)
{
	struct store_token t;
	enum err e;

	if (!read_sealed(l->row->key, &l->sealed)) {
		l->result = INTAKE_INVALID;
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

static void
remember(struct intake *i, const struct sheet_row *row, enum intake_result result, enum err e, const char *cause)
{
	struct intake_line *l = &i->pending[i->pending_count++];

	*l = (struct intake_line){ .line = row->line, .token = row->token, .result = result, .e = e };
	snprintf(l->cause, sizeof(l->cause), "%s", cause);
}

enum err
intake_take(struct intake *i, const struct sheet_row *row, const char **ret_cause)
{
	struct line l = { .row = row, .result = INTAKE_NOT_WRITTEN, .cause = "" };
	enum err e = i->broken;

	if (e == ERR_OK)
		e = judge(i, &l);
	if (e == ERR_STORE_FAILED || e == ERR_ESCROW_LOG_FAILED || e == ERR_NO_MEMORY) {
		e = give_up(i, e);
		l.result = INTAKE_NOT_WRITTEN;
	}
	*ret_cause = l.cause;
	remember(i, row, l.result, e, l.cause);
	if (i->pending_count == INTAKE_PENDING || i->waiting_count == INTAKE_BATCH)
		return commit(i) != ERR_OK ? i->broken : e;
	return e;
}

void
intake_bad(struct intake *i, const struct sheet_row *row, enum err e, const char *cause)
{
	remember(i, row, INTAKE_INVALID, e, cause);
	if (i->pending_count == INTAKE_PENDING)
		(void)commit(i);
}

/* ---- the whole ---- */

enum err
intake_begin(struct intake *i)
{
	struct stat st;
	bool there = stat(i->config->vault.socket, &st) == 0 && S_ISSOCK(st.st_mode);

	i->broken = ERR_OK;
	/* an import without a vault is no fault */
	i->vault = there ? ERR_OK : ERR_VAULT_UNREACHABLE;
	i->waiting_count = 0;
	i->pending_count = 0;
	return escrow_log_check(i->config);
}

enum err
intake_end(struct intake *i)
{
	return commit(i) != ERR_OK ? i->broken : ERR_OK;
}
