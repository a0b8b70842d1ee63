/* SPDX-License-Identifier: Apache-2.0 */
#include "key.h"

#include "buffer.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

enum {
	SIGNATURE_MAX = 512
};

static EVP_PKEY *
key_open(const struct buffer *key)
{
	const unsigned char *bytes = key->bytes;

	return d2i_AutoPrivateKey(NULL, &bytes, (long)key->length);
}

static enum key_type
type_of(const EVP_PKEY *pkey)
{
	const int bits = EVP_PKEY_get_bits(pkey);

	if (EVP_PKEY_is_a(pkey, "EC") && bits == 256)
		return KEY_EC;
	if (EVP_PKEY_is_a(pkey, "RSA") && bits >= 2048 && bits <= 4096)
		return KEY_RSA;
	return KEY_NONE;
}

enum key_type
key_type(const struct buffer *key, unsigned *ret_bits)
{
	EVP_PKEY *pkey = key_open(key);
	enum key_type type = KEY_NONE;

	if (pkey != NULL) {
		type = type_of(pkey);
		*ret_bits = (unsigned)EVP_PKEY_get_bits(pkey);
	}
	EVP_PKEY_free(pkey);
	return type;
}

bool
key_can(enum key_type type, unsigned algorithm)
{
	switch (algorithm) {
	case KEY_RSA_RAW:
	case KEY_RSA_PKCS1:
	case KEY_RSA_PKCS1_SHA256:
		return type == KEY_RSA;
	case KEY_ECDSA:
	case KEY_ECDSA_SHA256:
		return type == KEY_EC;
	default:
		return false;
	}
}

static EVP_PKEY *
read_key(const char *path)
{
	BIO *bio = BIO_new_file(path, "rb");
	EVP_PKEY *pkey = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);

	BIO_free(bio);
	if (pkey == NULL)
		fprintf(stderr, "%s: not a private key in PEM\n", path);
	return pkey;
}

static X509 *
read_certificate(const char *path)
{
	BIO *bio = BIO_new_file(path, "rb");
	X509 *x509 = bio == NULL ? NULL : d2i_X509_bio(bio, NULL);

	BIO_free(bio);
	if (x509 == NULL)
		fprintf(stderr, "%s: not a certificate in DER\n", path);
	return x509;
}

static bool
encode_key(EVP_PKEY *pkey, struct buffer *ret_key)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
	unsigned char *der = NULL;
	const int length = info == NULL ? -1 : i2d_PKCS8_PRIV_KEY_INFO(info, &der);

	buffer_clear(ret_key);
	if (length > 0)
		buffer_append(ret_key, der, (size_t)length);
	OPENSSL_free(der);
	PKCS8_PRIV_KEY_INFO_free(info);
	return length > 0 && !ret_key->overflow;
}

static bool
encode_certificate(X509 *x509, struct buffer *ret_certificate)
{
	unsigned char *der = NULL;
	const int length = i2d_X509(x509, &der);

	buffer_clear(ret_certificate);
	if (length > 0)
		buffer_append(ret_certificate, der, (size_t)length);
	OPENSSL_free(der);
	return length > 0 && !ret_certificate->overflow;
}

bool
key_import(const char *key_path, const char *certificate_path, struct buffer *ret_key, struct buffer *ret_certificate)
{
	EVP_PKEY *pkey = read_key(key_path);
	X509 *x509 = read_certificate(certificate_path);
	bool ok = pkey != NULL && x509 != NULL;

	if (ok && type_of(pkey) == KEY_NONE) {
		fprintf(stderr, "%s: the card holds EC P-256 or RSA of 2048 to 4096 bits\n", key_path);
		ok = false;
	}
	if (ok && X509_check_private_key(x509, pkey) != 1) {
		fprintf(stderr, "%s: not the certificate of %s\n", certificate_path, key_path);
		ok = false;
	}
	if (ok && !(encode_key(pkey, ret_key) && encode_certificate(x509, ret_certificate))) {
		fprintf(stderr, "%s, %s: too long for the card\n", key_path, certificate_path);
		ok = false;
	}
	X509_free(x509);
	EVP_PKEY_free(pkey);
	return ok;
}

/* What was hashed already, or is to be signed as it stands. */
static bool
sign_plain(EVP_PKEY *pkey, unsigned algorithm, const uint8_t *data, size_t length, uint8_t *out, size_t *out_length)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pkey, NULL);
	bool ok = context != NULL && EVP_PKEY_sign_init(context) == 1;

	if (algorithm == KEY_RSA_RAW)
		ok = ok && EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING) == 1;
	else if (algorithm == KEY_RSA_PKCS1)
		ok = ok && EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
	ok = ok && EVP_PKEY_sign(context, out, out_length, data, length) == 1;
	EVP_PKEY_CTX_free(context);
	return ok;
}

static bool
sign_message(EVP_PKEY *pkey, const uint8_t *data, size_t length, uint8_t *out, size_t *out_length)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	const bool ok = context != NULL && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, pkey) == 1 &&
			EVP_DigestSign(context, out, out_length, data, length) == 1;

	EVP_MD_CTX_free(context);
	return ok;
}

bool
key_sign(const struct buffer *key, unsigned algorithm, const uint8_t *data, size_t length, struct buffer *signature)
{
	EVP_PKEY *pkey = key_open(key);
	uint8_t out[SIGNATURE_MAX];
	size_t out_length = sizeof(out);
	bool ok = false;

	if (pkey != NULL && (algorithm == KEY_RSA_PKCS1_SHA256 || algorithm == KEY_ECDSA_SHA256))
		ok = sign_message(pkey, data, length, out, &out_length);
	else if (pkey != NULL)
		ok = sign_plain(pkey, algorithm, data, length, out, &out_length);
	if (ok)
		buffer_append(signature, out, out_length);
	EVP_PKEY_free(pkey);
	return ok;
}
