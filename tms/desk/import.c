/* SPDX-License-Identifier: Apache-2.0 */
/* import: a table of sealed tokens into the store. Each line stands alone: a bad one is named, the others are taken. */
#include "desk.h"

#include "key.h"
#include "options.h"
#include "os.h"
#include "table.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

struct import {
	struct store *store;
	bool dry_run;
	int64_t now;
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

static enum err
put(struct store *s, const struct store_token *t, const unsigned char sealed[TRANSCRIPT_ESCROW_ROW_LEN])
{
	int64_t id;
	enum err e = store_begin(s);

	if (e == ERR_OK)
		e = store_token_import(s, t, SHEET_VERSION, sealed, &id);
	if (e == ERR_OK)
		e = audit(s, t);
	if (e == ERR_OK)
		e = store_commit(s);
	if (e != ERR_OK)
		store_rollback(s);
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
	const struct import *i = context;
	unsigned char sealed[TRANSCRIPT_ESCROW_ROW_LEN];
	struct store_token t = { .name = row->token, .state = STORE_UNVERIFIED, .created = i->now };

	if (!read_sealed(row->key, sealed)) {
		*ret_cause = "what stands in the column \"sealed\" was not made by mokhoa-tms seal";
		return ERR_SEALED_INVALID;
	}
	text_copy(t.customer, sizeof(t.customer), row->customer);
	text_copy(t.email, sizeof(t.email), row->email);
	text_copy(t.certificate_serial, sizeof(t.certificate_serial), row->certificate_serial);
	return i->dry_run ? look(i->store, &t) : put(i->store, &t, sealed);
}

static enum err
import(const struct config *config, struct import *i)
{
	struct table_count count;
	enum err e = store_open(config->database, &i->store);

	if (e != ERR_OK) {
		options_complain(e, config->database);
		return e;
	}
	e = table_run("sealed", import_row, i, &count);
	printf("lines=%u imported=%u refused=%u%s\n", count.lines, count.lines - count.refused, count.refused, i->dry_run ? " dry-run" : "");
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
