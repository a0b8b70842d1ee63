/* SPDX-License-Identifier: Apache-2.0 */
#include "key.h"
#include "secret.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>
#include <stdlib.h>
#include <string.h>

#define POINT_IS_UNCOMPRESSED 4 /* first octet (SEC 1, 2.3.3) */

/* Both halves are kept beside OpenSSL's object, so that the accessors cannot fail. */
struct key_kem {
	EVP_PKEY *pkey; /* NULL where the private half is elsewhere */
	unsigned char pk[KEY_KEM_PK_LEN];
	unsigned char sk[KEY_KEM_SK_LEN];
	enum err (*agree)(void *context, const unsigned char peer_pk[KEY_KEM_PK_LEN], unsigned char ret_x[KEY_KEM_X_LEN]);
	void *context; /* of agree */
};

struct key_sig {
	EVP_PKEY *pkey;
	unsigned char pk[KEY_SIG_PK_LEN];
	unsigned char seed[KEY_SIG_SEED_LEN];
};

/* ---- P-256 ---- */

static struct key_kem *
kem_take(EVP_PKEY *pkey)
{
	struct key_kem *key = pkey != NULL ? calloc(1, sizeof(*key)) : NULL;
	BIGNUM *sk = NULL;
	size_t len = 0;

	if (key == NULL) {
		EVP_PKEY_free(pkey);
		return NULL;
	}
	key->pkey = pkey;
	if (EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, key->pk, sizeof(key->pk), &len) != 1 || len != sizeof(key->pk) ||
	    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &sk) != 1 || BN_bn2binpad(sk, key->sk, sizeof(key->sk)) != (int)sizeof(key->sk)) {
		key_kem_free(key);
		key = NULL;
	}
	BN_clear_free(sk);
	return key;
}

struct key_kem *
key_kem_new(void)
{
	return kem_take(EVP_EC_gen("P-256"));
}

/* A key object of P-256 from the public point and, where it is not NULL, the private number. */
static EVP_PKEY *
import_point(const unsigned char pk[KEY_KEM_PK_LEN], const BIGNUM *sk)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;
	EVP_PKEY *pkey = NULL;

	if (context == NULL || build == NULL || OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) != 1 ||
	    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, pk, KEY_KEM_PK_LEN) != 1 ||
	    (sk != NULL && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, sk) != 1))
		goto out;
	params = OSSL_PARAM_BLD_to_param(build);
	if (params == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &pkey, sk != NULL ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
out:
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(context);
	return pkey;
}

/* sk times the base point; false where sk is not between 1 and the order of the group. */
static bool
point_of(const BIGNUM *sk, unsigned char ret_pk[KEY_KEM_PK_LEN])
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT *point = group != NULL ? EC_POINT_new(group) : NULL;
	bool made = point != NULL && !BN_is_zero(sk) && BN_cmp(sk, EC_GROUP_get0_order(group)) < 0 &&
		    EC_POINT_mul(group, point, sk, NULL, NULL, NULL) == 1 &&
		    EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, ret_pk, KEY_KEM_PK_LEN, NULL) == KEY_KEM_PK_LEN;

	EC_POINT_free(point);
	EC_GROUP_free(group);
	return made;
}

struct key_kem *
key_kem_from_private(const unsigned char sk[KEY_KEM_SK_LEN])
{
	unsigned char pk[KEY_KEM_PK_LEN];
	BIGNUM *number = BN_secure_new();
	struct key_kem *key = NULL;

	if (number != NULL && BN_bin2bn(sk, KEY_KEM_SK_LEN, number) != NULL) {
		BN_set_flags(number, BN_FLG_CONSTTIME);
		if (point_of(number, pk))
			key = kem_take(import_point(pk, number));
	}
	BN_clear_free(number);
	return key;
}

struct key_kem *
key_kem_elsewhere(const unsigned char pk[KEY_KEM_PK_LEN],
    enum err (*agree)(void *context, const unsigned char peer_pk[KEY_KEM_PK_LEN], unsigned char ret_x[KEY_KEM_X_LEN]), void *context)
{
	struct key_kem *key = key_kem_public_ok(pk) ? calloc(1, sizeof(*key)) : NULL;

	if (key == NULL)
		return NULL;
	memcpy(key->pk, pk, sizeof(key->pk));
	key->agree = agree;
	key->context = context;
	return key;
}

void
key_kem_free(struct key_kem *key)
{
	if (key == NULL)
		return;
	EVP_PKEY_free(key->pkey);
	wipe(key, sizeof(*key));
	free(key);
}

void
key_kem_public(const struct key_kem *key, unsigned char ret_pk[KEY_KEM_PK_LEN])
{
	memcpy(ret_pk, key->pk, KEY_KEM_PK_LEN);
}

void
key_kem_private(const struct key_kem *key, unsigned char ret_sk[KEY_KEM_SK_LEN])
{
	memcpy(ret_sk, key->sk, KEY_KEM_SK_LEN);
}

bool
key_kem_public_ok(const unsigned char pk[KEY_KEM_PK_LEN])
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT *point = group != NULL ? EC_POINT_new(group) : NULL;
	/* the order of the group is prime, so a point on the curve other than infinity (which is one octet long) is in the group */
	bool good = point != NULL && pk[0] == POINT_IS_UNCOMPRESSED && EC_POINT_oct2point(group, point, pk, KEY_KEM_PK_LEN, NULL) == 1;

	EC_POINT_free(point);
	EC_GROUP_free(group);
	return good;
}

static enum err
agree_here(const struct key_kem *key, const unsigned char peer_pk[KEY_KEM_PK_LEN], unsigned char ret_x[KEY_KEM_X_LEN])
{
	EVP_PKEY *peer = import_point(peer_pk, NULL);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
	size_t len = KEY_KEM_X_LEN;
	bool agreed = peer != NULL && context != NULL && EVP_PKEY_derive_init(context) == 1 && EVP_PKEY_derive_set_peer(context, peer) == 1 &&
		      EVP_PKEY_derive(context, ret_x, &len) == 1 && len == KEY_KEM_X_LEN;

	EVP_PKEY_CTX_free(context);
	EVP_PKEY_free(peer);
	return agreed ? ERR_OK : ERR_INTERNAL;
}

enum err
key_kem_agree(const struct key_kem *key, const unsigned char peer_pk[KEY_KEM_PK_LEN], unsigned char ret_x[KEY_KEM_X_LEN])
{
	if (!key_kem_public_ok(peer_pk))
		return ERR_SEALED_INVALID;
	return key->agree != NULL ? key->agree(key->context, peer_pk, ret_x) : agree_here(key, peer_pk, ret_x);
}

/* ---- Ed25519 ---- */

static struct key_sig *
sig_take(EVP_PKEY *pkey)
{
	struct key_sig *key = pkey != NULL ? calloc(1, sizeof(*key)) : NULL;
	size_t pk_len = KEY_SIG_PK_LEN, seed_len = KEY_SIG_SEED_LEN;

	if (key == NULL) {
		EVP_PKEY_free(pkey);
		return NULL;
	}
	key->pkey = pkey;
	if (EVP_PKEY_get_raw_public_key(pkey, key->pk, &pk_len) == 1 && EVP_PKEY_get_raw_private_key(pkey, key->seed, &seed_len) == 1)
		return key;
	key_sig_free(key);
	return NULL;
}

struct key_sig *
key_sig_new(void)
{
	return sig_take(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
}

struct key_sig *
key_sig_from_seed(const unsigned char seed[KEY_SIG_SEED_LEN])
{
	return sig_take(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, KEY_SIG_SEED_LEN));
}

void
key_sig_free(struct key_sig *key)
{
	if (key == NULL)
		return;
	EVP_PKEY_free(key->pkey);
	wipe(key, sizeof(*key));
	free(key);
}

void
key_sig_public(const struct key_sig *key, unsigned char ret_pk[KEY_SIG_PK_LEN])
{
	memcpy(ret_pk, key->pk, KEY_SIG_PK_LEN);
}

void
key_sig_private(const struct key_sig *key, unsigned char ret_seed[KEY_SIG_SEED_LEN])
{
	memcpy(ret_seed, key->seed, KEY_SIG_SEED_LEN);
}

enum err
key_sig_sign(const struct key_sig *key, const void *message, size_t len, unsigned char ret_signature[KEY_SIG_LEN])
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t signature_len = KEY_SIG_LEN;
	bool signed_it = context != NULL && EVP_DigestSignInit(context, NULL, NULL, NULL, key->pkey) == 1 &&
			 EVP_DigestSign(context, ret_signature, &signature_len, message, len) == 1 && signature_len == KEY_SIG_LEN;

	EVP_MD_CTX_free(context);
	return signed_it ? ERR_OK : ERR_INTERNAL;
}

bool
key_sig_verify(const unsigned char pk[KEY_SIG_PK_LEN], const void *message, size_t len, const unsigned char signature[KEY_SIG_LEN])
{
	EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, pk, KEY_SIG_PK_LEN);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool good = pkey != NULL && context != NULL && EVP_DigestVerifyInit(context, NULL, NULL, NULL, pkey) == 1 &&
		    EVP_DigestVerify(context, signature, KEY_SIG_LEN, message, len) == 1;

	EVP_MD_CTX_free(context);
	EVP_PKEY_free(pkey);
	return good;
}

/* ---- hashes ---- */

enum err
key_hash(const void *message, size_t len, unsigned char ret_hash[KEY_HASH_LEN])
{
	return EVP_Digest(message, len, ret_hash, NULL, EVP_sha256(), NULL) == 1 ? ERR_OK : ERR_INTERNAL;
}

enum err
key_mac(const unsigned char key[KEY_HASH_LEN], const void *message, size_t len, unsigned char ret_mac[KEY_HASH_LEN])
{
	return HMAC(EVP_sha256(), key, KEY_HASH_LEN, message, len, ret_mac, NULL) != NULL ? ERR_OK : ERR_INTERNAL;
}

enum err
key_scrypt(const void *password, size_t password_len, const void *salt, size_t salt_len, unsigned char ret_key[32])
{
	uint64_t n = UINT64_C(1) << 15, r = 8, p = 1;
	uint64_t most = 2 * 128 * n * r; /* bytes it may take; OpenSSL's own limit is just too low for these parameters */

	return EVP_PBE_scrypt(password, password_len, salt, salt_len, n, r, p, most, ret_key, 32) == 1 ? ERR_OK : ERR_NO_MEMORY;
}
