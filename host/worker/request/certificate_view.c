/* SPDX-License-Identifier: Apache-2.0 */
#include "certificate_view.h"

#include "text.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define DAY_SECONDS 86400

/* One line of at most max bytes; false where OpenSSL cannot write it or a person must not be shown it. */
static bool
print_name(const X509_NAME *name, unsigned long flags, char *ret, size_t max)
{
	BIO *out = BIO_new(BIO_s_mem());
	bool printed = false;
	char *text;
	long len;

	if (out == NULL)
		return false;
	if (X509_NAME_print_ex(out, name, 0, flags) >= 0 && BIO_write(out, "", 1) == 1) {
		len = BIO_get_mem_data(out, &text);
		printed = (size_t)len == strlen(text) + 1 && text_is_showable(text, strlen(text));
		if (printed)
			(void)text_copy(ret, max + 1, text);
	}
	BIO_free(out);
	return printed;
}

/* In UTF-8, or with every byte above ASCII escaped where the name holds what would reorder or break the line. */
static bool
view_name(const X509_NAME *name, char *ret)
{
	return print_name(name, XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB, ret, CERTIFICATE_NAME_MAX) ||
	       print_name(name, XN_FLAG_RFC2253, ret, CERTIFICATE_NAME_MAX);
}

static bool
view_serial(const ASN1_INTEGER *serial, struct certificate_serial *ret)
{
	unsigned char der[CERTIFICATE_SERIAL_MAX + 4];
	const unsigned char *at = der;
	unsigned char *end = der;
	int tag, class;
	long len;

	if (i2d_ASN1_INTEGER(serial, NULL) > (int)sizeof(der))
		return false;
	if (i2d_ASN1_INTEGER(serial, &end) <= 0 || (ASN1_get_object(&at, &len, &tag, &class, (long)(end - der)) & 0x80) != 0)
		return false;
	if (len <= 0 || (size_t)len > sizeof(ret->bytes))
		return false;
	memcpy(ret->bytes, at, (size_t)len);
	ret->len = (size_t)len;
	return true;
}

/* ASN1_TIME_diff() counts in days and seconds, so that no platform's timegm() is needed. */
static bool
view_time(const ASN1_TIME *time, int64_t *ret)
{
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days, seconds;
	bool read = epoch != NULL && ASN1_TIME_diff(&days, &seconds, epoch, time) == 1;

	if (read)
		*ret = (int64_t)days * DAY_SECONDS + seconds;
	ASN1_TIME_free(epoch);
	return read;
}

/* The first address of the subject or the alternative names; one that is not showable is none. */
static void
view_email(X509 *certificate, char *ret)
{
	STACK_OF(OPENSSL_STRING) *addresses = X509_get1_email(certificate);
	const char *first = sk_OPENSSL_STRING_num(addresses) > 0 ? sk_OPENSSL_STRING_value(addresses, 0) : "";

	ret[0] = '\0';
	if (strlen(first) <= CERTIFICATE_EMAIL_MAX && text_is_showable(first, strlen(first)))
		(void)text_copy(ret, CERTIFICATE_EMAIL_MAX + 1, first);
	X509_email_free(addresses);
}

/* The whole of der, or NULL. */
static X509 *
parse(const unsigned char *der, size_t len)
{
	const unsigned char *at = der;
	X509 *certificate = len <= LONG_MAX ? d2i_X509(NULL, &at, (long)len) : NULL;

	if (certificate != NULL && at == der + len)
		return certificate;
	X509_free(certificate);
	return NULL;
}

bool
certificate_view(const unsigned char *der, size_t len, struct certificate_view *ret)
{
	X509 *certificate = parse(der, len);
	bool whole = certificate != NULL && view_name(X509_get_subject_name(certificate), ret->subject) &&
		     view_name(X509_get_issuer_name(certificate), ret->issuer) && view_serial(X509_get0_serialNumber(certificate), &ret->serial) &&
		     view_time(X509_get0_notBefore(certificate), &ret->not_before) && view_time(X509_get0_notAfter(certificate), &ret->not_after);

	if (whole) {
		view_email(certificate, ret->email);
		ret->authority = X509_check_ca(certificate) != 0;
	}
	X509_free(certificate);
	return whole;
}

bool
certificate_serial(const unsigned char *der, size_t len, struct certificate_serial *ret)
{
	X509 *certificate = parse(der, len);
	bool read = certificate != NULL && view_serial(X509_get0_serialNumber(certificate), ret);

	X509_free(certificate);
	return read;
}

void
certificate_serial_text(const struct certificate_serial *serial, char ret[CERTIFICATE_SERIAL_TEXT_MAX + 1])
{
	size_t skip = serial->len > 1 && serial->bytes[0] == 0 ? 1 : 0;

	for (size_t i = skip; i < serial->len; i++)
		snprintf(ret + 2 * (i - skip), 3, "%02X", serial->bytes[i]);
}
