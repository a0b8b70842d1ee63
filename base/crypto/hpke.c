/* SPDX-License-Identifier: Apache-2.0 */
/* The names of the steps and of their values are those of RFC 9180. */
#include "hpke.h"
#include "buf.h"
#include "hpke_internal.h"
#include "secret.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#define HASH_LEN       32    /* Nh, Nsecret */
#define AEAD_KEY_LEN   16    /* Nk */
#define AEAD_NONCE_LEN 12    /* Nn */
#define LABELED_MAX    65536 /* bytes of what is hashed at once: info and labels */

struct suite {
	unsigned char id[10];
	size_t len;
};

/* "KEM" || I2OSP(kem_id, 2), and "HPKE" || I2OSP(kem_id, 2) || I2OSP(kdf_id, 2) || I2OSP(aead_id, 2) */
static const struct suite kem_suite = { { 'K', 'E', 'M', 0x00, 0x10 }, 5 };
static const struct suite hpke_suite = { { 'H', 'P', 'K', 'E', 0x00, 0x10, 0x00, 0x01, 0x00, 0x01 }, 10 };

struct context {
	unsigned char key[AEAD_KEY_LEN];
	unsigned char nonce[AEAD_NONCE_LEN]; /* of the first and only message: base_nonce XOR 0 */
};

static enum err
hmac(const void *key, size_t key_len, const struct buf *message, unsigned char ret[HASH_LEN])
{
	unsigned len = 0;

	if (buf_error(message) != ERR_OK)
		return buf_error(message) == ERR_NO_MEMORY ? ERR_NO_MEMORY : ERR_INTERNAL;
	if (HMAC(EVP_sha256(), key, (int)key_len, message->data, message->len, ret, &len) == NULL || len != HASH_LEN)
		return ERR_INTERNAL;
	return ERR_OK;
}

/* LabeledExtract(salt, label, ikm), section 4; HKDF-Extract is one HMAC (RFC 5869, 2.2). */
static enum err
labeled_extract(const struct suite *suite, const void *salt, size_t salt_len, const char *label, const void *ikm, size_t ikm_len,
    unsigned char ret_prk[HASH_LEN])
{
	struct buf b = buf_new(LABELED_MAX);
	enum err e;

	buf_add_text(&b, "HPKE-v1");
	buf_add(&b, suite->id, suite->len);
	buf_add_text(&b, label);
	buf_add(&b, ikm, ikm_len);
	e = hmac(salt, salt_len, &b, ret_prk);
	buf_free(&b);
	return e;
}

/* LabeledExpand(prk, label, info, len), section 4; up to HASH_LEN bytes HKDF-Expand is one HMAC, too (RFC 5869, 2.3). */
static enum err
labeled_expand(const struct suite *suite, const unsigned char prk[HASH_LEN], const char *label, const void *info, size_t info_len,
    unsigned char *ret, size_t len)
{
	const unsigned char length[2] = { 0, (unsigned char)len }, last = 1;
	struct buf b = buf_new(LABELED_MAX);
	unsigned char block[HASH_LEN];
	enum err e;

	buf_add(&b, length, sizeof(length));
	buf_add_text(&b, "HPKE-v1");
	buf_add(&b, suite->id, suite->len);
	buf_add_text(&b, label);
	buf_add(&b, info, info_len);
	buf_add(&b, &last, 1);
	e = hmac(prk, HASH_LEN, &b, block);
	if (e == ERR_OK)
		memcpy(ret, block, len);
	wipe(block, sizeof(block));
	buf_free(&b);
	return e;
}

/* ExtractAndExpand of the KEM, section 4.1, over the shared point of key and peer. */
static enum err
shared_secret_of(const struct key_kem *key, const unsigned char peer_pk[KEY_KEM_PK_LEN], const unsigned char enc[HPKE_ENC_LEN],
    const unsigned char to_pk[KEY_KEM_PK_LEN], unsigned char ret[HASH_LEN])
{
	unsigned char kem_context[HPKE_ENC_LEN + KEY_KEM_PK_LEN], dh[32], eae_prk[HASH_LEN];
	enum err e = key_kem_agree(key, peer_pk, dh);

	memcpy(kem_context, enc, HPKE_ENC_LEN);
	memcpy(kem_context + HPKE_ENC_LEN, to_pk, KEY_KEM_PK_LEN);
	if (e == ERR_OK)
		e = labeled_extract(&kem_suite, NULL, 0, "eae_prk", dh, sizeof(dh), eae_prk);
	if (e == ERR_OK)
		e = labeled_expand(&kem_suite, eae_prk, "shared_secret", kem_context, sizeof(kem_context), ret, HASH_LEN);
	wipe(dh, sizeof(dh));
	wipe(eae_prk, sizeof(eae_prk));
	return e;
}

/* KeySchedule of mode_base, section 5.1: no psk, no psk_id. */
static enum err
key_schedule(const unsigned char shared_secret[HASH_LEN], const void *info, size_t info_len, struct context *ret)
{
	unsigned char key_schedule_context[1 + HASH_LEN + HASH_LEN] = { 0 }, secret[HASH_LEN];
	enum err e = labeled_extract(&hpke_suite, NULL, 0, "psk_id_hash", NULL, 0, key_schedule_context + 1);

	if (e == ERR_OK)
		e = labeled_extract(&hpke_suite, NULL, 0, "info_hash", info, info_len, key_schedule_context + 1 + HASH_LEN);
	if (e == ERR_OK)
		e = labeled_extract(&hpke_suite, shared_secret, HASH_LEN, "secret", NULL, 0, secret);
	if (e == ERR_OK)
		e = labeled_expand(&hpke_suite, secret, "key", key_schedule_context, sizeof(key_schedule_context), ret->key, AEAD_KEY_LEN);
	if (e == ERR_OK)
		e = labeled_expand(&hpke_suite, secret, "base_nonce", key_schedule_context, sizeof(key_schedule_context), ret->nonce, AEAD_NONCE_LEN);
	wipe(secret, sizeof(secret));
	return e;
}

/* Encrypts (seal) or decrypts len bytes; the tag is written or, where it does not fit, refused. */
static bool
aead(const struct context *context, bool seal, const void *aad, size_t aad_len, const unsigned char *in, size_t len, unsigned char *out,
    unsigned char tag[HPKE_TAG_LEN])
{
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	int done = 0;
	bool good = cipher != NULL && EVP_CipherInit_ex(cipher, EVP_aes_128_gcm(), NULL, context->key, context->nonce, seal ? 1 : 0) == 1;

	if (good && !seal)
		good = EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, HPKE_TAG_LEN, tag) == 1;
	if (good && aad_len != 0)
		good = EVP_CipherUpdate(cipher, NULL, &done, aad, (int)aad_len) == 1;
	if (good && len != 0)
		good = EVP_CipherUpdate(cipher, out, &done, in, (int)len) == 1 && (size_t)done == len;
	if (good)
		good = EVP_CipherFinal_ex(cipher, out + len, &done) == 1 && done == 0;
	if (good && seal)
		good = EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, HPKE_TAG_LEN, tag) == 1;
	EVP_CIPHER_CTX_free(cipher);
	return good;
}

enum err
hpke_seal_with(const struct key_kem *ephemeral, const unsigned char to_pk[KEY_KEM_PK_LEN], const void *info, size_t info_len,
    const void *aad, size_t aad_len, const void *plain, size_t len, unsigned char ret_enc[HPKE_ENC_LEN], unsigned char *ret_ct)
{
	unsigned char shared_secret[HASH_LEN];
	struct context context;
	enum err e;

	if (len > INT_MAX || aad_len > INT_MAX)
		return ERR_INTERNAL;
	key_kem_public(ephemeral, ret_enc);
	e = shared_secret_of(ephemeral, to_pk, ret_enc, to_pk, shared_secret);
	if (e == ERR_OK)
		e = key_schedule(shared_secret, info, info_len, &context);
	if (e == ERR_OK && !aead(&context, true, aad, aad_len, plain, len, ret_ct, ret_ct + len))
		e = ERR_INTERNAL;
	wipe(shared_secret, sizeof(shared_secret));
	wipe(&context, sizeof(context));
	return e;
}

enum err
hpke_seal(const unsigned char to_pk[KEY_KEM_PK_LEN], const void *info, size_t info_len, const void *aad, size_t aad_len,
    const void *plain, size_t len, unsigned char ret_enc[HPKE_ENC_LEN], unsigned char *ret_ct)
{
	struct key_kem *ephemeral = key_kem_new();
	enum err e = ephemeral != NULL
			 ? hpke_seal_with(ephemeral, to_pk, info, info_len, aad, aad_len, plain, len, ret_enc, ret_ct)
			 : ERR_INTERNAL;

	key_kem_free(ephemeral);
	return e;
}

enum err
hpke_open(const struct key_kem *key, const unsigned char enc[HPKE_ENC_LEN], const void *info, size_t info_len,
    const void *aad, size_t aad_len, const unsigned char *ct, size_t ct_len, unsigned char *ret_plain)
{
	size_t len = ct_len - HPKE_TAG_LEN;
	unsigned char to_pk[KEY_KEM_PK_LEN], shared_secret[HASH_LEN], tag[HPKE_TAG_LEN];
	struct context context;
	enum err e;

	if (ct_len < HPKE_TAG_LEN || len > INT_MAX || aad_len > INT_MAX)
		return ERR_SEALED_INVALID;
	memcpy(tag, ct + len, sizeof(tag));
	key_kem_public(key, to_pk);
	e = shared_secret_of(key, enc, enc, to_pk, shared_secret);
	if (e == ERR_OK)
		e = key_schedule(shared_secret, info, info_len, &context);
	if (e == ERR_OK && !aead(&context, false, aad, aad_len, ct, len, ret_plain, tag))
		e = ERR_SEALED_INVALID;
	if (e != ERR_OK)
		wipe(ret_plain, len);
	wipe(shared_secret, sizeof(shared_secret));
	wipe(&context, sizeof(context));
	return e;
}
