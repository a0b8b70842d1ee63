/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import: a table of sealed tokens into the store. Each line stands alone: a bad one is named, the others are taken. Many lines are committed
 * at once, because each commit waits for the disk; a store that fails ends the whole, and what was committed stays.
 */
#include "desk.h"

#include "escrow_log.h"
#include "key.h"
#include "options.h"
#include "os.h"
#include "table.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

#define BATCH 256 /* lines a commit; about 20 ms in which nobody else writes */

struct import {
	const struct config *config;
	struct store *store;
	struct buf log; /* lines of the transaction that is under way */
	bool dry_run;
	enum err broken; /* store or escrow log have failed */
	int64_t now;
	unsigned tried;	  /* lines in the transaction that is under way */
	unsigned written; /* of them */
	unsigned imported;
};

/* Nothing can be opened here, but what is no row at all is seen. */
static bool
read_sealed(const char *text, unsigned char ret[TRANSCRIPT_ESCROW_ROW_LEN])
{
	size_t len;

	return text_b64_decode(text, strlen(text), ret, TRANSCRIPT_ESCROW_ROW_LEN, &len) && len == TRANSCRIPT_ESCROW_ROW_LEN && key_kem_public_ok(ret);
}

static enum err
audit(struct store *s, const struct store_token *t)
{
	struct store_audit a = { .created = t->created, .who = "desk", .what = "import" };

	snprintf(a.detail, sizeof(a.detail), "manufacturer=%s model=%s serial=%s", t->name.manufacturer, t->name.model, t->name.serial);
	return store_audit_add(s, &a);
}

/* Takes back what is not committed; every line from here on fails. */
static enum err
give_up(struct import *i, enum err why)
{
	store_rollback(i->store);
	buf_reset(&i->log);
	i->tried = 0;
	i->written = 0;
	if (i->broken == ERR_OK)
		i->broken = why;
	return i->broken;
}

/* The log comes first, one sync for all lines of the batch: what the database may lose it must know. */
static enum err
commit(struct import *i)
{
	enum err e = i->tried != 0 ? escrow_log_write(i->config, &i->log) : ERR_OK;

	if (e == ERR_OK && i->tried != 0)
		e = store_commit(i->store);
	if (e != ERR_OK)
		return give_up(i, e);
	buf_reset(&i->log);
	i->imported += i->written;
	i->tried = 0;
	i->written = 0;
	return ERR_OK;
}

static enum err
put(struct import *i, const struct store_token *t, const unsigned char sealed[TRANSCRIPT_ESCROW_ROW_LEN])
{
	int64_t id;
	enum err e;

	if (i->broken != ERR_OK || (i->tried == 0 && store_begin(i->store) != ERR_OK))
		return give_up(i, ERR_STORE_FAILED);
	i->tried++;
	e = store_token_import(i->store, t, SHEET_VERSION, sealed, &id);
	if (e == ERR_OK)
		e = audit(i->store, t);
	if (e == ERR_OK)
		e = escrow_log_add(i->store, &t->name, 0, i->now, &i->log);
	if (e == ERR_STORE_FAILED || buf_error(&i->log) != ERR_OK)
		return give_up(i, e);
	if (e == ERR_OK)
		i->written++;
	if (i->tried == BATCH && commit(i) != ERR_OK)
		return i->broken;
	return e;
}

/* What put() would say, without taking the right to write away from the running server. */
static enum err
look(struct store *s, const struct store_token *t)
{
	struct store_token found;
	enum err e = store_token_by_name(s, &t->name, &found);

	if (e == ERR_OK)
		return ERR_TOKEN_IMPORTED;
	return e == ERR_ESCROW_MISSING ? ERR_OK : e;
}

static enum err
import_row(const struct sheet_row *row, void *context, const char **ret_cause)
{
	struct import *i = context;
	unsigned char sealed[TRANSCRIPT_ESCROW_ROW_LEN];
	struct store_token t = { .name = row->token, .state = STORE_UNVERIFIED, .created = i->now };

	if (!read_sealed(row->key, sealed)) {
		*ret_cause = "what stands in the column \"sealed\" was not made by mokhoa-tms seal";
		return ERR_SEALED_INVALID;
	}
	text_copy(t.customer, sizeof(t.customer), row->customer);
	text_copy(t.email, sizeof(t.email), row->email);
	text_copy(t.certificate_serial, sizeof(t.certificate_serial), row->certificate_serial);
	return i->dry_run ? look(i->store, &t) : put(i, &t, sealed);
}

static enum err
import(const struct config *config, struct import *i)
{
	struct table_count count;
	enum err e = escrow_log_check(config);

	i->config = config;
	i->log = escrow_log_batch(BATCH);
	if (e == ERR_OK)
		e = store_open(config->database, &i->store);
	if (e != ERR_OK) {
		options_complain(e, e == ERR_CONFIG_INVALID ? config->escrow_log : config->database);
		return e;
	}
	e = table_run("sealed", import_row, i, &count);
	if (commit(i) != ERR_OK || i->broken != ERR_OK) {
		e = i->broken;
		options_complain(e, "lines that were not yet committed were taken back; run it again");
	}
	if (i->dry_run)
		i->imported = count.lines - count.refused;
	printf("lines=%u imported=%u refused=%u%s\n", count.lines, i->imported, count.lines - i->imported, i->dry_run ? " dry-run" : "");
	store_close(i->store);
	buf_free(&i->log);
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
	};
	struct config *config = NULL;
	enum err e;

	if (options_read(argc, argv, options, sizeof(options) / sizeof(options[0])) != ERR_OK)
		return 2;
	if (options_config(config_file, &config) != ERR_OK)
		return 1;
	e = import(config, &i);
	config_free(config);
	return e == ERR_OK ? 0 : 1;
}
