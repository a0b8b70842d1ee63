/* SPDX-License-Identifier: Apache-2.0 */
/* proof_check: what a proof of unlock is in either build, with libp11 or without. Pure; any thread may call. */
#ifndef MOKHOA_PROOF_CHECK_H
#define MOKHOA_PROOF_CHECK_H

#include "token_proof.h"

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>

/* The word of the protocol for how such a key signs; "" for a key that has none. */
const char *proof_mechanism(const EVP_PKEY *key);

/* Two keys may share a CKA_ID by mistake of whoever wrote the token: a signature that the certificate's key does not bear out is worth nothing. */
bool proof_is_borne_out(EVP_PKEY *key, const void *message, size_t len, const struct token_signature *signature);

#endif
