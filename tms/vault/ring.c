/* SPDX-License-Identifier: Apache-2.0 */
#include "ring.h"

#include "log.h"
#include "transcript.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
is_safe(const struct stat *st)
{
	return S_ISREG(st->st_mode) && (st->st_mode & 077) == 0 && st->st_uid == geteuid();
}

static enum err
take_keys(const struct keyring *from, struct ring *r)
{
	unsigned char pk[KEY_KEM_PK_LEN];
	enum err e = ERR_OK;

	r->halves = calloc(KEYRING_MAX, sizeof(*r->halves));
	if (r->halves == NULL)
		return ERR_NO_MEMORY;
	for (r->count = 0; e == ERR_OK && r->count < from->count; r->count++) {
		const struct keyring_key *key = &from->keys[r->count];
		r->in_hsm[r->count] = key->in_hsm;
		r->keys[r->count] = key->in_hsm ? hsm_key(r->hsm, key, &r->halves[r->count]) : key_kem_from_private(key->sk);
		e = r->keys[r->count] != NULL ? keyring_public(from, r->count, pk, r->ids[r->count]) : ERR_CONFIG_INVALID;
	}
	return e;
}

/* The stamp of the file is kept also where it cannot be taken, so that it is said once. */
static void
stamp(struct ring *r, const struct stat *st)
{
	r->inode = st->st_ino;
	r->changed = st->st_ctim;
}

enum err
ring_load(struct ring *r, const char *path)
{
	struct keyring from = { .count = 0 };
	struct ring fresh = { .hsm = r->hsm };
	struct stat st = { .st_ino = 0 };
	enum err e = ERR_CONFIG_INVALID;

	if (stat(path, &st) != 0 || !is_safe(&st))
		log_error("vault", "file=%s cause=it is missing, or not the vault user's own, or others can read it", path);
	else
		e = keyring_read(path, &from);
	if (e == ERR_OK && r->hsm == NULL && keyring_has_hsm(&from)) {
		log_error("vault", "file=%s cause=a key is in an HSM, and the configuration names none (vault.hsm)", path);
		e = ERR_CONFIG_INVALID;
	} else if (e == ERR_OK) {
		e = take_keys(&from, &fresh);
		if (e == ERR_CONFIG_INVALID)
			log_error("vault", "file=%s cause=it holds no key", path);
	}
	keyring_wipe(&from);
	stamp(r, &st);
	if (e != ERR_OK) {
		ring_free(&fresh);
		return e;
	}
	stamp(&fresh, &st);
	ring_free(r);
	*r = fresh;
	log_info("vault", "keys=%zu newest=%s", r->count, r->ids[0]);
	return ERR_OK;
}

void
ring_refresh(struct ring *r, const char *path)
{
	struct stat st = { .st_ino = 0 };

	/* a file that is being replaced is never missing; one that was taken away is no reason to forget what opens the rows */
	if (stat(path, &st) != 0)
		return;
	if (st.st_ino != r->inode || st.st_ctim.tv_sec != r->changed.tv_sec || st.st_ctim.tv_nsec != r->changed.tv_nsec)
		(void)ring_load(r, path);
}

void
ring_free(struct ring *r)
{
	for (size_t i = 0; i < KEYRING_MAX; i++) {
		key_kem_free(r->keys[i]);
		r->keys[i] = NULL;
	}
	free(r->halves);
	r->halves = NULL;
	r->count = 0;
}

/* One kind of keys alone. */
static enum err
open_with(const struct ring *r, bool in_hsm, const struct token_name *token, const struct vault_row *row, struct secret *ret_so_pin)
{
	enum err e = ERR_SEALED_INVALID;

	for (size_t i = 0; e == ERR_SEALED_INVALID && i < r->count; i++)
		if (r->in_hsm[i] == in_hsm)
			e = transcript_open_escrow(r->keys[i], token, row->version, row->sealed, ret_so_pin);
	return e;
}

enum err
ring_open(const struct ring *r, const struct token_name *token, const struct vault_row *row, struct secret *ret_so_pin)
{
	enum err e = open_with(r, false, token, row, ret_so_pin);

	return e == ERR_SEALED_INVALID ? open_with(r, true, token, row, ret_so_pin) : e;
}

enum err
ring_try(const struct ring *r)
{
	enum err e = r->hsm != NULL ? hsm_login(r->hsm) : ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < r->count; i++) {
		struct keyring_key key = { .in_hsm = r->in_hsm[i], .object = r->halves[i].object };
		key_kem_public(r->keys[i], key.pk);
		if (key.in_hsm)
			e = hsm_try(r->hsm, &key);
		if (e != ERR_OK)
			log_error("vault", "key=%s result=%s", r->ids[i], err_name(e));
	}
	return e;
}

enum err
ring_seal(const struct ring *r, const struct token_name *token, const struct secret *so_pin, struct vault_row *row)
{
	unsigned char pk[KEY_KEM_PK_LEN];

	key_kem_public(r->keys[0], pk);
	snprintf(row->key, sizeof(row->key), "%s", r->ids[0]);
	return transcript_seal_escrow(pk, token, row->version, so_pin, row->sealed);
}
