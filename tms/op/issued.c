/* SPDX-License-Identifier: Apache-2.0 */
#include "issued_inner.h"

#include "address.h"
#include "log.h"
#include "text.h"

#include <ctype.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#define CHAIN_DEPTH 4 /* certificates between leaf and trust anchor */

/* The content bytes: d2i took minimal DER only, so what i2d gives back is what stood there. */
static bool
read_serial(struct issued *c)
{
	unsigned char *der = NULL;
	int len = i2d_ASN1_INTEGER(X509_get0_serialNumber(c->x509), &der);
	bool ok;

	/* tag, one byte of length, content: more than 127 bytes are refused below anyway */
	ok = len >= 3 && der[1] < 0x80 && (size_t)len - 2 <= sizeof(c->serial);
	if (ok) {
		c->serial_len = (size_t)len - 2;
		memcpy(c->serial, der + 2, c->serial_len);
	}
	OPENSSL_free(der);
	return ok;
}

/* Takes x509, also where it fails. */
static struct issued *
issued_new(X509 *x509)
{
	struct issued *c = x509 != NULL ? calloc(1, sizeof(*c)) : NULL;

	ERR_clear_error();
	if (c == NULL) {
		X509_free(x509);
		return NULL;
	}
	c->x509 = x509;
	if (!read_serial(c)) {
		issued_free(c);
		return NULL;
	}
	return c;
}

struct issued *
issued_from_der(const void *der, size_t len)
{
	const unsigned char *at = der;
	X509 *x509;

	if (len == 0 || len > STORE_CERTIFICATE_MAX)
		return NULL;
	x509 = d2i_X509(NULL, &at, (long)len);
	if (x509 != NULL && at != (const unsigned char *)der + len) {
		X509_free(x509);
		x509 = NULL;
	}
	return issued_new(x509);
}

struct issued *
issued_from_pem(const void *pem, size_t len)
{
	BIO *bio = len <= INT_MAX ? BIO_new_mem_buf(pem, (int)len) : NULL;
	X509 *x509 = NULL;
	X509 *second = NULL;

	if (bio != NULL)
		x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	if (x509 != NULL)
		second = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	if (second != NULL) {
		X509_free(second);
		X509_free(x509);
		x509 = NULL;
	}
	return issued_new(x509);
}

void
issued_free(struct issued *c)
{
	if (c == NULL)
		return;
	X509_free(c->x509);
	free(c);
}

void
issued_serial(const struct issued *c, char ret[2 * STORE_SERIAL_MAX + 1])
{
	text_hex(c->serial, c->serial_len, ret);
	for (; *ret != '\0'; ret++)
		*ret = (char)toupper((unsigned char)*ret);
}

bool
issued_serial_bytes(const char *serial, unsigned char ret[STORE_SERIAL_MAX], size_t *ret_len)
{
	char lower[2 * STORE_SERIAL_MAX + 1];

	if (!text_copy(lower, sizeof(lower), serial))
		return false;
	for (char *at = lower; *at != '\0'; at++)
		*at = (char)tolower((unsigned char)*at);
	return text_unhex(lower, strlen(lower), ret, STORE_SERIAL_MAX, ret_len);
}

void
issued_name(const struct issued *c, char ret[STORE_NAME_SIZE])
{
	X509_NAME *subject = X509_get_subject_name(c->x509);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	unsigned char *utf8 = NULL;
	int len = at >= 0 ? ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))) : -1;

	ret[0] = '\0';
	if (len > 0 && (size_t)len < STORE_NAME_SIZE && text_is_showable((const char *)utf8, (size_t)len)) {
		memcpy(ret, utf8, (size_t)len);
		ret[len] = '\0';
	}
	OPENSSL_free(utf8);
	ERR_clear_error();
}

void
issued_email(const struct issued *c, char ret[STORE_EMAIL_SIZE])
{
	STACK_OF(OPENSSL_STRING) *all = X509_get1_email(c->x509);

	ret[0] = '\0';
	for (int i = 0; ret[0] == '\0' && i < sk_OPENSSL_STRING_num(all); i++) {
		const char *email = sk_OPENSSL_STRING_value(all, i);
		if (address_ok(email, strlen(email)))
			text_copy(ret, STORE_EMAIL_SIZE, email);
	}
	X509_email_free(all);
	ERR_clear_error();
}

bool
issued_has_email(const struct issued *c, const char *email)
{
	STACK_OF(OPENSSL_STRING) *all = X509_get1_email(c->x509);
	bool found = false;

	for (int i = 0; email[0] != '\0' && !found && i < sk_OPENSSL_STRING_num(all); i++)
		found = text_equal_nocase(sk_OPENSSL_STRING_value(all, i), email);
	X509_email_free(all);
	ERR_clear_error();
	return found;
}

enum err
issued_fingerprint(const struct issued *c, unsigned char ret[KEY_HASH_LEN])
{
	unsigned int len = 0;

	if (X509_digest(c->x509, EVP_sha256(), ret, &len) != 1 || len != KEY_HASH_LEN)
		return ERR_INTERNAL;
	return ERR_OK;
}

int64_t
issued_seconds(const ASN1_TIME *time)
{
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days = 0;
	int seconds = 0;
	/* without a time it would be told the time of now */
	bool told = epoch != NULL && time != NULL && ASN1_TIME_diff(&days, &seconds, epoch, time) == 1;

	ASN1_TIME_free(epoch);
	return told ? (int64_t)days * 86400 + seconds : 0;
}

int64_t
issued_not_after(const struct issued *c)
{
	return issued_seconds(X509_get0_notAfter(c->x509));
}

static int
key_type_of(const char *mechanism)
{
	if (strcmp(mechanism, "ecdsa-sha256") == 0)
		return EVP_PKEY_EC;
	if (strcmp(mechanism, "rsa-pkcs1-sha256") == 0)
		return EVP_PKEY_RSA;
	return EVP_PKEY_NONE;
}

bool
issued_verifies(const struct issued *c, const char *mechanism, const struct buf *message, const void *signature, size_t len)
{
	EVP_PKEY *key = X509_get0_pubkey(c->x509);
	int type = key_type_of(mechanism);
	EVP_MD_CTX *context = NULL;
	bool ok = false;

	/* RSA's default padding for signatures is PKCS #1 v1.5, which is what the mechanism says */
	if (key != NULL && type != EVP_PKEY_NONE && EVP_PKEY_get_base_id(key) == type)
		context = EVP_MD_CTX_new();
	if (context != NULL && EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1)
		ok = EVP_DigestVerify(context, signature, len, message->data, message->len) == 1;
	EVP_MD_CTX_free(context);
	ERR_clear_error();
	return ok;
}

bool
issued_same_serial(const char *a, const char *b)
{
	return text_equal_nocase(a + strspn(a, "0"), b + strspn(b, "0"));
}

const char *
issued_shown_serial(const char *serial)
{
	return serial[0] == '0' && serial[1] == '0' && serial[2] != '\0' ? serial + 2 : serial;
}

/* Adds every certificate of the file; how many. */
static int
add_all(X509_STORE *store, BIO *bio)
{
	int count = 0;

	for (;;) {
		X509 *x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
		if (x509 == NULL)
			break;
		count += X509_STORE_add_cert(store, x509) == 1;
		X509_free(x509);
	}
	ERR_clear_error();
	return count;
}

static void
set_rule(X509_STORE *store, enum authorities_rule rule)
{
	X509_VERIFY_PARAM *param = X509_STORE_get0_param(store);

	X509_VERIFY_PARAM_set_depth(param, CHAIN_DEPTH);
	/* the file says who is trusted: it need not hold the roots above them */
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	if (rule == AUTHORITIES_ANY_TIME)
		X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_NO_CHECK_TIME);
	if (rule == AUTHORITIES_CLIENT_NOW)
		X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_CLIENT);
}

enum err
authorities_load(const char *path, enum authorities_rule rule, struct authorities **ret_authorities)
{
	struct authorities *a = calloc(1, sizeof(*a));
	BIO *bio = BIO_new_file(path, "r");
	int count = 0;

	if (a != NULL)
		a->store = X509_STORE_new();
	if (bio != NULL && a != NULL && a->store != NULL)
		count = add_all(a->store, bio);
	BIO_free(bio);
	ERR_clear_error();
	if (count == 0) {
		log_error("config", "file=%s cause=no certificate of an authority is in it", path);
		authorities_free(a);
		return ERR_CONFIG_INVALID;
	}
	set_rule(a->store, rule);
	*ret_authorities = a;
	return ERR_OK;
}

void
authorities_free(struct authorities *a)
{
	if (a == NULL)
		return;
	X509_STORE_free(a->store);
	free(a);
}

/* X509_V_OK or why not. */
static int
verify(const struct authorities *a, const struct issued *c)
{
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	int verdict = X509_V_ERR_UNSPECIFIED;

	/* an authority's own certificate is trusted, and public: it is nobody's token and no person */
	if (context != NULL && (X509_get_extension_flags(c->x509) & EXFLAG_CA) == 0 && X509_STORE_CTX_init(context, a->store, c->x509, NULL) == 1) {
		bool ok = X509_verify_cert(context) == 1 && sk_X509_num(X509_STORE_CTX_get0_chain(context)) > 1;
		verdict = ok || X509_STORE_CTX_get_error(context) != X509_V_OK ? X509_STORE_CTX_get_error(context) : X509_V_ERR_UNSPECIFIED;
	}
	X509_STORE_CTX_free(context);
	ERR_clear_error();
	return verdict;
}

bool
authorities_issued(const struct authorities *a, const struct issued *c)
{
	return verify(a, c) == X509_V_OK;
}

bool
authorities_issued_once(const struct authorities *a, const struct issued *c)
{
	return verify(a, c) == X509_V_ERR_CERT_HAS_EXPIRED;
}
