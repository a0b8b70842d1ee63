/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The escrow log against a store. The last whole line of a token holds what its SO PIN may be, whatever lines came before it: the server writes one
 * inside each transaction that changes the candidates, and a transaction that did not commit in the end leaves a line that has the token's
 * SO PIN all the same: its first candidate (of a value that people entered, too: op/inventory_change.c). So a line in the middle does not say what the candidates are, and the last one is taken unless the store knows its
 * newest row: then the backup is as new as the log or newer. Where it is older, what the lines before say is kept: people may have entered a wrong value last.
 */
#include "backup.h"

#include "call.h"
#include "escrow_log.h"
#include "log.h"
#include "service.h"

#include <stdio.h>
#include <string.h>

#define NUMBERS_SKIPPED 100 /* requests that were never granted are in no line, but people were told their numbers */

/*
 * How far a line may be above the highest number before it without the server's signature, which takes too long to look at in each of millions: whoever can write to the log
 * could else end all numbers with one line.
 */
#define NUMBERS_TRUSTED 1000000

/* The public half of the key that this server signs with. */
static enum err
read_public(const struct config *config, unsigned char ret_pk[KEY_SIG_PK_LEN])
{
	struct key_sig *key = NULL;
	char kid[SERVICE_KID_LEN + 1];
	enum err e = service_signing_key(config, &key, kid);

	if (e == ERR_OK)
		key_sig_public(key, ret_pk);
	key_sig_free(key);
	return e;
}

static bool
is_believed(const struct escrow_log_line *line, int64_t highest, const unsigned char pk[KEY_SIG_PK_LEN])
{
	return line->request <= highest + NUMBERS_TRUSTED || (pk != NULL && escrow_log_proved(line, pk));
}

static enum err
note_lines(struct store *s, struct escrow_log_reader *reader, const unsigned char *pk, struct backup_log *log)
{
	struct escrow_log_line line = { .request = 0 };
	enum escrow_log_kind kind;
	int64_t at;
	enum err e = ERR_OK;

	while (e == ERR_OK && escrow_log_next(reader, &kind, &line, &at)) {
		log->whole += kind == ESCROW_LOG_WHOLE;
		log->cut += kind == ESCROW_LOG_CUT;
		log->damaged += kind == ESCROW_LOG_DAMAGED;
		if (kind == ESCROW_LOG_DAMAGED && log->first_damaged == 0)
			log->first_damaged = log->whole + log->cut + log->damaged;
		if (kind != ESCROW_LOG_WHOLE)
			continue;
		if (line.request > log->highest && is_believed(&line, log->highest, pk))
			log->highest = line.request;
		e = store_log_note(s, &line.candidates.token, at);
	}
	return e == ERR_OK && escrow_log_failed(reader) ? ERR_ESCROW_LOG_FAILED : e;
}

static enum err
note_all(struct store *s, struct escrow_log_reader *reader, const unsigned char *pk, struct backup_log *ret)
{
	struct backup_log log = { 0 };
	enum err e = note_lines(s, reader, pk, &log);

	if (e == ERR_OK)
		e = store_log_count(s, &log.tokens, &log.unknown);
	if (e == ERR_OK)
		*ret = log;
	return e;
}

static bool
has_row(const struct store_candidates *line, const struct store_candidate *row)
{
	for (size_t i = 0; i < line->count; i++)
		if (memcmp(line->rows[i].sealed, row->sealed, sizeof(row->sealed)) == 0)
			return true;
	return false;
}

/* What is done with the last lines of a store's tokens. */
struct lines {
	struct store *store;
	struct escrow_log_reader *reader;
	const unsigned char *pk; /* the server's, where it is asked whose a line is */
	int64_t now;
	struct backup_replayed *replayed; /* of a restore */
	int64_t missing;		  /* of a check */
};

/* The last lines of the tokens that were judged so, in the order of the log. */
static enum err
each_last(struct lines *l, enum store_restored restored, enum err (*each)(struct lines *l, struct escrow_log_line *line, int64_t at))
{
	struct escrow_log_line line;
	bool found = false;
	int64_t at = -1;
	enum err e = store_log_next(l->store, restored, at, &at, &found);

	while (e == ERR_OK && found) {
		e = escrow_log_at(l->reader, at, &line);
		if (e == ERR_OK)
			e = each(l, &line, at);
		if (e == ERR_OK)
			e = store_log_next(l->store, restored, at, &at, &found);
	}
	return e;
}

/* A change that did not commit leaves a line with one candidate too many; one too few is what a line lacks that could not be written behind a commit. */
static enum err
count_missing(struct lines *l, struct escrow_log_line *line, int64_t at)
{
	struct store_candidates now;
	bool missing = false;
	enum err e = store_candidates_of(l->store, &line->candidates.token, &now);

	(void)at;
	if (e != ERR_OK)
		return e == ERR_ESCROW_MISSING ? ERR_OK : e;
	for (size_t i = 0; i < now.count; i++)
		missing = missing || !has_row(&line->candidates, &now.rows[i]);
	l->missing += missing;
	return ERR_OK;
}

enum err
backup_read_log(struct store *s, const char *path, struct backup_log *ret)
{
	struct escrow_log_reader *reader = NULL;
	struct lines lines = { .store = s };
	enum err e = escrow_log_open(path, &reader);

	lines.reader = reader;
	if (e == ERR_OK)
		e = store_log_begin(s);
	if (e == ERR_OK)
		e = store_begin_reading(s);
	if (e == ERR_OK)
		e = note_all(s, reader, NULL, ret);
	if (e == ERR_OK)
		e = each_last(&lines, STORE_RESTORED_AS_IT_WAS, count_missing);
	if (e == ERR_OK)
		ret->missing = lines.missing;
	store_rollback(s);
	escrow_log_close(reader);
	return e;
}

/* ---- into the store ---- */

static enum err
audit_token(struct store *s, const struct escrow_log_line *line, bool proved, enum store_restored restored, int64_t now)
{
	const struct store_candidates *c = &line->candidates;
	struct store_audit a = { .created = now, .who = "tms", .what = "restore" };
	struct store_token token;
	enum err e = store_token_by_name(s, &c->token, &token);

	a.token = token.id;
	snprintf(a.detail, sizeof(a.detail), "candidates=%zu logged=%lld row=%s line=%s", c->count, (long long)line->time, restored == STORE_RESTORED_MADE ? "made" : "kept",
	    proved ? "proved" : "unproved");
	return e == ERR_OK ? store_audit_add(s, &a) : e;
}

/* Whoever has written a line that is not proved may say of a value that no other token has it, so that it is not rotated: not believed. */
static void
doubt(struct store_candidates *c)
{
	for (size_t i = 0; i < c->count; i++)
		c->rows[i].shared = true;
}

static enum err
judge_line(struct lines *l, struct escrow_log_line *line, int64_t at)
{
	bool proved = escrow_log_proved(line, l->pk);
	enum store_restored restored;
	enum err e;

	if (!proved)
		doubt(&line->candidates);
	e = store_restore_judge(l->store, at, &line->candidates, proved, l->now, &restored);
	if (e != ERR_OK)
		return e;
	l->replayed->tokens[restored]++;
	l->replayed->unproved += !proved && restored == STORE_RESTORED_MADE;
	return restored != STORE_RESTORED_AS_IT_WAS ? audit_token(l->store, line, proved, restored, l->now) : ERR_OK;
}

/* In the order of the lines, and before the last ones are taken: the order of the rows is the one in which people reinstate them. A line that nobody has proved adds nothing that they would have to step over. */
static enum err
keep_lines(struct store *s, const char *path, const unsigned char pk[KEY_SIG_PK_LEN])
{
	struct escrow_log_reader *reader = NULL;
	struct escrow_log_line line = { .request = 0 };
	enum escrow_log_kind kind;
	int64_t token;
	int64_t at;
	enum err e = escrow_log_open(path, &reader);

	while (e == ERR_OK && escrow_log_next(reader, &kind, &line, &at)) {
		token = 0;
		if (kind == ESCROW_LOG_WHOLE)
			e = store_restore_behind(s, &line.candidates.token, &token);
		if (e == ERR_OK && token != 0 && escrow_log_proved(&line, pk))
			e = store_restore_keep(s, token, &line.candidates, line.time);
	}
	if (e == ERR_OK && escrow_log_failed(reader))
		e = ERR_ESCROW_LOG_FAILED;
	escrow_log_close(reader);
	return e;
}

static enum err
take_line(struct lines *l, struct escrow_log_line *line, int64_t at)
{
	(void)at;
	if (!escrow_log_proved(line, l->pk))
		doubt(&line->candidates);
	return store_restore_take(l->store, &line->candidates, l->now);
}

static enum err
take_tokens(struct store *s, const struct config *config, struct escrow_log_reader *reader, const unsigned char pk[KEY_SIG_PK_LEN], int64_t now, struct backup_replayed *r)
{
	struct lines lines = { .store = s, .reader = reader, .pk = pk, .now = now, .replayed = r };
	enum err e = each_last(&lines, STORE_RESTORED_AS_IT_WAS, judge_line);

	if (e == ERR_OK && r->tokens[STORE_RESTORED_NEWER] + r->tokens[STORE_RESTORED_MADE] != 0)
		e = keep_lines(s, config->escrow_log, pk);
	if (e == ERR_OK)
		e = each_last(&lines, STORE_RESTORED_NEWER, take_line);
	return e == ERR_OK ? store_restore_failures(s, CALL_ONE_RELEASE_TRIES) : e;
}

static enum err
audit_whole(struct store *s, const struct backup_replayed *r, int64_t now)
{
	struct store_audit a = { .created = now, .who = "desk", .what = "restore" };

	snprintf(a.detail, sizeof(a.detail), "lines=%lld cut=%lld damaged=%lld newer=%lld made=%lld unproved=%lld pending=%lld unknown=%lld", (long long)r->log.whole,
	    (long long)r->log.cut, (long long)r->log.damaged, (long long)r->tokens[STORE_RESTORED_NEWER], (long long)r->tokens[STORE_RESTORED_MADE], (long long)r->unproved,
	    (long long)r->requests.pending, (long long)r->requests.unknown);
	return store_audit_add(s, &a);
}

static enum err
replay(struct store *s, const struct config *config, struct escrow_log_reader *reader, const unsigned char pk[KEY_SIG_PK_LEN], int64_t now, struct backup_replayed *r)
{
	enum err e = take_tokens(s, config, reader, pk, now, r);

	if (e == ERR_OK)
		e = store_restore_requests(s, now, config->request_valid_s, r->log.highest + NUMBERS_SKIPPED, &r->requests);
	return e == ERR_OK ? audit_whole(s, r, now) : e;
}

/*
 * A log that is not the one the data speak of, or that is not there, would let every token that was rotated since keep the SO PIN of the backup, and nobody would hear of it.
 * Every token that is on record has a line, from the transaction that brought it there.
 */
static enum err
check_log(struct store *s, const struct config *config, const struct backup_log *log)
{
	int64_t tokens = 0;
	enum err e = escrow_log_check_known(config, s);

	if (e == ERR_OK)
		e = store_token_count(s, &tokens);
	if (e != ERR_OK || tokens == 0 || log->whole != 0)
		return e;
	log_error("backup", "file=%s tokens=%lld cause=the log has no line", config->escrow_log, (long long)tokens);
	return ERR_ESCROW_LOG_OTHER;
}

static enum err
check_lines(struct store *s, const struct config *config, unsigned allowed, const struct backup_log *log)
{
	enum err e = check_log(s, config, log);

	if (e == ERR_ESCROW_LOG_OTHER && (allowed & BACKUP_ANY_LOG) != 0)
		e = store_escrow_set_mark(s, "");
	if (e != ERR_OK || log->damaged == 0 || (allowed & BACKUP_DAMAGED_LINES) != 0)
		return e;
	log_error("backup", "file=%s line=%lld damaged=%lld", config->escrow_log, (long long)log->first_damaged, (long long)log->damaged);
	return ERR_ESCROW_LOG_DAMAGED;
}

enum err
backup_replay(struct store *s, const struct config *config, unsigned allowed, int64_t now, struct backup_replayed *ret)
{
	struct escrow_log_reader *reader = NULL;
	struct backup_replayed r = { .log = { 0 } };
	unsigned char pk[KEY_SIG_PK_LEN];
	enum err e = read_public(config, pk);

	if (e == ERR_OK)
		e = escrow_log_open(config->escrow_log, &reader);
	if (e == ERR_OK)
		e = store_log_begin(s);
	if (e == ERR_OK)
		e = store_begin(s);
	if (e != ERR_OK) {
		escrow_log_close(reader);
		return e;
	}
	e = note_all(s, reader, pk, &r.log);
	if (e == ERR_OK)
		e = check_lines(s, config, allowed, &r.log);
	if (e == ERR_OK)
		e = replay(s, config, reader, pk, now, &r);
	e = store_end(s, e);
	escrow_log_close(reader);
	if (e == ERR_OK)
		*ret = r;
	return e;
}
