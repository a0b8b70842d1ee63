/* SPDX-License-Identifier: Apache-2.0 */
#include "expiry.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

/* Seconds since 1970; 0 for a time that is none, which has ended. */
static int64_t
seconds_of(const ASN1_TIME *time)
{
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int64_t seconds = 0;
	int days = 0;
	int rest = 0;

	if (epoch != NULL && ASN1_TIME_diff(&days, &rest, epoch, time) == 1)
		seconds = (int64_t)days * 86400 + rest;
	ASN1_TIME_free(epoch);
	return seconds;
}

enum err
expiry_of(const char *path, int64_t *ret_ends)
{
	BIO *file = BIO_new_file(path, "r");
	int64_t ends = INT64_MAX;
	X509 *certificate;

	while (file != NULL && (certificate = PEM_read_bio_X509(file, NULL, NULL, NULL)) != NULL) {
		int64_t one = seconds_of(X509_get0_notAfter(certificate));
		ends = one < ends ? one : ends;
		X509_free(certificate);
	}
	BIO_free(file);
	/* the end of the file is an error to the reader of PEM */
	ERR_clear_error();
	if (ends == INT64_MAX)
		return ERR_FILE_MISSING;
	*ret_ends = ends;
	return ERR_OK;
}
