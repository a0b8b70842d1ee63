/* SPDX-License-Identifier: Apache-2.0 */
#include "mock_key.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

enum {
	NUMBER = 32, /* bytes of each number of a signature on P-256 */
	DER_MAX = 1024
};

static EVP_PKEY *key;

bool
mock_key_load(const char *folder)
{
	char path[1024];
	BIO *in;

	snprintf(path, sizeof(path), "%s/key.pem", folder);
	EVP_PKEY_free(key);
	key = NULL;
	in = BIO_new_file(path, "rb");
	if (in != NULL)
		key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
	BIO_free(in);
	return key != NULL;
}

/* DER to the two numbers one after the other. */
static bool
to_numbers(const unsigned char *der, size_t len, unsigned char ret[2 * NUMBER])
{
	ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)len);
	bool good = signature != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(signature), ret, NUMBER) == NUMBER &&
		    BN_bn2binpad(ECDSA_SIG_get0_s(signature), ret + NUMBER, NUMBER) == NUMBER;

	ECDSA_SIG_free(signature);
	return good;
}

CK_RV
mock_key_sign(CK_MECHANISM_TYPE type, const unsigned char *data, CK_ULONG len, unsigned char *ret, CK_ULONG *ret_len)
{
	EVP_PKEY_CTX *context = key != NULL ? EVP_PKEY_CTX_new(key, NULL) : NULL;
	bool ec = type == CKM_ECDSA;
	unsigned char der[DER_MAX];
	size_t der_len = sizeof(der);
	CK_RV rv = CKR_FUNCTION_FAILED;

	if (context == NULL || EVP_PKEY_sign_init(context) != 1 || EVP_PKEY_sign(context, der, &der_len, data, len) != 1)
		goto out;
	if (*ret_len < (ec ? 2 * NUMBER : der_len)) {
		rv = CKR_BUFFER_TOO_SMALL;
	} else if (ec && to_numbers(der, der_len, ret)) {
		*ret_len = 2 * NUMBER;
		rv = CKR_OK;
	} else if (!ec) {
		memcpy(ret, der, der_len);
		*ret_len = (CK_ULONG)der_len;
		rv = CKR_OK;
	}
out:
	EVP_PKEY_CTX_free(context);
	return rv;
}
