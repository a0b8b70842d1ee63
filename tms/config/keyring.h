/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyring: the vault's private keys in one file, a line each, the newest first. What is sealed is sealed to the newest; the others still open what was sealed
 * before. One file, because it is then replaced as a whole: no crash leaves a half of a roll.
 *
 * A key whose private half lies in the file is a line of base64url as in keyfile.h; of one whose private half lies in an HSM the line says where:
 * "hsm OBJECT PUBLIC", the object's CKA_ID in hexadecimal digits and the public half in base64url.
 *
 * The caller wipes a struct keyring with keyring_wipe(). Any thread may call.
 */
#ifndef MOKHOA_KEYRING_H
#define MOKHOA_KEYRING_H

#include "err.h"
#include "key.h"

#include <stdbool.h>
#include <stddef.h>

#define KEYRING_MAX	   4
#define KEYRING_ID_LEN	   16 /* hexadecimal digits */
#define KEYRING_OBJECT_MAX 32 /* bytes of a CKA_ID */
#define KEYRING_LINE_SIZE  160

struct keyring_object {
	unsigned char id[KEYRING_OBJECT_MAX];
	size_t len; /* 1 or more */
};

struct keyring_key {
	bool in_hsm;
	unsigned char sk[KEY_KEM_SK_LEN]; /* of one in the file */
	unsigned char pk[KEY_KEM_PK_LEN]; /* of one in an HSM, and where it is there */
	struct keyring_object object;
};

struct keyring {
	struct keyring_key keys[KEYRING_MAX];
	size_t count; /* 1 or more once it was read */
};

/* ERR_CONFIG_INVALID where the file is missing, holds anything else, or more than KEYRING_MAX keys; logged with the file's name. */
enum err keyring_read(const char *path, struct keyring *ret);

/*
 * Replaces the file, readable by its owner alone, who is whoever owns the file or folder `like` (the caller where there is none): of a ring that is there, its own path, so that root
 * may replace what the vault's user must go on reading. ERR_FILE_FAILED, logged: then the old file stands (or, only the last sync failed, the new one).
 */
enum err keyring_write(const char *path, const struct keyring *ring, const char *like);

void keyring_wipe(struct keyring *ring);

/* A key's line, without its end; the caller wipes. And back; false where it is none. */
void keyring_line(const struct keyring_key *key, char ret[KEYRING_LINE_SIZE]);
bool keyring_key_from_line(const char *line, size_t len, struct keyring_key *ret);

bool keyring_has(const struct keyring *ring, const struct keyring_key *key);
bool keyring_has_hsm(const struct keyring *ring);

/* What a key is called in the store, in answers and in logs: the first 8 bytes of SHA-256 of its public half. */
enum err keyring_id(const unsigned char pk[KEY_KEM_PK_LEN], char ret[KEYRING_ID_LEN + 1]);

/* The public half and the id of the key at an index. ERR_CONFIG_INVALID where the bytes are no key. */
enum err keyring_public(const struct keyring *ring, size_t at, unsigned char ret_pk[KEY_KEM_PK_LEN], char ret_id[KEYRING_ID_LEN + 1]);

#endif
