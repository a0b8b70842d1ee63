/* SPDX-License-Identifier: Apache-2.0 */
#include "mock_key.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
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
static EVP_PKEY *agree_key;

static bool
load(const char *folder, const char *name, EVP_PKEY **ret)
{
	char path[1024];
	BIO *in;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	EVP_PKEY_free(*ret);
	*ret = NULL;
	in = BIO_new_file(path, "rb");
	if (in != NULL)
		*ret = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
	BIO_free(in);
	return *ret != NULL;
}

bool
mock_key_load(const char *folder)
{
	return load(folder, "key.pem", &key);
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

bool
mock_agree_load(const char *folder, unsigned char *ret_point)
{
	size_t len = 0;

	ret_point[0] = 0x04;
	ret_point[1] = MOCK_POINT_LEN - 2;
	return load(folder, "agree.pem", &agree_key) &&
	       EVP_PKEY_get_octet_string_param(agree_key, OSSL_PKEY_PARAM_PUB_KEY, ret_point + 2, MOCK_POINT_LEN - 2, &len) == 1 && len == MOCK_POINT_LEN - 2;
}

CK_RV
mock_agree_derive(const unsigned char *point, CK_ULONG len, unsigned char *ret_x)
{
	EVP_PKEY *peer = EVP_PKEY_new();
	EVP_PKEY_CTX *context = agree_key != NULL ? EVP_PKEY_CTX_new(agree_key, NULL) : NULL;
	size_t x_len = MOCK_X_LEN;
	bool agreed;

	if (len == MOCK_POINT_LEN && point[0] == 0x04) {
		point += 2;
		len -= 2;
	}
	agreed = peer != NULL && context != NULL && EVP_PKEY_copy_parameters(peer, agree_key) == 1 && EVP_PKEY_set1_encoded_public_key(peer, point, len) == 1 &&
		 EVP_PKEY_derive_init(context) == 1 && EVP_PKEY_derive_set_peer(context, peer) == 1 && EVP_PKEY_derive(context, ret_x, &x_len) == 1;
	EVP_PKEY_CTX_free(context);
	EVP_PKEY_free(peer);
	return agreed && x_len == MOCK_X_LEN ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}
