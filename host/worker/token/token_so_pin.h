/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_so_pin: the two things that are done with a token's SO PIN: to give it a new user PIN, and to replace the SO PIN.
 *
 * Both find the one token, open a session, read its name and flags again in that session, and make no PIN call where these say that the SO
 * PIN has one last try (ERR_TOKEN_SO_LAST_TRY) or none (ERR_TOKEN_SO_LOCKED). Each PIN call is made once. A wrong SO PIN is
 * ERR_TOKEN_SO_REFUSED and has cost one try. The session is left open for cryptoki_close(), which logs out.
 *
 * ERR_OK says what the module said. Some modules say it and change nothing: only a login in a fresh process proves it (token_proof.h).
 */
#ifndef MOKHOA_TOKEN_SO_PIN_H
#define MOKHOA_TOKEN_SO_PIN_H

#include "cryptoki.h"
#include "err.h"
#include "secret.h"
#include "token_name.h"

/* C_Login(CKU_SO), C_InitPIN. ERR_PIN_REFUSED without any call where new_pin is outside of the token's limits or holds a NUL. */
enum err so_pin_set_user_pin(struct cryptoki *c, const struct token_name *token, const struct secret *so_pin, const struct secret *new_pin);

/* C_Login(CKU_SO), C_SetPIN. */
enum err so_pin_rotate(struct cryptoki *c, const struct token_name *token, const struct secret *active, const struct secret *next);

#endif
