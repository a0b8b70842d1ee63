/* SPDX-License-Identifier: Apache-2.0 */
#include "certificate_view.h"

#include "check.h"
#include "text.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

/* What a test wants in its certificate; NULL and 0 for nothing. */
struct wish {
	const char *common_name; /* UTF-8 */
	const char *address;	 /* in the subject */
	const char *alternative; /* subjectAltName as OpenSSL's configuration writes it */
	const char *constraints;
	const char *serial; /* hexadecimal */
	const char *until;  /* ASN1_TIME text */
};

static EVP_PKEY *key;

static void
add_extension(X509 *certificate, int nid, const char *value)
{
	X509_EXTENSION *extension = value != NULL ? X509V3_EXT_conf_nid(NULL, NULL, nid, value) : NULL;

	if (extension != NULL)
		X509_add_ext(certificate, extension, -1);
	X509_EXTENSION_free(extension);
}

static void
add_name(X509_NAME *name, int nid, const char *value)
{
	if (value != NULL)
		X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8, (const unsigned char *)value, -1, -1, 0);
}

static void
set_serial(X509 *certificate, const char *hex)
{
	BIGNUM *number = NULL;

	BN_hex2bn(&number, hex);
	BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
	BN_free(number);
}

/* The DER; the caller frees. */
static unsigned char *
make(const struct wish *w, size_t *ret_len)
{
	X509 *certificate = X509_new();
	X509_NAME *name = X509_get_subject_name(certificate);
	unsigned char *der = NULL;
	int len;

	X509_set_version(certificate, 2);
	set_serial(certificate, w->serial != NULL ? w->serial : "1");
	add_name(name, NID_countryName, "VN");
	add_name(name, NID_commonName, w->common_name);
	add_name(name, NID_pkcs9_emailAddress, w->address);
	X509_set_issuer_name(certificate, name);
	ASN1_TIME_set_string(X509_getm_notBefore(certificate), "19700102000000Z");
	ASN1_TIME_set_string(X509_getm_notAfter(certificate), w->until != NULL ? w->until : "20380119031407Z");
	X509_set_pubkey(certificate, key);
	add_extension(certificate, NID_basic_constraints, w->constraints);
	add_extension(certificate, NID_subject_alt_name, w->alternative);
	X509_sign(certificate, key, NULL);
	len = i2d_X509(certificate, &der);
	CHECK(len > 0);
	*ret_len = (size_t)len;
	X509_free(certificate);
	return der;
}

static bool
view(const struct wish *w, struct certificate_view *ret)
{
	size_t len;
	unsigned char *der = make(w, &len);
	bool whole = certificate_view(der, len, ret);

	OPENSSL_free(der);
	return whole;
}

static void
people_read_it(void)
{
	struct certificate_view v;
	char serial[CERTIFICATE_SERIAL_TEXT_MAX + 1];

	CHECK(view(&(struct wish){ .common_name = "Nguyễn Văn An", .serial = "00C0FFEE", .address = "an@mail.example" }, &v));
	CHECK(strstr(v.subject, "CN=Nguyễn Văn An") != NULL);
	CHECK(strstr(v.issuer, "C=VN") != NULL);
	CHECK_TEXT(v.email, "an@mail.example");
	CHECK(v.not_before == 86400 && v.not_after == 2147483647);
	CHECK(!v.authority);
	certificate_serial_text(&v.serial, serial);
	CHECK_TEXT(serial, "C0FFEE");
	/* the content bytes of the INTEGER have the zero that keeps it positive */
	CHECK(v.serial.len == 4 && v.serial.bytes[0] == 0);
}

static void
the_address_of_the_alternative_names(void)
{
	struct certificate_view v;

	CHECK(view(&(struct wish){ .common_name = "An", .alternative = "email:an@mail.example" }, &v));
	CHECK_TEXT(v.email, "an@mail.example");
	CHECK(view(&(struct wish){ .common_name = "An", .alternative = "DNS:mail.example" }, &v));
	CHECK_TEXT(v.email, "");
}

static void
an_authority_is_no_customer(void)
{
	struct certificate_view v;

	CHECK(view(&(struct wish){ .common_name = "CA", .constraints = "critical,CA:TRUE" }, &v) && v.authority);
	CHECK(view(&(struct wish){ .common_name = "An", .constraints = "critical,CA:FALSE" }, &v) && !v.authority);
}

static void
a_name_that_plays_tricks_is_escaped(void)
{
	struct certificate_view v;

	CHECK(view(&(struct wish){ .common_name = "An\xe2\x80\xae"
						  "nA" },
	    &v));
	CHECK(text_is_showable(v.subject, strlen(v.subject)));
	CHECK(strstr(v.subject, "\xe2\x80\xae") == NULL && strstr(v.subject, "An") != NULL);
	CHECK(view(&(struct wish){ .common_name = "An\nBình\x1b[31m" }, &v));
	CHECK(text_is_showable(v.subject, strlen(v.subject)));
	CHECK(view(&(struct wish){ .common_name = "An", .alternative = "email:a\tb@mail.example" }, &v));
	CHECK_TEXT(v.email, "");
}

static void
times_beyond_32_bits(void)
{
	struct certificate_view v;

	CHECK(view(&(struct wish){ .common_name = "An", .until = "99991231235959Z" }, &v));
	CHECK(v.not_after == 253402300799);
}

static void
large_numbers(void)
{
	char hex[2 * CERTIFICATE_SERIAL_MAX + 3];
	struct certificate_view v;
	char serial[CERTIFICATE_SERIAL_TEXT_MAX + 1];

	memset(hex, '7', sizeof(hex));
	hex[2 * CERTIFICATE_SERIAL_MAX] = '\0';
	CHECK(view(&(struct wish){ .common_name = "An", .serial = hex }, &v) && v.serial.len == CERTIFICATE_SERIAL_MAX);
	certificate_serial_text(&v.serial, serial);
	CHECK_TEXT(serial, hex);
	hex[2 * CERTIFICATE_SERIAL_MAX] = '7';
	hex[2 * CERTIFICATE_SERIAL_MAX + 1] = '7';
	hex[2 * CERTIFICATE_SERIAL_MAX + 2] = '\0';
	CHECK(!view(&(struct wish){ .common_name = "An", .serial = hex }, &v));
	CHECK(view(&(struct wish){ .common_name = "An", .serial = "0" }, &v));
	certificate_serial_text(&v.serial, serial);
	CHECK_TEXT(serial, "00");
	CHECK(view(&(struct wish){ .common_name = "An", .serial = "-1" }, &v));
	certificate_serial_text(&v.serial, serial);
	CHECK_TEXT(serial, "FF");
}

static void
only_a_whole_certificate_counts(void)
{
	struct certificate_serial serial;
	struct certificate_view v;
	size_t len;
	unsigned char *der = make(&(struct wish){ .common_name = "An", .serial = "1234" }, &len);
	unsigned char *longer = malloc(len + 1);
	unsigned taken = 0;

	CHECK(certificate_serial(der, len, &serial) && serial.len == 2 && serial.bytes[0] == 0x12);
	for (size_t cut = 0; cut < len; cut++)
		taken += certificate_view(der, cut, &v) || certificate_serial(der, cut, &serial);
	CHECK(taken == 0);
	if (longer != NULL) {
		memcpy(longer, der, len);
		longer[len] = 0;
		CHECK(!certificate_view(longer, len + 1, &v));
	}
	free(longer);
	OPENSSL_free(der);
}

int
main(void)
{
	key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	people_read_it();
	the_address_of_the_alternative_names();
	an_authority_is_no_customer();
	a_name_that_plays_tricks_is_escaped();
	times_beyond_32_bits();
	large_numbers();
	only_a_whole_certificate_counts();
	EVP_PKEY_free(key);
	return CHECK_DONE();
}
