/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault_client: asks the vault to open a sealed SO PIN for a customer's machine, and what else a TMS may want of rows that it cannot open. The caller never sees one in clear.
 *
 * Each call is a connection of its own and takes at most VAULT_CLIENT_MS; any thread may call. Every function: ERR_VAULT_UNREACHABLE where
 * nobody answers as a vault does or its HSM is away, ERR_VAULT_LIMIT where this hour's rows are used up, ERR_SEALED_INVALID where a row does not open,
 * ERR_VAULT_REFUSED where the vault will not do it. ret_x is written only on success.
 */
#ifndef MOKHOA_VAULT_CLIENT_H
#define MOKHOA_VAULT_CLIENT_H

#include "err.h"
#include "hpke.h"
#include "key.h"
#include "op.h"
#include "token_name.h"
#include "transcript.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VAULT_CLIENT_MS	  10000
#define VAULT_KEY_ID_SIZE 17 /* of the id of a key of the vault (keyring.h) and a NUL */
#define VAULT_KEYS_MAX	  4
#define VAULT_NAME_SIZE	  65  /* of a key's label in an HSM, and a NUL */
#define VAULT_LINE_SIZE	  160 /* of a line of the ring (keyring.h) */

struct vault_row {
	uint64_t version; /* as sealed into the row */
	unsigned char sealed[TRANSCRIPT_ESCROW_ROW_LEN];
	char key[VAULT_KEY_ID_SIZE]; /* of an answer: which key it is sealed to */
};

/* The keys of the vault, the newest first. */
struct vault_keys {
	char ids[VAULT_KEYS_MAX][VAULT_KEY_ID_SIZE];
	size_t count;
};

/* What the next SO PIN is to look like. */
struct vault_format {
	unsigned length;	    /* characters, at most TRANSCRIPT_SO_PIN_MAX; 0: as many as the current one has */
	enum characters characters; /* any: what the current one is made of */
};

/* What only the customer's machine opens. */
struct vault_answer {
	unsigned char enc[HPKE_ENC_LEN];
	unsigned char ciphertext[TRANSCRIPT_SEALED_LEN + HPKE_TAG_LEN];
};

/* The candidates of a token (1 or 2 rows, in the order in which they are to be tried) and the nonce, as a release answer. */
enum err vault_reseal(const char *socket_path, const struct token_name *token, const struct vault_row *rows, size_t count,
    const unsigned char to[KEY_KEM_PK_LEN], const unsigned char h[KEY_HASH_LEN], const unsigned char nonce[TRANSCRIPT_ID_LEN],
    struct vault_answer *ret_answer);

/* The next SO PIN after the row's, in that format, as the next row (version + 1) and as a grant answer. */
enum err vault_renew(const char *socket_path, const struct token_name *token, const struct vault_row *row, const struct vault_format *format,
    const unsigned char to[KEY_KEM_PK_LEN], const unsigned char h[KEY_HASH_LEN], struct vault_row *ret_next, struct vault_answer *ret_answer);

/*
 * The SO PIN of a row that an earlier renew has made, once more as a grant answer: what one machine was given and may have set, another
 * must not be given anew.
 */
enum err vault_regrant(const char *socket_path, const struct token_name *token, const struct vault_row *row, const unsigned char to[KEY_KEM_PK_LEN],
    const unsigned char h[KEY_HASH_LEN], struct vault_answer *ret_answer);

/*
 * Whether two rows of one token hold the same value; nothing else is said of them. For the import of a table over tokens that are on record. An answer is one guess at an SO PIN
 * for whoever can seal (anybody who has the public key), so that compares have a limit of their own by the hour: ERR_VAULT_LIMIT
 * (protocol/README.md, "The vault").
 */
enum err vault_compare(const char *socket_path, const struct token_name *token, const struct vault_row rows[2], bool *ret_equal);

/* The row's value sealed to the newest key of the vault, under the same version: what the roll of a key is made of. Not counted: nobody learns anything. */
enum err vault_rewrap(const char *socket_path, const struct token_name *token, const struct vault_row *row, struct vault_row *ret_row);

enum err vault_keys(const char *socket_path, struct vault_keys *ret_keys);

/*
 * For the operator's commands, as root or as the vault's user; everybody else is ERR_VAULT_REFUSED. Besides the errors above: what the HSM says (hsm.h), and
 * ERR_CONFIG_INVALID where the vault has none.
 */

/* A key for the ring in the HSM: a fresh one, or with a name (a label, or the hexadecimal digits of a CKA_ID) one that is there already. */
enum err vault_make(const char *socket_path, const char *name, char ret_line[VAULT_LINE_SIZE]);

/* Tries every key of the vault that is in an HSM. */
enum err vault_check(const char *socket_path, struct vault_keys *ret_keys);

#endif
