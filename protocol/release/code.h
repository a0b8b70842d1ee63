/* SPDX-License-Identifier: Apache-2.0 */
/*
 * code: the one-time code that the customer takes from the mail, and the phrase by which customer and approver know that they speak of
 * the same request. Crockford's base32: no I, L, O, U; what people mistype is mapped back.
 */
#ifndef MOKHOA_CODE_H
#define MOKHOA_CODE_H

#include "err.h"
#include "key.h"
#include "secret.h"
#include "transcript.h"

#include <stdbool.h>

#define CODE_SHOWN_LEN	16 /* XXXX-XXXX-XXXX-X */
#define CODE_PHRASE_LEN 9  /* XXXX-XXXX */

/* A fresh code of 60 random bits, in its shown form (CODE_SHOWN_LEN bytes). */
void code_new(struct secret *ret_code);

/*
 * What a person typed, brought to the 12 characters that count: case, blanks and hyphens ignored, O read as 0, I and L as 1. False where
 * the check character does not fit: every single mistyped character and every swap of neighbours is caught.
 */
bool code_read(const struct secret *typed, struct secret *ret_code);

/* The key that the code opens, from its 12 characters and the request's id; costs one scrypt. NULL without memory. The caller frees. */
struct key_sig *code_key(const struct secret *code, const unsigned char id[TRANSCRIPT_ID_LEN]);

/* CODE_PHRASE_LEN characters and a NUL. */
enum err code_phrase(const unsigned char id[TRANSCRIPT_ID_LEN], const unsigned char host_kem_pk[KEY_KEM_PK_LEN],
    const unsigned char host_sig_pk[KEY_SIG_PK_LEN], char ret_phrase[CODE_PHRASE_LEN + 1]);

/* The phrase as a person typed it, compared with the right one: case, blanks and hyphens ignored, O, I, L mapped. */
bool code_phrase_equal(const char *typed, const char *phrase);

#endif
