/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

static void
must(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "the test's world fails: %s\n", what);
	exit(1);
}

EVP_PKEY *
world_key_new(enum world_key kind)
{
	EVP_PKEY *key = kind == WORLD_RSA ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");

	must(key != NULL, "a key");
	return key;
}

static void
add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	must(extension != NULL && X509_add_ext(certificate, extension, -1) == 1, value);
	X509_EXTENSION_free(extension);
}

static X509 *
issue(X509 *issuer, EVP_PKEY *issuer_key, EVP_PKEY *key, const char *name, const char *email, long serial, long from, long until)
{
	X509 *x = X509_new();
	X509_NAME *subject = X509_NAME_new();

	must(x != NULL && subject != NULL, "a certificate");
	must(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0) == 1, "a name");
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
	X509_set_subject_name(x, subject);
	X509_set_issuer_name(x, issuer != NULL ? X509_get_subject_name(issuer) : subject);
	X509_gmtime_adj(X509_getm_notBefore(x), from);
	X509_gmtime_adj(X509_getm_notAfter(x), until);
	X509_set_pubkey(x, key);
	if (issuer == NULL)
		add_extension(x, x, NID_basic_constraints, "critical,CA:TRUE");
	if (email != NULL) {
		char names[300];
		snprintf(names, sizeof(names), "email:%s", email);
		add_extension(x, issuer, NID_subject_alt_name, names);
	}
	must(X509_sign(x, issuer_key, EVP_sha256()) != 0, "a signature");
	X509_NAME_free(subject);
	return x;
}

struct world_ca
world_ca_new(const char *name)
{
	struct world_ca ca = { .key = world_key_new(WORLD_EC) };

	ca.certificate = issue(NULL, ca.key, ca.key, name, NULL, 1, -3600, 86400);
	return ca;
}

void
world_ca_free(struct world_ca *ca)
{
	EVP_PKEY_free(ca->key);
	X509_free(ca->certificate);
}

void
world_ca_write(const struct world_ca *ca, const char *path)
{
	FILE *f = fopen(path, "w");

	must(f != NULL && PEM_write_X509(f, ca->certificate) == 1, path);
	fclose(f);
}

X509 *
world_issue(const struct world_ca *ca, EVP_PKEY *key, const char *name, long serial, long from, long until)
{
	return issue(ca->certificate, ca->key, key, name, NULL, serial, from, until);
}

X509 *
world_issue_to(const struct world_ca *ca, EVP_PKEY *key, const char *name, const char *email, long serial, long from, long until)
{
	return issue(ca->certificate, ca->key, key, name, email, serial, from, until);
}

size_t
world_der(X509 *certificate, unsigned char ret[STORE_CERTIFICATE_MAX])
{
	unsigned char *at = ret;
	int len = i2d_X509(certificate, NULL);

	must(len > 0 && len <= STORE_CERTIFICATE_MAX, "DER");
	i2d_X509(certificate, &at);
	return (size_t)len;
}
