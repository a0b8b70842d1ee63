/* SPDX-License-Identifier: Apache-2.0 */
/*
 * custodians: the private keys of vault and server for their custodians, who alone can bring them back: `backup` seals them to certificates, `check` and
 * `restore` open them with a custodian's key. Nothing is ever overwritten.
 */
#include "custodians.h"

#include "custody.h"
#include "json.h"
#include "key.h"
#include "keyfile.h"
#include "keyring.h"
#include "options.h"
#include "os.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CUSTODIANS_MAX 16
#define FORMAT	       1

struct keys {
	unsigned char signing[KEY_SIG_SEED_LEN];
	unsigned char signing_public[KEY_SIG_PK_LEN];
	struct keyring vault;
	unsigned char vault_public[KEY_KEM_PK_LEN]; /* of the newest */
};

static enum err
complain(enum err e, const char *about)
{
	if (e != ERR_OK)
		options_complain(e, about);
	return e;
}

/* The public halves from the private ones, and that each of them is a key. */
static enum err
find_public(struct keys *k)
{
	struct key_sig *signing = key_sig_from_seed(k->signing);
	unsigned char older[KEY_KEM_PK_LEN];
	char id[KEYRING_ID_LEN + 1];
	enum err e = signing != NULL && k->vault.count >= 1 ? ERR_OK : ERR_KEYS_INVALID;

	if (e == ERR_OK)
		key_sig_public(signing, k->signing_public);
	for (size_t i = 0; e == ERR_OK && i < k->vault.count; i++)
		if (keyring_public(&k->vault, i, i == 0 ? k->vault_public : older, id) != ERR_OK)
			e = ERR_KEYS_INVALID;
	key_sig_free(signing);
	return e;
}

/* The vault's newest key is the one that rows are sealed to here; a configuration that has no public half yet fits any. */
static enum err
check_vault(const struct config *config, const struct keys *k)
{
	unsigned char pk[KEY_KEM_PK_LEN];
	struct stat st;
	enum err e;

	if (lstat(config->vault.public_key, &st) != 0)
		return ERR_OK;
	e = keyfile_read(config->vault.public_key, pk, sizeof(pk));
	return e == ERR_OK && memcmp(pk, k->vault_public, sizeof(pk)) != 0 ? ERR_KEYS_MISMATCH : e;
}

static size_t
count_in_hsm(const struct keyring *ring)
{
	size_t count = 0;

	for (size_t i = 0; i < ring->count; i++)
		count += ring->keys[i].in_hsm;
	return count;
}

/* What clients' profiles have, for people to compare. */
static void
print_public(const char *word, const struct keys *k)
{
	json_t *signing = json_b64(k->signing_public, sizeof(k->signing_public));
	json_t *vault = json_b64(k->vault_public, sizeof(k->vault_public));

	printf("%s tms_key=%s vault_key=%s vault_keys=%zu in_hsm=%zu\n", word, json_string_value(signing), json_string_value(vault), k->vault.count, count_in_hsm(&k->vault));
	json_decref(signing);
	json_decref(vault);
}

/* What this file cannot hold, said to people: nobody should find out in the hour of a restore. */
static void
warn_of_hsm(const struct config *config, const struct keys *k)
{
	unsigned char pk[KEY_KEM_PK_LEN];
	char id[KEYRING_ID_LEN + 1];

	for (size_t i = 0; i < k->vault.count; i++)
		if (k->vault.keys[i].in_hsm && keyring_public(&k->vault, i, pk, id) == ERR_OK)
			fprintf(stderr,
			    "mokhoa-tms: khóa %s nằm trong HSM (token %s, số sê-ri %s) và không thể ra ngoài: bản này chỉ ghi nó ở đâu. Sao lưu token đó bằng chính công cụ của HSM.\n"
			    "mokhoa-tms: key %s is in the HSM (token %s, serial number %s) and cannot leave it: this file only says where it is. Back that token up with the HSM's own tool.\n",
			    id, config->vault.hsm.token, config->vault.hsm.serial, id, config->vault.hsm.token, config->vault.hsm.serial);
}

/* ---- backup ---- */

static enum err
read_keys(const struct config *config, struct keys *k)
{
	enum err e = complain(keyfile_read(config->signing_key, k->signing, sizeof(k->signing)), config->signing_key);

	if (e == ERR_OK)
		e = complain(keyring_read(config->vault.private_key, &k->vault), config->vault.private_key);
	if (e == ERR_OK && keyring_has_hsm(&k->vault) && config->vault.hsm.module == NULL)
		e = complain(ERR_CONFIG_INVALID, "vault.hsm");
	if (e == ERR_OK)
		e = complain(find_public(k), config->signing_key);
	return e == ERR_OK ? complain(check_vault(config, k), config->vault.public_key) : e;
}

static json_t *
ring_json(const struct keyring *ring)
{
	json_t *keys = json_array();

	for (size_t i = 0; i < ring->count; i++) {
		char line[KEYRING_LINE_SIZE];
		int failed;
		keyring_line(&ring->keys[i], line);
		failed = json_array_append_new(keys, json_string(line));
		wipe(line, sizeof(line));
		if (failed != 0) {
			json_decref(keys);
			return NULL;
		}
	}
	return keys;
}

static enum err
write_plain(const struct keys *k, struct buf *plain)
{
	json_t *json = json_pack("{s:i, s:I, s:o, s:o, s:o, s:o}",
	    "mokhoa_keys", FORMAT,
	    "created", (json_int_t)os_time(),
	    "signing_key", json_b64(k->signing, sizeof(k->signing)),
	    "signing_public", json_b64(k->signing_public, sizeof(k->signing_public)),
	    "vault_keys", ring_json(&k->vault),
	    "vault_public", json_b64(k->vault_public, sizeof(k->vault_public)));
	enum err e = json != NULL ? json_dump(json, plain) : ERR_NO_MEMORY;

	json_decref(json);
	return e;
}

static enum err
check_new(const char *file)
{
	struct stat st;

	return lstat(file, &st) == 0 ? ERR_FILE_EXISTS : ERR_OK;
}

static enum err
run_backup(const struct config *config, const char *file, const struct option_list *to)
{
	struct keys k = { .signing = { 0 } };
	struct buf plain = buf_new(CUSTODY_MAX);
	struct buf text = buf_new(CUSTODY_MAX);
	size_t wrong = to->count;
	enum err e = complain(check_new(file), file);

	if (e == ERR_OK)
		e = read_keys(config, &k);
	if (e == ERR_OK)
		e = write_plain(&k, &plain);
	if (e == ERR_OK) {
		e = custody_seal(to->at, to->count, &plain, &text, &wrong);
		complain(e, wrong < to->count ? to->at[wrong] : file);
	}
	if (e == ERR_OK && os_write_private(file, text.data, text.len) != ERR_OK)
		e = complain(ERR_FILE_FAILED, file);
	if (e == ERR_OK) {
		print_public("keys", &k);
		warn_of_hsm(config, &k);
	}
	buf_free(&plain);
	buf_free(&text);
	wipe(&k, sizeof(k));
	return e;
}

/* ---- check and restore ---- */

static bool
read_ring(const json_t *keys, struct keyring *ret)
{
	ret->count = json_array_size(keys);
	if (ret->count < 1 || ret->count > KEYRING_MAX)
		return false;
	for (size_t i = 0; i < ret->count; i++) {
		const json_t *line = json_array_get(keys, i);
		if (!json_is_string(line) || !keyring_key_from_line(json_string_value(line), json_string_length(line), &ret->keys[i]))
			return false;
	}
	return true;
}

static enum err
read_plain(const struct buf *plain, struct keys *k)
{
	unsigned char signing_public[KEY_SIG_PK_LEN];
	unsigned char vault_public[KEY_KEM_PK_LEN];
	json_t *json = NULL;
	json_t *signing, *signing_pk, *vault, *vault_pk;
	json_int_t created;
	int format;
	bool read = json_load(plain->data, plain->len, &json, NULL) == ERR_OK &&
		    json_unpack(json, "{s:i, s:I, s:o, s:o, s:o, s:o !}",
			"mokhoa_keys", &format,
			"created", &created,
			"signing_key", &signing,
			"signing_public", &signing_pk,
			"vault_keys", &vault,
			"vault_public", &vault_pk) == 0 &&
		    format == FORMAT && json_b64_exact(signing, k->signing, sizeof(k->signing)) && read_ring(vault, &k->vault) &&
		    json_b64_exact(signing_pk, signing_public, sizeof(signing_public)) && json_b64_exact(vault_pk, vault_public, sizeof(vault_public));
	enum err e = read ? find_public(k) : ERR_KEYS_INVALID;

	json_decref(json);
	if (e == ERR_OK && (memcmp(signing_public, k->signing_public, sizeof(signing_public)) != 0 || memcmp(vault_public, k->vault_public, sizeof(vault_public)) != 0))
		e = ERR_KEYS_INVALID;
	return e;
}

static enum err
open_keys(const char *file, const char *key_file, struct keys *k)
{
	struct buf text = buf_new(CUSTODY_MAX);
	struct buf plain = buf_new(CUSTODY_MAX);
	enum err e = os_read_file(file, &text) == ERR_OK ? ERR_OK : ERR_FILE_FAILED;

	if (e == ERR_OK)
		e = custody_open(&text, key_file, &plain);
	if (e == ERR_OK)
		e = read_plain(&plain, k);
	buf_free(&text);
	buf_free(&plain);
	return complain(e, file);
}

/* Whoever restores: the owner of the folder owns the key. */
static void
folder_of(const char *path, char ret[OS_PATH_MAX])
{
	char *slash;

	snprintf(ret, OS_PATH_MAX, "%s", path);
	slash = strrchr(ret, '/');
	if (slash != NULL)
		slash[slash == ret ? 1 : 0] = '\0';
	else
		snprintf(ret, OS_PATH_MAX, ".");
}

static enum err
write_key(const char *path, const unsigned char *bytes, size_t len, unsigned mode)
{
	char folder[OS_PATH_MAX];

	folder_of(path, folder);
	return complain(keyfile_write_as(path, bytes, len, mode, folder), path);
}

static enum err
write_vault(const char *path, const struct keyring *ring)
{
	char folder[OS_PATH_MAX];

	folder_of(path, folder);
	return complain(keyring_write(path, ring, folder), path);
}

/* All that could be in the way is looked at before anything is written. */
static enum err
write_keys(const struct config *config, const struct keys *k)
{
	struct stat st;
	enum err e = complain(check_new(config->signing_key), config->signing_key);

	if (e == ERR_OK)
		e = complain(check_new(config->vault.private_key), config->vault.private_key);
	if (e == ERR_OK && lstat(config->vault.public_key, &st) != 0)
		e = write_key(config->vault.public_key, k->vault_public, sizeof(k->vault_public), 0444);
	if (e == ERR_OK)
		e = write_vault(config->vault.private_key, &k->vault);
	return e == ERR_OK ? write_key(config->signing_key, k->signing, sizeof(k->signing), 0400) : e;
}

static enum err
run_restore(const struct config *config, const char *file, const char *key_file, bool writes)
{
	struct keys k = { .signing = { 0 } };
	enum err e = open_keys(file, key_file, &k);

	if (e == ERR_OK)
		e = complain(check_vault(config, &k), config->vault.public_key);
	if (e == ERR_OK && writes)
		e = write_keys(config, &k);
	if (e == ERR_OK)
		print_public(writes ? "restored" : "ok", &k);
	wipe(&k, sizeof(k));
	return e;
}

/* ---- the commands ---- */

/* The file in front of the options, and the configuration that they name: 0, or the exit status and no configuration. */
static int
read_options(int argc, char **argv, const struct option_row *own, const char **ret_file, struct config **ret_config)
{
	const char *config_file = NULL;
	const struct option_row options[] = { { .name = "--config", .value = &config_file, .required = true }, *own };

	if (argc < 1 || argv[0][0] == '-' || argv[0][0] == '\0')
		return options_refuse("FILE", "must stand behind the command");
	*ret_file = argv[0];
	if (options_read(argc - 1, argv + 1, options, sizeof(options) / sizeof(options[0])) != ERR_OK)
		return 2;
	return options_config(config_file, ret_config) == ERR_OK ? 0 : 1;
}

int
custodians_backup(int argc, char **argv)
{
	const char *given[CUSTODIANS_MAX];
	struct option_list to = { .at = given, .room = CUSTODIANS_MAX };
	const struct option_row own = { .name = "--to", .list = &to, .required = true };
	struct config *config = NULL;
	const char *file = "";
	int status = read_options(argc, argv, &own, &file, &config);

	if (config != NULL)
		status = run_backup(config, file, &to) == ERR_OK ? 0 : 1;
	config_free(config);
	return status;
}

static int
open_command(int argc, char **argv, bool writes)
{
	const char *key_file = NULL;
	const struct option_row own = { .name = "--key", .value = &key_file, .required = true };
	struct config *config = NULL;
	const char *file = "";
	int status = read_options(argc, argv, &own, &file, &config);

	if (config != NULL)
		status = run_restore(config, file, key_file, writes) == ERR_OK ? 0 : 1;
	config_free(config);
	return status;
}

int
custodians_check(int argc, char **argv)
{
	return open_command(argc, argv, false);
}

int
custodians_restore(int argc, char **argv)
{
	return open_command(argc, argv, true);
}
