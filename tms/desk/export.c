/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export: all tokens and their SO PINs for another token manager, as the table that `seal` reads, sealed for the owner of one certificate (custody.h). In clear the table is in the
 * memory of this process alone.
 *
 * It opens the rows itself, with the file of the vault's keys: the vault opens one row at a time, for one machine, and counts, and no call of its socket gives
 * more. So whoever exports must be able to read that file, and no server that was taken over can. A key in the HSM is asked there, in a process of the vault's user. Every token is an audit row, committed before anything is
 * written, and counts in the alarm like a release.
 */
#include "desk.h"

#include "columns.h"
#include "custody.h"
#include "hsm.h"
#include "keyring.h"
#include "options.h"
#include "os.h"
#include "table.h"
#include "text.h"
#include "transcript.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BATCH 64 /* rows a transaction */

/* A row that was opened before anything is written: an HSM takes its time, and others write meanwhile. */
struct opened {
	const struct store_sealed *row;
	struct secret so_pin;
};

struct export
{
	const char *config_file, *certificate, *output, *private_key;
	struct store *store;
	struct keyring ring;
	struct key_kem *keys[KEYRING_MAX];
	struct hsm *hsm; /* NULL where no key is in one */
	struct hsm_half halves[KEYRING_MAX];
	char to[2 * KEY_HASH_LEN + 1]; /* fingerprint of the certificate */
	struct buf table;
	struct opened opened[BATCH];
	size_t opened_count;
	int64_t now;
	unsigned exported;
	unsigned unopened;
	unsigned two;	  /* tokens of two candidates, which have a line each */
	struct buf given; /* the rows that have a line, or cannot be opened: an int64_t each */
};

static enum err
fail(enum err e, const char *detail)
{
	options_complain(e, detail);
	return e;
}

static enum err
open_row(const struct export *x, const struct store_sealed *row, struct secret *ret)
{
	enum err e = ERR_SEALED_INVALID;

	for (size_t i = 0; e == ERR_SEALED_INVALID && i < x->ring.count; i++)
		e = transcript_open_escrow(x->keys[i], &row->token, row->version, row->sealed, ret);
	return e;
}

/* The SO PIN takes no way through printf, which would leave it on the stack. */
static void
write_row(struct export *x, const struct store_token *t, const struct secret *so_pin)
{
	char text[TRANSCRIPT_SO_PIN_MAX + 1] = "";
	const char *const fields[SHEET_SHARED] = {
		[SHEET_MANUFACTURER] = t->name.manufacturer,
		[SHEET_MODEL] = t->name.model,
		[SHEET_SERIAL] = t->name.serial,
		[SHEET_KEY] = text,
		[SHEET_CUSTOMER] = t->customer,
		[SHEET_EMAIL] = t->email,
		[SHEET_CERTIFICATE_SERIAL] = t->certificate_serial,
		[SHEET_AGENCY] = t->agency,
	};

	memcpy(text, so_pin->bytes, so_pin->len);
	columns_write(&x->table, fields, SHEET_SHARED);
	wipe(text, sizeof(text));
}

static enum err
audit(struct export *x, int64_t token)
{
	struct store_audit a = { .created = x->now, .who = "desk", .what = "export", .token = token };

	snprintf(a.detail, sizeof(a.detail), "to=%s", x->to);
	return store_audit_add(x->store, &a);
}

/* Rows that are only kept are nobody's SO PIN any more. */
static enum err
open_batch(struct export *x, const struct store_sealed *rows, size_t count)
{
	enum err e = ERR_OK;

	x->opened_count = 0;
	for (size_t i = 0; e == ERR_OK && i < count; i++) {
		struct opened *o = &x->opened[x->opened_count];
		if (!rows[i].candidate)
			continue;
		o->row = &rows[i];
		e = open_row(x, o->row, &o->so_pin);
		if (e == ERR_OK) {
			x->opened_count++;
		} else if (e == ERR_SEALED_INVALID) {
			x->unopened++;
			buf_add(&x->given, &o->row->id, sizeof(o->row->id));
			options_complain(e, o->row->token.serial);
			e = ERR_OK;
		}
	}
	return e;
}

/* In a transaction. What stopped being a candidate since it was opened is passed over: the row that took its place is mostly a later one, and comes; check_whole() sees to the rest. */
static enum err
export_row(struct export *x, const struct opened *o)
{
	struct store_token t;
	enum err e = store_token_by_name(x->store, &o->row->token, &t);

	if (e != ERR_OK || (o->row->id != t.active && o->row->id != t.next))
		return e;
	e = audit(x, t.id);
	if (e == ERR_OK) {
		write_row(x, &t, &o->so_pin);
		x->exported++;
		x->two += o->row->id == t.next;
		buf_add(&x->given, &o->row->id, sizeof(o->row->id));
		e = buf_error(&x->table);
	}
	return e;
}

static void
forget_opened(struct export *x)
{
	wipe(x->opened, sizeof(x->opened));
	x->opened_count = 0;
}

static enum err
export_batch(struct export *x, const struct store_sealed *rows, size_t count)
{
	enum err e = open_batch(x, rows, count);

	if (e == ERR_OK)
		e = store_begin(x->store);
	if (e == ERR_OK) {
		for (size_t i = 0; e == ERR_OK && i < x->opened_count; i++)
			e = export_row(x, &x->opened[i]);
		e = store_end(x->store, e);
	}
	forget_opened(x);
	return e;
}

static enum err
export_all(struct export *x)
{
	struct store_sealed rows[BATCH];
	size_t count = BATCH;
	int64_t after = 0;
	enum err e = ERR_OK;

	buf_add_text(&x->table, "manufacturer,model,serial,so_pin,customer,email,certificate_serial,agency\r\n");
	while (e == ERR_OK && count == BATCH) {
		/* no key is called so: all rows */
		e = store_escrow_walk(x->store, after, "-", rows, BATCH, &count);
		if (e == ERR_OK && count != 0) {
			e = export_batch(x, rows, count);
			after = rows[count - 1].id;
		}
	}
	return e;
}

static int
by_id(const void *a, const void *b)
{
	int64_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

static bool
was_given(const struct export *x, size_t at, int64_t id)
{
	int64_t given;

	if ((at + 1) * sizeof(given) > x->given.len)
		return false;
	memcpy(&given, x->given.data + at * sizeof(given), sizeof(given));
	return given == id;
}

static enum err
check_given(const struct export *x, const struct store_sealed *row, size_t *given)
{
	struct store_token t = { .id = 0 };
	enum err e = row->candidate ? store_token_by_name(x->store, &row->token, &t) : ERR_OK;

	if (e != ERR_OK || !row->candidate || (row->id != t.active && row->id != t.next))
		return e;
	return was_given(x, (*given)++, row->id) ? ERR_OK : ERR_BUSY;
}

/*
 * The rows are walked by their ids, and one that was passed when it was only kept may have become a candidate since: it was reinstated, or a late report brought it back. Such a table would lack a
 * SO PIN, or have one that is none any more: it is not written, and to export again is no harm.
 */
static enum err
check_whole(struct export *x)
{
	struct store_sealed rows[BATCH];
	size_t count = BATCH;
	size_t given = 0;
	int64_t after = 0;
	enum err e = buf_error(&x->given);

	if (x->given.len != 0)
		qsort(x->given.data, x->given.len / sizeof(int64_t), sizeof(int64_t), by_id);
	while (e == ERR_OK && count == BATCH) {
		e = store_escrow_walk(x->store, after, "-", rows, BATCH, &count);
		for (size_t i = 0; e == ERR_OK && i < count; i++)
			e = check_given(x, &rows[i], &given);
		if (count != 0)
			after = rows[count - 1].id;
	}
	return e == ERR_OK && given * sizeof(int64_t) != x->given.len ? ERR_BUSY : e;
}

static void
free_keys(struct export *x)
{
	for (size_t i = 0; i < KEYRING_MAX; i++) {
		key_kem_free(x->keys[i]);
		x->keys[i] = NULL;
	}
	keyring_wipe(&x->ring);
}

/* In the process that will have the HSM's module. */
static void
forget(void *context)
{
	struct export *x = context;

	free_keys(x);
	forget_opened(x);
	buf_free(&x->table);
}

/* The vault's user is the one whose file the ring is. */
static enum err
open_hsm(struct export *x, const struct config *config)
{
	struct stat st;

	if (!keyring_has_hsm(&x->ring))
		return ERR_OK;
	if (config->vault.hsm.module == NULL || stat(x->private_key, &st) != 0)
		return fail(ERR_CONFIG_INVALID, "vault.hsm");
	x->hsm = hsm_new(&config->vault.hsm, st.st_uid, forget, x);
	return x->hsm != NULL ? ERR_OK : fail(ERR_NO_MEMORY, NULL);
}

static enum err
read_keys(struct export *x, const struct config *config)
{
	enum err e = keyring_read(x->private_key, &x->ring);

	if (e == ERR_OK)
		e = open_hsm(x, config);
	for (size_t i = 0; e == ERR_OK && i < x->ring.count; i++) {
		const struct keyring_key *key = &x->ring.keys[i];
		x->keys[i] = key->in_hsm ? hsm_key(x->hsm, key, &x->halves[i]) : key_kem_from_private(key->sk);
		if (x->keys[i] == NULL)
			e = ERR_CONFIG_INVALID;
		if (e == ERR_OK && key->in_hsm)
			e = hsm_try(x->hsm, key);
	}
	return e == ERR_OK ? ERR_OK : fail(e, x->private_key);
}

static enum err
write_output(const struct export *x)
{
	struct buf message = buf_new(2 * TABLE_MAX);
	size_t wrong = 0;
	enum err e = custody_seal(&x->certificate, 1, &x->table, &message, &wrong);

	if (e != ERR_OK)
		fail(e, x->certificate);
	if (e == ERR_OK) {
		e = os_write_private(x->output, message.data, message.len);
		if (e != ERR_OK)
			fail(e, x->output);
	}
	buf_free(&message);
	return e;
}

static enum err
run(struct export *x, const struct config *config)
{
	unsigned char fingerprint[KEY_HASH_LEN];
	enum err e = custody_fingerprint(x->certificate, fingerprint);

	if (e != ERR_OK)
		return fail(e, x->certificate);
	text_hex(fingerprint, sizeof(fingerprint), x->to);
	if (x->private_key == NULL)
		x->private_key = config->vault.private_key;
	e = read_keys(x, config);
	if (e != ERR_OK)
		return e;
	e = store_open(config->database, &x->store);
	if (e == ERR_OK)
		e = export_all(x);
	if (e == ERR_OK)
		e = check_whole(x);
	if (e != ERR_OK)
		return fail(e, config->database);
	e = write_output(x);
	if (e == ERR_OK)
		printf("exported=%u unopened=%u second_candidates=%u to=%s\n", x->exported, x->unopened, x->two, x->to);
	return e == ERR_OK && x->unopened != 0 ? ERR_SEALED_INVALID : e;
}

int
desk_export(int argc, char **argv)
{
	struct export x = { .table = buf_new(TABLE_MAX), .given = buf_new(TABLE_MAX), .now = os_time() };
	const struct option_row options[] = {
		{ .name = "--config", .value = &x.config_file, .required = true },
		{ .name = "--to", .value = &x.certificate, .required = true },
		{ .name = "--output", .value = &x.output, .required = true },
		{ .name = "--private-key", .value = &x.private_key },
	};
	struct config *config = NULL;
	enum err e;

	if (options_read(argc, argv, options, sizeof(options) / sizeof(options[0])) != ERR_OK)
		return 2;
	if (options_config(x.config_file, &config) != ERR_OK)
		return 1;
	e = run(&x, config);
	free_keys(&x);
	hsm_free(x.hsm);
	buf_free(&x.table);
	buf_free(&x.given);
	store_close(x.store);
	config_free(config);
	return e == ERR_OK ? 0 : 1;
}
