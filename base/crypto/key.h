/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key: the three kinds of key of the unlock and what is done with them: P-256 to be sealed to (HPKE), Ed25519 to sign with (RFC 8032),
 * and hashes (SHA-256, scrypt of RFC 7914). All from OpenSSL.
 *
 * x_new gives, x_free takes (NULL is fine). Private halves leave only by *_private(), into a buffer that the caller wipes.
 */
#ifndef MOKHOA_KEY_H
#define MOKHOA_KEY_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>

#define KEY_KEM_PK_LEN	 65 /* uncompressed point of P-256 */
#define KEY_KEM_SK_LEN	 32
#define KEY_KEM_X_LEN	 32 /* x coordinate of a point */
#define KEY_SIG_PK_LEN	 32 /* Ed25519 */
#define KEY_SIG_SEED_LEN 32
#define KEY_SIG_LEN	 64
#define KEY_HASH_LEN	 32 /* SHA-256 */

struct key_kem; /* P-256 key pair; its private half is here or elsewhere */
struct key_sig; /* Ed25519 key pair */

struct key_kem *key_kem_new(void);
struct key_kem *key_kem_from_private(const unsigned char sk[KEY_KEM_SK_LEN]);

/*
 * A key pair whose private half stays where it is, in an HSM: agree() does for it what key_kem_agree() promises, and is asked only about points of the curve. context is
 * borrowed. NULL where pk is no point of the curve.
 */
struct key_kem *key_kem_elsewhere(const unsigned char pk[KEY_KEM_PK_LEN],
    enum err (*agree)(void *context, const unsigned char peer_pk[KEY_KEM_PK_LEN], unsigned char ret_x[KEY_KEM_X_LEN]), void *context);
void key_kem_free(struct key_kem *key);
void key_kem_public(const struct key_kem *key, unsigned char ret_pk[KEY_KEM_PK_LEN]);
void key_kem_private(const struct key_kem *key, unsigned char ret_sk[KEY_KEM_SK_LEN]); /* zeros, which are no key, where it is elsewhere */

/* The point lies on the curve and is not the one at infinity. */
bool key_kem_public_ok(const unsigned char pk[KEY_KEM_PK_LEN]);

/* The x coordinate of the shared point (SEC 1, 3.3.1). ERR_SEALED_INVALID for a peer that is no point of the curve; of a key elsewhere whatever keeps it has to say. */
enum err key_kem_agree(const struct key_kem *key, const unsigned char peer_pk[KEY_KEM_PK_LEN], unsigned char ret_x[KEY_KEM_X_LEN]);

struct key_sig *key_sig_new(void);
struct key_sig *key_sig_from_seed(const unsigned char seed[KEY_SIG_SEED_LEN]);
void key_sig_free(struct key_sig *key);
void key_sig_public(const struct key_sig *key, unsigned char ret_pk[KEY_SIG_PK_LEN]);
void key_sig_private(const struct key_sig *key, unsigned char ret_seed[KEY_SIG_SEED_LEN]);
enum err key_sig_sign(const struct key_sig *key, const void *message, size_t len, unsigned char ret_signature[KEY_SIG_LEN]);
bool key_sig_verify(const unsigned char pk[KEY_SIG_PK_LEN], const void *message, size_t len, const unsigned char signature[KEY_SIG_LEN]);

/* ERR_INTERNAL only where OpenSSL is broken. */
enum err key_hash(const void *message, size_t len, unsigned char ret_hash[KEY_HASH_LEN]);

/* HMAC-SHA256 (RFC 2104). ERR_INTERNAL only where OpenSSL is broken. */
enum err key_mac(const unsigned char key[KEY_HASH_LEN], const void *message, size_t len, unsigned char ret_mac[KEY_HASH_LEN]);

/* scrypt with N = 2^15, r = 8, p = 1 (32 MiB, about 0.1 s): the work that makes a stolen table of codes useless. */
enum err key_scrypt(const void *password, size_t password_len, const void *salt, size_t salt_len, unsigned char ret_key[32]);

#endif
