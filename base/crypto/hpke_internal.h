/* SPDX-License-Identifier: Apache-2.0 */
/* hpke_internal: sealing with an ephemeral key that the caller names. For the vectors of RFC 9180 only: such a key is used once. */
#ifndef MOKHOA_HPKE_INTERNAL_H
#define MOKHOA_HPKE_INTERNAL_H

#include "hpke.h"

enum err hpke_seal_with(const struct key_kem *ephemeral, const unsigned char to_pk[KEY_KEM_PK_LEN], const void *info, size_t info_len,
    const void *aad, size_t aad_len, const void *plain, size_t len, unsigned char ret_enc[HPKE_ENC_LEN], unsigned char *ret_ct);

#endif
