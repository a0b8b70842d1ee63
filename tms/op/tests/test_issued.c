/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates: what is taken for one, its serial number, who issued it, what its key has signed. */
#include "check.h"
#include "world.h"

#include <stdio.h>
#include <unistd.h>

static struct issued *
issue(const struct world_ca *ca, EVP_PKEY *key, const char *name, long serial)
{
	X509 *x = world_issue(ca, key, name, serial, -7200, -3600);
	unsigned char der[STORE_CERTIFICATE_MAX];
	struct issued *c = issued_from_der(der, world_der(x, der));

	X509_free(x);
	CHECK(c != NULL);
	return c;
}

static void
test_parse(const struct world_ca *ca, EVP_PKEY *key)
{
	X509 *x = world_issue(ca, key, "Công ty", 0x80, -10, 10);
	unsigned char der[STORE_CERTIFICATE_MAX + 1] = { 0 };
	size_t len = world_der(x, der);
	struct issued *c = issued_from_der(der, len);
	char serial[2 * STORE_SERIAL_MAX + 1];
	char name[STORE_NAME_SIZE];
	unsigned char bytes[STORE_SERIAL_MAX];
	size_t got = 0;

	X509_free(x);
	CHECK(issued_from_der(der, len + 1) == NULL); /* a byte behind it */
	CHECK(issued_from_der(der, len - 1) == NULL);
	CHECK(issued_from_der(der, 0) == NULL);
	CHECK(issued_from_der(der, STORE_CERTIFICATE_MAX + 1) == NULL);
	CHECK(issued_from_pem("", 0) == NULL);
	issued_free(NULL);
	if (!CHECK(c != NULL))
		return;
	issued_serial(c, serial);
	CHECK_TEXT(serial, "0080"); /* the content bytes, with the zero that says positive */
	CHECK_TEXT(issued_shown_serial(serial), "80");
	CHECK_TEXT(issued_shown_serial("00"), "00");
	CHECK(issued_serial_bytes(serial, bytes, &got) && got == 2 && bytes[0] == 0 && bytes[1] == 0x80);
	CHECK(!issued_serial_bytes("0", bytes, &got) && !issued_serial_bytes("zz", bytes, &got));
	CHECK(issued_same_serial("0080", "80") && issued_same_serial("ab", "00AB") && !issued_same_serial("80", "08"));
	issued_name(c, name);
	CHECK_TEXT(name, "Công ty");
	issued_free(c);
	x = world_issue_to(ca, key, "a", "Khach@example.vn", 1, -10, 10);
	c = issued_from_der(der, world_der(x, der));
	X509_free(x);
	CHECK(c != NULL && issued_has_email(c, "khach@Example.vn") && !issued_has_email(c, "khach@example.v") && !issued_has_email(c, "hach@example.vn"));
	CHECK(!issued_has_email(c, ""));
	issued_free(c);
	c = issue(ca, key, "hai\ndòng", 1);
	CHECK(!issued_has_email(c, "khach@example.vn") && !issued_has_email(c, ""));
	issued_name(c, name);
	CHECK_TEXT(name, ""); /* what cannot be shown is no name */
	issued_free(c);
}

static void
test_issuer(const struct world_ca *ca, const struct world_ca *foreign, EVP_PKEY *key)
{
	char path[] = "/tmp/mokhoa-issued-XXXXXX";
	int fd = mkstemp(path);
	struct authorities *any = NULL;
	struct authorities *now = NULL;
	struct issued *own = issue(ca, key, "a", 1);
	struct issued *other = issue(foreign, key, "a", 1);
	struct issued *authority;
	X509 *x = world_issue(ca, key, "a", 2, -10, 3600);
	unsigned char der[STORE_CERTIFICATE_MAX];
	struct issued *valid = issued_from_der(der, world_der(x, der));
	FILE *f;

	X509_free(x);
	CHECK(fd >= 0 && close(fd) == 0);
	CHECK(authorities_load(path, AUTHORITIES_ANY_TIME, &any) == ERR_CONFIG_INVALID); /* empty */
	CHECK(authorities_load("/nonexistent.pem", AUTHORITIES_ANY_TIME, &any) == ERR_CONFIG_INVALID);
	f = fopen(path, "w");
	if (CHECK(f != NULL)) {
		fputs("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", f);
		fclose(f);
	}
	CHECK(authorities_load(path, AUTHORITIES_ANY_TIME, &any) == ERR_CONFIG_INVALID);
	world_ca_write(ca, path);
	CHECK(authorities_load(path, AUTHORITIES_ANY_TIME, &any) == ERR_OK);
	CHECK(authorities_load(path, AUTHORITIES_CLIENT_NOW, &now) == ERR_OK);
	CHECK(authorities_issued(any, own) && !authorities_issued(now, own)); /* it has run out */
	CHECK(authorities_issued(any, valid) && authorities_issued(now, valid));
	CHECK(!authorities_issued(any, other) && !authorities_issued(now, other));
	authority = issued_from_der(der, world_der(ca->certificate, der));
	CHECK(authority != NULL && !authorities_issued(any, authority) && !authorities_issued(now, authority));
	issued_free(authority);
	issued_free(own);
	issued_free(other);
	issued_free(valid);
	authorities_free(any);
	authorities_free(now);
	unlink(path);
}

static size_t
sign(EVP_PKEY *key, const struct buf *message, unsigned char ret[1024])
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t len = 1024;

	CHECK(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1);
	CHECK(EVP_DigestSign(context, ret, &len, message->data, message->len) == 1);
	EVP_MD_CTX_free(context);
	return len;
}

static void
test_signature(const struct world_ca *ca, EVP_PKEY *key, const char *mechanism, const char *other)
{
	struct issued *c = issue(ca, key, "a", 1);
	struct buf message = buf_new(64);
	unsigned char signature[1024];
	size_t len;

	buf_add_text(&message, "mokhoa");
	len = sign(key, &message, signature);
	CHECK(issued_verifies(c, mechanism, &message, signature, len));
	CHECK(!issued_verifies(c, other, &message, signature, len));
	CHECK(!issued_verifies(c, "", &message, signature, len));
	CHECK(!issued_verifies(c, mechanism, &message, signature, len - 1));
	signature[len / 2] ^= 1;
	CHECK(!issued_verifies(c, mechanism, &message, signature, len));
	signature[len / 2] ^= 1;
	buf_add_text(&message, "!");
	CHECK(!issued_verifies(c, mechanism, &message, signature, len));
	buf_free(&message);
	issued_free(c);
}

int
main(void)
{
	struct world_ca ca = world_ca_new("CA");
	struct world_ca foreign = world_ca_new("CA"); /* of the same name */
	EVP_PKEY *ec = world_key_new(WORLD_EC);
	EVP_PKEY *rsa = world_key_new(WORLD_RSA);

	test_parse(&ca, ec);
	test_issuer(&ca, &foreign, ec);
	test_signature(&ca, ec, "ecdsa-sha256", "rsa-pkcs1-sha256");
	test_signature(&ca, rsa, "rsa-pkcs1-sha256", "ecdsa-sha256");
	EVP_PKEY_free(ec);
	EVP_PKEY_free(rsa);
	world_ca_free(&ca);
	world_ca_free(&foreign);
	return CHECK_DONE();
}
