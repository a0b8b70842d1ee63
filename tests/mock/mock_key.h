/* SPDX-License-Identifier: Apache-2.0 */
/* mock_key: the private key of the mock's token, where its folder has one (key.pem): signs as a card does. One thread. */
#ifndef MOKHOA_MOCK_KEY_H
#define MOKHOA_MOCK_KEY_H

#include <p11-kit/pkcs11.h>
#include <stdbool.h>

/* Reads FOLDER/key.pem (EC P-256 or RSA); false where there is none. */
bool mock_key_load(const char *folder);

/* CKM_ECDSA over a hash, the two numbers one after the other; CKM_RSA_PKCS over a DigestInfo. */
CK_RV mock_key_sign(CK_MECHANISM_TYPE type, const unsigned char *data, CK_ULONG len, unsigned char *ret, CK_ULONG *ret_len);

#endif
