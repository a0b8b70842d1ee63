/* SPDX-License-Identifier: Apache-2.0 */
#include "token_puk.h"

#include "slot.h"

enum err
puk_set_user_pin(struct cryptoki *c, const struct token_name *token, const struct secret *puk, const struct secret *new_pin)
{
	struct slot slot;
	enum err e = slot_open(c, token, true, &slot);

	if (e == ERR_OK && slot_user_pin(&slot) != PIN_STATE_LOCKED)
		e = ERR_TOKEN_NOT_YET_LOCKED;
	if (e == ERR_OK && !slot_pin_is_usable(&slot, new_pin))
		e = ERR_PIN_REFUSED;
	if (e == ERR_OK)
		e = cryptoki_is_wanted(c);
	if (e != ERR_OK)
		return e;
	c->presented = true;
	e = cryptoki_check(c, CRYPTOKI_UNBLOCK, "C_SetPIN",
	    c->list->C_SetPIN(c->session, (CK_UTF8CHAR_PTR)puk->bytes, (CK_ULONG)puk->len, (CK_UTF8CHAR_PTR)new_pin->bytes, (CK_ULONG)new_pin->len));
	return slot_settle(c, slot.id, e);
}
