/* SPDX-License-Identifier: Apache-2.0 */
#include "proof_check.h"

#include <openssl/evp.h>

const char *
proof_mechanism(const EVP_PKEY *key)
{
	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_EC:
		return "ecdsa-sha256";
	case EVP_PKEY_RSA: /* EVP's padding for RSA is PKCS#1 v1.5 unless told otherwise */
		return "rsa-pkcs1-sha256";
	default:
		return "";
	}
}

bool
proof_is_borne_out(EVP_PKEY *key, const void *message, size_t len, const struct token_signature *signature)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool good = context != NULL && EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
		    EVP_DigestVerify(context, signature->bytes, signature->len, message, len) == 1;

	EVP_MD_CTX_free(context);
	return good;
}
