/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hpke: Hybrid Public Key Encryption, base mode, one message a context (RFC 9180, sections 5.1.1 and 6.1) with
 * DHKEM(P-256, HKDF-SHA256), HKDF-SHA256 and AES-128-GCM. On EVP, because OpenSSL has OSSL_HPKE only from 3.2 on.
 *
 * No state, any thread. Keys are borrowed (key.h).
 */
#ifndef MOKHOA_HPKE_H
#define MOKHOA_HPKE_H

#include "err.h"
#include "key.h"

#include <stddef.h>

#define HPKE_ENC_LEN 65 /* bytes of an encapsulated key: an uncompressed point of P-256 */
#define HPKE_TAG_LEN 16 /* bytes that a ciphertext is longer than its plaintext */

/* Writes HPKE_ENC_LEN bytes to ret_enc and len + HPKE_TAG_LEN bytes to ret_ct. ERR_INTERNAL, or ERR_SEALED_INVALID for a bad public key. */
enum err hpke_seal(const unsigned char to_pk[KEY_KEM_PK_LEN], const void *info, size_t info_len, const void *aad, size_t aad_len,
    const void *plain, size_t len, unsigned char ret_enc[HPKE_ENC_LEN], unsigned char *ret_ct);

/*
 * Writes ct_len - HPKE_TAG_LEN bytes to ret_plain; ERR_SEALED_INVALID where it does not open, of a key that is elsewhere what keeps it
 * says besides, and then ret_plain is wiped.
 */
enum err hpke_open(const struct key_kem *key, const unsigned char enc[HPKE_ENC_LEN], const void *info, size_t info_len,
    const void *aad, size_t aad_len, const unsigned char *ct, size_t ct_len, unsigned char *ret_plain);

#endif
