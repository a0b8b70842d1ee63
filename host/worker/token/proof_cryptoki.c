/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signature of an unlock without libp11, which is not to be had for Windows: Cryptoki itself and OpenSSL. Its process does nothing else with the module, as
 * with libp11.
 */
#include "proof_check.h"
#include "token_proof.h"

#include "log.h"
#include "slot.h"
#include "token_certificate.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <string.h>

#define ID_MAX	    256 /* bytes of CKA_ID; a longer one is no key's */
#define OBJECTS_MAX 16

bool
token_signer_built(void)
{
	return true;
}

/* ---- objects ---- */

struct objects {
	CK_OBJECT_HANDLE at[OBJECTS_MAX];
	CK_ULONG count;
};

struct object_id {
	unsigned char bytes[ID_MAX];
	CK_ULONG len;
};

static enum err
find_objects(struct cryptoki *c, CK_ATTRIBUTE *template, CK_ULONG attributes, struct objects *ret)
{
	enum err e = cryptoki_check(c, CRYPTOKI_SLOT, "C_FindObjectsInit", c->list->C_FindObjectsInit(c->session, template, attributes));

	ret->count = 0;
	if (e != ERR_OK)
		return e;
	e = cryptoki_check(c, CRYPTOKI_SLOT, "C_FindObjects", c->list->C_FindObjects(c->session, ret->at, OBJECTS_MAX, &ret->count));
	(void)c->list->C_FindObjectsFinal(c->session);
	return e;
}

/* False also where the value is longer than max. */
static bool
read_attribute(struct cryptoki *c, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, void *ret, CK_ULONG max, CK_ULONG *ret_len)
{
	CK_ATTRIBUTE attribute = { type, ret, max };

	if (c->list->C_GetAttributeValue(c->session, object, &attribute, 1) != CKR_OK || attribute.ulValueLen > max)
		return false;
	*ret_len = attribute.ulValueLen;
	return true;
}

/* CKA_ID of that certificate on the token; empty where the token has not got it. */
static enum err
find_certificate_id(struct cryptoki *c, const unsigned char *der, size_t der_len, struct object_id *ret)
{
	CK_OBJECT_CLASS class = CKO_CERTIFICATE;
	CK_ATTRIBUTE template = { CKA_CLASS, &class, sizeof(class) };
	unsigned char value[TOKEN_CERTIFICATE_MAX];
	struct objects found;
	CK_ULONG len;
	enum err e = find_objects(c, &template, 1, &found);

	ret->len = 0;
	for (CK_ULONG i = 0; e == ERR_OK && i < found.count && i < OBJECTS_MAX; i++) {
		if (!read_attribute(c, found.at[i], CKA_VALUE, value, sizeof(value), &len) || len != der_len || memcmp(value, der, der_len) != 0)
			continue;
		if (!read_attribute(c, found.at[i], CKA_ID, ret->bytes, ID_MAX, &ret->len))
			ret->len = 0;
		break;
	}
	return e;
}

/* *ret_found is false where the token has no private key with that CKA_ID. */
static enum err
find_key(struct cryptoki *c, struct object_id *id, CK_OBJECT_HANDLE *ret_key, bool *ret_found)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE template[] = { { CKA_CLASS, &class, sizeof(class) }, { CKA_ID, id->bytes, id->len } };
	struct objects found;
	enum err e = find_objects(c, template, 2, &found);

	*ret_found = e == ERR_OK && found.count != 0;
	if (*ret_found)
		*ret_key = found.at[0];
	return e;
}

/* ---- signing ---- */

/* A key that wants the PIN for each signature gets it between C_SignInit and C_Sign (PKCS #11 v2.40, CKA_ALWAYS_AUTHENTICATE). */
static bool
wants_pin(struct cryptoki *c, CK_OBJECT_HANDLE key)
{
	CK_BBOOL always = CK_FALSE;
	CK_ULONG len = 0;

	return read_attribute(c, key, CKA_ALWAYS_AUTHENTICATE, &always, sizeof(always), &len) && len == sizeof(always) && always != CK_FALSE;
}

static enum err
sign_bytes(struct cryptoki *c, CK_OBJECT_HANDLE key, CK_MECHANISM_TYPE type, const struct secret *pin, unsigned char *bytes, CK_ULONG len,
    struct token_signature *ret)
{
	CK_MECHANISM mechanism = { type, NULL, 0 };
	CK_ULONG signature_len = sizeof(ret->bytes);
	enum err e;

	if (c->list->C_SignInit == NULL || c->list->C_Sign == NULL)
		return ERR_TOKEN_UNSUPPORTED;
	e = cryptoki_check(c, CRYPTOKI_SLOT, "C_SignInit", c->list->C_SignInit(c->session, &mechanism, key));
	if (e == ERR_OK && wants_pin(c, key))
		e = cryptoki_login(c, CKU_CONTEXT_SPECIFIC, pin);
	if (e == ERR_OK)
		e = cryptoki_check(c, CRYPTOKI_SLOT, "C_Sign", c->list->C_Sign(c->session, bytes, len, ret->bytes, &signature_len));
	if (e == ERR_OK)
		ret->len = signature_len;
	return e;
}

/* The two numbers of ECDSA one after the other, as Cryptoki has them, become DER. */
static bool
to_der(struct token_signature *signature)
{
	size_t half = signature->len / 2;
	ECDSA_SIG *numbers = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(signature->bytes, (int)half, NULL), *s = BN_bin2bn(signature->bytes + half, (int)half, NULL);
	unsigned char *at = signature->bytes;
	int len = 0;

	if (numbers != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(numbers, r, s) == 1) {
		r = s = NULL; /* theirs now */
		if (i2d_ECDSA_SIG(numbers, NULL) <= (int)sizeof(signature->bytes))
			len = i2d_ECDSA_SIG(numbers, &at);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(numbers);
	signature->len = len > 0 ? (size_t)len : 0;
	return len > 0;
}

/* What PKCS#1 v1.5 signs: the hash and what kind it is (RFC 8017, 9.2, note 1). */
static const unsigned char sha256_info[] = {
	0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20
};

static enum err
sign_message(struct cryptoki *c, CK_OBJECT_HANDLE key, EVP_PKEY *public_key, const struct secret *pin, const void *message, size_t len,
    struct token_signature *ret)
{
	unsigned char info[sizeof(sha256_info) + SHA256_DIGEST_LENGTH];
	unsigned char *hash = info + sizeof(sha256_info);
	bool ec = EVP_PKEY_get_base_id(public_key) == EVP_PKEY_EC;
	enum err e;

	memcpy(info, sha256_info, sizeof(sha256_info));
	if (EVP_Digest(message, len, hash, NULL, EVP_sha256(), NULL) != 1)
		return ERR_INTERNAL;
	e = ec ? sign_bytes(c, key, CKM_ECDSA, pin, hash, SHA256_DIGEST_LENGTH, ret) : sign_bytes(c, key, CKM_RSA_PKCS, pin, info, sizeof(info), ret);
	if (e == ERR_OK && ec && !to_der(ret))
		e = ERR_TOKEN_FAILED;
	if (e == ERR_OK && !proof_is_borne_out(public_key, message, len, ret))
		e = ERR_TOKEN_FAILED;
	return e;
}

/* ---- the whole ---- */

static enum err
sign_with(struct cryptoki *c, EVP_PKEY *public_key, const unsigned char *certificate, size_t certificate_len, const struct secret *pin, const void *message,
    size_t message_len, struct token_signature *ret)
{
	CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
	struct object_id id;
	bool found = false;
	enum err e = find_certificate_id(c, certificate, certificate_len, &id);

	if (e == ERR_OK && id.len != 0)
		e = find_key(c, &id, &key, &found);
	if (e != ERR_OK || !found)
		return e;
	ret->mechanism = proof_mechanism(public_key);
	return ret->mechanism[0] != '\0' ? sign_message(c, key, public_key, pin, message, message_len, ret) : ERR_OK;
}

enum err
token_signer_sign(struct token_signer *s, const char *path, const struct token_name *token, const struct secret *pin,
    const unsigned char *certificate, size_t certificate_len, const void *message, size_t message_len, struct token_signature *ret)
{
	const unsigned char *at = certificate;
	X509 *parsed = d2i_X509(NULL, &at, (long)certificate_len);
	EVP_PKEY *public_key = parsed != NULL ? X509_get0_pubkey(parsed) : NULL;
	struct cryptoki *c = &s->cryptoki;
	struct slot slot;
	enum err e = ERR_OK;

	*ret = (struct token_signature){ .mechanism = "" };
	if (public_key != NULL)
		e = cryptoki_open(c, path, s->parameters);
	if (public_key != NULL && e == ERR_OK)
		e = slot_open(c, token, false, &slot);
	if (public_key != NULL && e == ERR_OK)
		e = cryptoki_login(c, CKU_USER, pin);
	if (public_key != NULL && e == ERR_OK)
		e = sign_with(c, public_key, certificate, certificate_len, pin, message, message_len, ret);
	s->presented = c->presented;
	s->trace = c->trace;
	X509_free(parsed);
	return e;
}

void
token_signer_close(struct token_signer *s)
{
	cryptoki_close(&s->cryptoki);
	*s = (struct token_signer){ .context = NULL };
}
