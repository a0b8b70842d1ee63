/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hsm_token: a token of an HSM through Cryptoki: found by label and serial number, logged in to, asked for agreements. The struct is the caller's, born { 0 }; its process is
 * the end of it: nothing is given back.
 *
 * What a module says is translated here and logged with call and return value. One thread.
 */
#ifndef MOKHOA_HSM_TOKEN_H
#define MOKHOA_HSM_TOKEN_H

#include "cryptoki_numbers.h"
#include "config.h"
#include "err.h"
#include "keyring.h"
#include "secret.h"

#include <stdbool.h>

struct hsm_token {
	CK_FUNCTION_LIST *list;
	const char *label; /* of keys that are made */
	CK_SLOT_ID slot;
	CK_FLAGS flags; /* of the token when it was found */
	CK_SESSION_HANDLE session;
	bool der; /* the module takes another's point as an OCTET STRING only */
	struct {
		struct keyring_object object;
		CK_OBJECT_HANDLE handle;
	} known[KEYRING_MAX];
	size_t known_count;
};

/* Loads and starts the module, and finds the token: ERR_HSM_MODULE, ERR_HSM_TOKEN_MISSING, ERR_HSM_UNAVAILABLE. */
enum err hsm_token_open(struct hsm_token *t, const struct config_hsm *config);

/* All that comes before a login: ERR_HSM_PIN_LOCKED where a wrong PIN would be the last one, ERR_HSM_UNAVAILABLE where there is no session to be had. */
enum err hsm_token_begin(struct hsm_token *t);

/*
 * One C_Login: ERR_HSM_PIN_REFUSED, ERR_HSM_PIN_LOCKED, ERR_HSM_UNAVAILABLE; *ret_unsure where the module's word does not say whether the PIN was looked at.
 */
enum err hsm_token_login(struct hsm_token *t, const struct secret *pin, bool *ret_unsure);

/* ERR_HSM_KEY_MISSING, ERR_HSM_KEY_UNFIT, ERR_HSM_UNAVAILABLE: the session is lost. */
enum err hsm_token_agree(struct hsm_token *t, const struct keyring_object *object, const unsigned char point[KEY_KEM_PK_LEN], unsigned char ret_x[KEY_KEM_X_LEN]);

/* The same errors. The key is of our making, or was found by its label or the hexadecimal digits of its CKA_ID, and does for a vault as far as its attributes say. */
enum err hsm_token_make(struct hsm_token *t, struct keyring_object *ret_object, unsigned char ret_point[KEY_KEM_PK_LEN]);
enum err hsm_token_adopt(struct hsm_token *t, const char *name, struct keyring_object *ret_object, unsigned char ret_point[KEY_KEM_PK_LEN]);

#endif
