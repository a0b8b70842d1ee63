/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tms_answer: reads what the server said, strictly, and verifies who said it. Pure but for the log; any thread may call.
 *
 * Every answer: exactly the contract's keys, each of its type and length, a kid that the profile pins, a signature of that key over the
 * answer's transcript; anything else is ERR_TMS_ANSWER and nothing was written.
 */
#ifndef MOKHOA_TMS_ANSWER_H
#define MOKHOA_TMS_ANSWER_H

#include "err.h"
#include "hpke.h"
#include "profile.h"
#include "tms_client.h"

#include <stddef.h>
#include <stdint.h>

#define TMS_SEALED_LEN (TRANSCRIPT_SEALED_LEN + HPKE_TAG_LEN)

/* The pieces of a release or grant answer before they are opened. */
struct tms_sealed {
	unsigned char enc[HPKE_ENC_LEN];
	unsigned char ciphertext[TMS_SEALED_LEN];
	enum family family; /* of a release: so_pin, or puk without rotation */
	bool rotation;
};

enum err tms_read_created(const struct profile *profile, const void *body, size_t len, const unsigned char r[KEY_HASH_LEN], struct tms_created *ret);
enum err tms_read_status(const struct profile *profile, const void *body, size_t len, const unsigned char id[TRANSCRIPT_ID_LEN], uint64_t counter,
    struct tms_status *ret);
enum err tms_read_released(const struct profile *profile, const void *body, size_t len, const unsigned char h[KEY_HASH_LEN], struct tms_sealed *ret);
enum err tms_read_granted(const struct profile *profile, const void *body, size_t len, const unsigned char h[KEY_HASH_LEN], unsigned active,
    struct tms_sealed *ret);

/* The error of an error answer: a name that the server may say to a customer, else ERR_TMS_FAILED for 5xx and ERR_TMS_ANSWER for the rest. */
enum err tms_read_refusal(long http, const void *body, size_t len, struct tms_refusal *ret);

#endif
