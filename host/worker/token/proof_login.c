/* SPDX-License-Identifier: Apache-2.0 */
#include "token_proof.h"

#include "slot.h"

enum err
token_proof_login(struct cryptoki *c, const struct token_name *token, const struct secret *pin)
{
	struct slot slot;
	enum err e = slot_open(c, token, false, &slot);

	if (e != ERR_OK)
		return e;
	e = cryptoki_login(c, CKU_USER, pin);
	/* logged in before we came: a module that shares a login between processes. It has not looked at our PIN, so it is asked again. */
	if (e == ERR_TOKEN_IN_USE) {
		(void)c->list->C_Logout(c->session);
		e = cryptoki_login(c, CKU_USER, pin);
	}
	return slot_settle(c, slot.id, e);
}
