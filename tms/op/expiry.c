/* SPDX-License-Identifier: Apache-2.0 */
#include "expiry.h"

#include "issued_inner.h"

#include <openssl/err.h>
#include <openssl/pem.h>

enum err
expiry_of(const char *path, int64_t *ret_ends)
{
	BIO *file = BIO_new_file(path, "r");
	int64_t ends = INT64_MAX;
	X509 *certificate;

	while (file != NULL && (certificate = PEM_read_bio_X509(file, NULL, NULL, NULL)) != NULL) {
		int64_t one = issued_seconds(X509_get0_notAfter(certificate));
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
