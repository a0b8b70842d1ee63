/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring: the keys of a running vault (keyring.h) as they can be used. The file is looked at before each request and read again when it was
 * replaced, so that a key is rolled without a restart; a file that cannot be taken leaves the keys as they are. Keys of the file are tried before those of an HSM, so that
 * one that is away keeps nothing shut that another key opens.
 *
 * One thread.
 */
#ifndef MOKHOA_RING_H
#define MOKHOA_RING_H

#include "err.h"
#include "hsm.h"
#include "key.h"
#include "keyring.h"
#include "secret.h"
#include "token_name.h"
#include "vault_client.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

static_assert(VAULT_KEYS_MAX == KEYRING_MAX && VAULT_KEY_ID_SIZE == KEYRING_ID_LEN + 1, "what the client reads is what a ring has");

struct ring {
	struct hsm *hsm;		   /* borrowed; NULL: there is none */
	struct key_kem *keys[KEYRING_MAX]; /* the newest first */
	struct hsm_half *halves;	   /* KEYRING_MAX, of those in the HSM */
	bool in_hsm[KEYRING_MAX];
	char ids[KEYRING_MAX][KEYRING_ID_LEN + 1];
	size_t count;
	/* of the file that was looked at last */
	ino_t inode;
	struct timespec changed;
};

/* ERR_CONFIG_INVALID, logged: the file is missing, holds no keys, names one of an HSM where there is none, or anybody but this process's user can read it. */
enum err ring_load(struct ring *r, const char *path);

/* Reads the file again where it is another one. */
void ring_refresh(struct ring *r, const char *path);
void ring_free(struct ring *r);

/* Opens a row with whichever key it was sealed to. ERR_SEALED_INVALID where it is none of them, what the HSM says (hsm.h) where it may be one that is there. The caller wipes. */
enum err ring_open(const struct ring *r, const struct token_name *token, const struct vault_row *row, struct secret *ret_so_pin);

/* Seals to the newest key, under row->version; writes row->sealed and row->key. */
enum err ring_seal(const struct ring *r, const struct token_name *token, const struct secret *so_pin, struct vault_row *row);

/* Whether the HSM, where there is one, lets the vault in, and has every key that is to be there: what it says of the first that it has not. */
enum err ring_try(const struct ring *r);

#endif
