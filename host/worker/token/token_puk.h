/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_puk: a new user PIN by the PUK, for cards of the PIV kind: C_SetPIN(PUK, new PIN) in a read/write session that nobody has logged in
 * to. Modules that can do it take the call so (OpenSC: user_pin_unblock_style = set_pin_in_unlogged_session).
 *
 * On a PIN that is not locked the same call would be a change of the PIN, and cost a try of it or of the PUK. So no call is made unless the
 * flags, read in this very session, say that the user PIN is locked. A wrong PUK is ERR_TOKEN_SO_REFUSED and has cost one of its tries.
 */
#ifndef MOKHOA_TOKEN_PUK_H
#define MOKHOA_TOKEN_PUK_H

#include "cryptoki.h"
#include "err.h"
#include "secret.h"
#include "token_name.h"

/*
 * ERR_TOKEN_NOT_YET_LOCKED, ERR_PIN_REFUSED: no call was made. ERR_TOKEN_PUK_LOCKED: the token, still locked, takes no PUK. ERR_OK says what the
 * module said; only a login in a fresh process proves it (token_proof.h). The session is left open for cryptoki_close().
 */
enum err puk_set_user_pin(struct cryptoki *c, const struct token_name *token, const struct secret *puk, const struct secret *new_pin);

#endif
