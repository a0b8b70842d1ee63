/* SPDX-License-Identifier: Apache-2.0 */
/*
 * look: what a token says of itself between two steps of a trial, in a fresh process of its own like every step: the flags themselves, and once the
 * module's own words about itself. Makes no PIN call.
 */
#ifndef MOKHOA_LOOK_H
#define MOKHOA_LOOK_H

#include "err.h"
#include "profile.h"
#include "token_name.h"

#include <jansson.h>
#include <stdint.h>

struct look {
	uint64_t flags;	  /* CKF_* of CK_TOKEN_INFO (PKCS#11 v2.40 section 3.2) */
	unsigned pin_min; /* characters, as struct slot has them */
	unsigned pin_max;
	json_t *module; /* { "library", "version", "cryptoki", "libraries", "hardware", "firmware" }; a reference of the caller's */
};

/* Errors as slot_open() and step_inspect() have them; ret is filled on ERR_OK only. */
enum err look_at(const struct profile_module *module, const struct token_name *token, struct look *ret);

/* The other end: what `mokhoa-token-trial step` does with its one frame. Returns the process's exit status. */
int look_run(intptr_t in, intptr_t out);

/* The names of the flags that are about PINs, as an array; a new reference. */
json_t *look_flags_json(uint64_t flags);

#endif
