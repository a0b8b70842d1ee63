/* SPDX-License-Identifier: Apache-2.0 */
/*
 * find_token: the one token that an operation is about, among all that the profile's modules show; which of its certificates the request
 * carries; whether its SO PIN may be touched. One thread; found_token_free() takes what token_find() gave.
 */
#ifndef MOKHOA_FIND_TOKEN_H
#define MOKHOA_FIND_TOKEN_H

#include "err.h"
#include "profile.h"
#include "step.h"
#include "token_name.h"

#include <stdbool.h>

struct found_token {
	const struct profile_module *module; /* the profile's */
	const struct step_token *token;	     /* in the inspection */
	struct step_inspection inspection;
};

/*
 * The first module of the profile that shows it decides: two of them often drive the same reader. ERR_TOKEN_AMBIGUOUS where it shows two of that
 * name. Where none has it: the error of a reader that failed, for it may sit there; the error of the first module where none works;
 * ERR_TOKEN_ABSENT where others are plugged in; else why there is none at all: ERR_NO_TOKEN, ERR_NO_READER, ERR_READER_SERVICE.
 */
enum err token_find(const struct profile *profile, const struct token_name *name, struct found_token *ret);

/*
 * Of two modules, why neither shows anything (struct step_inspection, absent); ERR_OK says nothing. One that sees an empty reader knows more than
 * one that sees none.
 */
enum err absence_join(enum err one, enum err other);
void found_token_free(struct found_token *found);

/*
 * Whether an SO PIN may and need unlock it, whose owner gave that reason. ERR_TOKEN_NOT_LOCKED where he says "locked" and the token, whose flags can be
 * relied on, says otherwise; ERR_TOKEN_SO_LOCKED, ERR_TOKEN_SO_LAST_TRY: nothing may be tried on it, so nothing needs to be asked for.
 */
enum err token_so_pin_fits(const struct step_token *token, const char *reason, bool flags_reliable);

/* The customer's certificate: no authority's, and of several the one that lasts longest. NULL where there is none. */
const struct step_certificate *token_certificate_of(const struct step_token *token);

#endif
