/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hsm: private keys of the vault that never leave an HSM, asked for one thing: the x coordinate of the point that they share with another key (Cryptoki,
 * CKM_ECDH1_DERIVE, no KDF).
 *
 * The vendor's module is loaded by a process of its own (hsm_process.h), which knows neither the keys of the file nor what was opened: one that hangs, crashes or has
 * lost its session is ended, and a fresh one starts the module and logs in anew. No call takes longer than HSM_MS (HSM_MAKE_MS), whatever the module does.
 *
 * No try of the PIN is burned: one that was refused, or whose first login ended without a word, is not presented again by this struct hsm, and none where the token says
 * that it is the last one.
 *
 * One thread.
 */
#ifndef MOKHOA_HSM_H
#define MOKHOA_HSM_H

#include "config.h"
#include "err.h"
#include "keyring.h"

#include <sys/types.h>

#define HSM_MS	     2500  /* of one derivation, a login that it needs included */
#define HSM_MAKE_MS  8000  /* of what makes or looks for a key */
#define HSM_LOGIN_MS 30000 /* that a module may take to start and log in; who asks meanwhile is told that it is not there yet */
#define HSM_PAUSE_MS 5000  /* until the next try, after one that failed */

struct hsm;

/*
 * user is who the process runs as; forget(context) is called in it first of all, to wipe what nobody's module needs to know. Nothing is started yet. NULL means memory.
 */
struct hsm *hsm_new(const struct config_hsm *config, uid_t user, void (*forget)(void *context), void *context);
void hsm_free(struct hsm *h);

/* Starts the process, so that the first derivation finds it logged in; what fails is said by who asks next. */
void hsm_begin(struct hsm *h);

/*
 * All of these: ERR_HSM_UNAVAILABLE, ERR_HSM_MODULE, ERR_HSM_TOKEN_MISSING, ERR_HSM_PIN_FILE, ERR_HSM_PIN_REFUSED, ERR_HSM_PIN_LOCKED, ERR_HSM_KEY_MISSING,
 * ERR_HSM_KEY_UNFIT.
 */

/* Whether it is logged in, or can be now: enough where no key is there yet. */
enum err hsm_login(struct hsm *h);

/* A fresh key pair in the HSM, tried once. Where the answer is lost, the HSM keeps a key that nobody uses. */
enum err hsm_make(struct hsm *h, struct keyring_key *ret);

/* One that is there already, by its label, or by the hexadecimal digits of its CKA_ID. */
enum err hsm_adopt(struct hsm *h, const char *name, struct keyring_key *ret);

/* Whether the private half is there and is that of the public one. */
enum err hsm_try(struct hsm *h, const struct keyring_key *key);

/* A key of the ring as it can be used: the half is the caller's, and must outlive the key. NULL where the public half is no point, or means memory. */
struct hsm_half {
	struct hsm *hsm;
	struct keyring_object object;
};

struct key_kem *hsm_key(struct hsm *h, const struct keyring_key *key, struct hsm_half *half);

#endif
