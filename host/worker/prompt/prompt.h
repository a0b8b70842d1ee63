/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prompt: the windows in which a person types the code and the new PIN: the profile's pinentry, a program of its own, so that no page
 * and no wire message ever has a field for a secret. Each window shows which site asks, the check phrase and the token.
 *
 * Blocks for as long as a person thinks: five minutes for each of the two. One thread.
 */
#ifndef MOKHOA_PROMPT_H
#define MOKHOA_PROMPT_H

#include "err.h"
#include "op.h"
#include "secret.h"

struct prompt_question {
	const char *program;  /* absolute path; only the administrator can have written it */
	const char *language; /* "vi" or "en" */
	const char *origin;
	const char *phrase;
	const char *label;  /* of the token; foreign text, shown only where it is safe */
	const char *serial; /* likewise */
	unsigned pin_min;   /* characters */
	unsigned pin_max;   /* 0 where the token names none */
	enum characters pin_characters;
};

/*
 * ret_code gets the 12 characters of code_read(). ERR_PROMPT_CANCELLED: closed, or nobody came; ERR_PROMPT_FAILED: the program is
 * missing, crashed or talks nonsense; ERR_PROFILE_UNSAFE: others may write it. After five codes that were no code ERR_CODE_WRONG
 * (nobody was told, no try is gone), after five PINs that cannot be taken ERR_PIN_REFUSED. Both secrets are empty after an error.
 */
enum err prompt_ask(const struct prompt_question *question, struct secret *ret_code, struct secret *ret_pin);

#endif
