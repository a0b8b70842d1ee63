/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cryptoki: a PKCS#11 module loaded into this process, and what its return values mean to a person.
 *
 * Raw Cryptoki, because exact return values and the life of a session are what an unlock is made of. The struct is the caller's, born { 0 },
 * ended by cryptoki_close() on every path; it holds at most one session. One thread, one module, one process: a module is the vendor's code
 * and may crash, hang or print, so only the steps of the worker (floor step) come here, each in a process of its own.
 *
 * Of all calls of the standard one is never made: C_InitToken, which erases a token.
 */
#ifndef MOKHOA_CRYPTOKI_H
#define MOKHOA_CRYPTOKI_H

#include "cryptoki_numbers.h"
#include "err.h"
#include "secret.h"

#include <stdbool.h>
#include <stdint.h>

/* Which call of the module said no: last, and for the log and the report. Nothing failed where rv is CKR_OK. */
struct cryptoki_trace {
	CK_RV rv;
	const char *call; /* "C_InitPIN"; static text */
};

struct cryptoki {
	CK_FUNCTION_LIST *list;
	CK_SESSION_HANDLE session; /* CK_INVALID_HANDLE where none is open */
	bool login;		   /* a login was tried in the session */
	const intptr_t *leash;	   /* ends when nobody wants the outcome any more; NULL where somebody always does; borrowed */
	bool presented;		   /* a PIN was given to the module, which may have shown it to a token: never taken back */
	struct cryptoki_trace trace;
};

/* What was being done when a call failed: the same return value means one thing under C_Login(CKU_SO) and another under C_InitPIN. */
enum cryptoki_context {
	CRYPTOKI_MODULE,     /* starting the module, listing slots */
	CRYPTOKI_SLOT,	     /* looking at a reader and its token; sessions, certificates */
	CRYPTOKI_SO_LOGIN,   /* C_Login(CKU_SO) */
	CRYPTOKI_INIT_PIN,   /* C_InitPIN in an SO session */
	CRYPTOKI_SET_SO_PIN, /* C_SetPIN in an SO session */
	CRYPTOKI_USER_LOGIN, /* C_Login(CKU_USER) with the new PIN */
	CRYPTOKI_UNBLOCK,    /* C_SetPIN with a PUK, in a session without a login */
	CRYPTOKI_CONTEXT_COUNT
};

/* ERR_OK for CKR_OK, and never ERR_OK for anything else. */
enum err cryptoki_err(enum cryptoki_context context, CK_RV rv);

/* Checks, loads and starts the module (p11.h), with the parameters that it is to be started with: ERR_MODULE_MISSING, ERR_PROFILE_UNSAFE, ERR_MODULE_FAILED. */
enum err cryptoki_open(struct cryptoki *c, const char *path, const char *parameters);

/* Logs out, closes the session, ends the module. The library stays mapped: modules crash when they are taken away. */
void cryptoki_close(struct cryptoki *c);

/* One session at a time; ERR_TOKEN_REMOVED, ERR_TOKEN_UNSUPPORTED, ERR_TOKEN_FAILED. */
enum err cryptoki_open_session(struct cryptoki *c, CK_SLOT_ID slot, bool writable);
void cryptoki_close_session(struct cryptoki *c);

/*
 * Asked before each PIN call: ERR_WORKER_FAILED where whoever wanted it has died, or waits no more. His lock of the token may be free then and another at work on it,
 * so that no PIN call begins for him any more; one that has begun is never cut.
 */
enum err cryptoki_is_wanted(const struct cryptoki *c);

/* C_Login with the secret's own bytes, if it is still wanted. Never repeated here. */
enum err cryptoki_login(struct cryptoki *c, CK_USER_TYPE user, const struct secret *pin);

/* Notes call and rv where rv is not CKR_OK, and says what it means. */
enum err cryptoki_check(struct cryptoki *c, enum cryptoki_context context, const char *call, CK_RV rv);

#endif
