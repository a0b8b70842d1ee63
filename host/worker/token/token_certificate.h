/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_certificate: the certificates that a token shows to anybody, without a login.
 */
#ifndef MOKHOA_TOKEN_CERTIFICATE_H
#define MOKHOA_TOKEN_CERTIFICATE_H

#include "cryptoki.h"
#include "err.h"

#include <stddef.h>

#define TOKEN_CERTIFICATE_MAX  8192 /* bytes of DER; a longer one is passed over */
#define TOKEN_CERTIFICATES_MAX 16   /* certificates of one token that are looked at */

/*
 * Opens a read-only session of its own and calls each() with the DER of every X.509 certificate; the bytes are each's for the call only. An
 * error ends the reading: what came before it was each's already.
 */
enum err token_certificate_each(struct cryptoki *c, CK_SLOT_ID slot, void (*each)(const unsigned char *der, size_t len, void *context), void *context);

#endif
