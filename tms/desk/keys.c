/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys: the roll of the vault's key, while vault and server run (../README.md, "The vault's key"): new makes a key and lets it seal, reseal walks
 * all rows over to it, retire takes the older ones out of the vault once no row needs them, recall puts them back for what a backup brings. A key's private half is in
 * the file or in the HSM; only the vault speaks to that.
 */
#include "desk.h"

#include "custodians.h"
#include "escrow_log.h"
#include "key.h"
#include "keyfile.h"
#include "keyring.h"
#include "options.h"
#include "os.h"
#include "text.h"
#include "vault_client.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BATCH 64 /* rows a transaction */

struct keys {
	const struct config *config;
	struct store *store;
	struct keyring ring;
	int64_t now;
	const char *in;	    /* of new: "file" or "hsm" */
	const char *object; /* of new: a key that is in the HSM already; NULL: a fresh one */
};

static enum err
fail(enum err e, const char *detail)
{
	options_complain(e, detail);
	return e;
}

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static enum err
audit(struct keys *k, const char *format, ...)
{
	struct store_audit a = { .created = k->now, .who = "desk", .what = "keys" };
	va_list args;

	va_start(args, format);
	vsnprintf(a.detail, sizeof(a.detail), format, args);
	va_end(args);
	return store_audit_add(k->store, &a);
}

/* ---- the files ---- */

/* What `seal` is given: readable by all, and whoever's file it was. */
static enum err
write_public(const char *path, const unsigned char pk[KEY_KEM_PK_LEN])
{
	enum err e = keyfile_write_as(path, pk, KEY_KEM_PK_LEN, 0444, path);

	return e == ERR_OK ? ERR_OK : fail(e, path);
}

static bool
is_public(const char *path, const unsigned char pk[KEY_KEM_PK_LEN])
{
	unsigned char there[KEY_KEM_PK_LEN];

	return keyfile_read(path, there, sizeof(there)) == ERR_OK && memcmp(there, pk, sizeof(there)) == 0;
}

static enum err
read_ring(struct keys *k)
{
	enum err e = keyring_read(k->config->vault.private_key, &k->ring);

	return e == ERR_OK ? ERR_OK : fail(e, k->config->vault.private_key);
}

static enum err
write_ring(struct keys *k)
{
	enum err e = keyring_write(k->config->vault.private_key, &k->ring, k->config->vault.private_key);

	return e == ERR_OK ? ERR_OK : fail(e, k->config->vault.private_key);
}

static void
retired_path(const struct keys *k, char ret[OS_PATH_MAX])
{
	snprintf(ret, OS_PATH_MAX, "%s.retired", k->config->vault.private_key);
}

/* Behind the ones that are there; false where there is no room for one that is not. */
static bool
add_key(struct keyring *ring, const struct keyring_key *key)
{
	if (keyring_has(ring, key))
		return true;
	if (ring->count == KEYRING_MAX)
		return false;
	ring->keys[ring->count++] = *key;
	return true;
}

/* ---- list ---- */

/* Where the private half is. */
static void
print_place(const struct keyring_key *key)
{
	char object[2 * KEYRING_OBJECT_MAX + 1];

	text_hex(key->object.id, key->object.len, object);
	if (key->in_hsm)
		printf(" in=hsm object=%s\n", object);
	else
		printf(" in=file\n");
}

static enum err
list(struct keys *k)
{
	unsigned char pk[KEY_KEM_PK_LEN];
	char id[KEYRING_ID_LEN + 1];
	enum err e = read_ring(k);

	for (size_t i = 0; e == ERR_OK && i < k->ring.count; i++) {
		int64_t others = 0;
		e = keyring_public(&k->ring, i, pk, id);
		if (e == ERR_OK)
			e = store_escrow_count_other(k->store, id, &others);
		if (e == ERR_OK) {
			printf("key=%s %s rows_under_others=%lld", id, i == 0 ? "seals" : "opens", (long long)others);
			print_place(&k->ring.keys[i]);
		}
	}
	return e;
}

/* ---- new ---- */

static enum err
make_in_file(struct keyring_key *ret)
{
	struct key_kem *key = key_kem_new();

	if (key == NULL)
		return fail(ERR_NO_MEMORY, NULL);
	key_kem_private(key, ret->sk);
	key_kem_free(key);
	return ERR_OK;
}

/* The vault makes or looks for it, who alone speaks to the HSM. A key whose line does not get into the ring is nobody's: it stays in the HSM, unused. */
static enum err
make_in_hsm(const struct keys *k, struct keyring_key *ret)
{
	char line[VAULT_LINE_SIZE];
	enum err e = vault_make(k->config->vault.socket, k->object, line);

	if (e == ERR_OK && (!keyring_key_from_line(line, strlen(line), ret) || !ret->in_hsm))
		e = ERR_VAULT_UNREACHABLE;
	if (e == ERR_OK && keyring_has(&k->ring, ret))
		return fail(ERR_KEY_IN_USE, "this key is one of the vault's already");
	return e == ERR_OK ? ERR_OK : fail(e, k->object != NULL ? k->object : k->config->vault.socket);
}

static enum err
add_newest(struct keys *k)
{
	struct keyring_key key = { .in_hsm = false };
	enum err e;

	if (k->ring.count == KEYRING_MAX)
		return fail(ERR_KEY_IN_USE, "the vault holds as many keys as it can; retire the older ones first");
	e = strcmp(k->in, "hsm") == 0 ? make_in_hsm(k, &key) : make_in_file(&key);
	if (e == ERR_OK) {
		memmove(&k->ring.keys[1], &k->ring.keys[0], k->ring.count * sizeof(key));
		k->ring.keys[0] = key;
		k->ring.count++;
		e = write_ring(k);
	}
	wipe(&key, sizeof(key));
	return e;
}

/* The private file comes first: what is sealed to the public one must open. A run that was cut short between the two is ended by the next one. */
static enum err
new_key(struct keys *k)
{
	unsigned char pk[KEY_KEM_PK_LEN];
	char id[KEYRING_ID_LEN + 1];
	enum err e = read_ring(k);

	if (e == ERR_OK)
		e = keyring_public(&k->ring, 0, pk, id);
	if (e == ERR_OK && is_public(k->config->vault.public_key, pk)) {
		e = add_newest(k);
		if (e == ERR_OK)
			e = keyring_public(&k->ring, 0, pk, id);
	}
	if (e == ERR_OK)
		e = write_public(k->config->vault.public_key, pk);
	if (e == ERR_OK)
		e = audit(k, "new=%s keys=%zu in=%s", id, k->ring.count, k->ring.keys[0].in_hsm ? "hsm" : "file");
	if (e == ERR_OK)
		printf("key=%s keys=%zu\n", id, k->ring.count);
	return e;
}

/* ---- reseal ---- */

struct walk {
	char key[VAULT_KEY_ID_SIZE]; /* that all rows go to */
	struct store_sealed rows[BATCH];
	struct vault_row again[BATCH]; /* version 0: the vault cannot open it */
	size_t count;
	int64_t after;
	uint64_t resealed;
	uint64_t unopened;
};

/* Asks the vault outside of any transaction. One that does not open is named, and the others go on. */
static enum err
ask_vault(const struct keys *k, struct walk *w)
{
	for (size_t i = 0; i < w->count; i++) {
		struct vault_row row = { .version = w->rows[i].version };
		enum err e;
		memcpy(row.sealed, w->rows[i].sealed, sizeof(row.sealed));
		e = vault_rewrap(k->config->vault.socket, &w->rows[i].token, &row, &w->again[i]);
		if (e == ERR_SEALED_INVALID) {
			w->again[i].version = 0;
			w->unopened++;
			options_complain(e, w->rows[i].token.serial);
		} else if (e != ERR_OK) {
			return fail(e, k->config->vault.socket);
		}
	}
	return ERR_OK;
}

/* In a transaction. A candidate goes to the escrow log as well, so that after a restore the new key alone is enough for it. */
static enum err
keep(const struct keys *k, struct walk *w, struct escrow_log_batch *log)
{
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < w->count; i++) {
		const struct store_sealed *row = &w->rows[i];
		bool candidate = false;
		if (w->again[i].version == 0)
			continue;
		e = store_escrow_rewrap(k->store, row, w->again[i].sealed, w->again[i].key, &candidate);
		if (e == ERR_OK && candidate)
			e = escrow_log_add(k->store, &row->token, 0, k->now, log);
		w->resealed += e == ERR_OK;
	}
	return e == ERR_OK ? escrow_log_write(k->config, k->store, log) : e;
}

static enum err
reseal_batch(struct keys *k, struct walk *w)
{
	struct escrow_log_batch log;
	enum err e = escrow_log_batch_new(k->config, BATCH, &log);

	if (e == ERR_OK)
		e = ask_vault(k, w);
	else
		fail(e, k->config->signing_key);
	if (e == ERR_OK) {
		e = store_begin(k->store);
		if (e == ERR_OK)
			e = store_end(k->store, keep(k, w, &log));
		if (e != ERR_OK)
			fail(e, "what was resealed before stays; run it again");
	}
	escrow_log_batch_free(&log);
	return e;
}

/* A row that two of these runs, or a grant, have changed in between is met again by the next run. */
static enum err
reseal(struct keys *k)
{
	struct walk w = { .count = BATCH };
	struct vault_keys keys;
	enum err e = vault_keys(k->config->vault.socket, &keys);

	if (e != ERR_OK)
		return fail(e, k->config->vault.socket);
	memcpy(w.key, keys.ids[0], sizeof(w.key));
	while (e == ERR_OK && w.count == BATCH) {
		e = store_escrow_walk(k->store, w.after, w.key, w.rows, BATCH, &w.count);
		if (e == ERR_OK && w.count != 0) {
			e = reseal_batch(k, &w);
			w.after = w.rows[w.count - 1].id;
		}
	}
	if (e == ERR_OK)
		e = audit(k, "resealed=%llu unopened=%llu key=%s", (unsigned long long)w.resealed, (unsigned long long)w.unopened, w.key);
	printf("key=%s resealed=%llu unopened=%llu\n", w.key, (unsigned long long)w.resealed, (unsigned long long)w.unopened);
	return e == ERR_OK && w.unopened != 0 ? ERR_SEALED_INVALID : e;
}

/* ---- retire and recall ---- */

static enum err
check_unused(const struct keys *k, const char *newest)
{
	char detail[96];
	int64_t count = 0;
	enum err e = store_escrow_count_other(k->store, newest, &count);

	if (e != ERR_OK || count == 0)
		return e;
	snprintf(detail, sizeof(detail), "%lld rows are not known to be sealed to the newest key", (long long)count);
	return fail(ERR_KEY_IN_USE, detail);
}

/* The older ones go to a file that the vault does not read, before they go from the one that it does. */
static enum err
set_aside(struct keys *k)
{
	struct keyring retired = { .count = 0 };
	char path[OS_PATH_MAX];
	struct stat st;
	bool room = true;
	enum err e = ERR_OK;

	retired_path(k, path);
	if (stat(path, &st) == 0)
		e = keyring_read(path, &retired);
	for (size_t i = 1; e == ERR_OK && i < k->ring.count; i++)
		room = add_key(&retired, &k->ring.keys[i]) && room;
	if (e == ERR_OK && !room)
		e = fail(ERR_KEY_IN_USE, "the file of retired keys is full; move it to where the backup of the keys is");
	else if (e == ERR_OK)
		e = keyring_write(path, &retired, k->config->vault.private_key);
	keyring_wipe(&retired);
	return e;
}

static enum err
retire(struct keys *k)
{
	unsigned char pk[KEY_KEM_PK_LEN];
	char id[KEYRING_ID_LEN + 1];
	size_t older = 0;
	enum err e = read_ring(k);

	if (e == ERR_OK)
		e = keyring_public(&k->ring, 0, pk, id);
	if (e == ERR_OK && k->ring.count > 1) {
		older = k->ring.count - 1;
		e = check_unused(k, id);
		if (e == ERR_OK)
			e = set_aside(k);
		k->ring.count = 1;
		if (e == ERR_OK)
			e = write_ring(k);
		if (e == ERR_OK)
			e = audit(k, "retired=%zu key=%s", older, id);
	}
	if (e == ERR_OK)
		printf("key=%s retired=%zu\n", id, older);
	return e;
}

static enum err
recall(struct keys *k)
{
	struct keyring retired = { .count = 0 };
	char path[OS_PATH_MAX];
	size_t before;
	bool room = true;
	enum err e = read_ring(k);

	retired_path(k, path);
	before = k->ring.count;
	if (e == ERR_OK && keyring_read(path, &retired) != ERR_OK)
		e = fail(ERR_CONFIG_INVALID, path);
	for (size_t i = 0; e == ERR_OK && i < retired.count; i++)
		room = add_key(&k->ring, &retired.keys[i]) && room;
	if (e == ERR_OK && !room)
		e = fail(ERR_KEY_IN_USE, "the vault holds as many keys as it can");
	if (e == ERR_OK && keyring_has_hsm(&k->ring) && k->config->vault.hsm.module == NULL)
		e = fail(ERR_CONFIG_INVALID, "a retired key is in an HSM, and the configuration names none (vault.hsm)");
	if (e == ERR_OK)
		e = write_ring(k);
	if (e == ERR_OK)
		e = audit(k, "recalled=%zu", k->ring.count - before);
	if (e == ERR_OK)
		printf("recalled=%zu keys=%zu\n", k->ring.count - before, k->ring.count);
	keyring_wipe(&retired);
	return e;
}

/* ---- the verbs ---- */

static int
run_with(const char *config_file, const struct keys *asked, enum err (*verb)(struct keys *k))
{
	struct keys k = *asked;
	struct config *config = NULL;
	enum err e;

	if (options_config(config_file, &config) != ERR_OK)
		return 1;
	k.now = os_time();
	k.config = config;
	e = store_open(config->database, &k.store);
	if (e == ERR_OK)
		e = verb(&k);
	else
		options_complain(e, config->database);
	keyring_wipe(&k.ring);
	store_close(k.store);
	config_free(config);
	return e == ERR_OK ? 0 : 1;
}

static int
run(int argc, char **argv, enum err (*verb)(struct keys *k))
{
	const struct keys nothing_asked = { .in = NULL };
	const char *config_file = NULL;

	if (options_config_file(argc, argv, &config_file) != 0)
		return 2;
	return run_with(config_file, &nothing_asked, verb);
}

static int
command_list(int argc, char **argv)
{
	return run(argc, argv, list);
}

/* A key for a vault with an HSM is made there, unless told. */
static enum err
new_somewhere(struct keys *k)
{
	bool has_hsm = k->config->vault.hsm.module != NULL;

	if (k->in == NULL)
		k->in = has_hsm ? "hsm" : "file";
	if (strcmp(k->in, "hsm") == 0 && !has_hsm)
		return fail(ERR_CONFIG_INVALID, "vault.hsm");
	return new_key(k);
}

static int
command_new(int argc, char **argv)
{
	struct keys asked = { .in = NULL };
	const char *config_file = NULL;
	const struct option_row rows[] = {
		{ .name = "--config", .value = &config_file, .required = true },
		{ .name = "--in", .value = &asked.in },
		{ .name = "--object", .value = &asked.object },
	};

	if (options_read(argc, argv, rows, sizeof(rows) / sizeof(rows[0])) != ERR_OK)
		return 2;
	if (asked.in != NULL && strcmp(asked.in, "file") != 0 && strcmp(asked.in, "hsm") != 0)
		return options_refuse("--in", "must be file or hsm");
	if (asked.object != NULL && asked.in != NULL && strcmp(asked.in, "hsm") != 0)
		return options_refuse("--object", "is a key that is in the HSM");
	if (asked.object != NULL)
		asked.in = "hsm";
	return run_with(config_file, &asked, new_somewhere);
}

static int
command_reseal(int argc, char **argv)
{
	return run(argc, argv, reseal);
}

static int
command_retire(int argc, char **argv)
{
	return run(argc, argv, retire);
}

static int
command_recall(int argc, char **argv)
{
	return run(argc, argv, recall);
}

static const struct option_verb verbs[] = {
	{ "list", command_list },
	{ "new", command_new },
	{ "reseal", command_reseal },
	{ "retire", command_retire },
	{ "recall", command_recall },
	{ "backup", custodians_backup },
	{ "check", custodians_check },
	{ "restore", custodians_restore },
};

int
desk_keys(int argc, char **argv)
{
	return options_verb(verbs, sizeof(verbs) / sizeof(verbs[0]), "keys list, keys new, keys reseal, keys retire, keys recall, keys backup, keys check, keys restore", argc, argv);
}
