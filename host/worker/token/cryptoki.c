/* SPDX-License-Identifier: Apache-2.0 */
#include "cryptoki.h"

#include "log.h"
#include "os.h"
#include "p11.h"

#include <stddef.h>

/* ---- what a return value means ---- */

/*
 * One row a return value, one column a context. What a row leaves out (ERR_OK) and what has no row is the context's last word: a module
 * that cannot start, or a token that failed. The SO PIN and its successor are the server's, so that a fault of their form is never told the
 * customer as a fault of the PIN that he chose.
 */
struct meaning {
	CK_RV rv;
	enum err of[CRYPTOKI_CONTEXT_COUNT];
};

#define EVERYWHERE(e) \
	{ \
		[CRYPTOKI_SLOT] = (e), [CRYPTOKI_SO_LOGIN] = (e), [CRYPTOKI_INIT_PIN] = (e), [CRYPTOKI_SET_SO_PIN] = (e), \
		[CRYPTOKI_USER_LOGIN] = (e), [CRYPTOKI_UNBLOCK] = (e) \
	}
/* a fault of the form of a PIN: the SO PIN that was kept does not fit, the new PIN is refused */
#define PIN_FORM \
	{ \
		[CRYPTOKI_SO_LOGIN] = ERR_TOKEN_SO_REFUSED, [CRYPTOKI_INIT_PIN] = ERR_PIN_REFUSED, [CRYPTOKI_USER_LOGIN] = ERR_PIN_NOT_PROVED, \
		[CRYPTOKI_UNBLOCK] = ERR_PIN_REFUSED \
	}
#define IN_USE \
	{ \
		[CRYPTOKI_SO_LOGIN] = ERR_TOKEN_IN_USE, [CRYPTOKI_USER_LOGIN] = ERR_TOKEN_IN_USE \
	}

static const struct meaning meanings[] = {
	{ CKR_DEVICE_REMOVED, EVERYWHERE(ERR_TOKEN_REMOVED) },
	{ CKR_TOKEN_NOT_PRESENT, EVERYWHERE(ERR_TOKEN_REMOVED) },
	{ CKR_SESSION_HANDLE_INVALID, EVERYWHERE(ERR_TOKEN_REMOVED) },
	{ CKR_SESSION_CLOSED, EVERYWHERE(ERR_TOKEN_REMOVED) },
	{ CKR_SLOT_ID_INVALID, EVERYWHERE(ERR_TOKEN_REMOVED) },
	{ CKR_FUNCTION_NOT_SUPPORTED, EVERYWHERE(ERR_TOKEN_UNSUPPORTED) },
	{ CKR_USER_TYPE_INVALID, EVERYWHERE(ERR_TOKEN_UNSUPPORTED) },
	{ CKR_TOKEN_NOT_RECOGNIZED, EVERYWHERE(ERR_TOKEN_UNSUPPORTED) },
	{ CKR_TOKEN_WRITE_PROTECTED, EVERYWHERE(ERR_TOKEN_UNSUPPORTED) },
	/* some cards let C_Login(CKU_SO) pass unasked, and the SO PIN is judged only when it is used */
	{ CKR_PIN_INCORRECT, { [CRYPTOKI_SO_LOGIN] = ERR_TOKEN_SO_REFUSED, [CRYPTOKI_INIT_PIN] = ERR_TOKEN_SO_REFUSED, [CRYPTOKI_SET_SO_PIN] = ERR_TOKEN_SO_REFUSED, [CRYPTOKI_USER_LOGIN] = ERR_PIN_NOT_PROVED, [CRYPTOKI_UNBLOCK] = ERR_TOKEN_SO_REFUSED } },
	/* under C_InitPIN the flags have the last word: token_so_pin.c */
	{ CKR_PIN_LOCKED, { [CRYPTOKI_SO_LOGIN] = ERR_TOKEN_SO_LOCKED, [CRYPTOKI_INIT_PIN] = ERR_TOKEN_SO_LOCKED, [CRYPTOKI_SET_SO_PIN] = ERR_TOKEN_SO_LOCKED, [CRYPTOKI_USER_LOGIN] = ERR_PIN_NOT_PROVED, [CRYPTOKI_UNBLOCK] = ERR_TOKEN_PUK_LOCKED } },
	{ CKR_PIN_LEN_RANGE, PIN_FORM },
	{ CKR_PIN_INVALID, PIN_FORM },
	{ CKR_PIN_TOO_WEAK, PIN_FORM },
	{ CKR_PIN_EXPIRED, { [CRYPTOKI_USER_LOGIN] = ERR_PIN_NOT_PROVED } },
	{ CKR_USER_PIN_NOT_INITIALIZED, { [CRYPTOKI_USER_LOGIN] = ERR_PIN_NOT_PROVED } },
	/* a module that wants a login first does not unblock by a PUK */
	{ CKR_USER_NOT_LOGGED_IN, { [CRYPTOKI_UNBLOCK] = ERR_TOKEN_UNSUPPORTED } },
	/* a login that another program keeps, in a module or a service that shares it: no PIN was looked at (PKCS#11 section 5.6, C_Login) */
	{ CKR_USER_ALREADY_LOGGED_IN, IN_USE },
	{ CKR_USER_ANOTHER_ALREADY_LOGGED_IN, IN_USE },
	{ CKR_SESSION_READ_ONLY_EXISTS, IN_USE },
};

enum err
cryptoki_err(enum cryptoki_context context, CK_RV rv)
{
	enum err e = ERR_OK;

	if (rv == CKR_OK)
		return ERR_OK;
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (meanings[i].rv == rv)
			e = meanings[i].of[context];
	if (e != ERR_OK)
		return e;
	return context == CRYPTOKI_MODULE ? ERR_MODULE_FAILED : ERR_TOKEN_FAILED;
}

enum err
cryptoki_check(struct cryptoki *c, enum cryptoki_context context, const char *call, CK_RV rv)
{
	enum err e = cryptoki_err(context, rv);

	if (rv != CKR_OK) {
		c->trace = (struct cryptoki_trace){ .rv = rv, .call = call };
		log_debug("cryptoki", "call=%s rv=0x%lx error=%s", call, (unsigned long)rv, err_name(e));
	}
	return e;
}

/* ---- the module ---- */

/* A module that leaves out a call which we make would be a jump to nowhere. */
static bool
list_is_whole(const CK_FUNCTION_LIST *list)
{
	return list->C_Finalize != NULL && list->C_GetSlotList != NULL && list->C_GetSlotInfo != NULL && list->C_GetTokenInfo != NULL &&
	       list->C_InitPIN != NULL && list->C_SetPIN != NULL && list->C_OpenSession != NULL && list->C_CloseSession != NULL &&
	       list->C_Login != NULL && list->C_Logout != NULL && list->C_FindObjectsInit != NULL && list->C_FindObjects != NULL &&
	       list->C_FindObjectsFinal != NULL && list->C_GetAttributeValue != NULL;
}

static enum err
load(struct cryptoki *c, const char *path)
{
	CK_RV rv;
	enum err e = p11_load(path, list_is_whole, &c->list, &rv);

	return rv != CKR_OK ? cryptoki_check(c, CRYPTOKI_MODULE, "C_GetFunctionList", rv) : e;
}

enum err
cryptoki_open(struct cryptoki *c, const char *path, const char *parameters)
{
	enum err e = p11_trusted(path);

	if (e == ERR_OK)
		e = load(c, path);
	if (e != ERR_OK)
		return e;
	e = cryptoki_check(c, CRYPTOKI_MODULE, "C_Initialize", p11_initialize(c->list, parameters));
	if (e != ERR_OK)
		c->list = NULL;
	return e;
}

void
cryptoki_close(struct cryptoki *c)
{
	if (c->list == NULL)
		return;
	cryptoki_close_session(c);
	(void)c->list->C_Finalize(NULL);
	c->list = NULL;
}

/* ---- sessions ---- */

enum err
cryptoki_open_session(struct cryptoki *c, CK_SLOT_ID slot, bool writable)
{
	CK_FLAGS flags = CKF_SERIAL_SESSION | (writable ? CKF_RW_SESSION : 0);
	CK_SESSION_HANDLE session = CK_INVALID_HANDLE;
	enum err e = cryptoki_check(c, CRYPTOKI_SLOT, "C_OpenSession", c->list->C_OpenSession(slot, flags, NULL, NULL, &session));

	if (e == ERR_OK)
		c->session = session;
	return e;
}

void
cryptoki_close_session(struct cryptoki *c)
{
	if (c->session == CK_INVALID_HANDLE)
		return;
	if (c->login)
		(void)c->list->C_Logout(c->session);
	(void)c->list->C_CloseSession(c->session);
	c->session = CK_INVALID_HANDLE;
	c->login = false;
}

enum err
cryptoki_is_wanted(const struct cryptoki *c)
{
	bool gone = false;

	if (c->leash != NULL)
		(void)os_wait(c->leash, 1, 0, &gone);
	return gone ? ERR_WORKER_FAILED : ERR_OK;
}

enum err
cryptoki_login(struct cryptoki *c, CK_USER_TYPE user, const struct secret *pin)
{
	enum cryptoki_context context = user == CKU_SO ? CRYPTOKI_SO_LOGIN : CRYPTOKI_USER_LOGIN;
	bool presented = c->presented;
	enum err e;

	if (cryptoki_is_wanted(c) != ERR_OK)
		return ERR_WORKER_FAILED;
	c->login = true;
	c->presented = true;
	e = cryptoki_check(c, context, "C_Login", c->list->C_Login(c->session, user, (CK_UTF8CHAR_PTR)pin->bytes, (CK_ULONG)pin->len));
	if (e == ERR_TOKEN_IN_USE)
		c->presented = presented;
	return e;
}
