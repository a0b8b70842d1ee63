/* SPDX-License-Identifier: Apache-2.0 */
/* mock_key: the private keys of the mock's token, where its folder has them: key.pem signs as a card does, agree.pem agrees as an HSM does. One thread. */
#ifndef MOKHOA_MOCK_KEY_H
#define MOKHOA_MOCK_KEY_H

#include <p11-kit/pkcs11.h>
#include <stdbool.h>

/* Reads FOLDER/key.pem (EC P-256 or RSA); false where there is none. */
bool mock_key_load(const char *folder);

/* CKM_ECDSA over a hash, the two numbers one after the other; CKM_RSA_PKCS over a DigestInfo. */
CK_RV mock_key_sign(CK_MECHANISM_TYPE type, const unsigned char *data, CK_ULONG len, unsigned char *ret, CK_ULONG *ret_len);

#define MOCK_POINT_LEN 67 /* an uncompressed point of P-256 in an OCTET STRING */
#define MOCK_X_LEN     32

/* Reads FOLDER/agree.pem (EC P-256); false where there is none. ret_point takes MOCK_POINT_LEN bytes. */
bool mock_agree_load(const char *folder, unsigned char *ret_point);

/* CKM_ECDH1_DERIVE without a KDF: the x coordinate, MOCK_X_LEN bytes. The other point is bare, or in an OCTET STRING. */
CK_RV mock_agree_derive(const unsigned char *point, CK_ULONG len, unsigned char *ret_x);

#endif
