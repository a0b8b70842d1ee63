/* SPDX-License-Identifier: Apache-2.0 */
#include "token_so_pin.h"

#include "slot.h"

static enum err
so_flags_allow(const struct slot *slot)
{
	if ((slot->flags & CKF_SO_PIN_LOCKED) != 0)
		return ERR_TOKEN_SO_LOCKED;
	return (slot->flags & CKF_SO_PIN_FINAL_TRY) != 0 ? ERR_TOKEN_SO_LAST_TRY : ERR_OK;
}

/*
 * C_InitPIN said CKR_PIN_LOCKED, and the standard does not say which PIN. It is the SO PIN, the only one that the call presents (cards whose
 * SO login asks nothing judge it here), unless the flags, read again, show that the SO PIN has tries left: then the card keeps its locked
 * user PIN locked, and this is no way to open it.
 */
static enum err
which_is_locked(struct cryptoki *c, CK_SLOT_ID id)
{
	struct cryptoki_trace trace = c->trace;
	struct slot now;
	enum err e = slot_read(c, id, &now);

	c->trace = trace;
	if (e == ERR_OK && (now.flags & CKF_SO_PIN_LOCKED) == 0 && (now.flags & (CKF_SO_PIN_COUNT_LOW | CKF_SO_PIN_FINAL_TRY)) != 0)
		return ERR_TOKEN_UNSUPPORTED;
	return ERR_TOKEN_SO_LOCKED;
}

/* A login may wait for a card that another program has, for longer than anybody waits for what comes behind it. */
static enum err
login(struct cryptoki *c, const struct secret *so_pin)
{
	enum err e = cryptoki_login(c, CKU_SO, so_pin);

	return e == ERR_OK ? cryptoki_is_wanted(c) : e;
}

enum err
so_pin_set_user_pin(struct cryptoki *c, const struct token_name *token, const struct secret *so_pin, const struct secret *new_pin)
{
	struct slot slot;
	CK_RV rv;
	enum err e = slot_open(c, token, true, &slot);

	if (e == ERR_OK)
		e = so_flags_allow(&slot);
	if (e == ERR_OK && !slot_pin_is_usable(&slot, new_pin))
		e = ERR_PIN_REFUSED;
	if (e != ERR_OK)
		return e;
	e = login(c, so_pin);
	if (e == ERR_OK) {
		rv = c->list->C_InitPIN(c->session, (CK_UTF8CHAR_PTR)new_pin->bytes, (CK_ULONG)new_pin->len);
		e = cryptoki_check(c, CRYPTOKI_INIT_PIN, "C_InitPIN", rv);
		if (rv == CKR_PIN_LOCKED)
			e = which_is_locked(c, slot.id);
	}
	return slot_settle(c, slot.id, e);
}

enum err
so_pin_rotate(struct cryptoki *c, const struct token_name *token, const struct secret *active, const struct secret *next)
{
	struct slot slot;
	enum err e = slot_open(c, token, true, &slot);

	if (e == ERR_OK)
		e = so_flags_allow(&slot);
	if (e != ERR_OK)
		return e;
	e = login(c, active);
	if (e == ERR_OK)
		e = cryptoki_check(c, CRYPTOKI_SET_SO_PIN, "C_SetPIN",
		    c->list->C_SetPIN(c->session, (CK_UTF8CHAR_PTR)active->bytes, (CK_ULONG)active->len, (CK_UTF8CHAR_PTR)next->bytes,
			(CK_ULONG)next->len));
	return slot_settle(c, slot.id, e);
}
