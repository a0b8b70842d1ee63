/* SPDX-License-Identifier: Apache-2.0 */
/*
 * step: all that is ever done to a token or a module, each thing in fresh processes of its own.
 *
 * A PKCS#11 module is the vendor's code: it may hang, crash, print, or keep a login alive. So the worker that talks to the customer and to
 * the TMS never loads one; it starts `mokhoa-worker step`, hands it one frame over a private pipe, waits for one frame and lets the process
 * end, which ends every session, login and copy of a PIN in it. A step that hangs is ended at its deadline, one that crashes is
 * noticed: ERR_MODULE_FAILED, and the caller is alive to report it.
 *
 * A step that sets a PIN or rotates is not cut at its deadline: the caller gets ERR_TIMEOUT, whose outcome nobody knows, and the step goes on. Who holds the
 * token does so until step_late_end(), so that nobody else begins with it meanwhile. Such a step, and one whose worker has died, begins no PIN call any more, nor the one
 * behind a login that it waited for; one that it has begun goes on, up to five minutes in all. So a rotation that is late may have been made or not.
 *
 * No step repeats a PIN call by itself, none calls C_InitToken, and each checks the token's name before it touches a PIN: ERR_TOKEN_ABSENT,
 * ERR_TOKEN_AMBIGUOUS. Functions block; one thread.
 */
#ifndef MOKHOA_STEP_H
#define MOKHOA_STEP_H

#include "err.h"
#include "op.h"
#include "profile.h"
#include "secret.h"
#include "token_name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STEP_CERTIFICATE_MAX 8192 /* bytes of DER that are looked at */
#define STEP_PROOF_MAX	     1024 /* bytes of a signature */

struct step_certificate {
	unsigned char *der;
	size_t der_len;
};

struct step_token {
	struct token_name name;
	char label[33];
	char slot[65];	    /* the reader's description */
	enum pin_state pin; /* what the flags of CK_TOKEN_INFO say */
	enum pin_state so_pin;
	unsigned pin_min; /* characters: 1 <= pin_min <= pin_max <= SECRET_MAX, whatever the token says */
	unsigned pin_max;
	struct step_certificate *certificates; /* readable without login */
	size_t certificate_count;
};

struct step_failure {
	char slot[65]; /* the reader's description, empty where it could not be had */
	enum err error;
	uint64_t cryptoki; /* CK_RV, 0 where no call failed */
};

struct step_inspection {
	struct step_token *tokens;
	size_t token_count;
	struct step_failure *failures;
	size_t failure_count;
	enum err absent; /* why there is neither: ERR_NO_TOKEN, ERR_NO_READER, ERR_READER_SERVICE; else ERR_OK */
};

/*
 * What a call that failed said: for the log, the report to the TMS and the error's data; and whether the token may have seen a PIN, which no
 * reader of the call's name has to guess.
 */
struct step_outcome {
	uint64_t cryptoki; /* CK_RV of the call that decided, 0 where none failed */
	char call[24];	   /* its name, "C_InitPIN" */
	bool presented;	   /* a PIN was presented, or may have been: also where a step was started and gave no answer */
};

/*
 * Every token that the module shows, and every reader that failed, each with its own error: one that fails hides no other. Empty readers and
 * blank tokens are neither, and where there is neither, why. An error is the whole module's: ERR_MODULE_MISSING, ERR_MODULE_FAILED, ERR_PROFILE_UNSAFE (others may write the
 * module's file), ERR_MODULE_ARCHITECTURE (none of our programs can load it: module_program.h). At most 16 tokens, 16 certificates a token, 128 KiB of them in all. The caller frees with step_inspection_free().
 */
enum err step_inspect(const struct profile_module *module, struct step_inspection *ret);
void step_inspection_free(struct step_inspection *inspection);

/*
 * Holds a token against all other unlocks and trials of it on this machine, by a lock whose name is the hash of its name (os_lock()): ERR_TOKEN_BUSY where
 * another has it. Taken before anybody is asked for anything, so that nobody types into two windows; given back with os_unlock(), or when the process ends.
 */
enum err step_hold(const struct token_name *token, intptr_t *ret_lock);

/* Waits for a step that was left alone, and ends it where that lasts too long; returns at once where there is none. Before the token is let go. */
void step_late_end(void);

/*
 * C_Login(CKU_SO, so_pin) and C_InitPIN(new_pin) (PKCS#11 section 5.6), after the flags were read in the same process: on
 * ERR_TOKEN_SO_LAST_TRY and ERR_TOKEN_SO_LOCKED no PIN call was made. ERR_TOKEN_SO_REFUSED: the SO PIN was wrong and one try is gone.
 *
 * keep, which may be NULL, is a file of the user's own in which the step leaves what it answers, before it answers: a worker may die over its step, and
 * only the token knows whether a try is gone. No secret is in it. Nothing is left where the path is no showable UTF-8.
 */
enum err step_set_pin(const struct profile_module *module, const struct token_name *token, const struct secret *so_pin,
    const struct secret *new_pin, const char *keep, struct step_outcome *ret);

/* What a step has left there: its error as step_set_pin() would have given it. False where there is nothing that can be read. */
bool step_kept_answer(const char *keep, enum err *ret_error, struct step_outcome *ret);

/*
 * C_SetPIN(puk, new_pin) in a session without a login, after the flags were read in it: ERR_TOKEN_NOT_YET_LOCKED unless they say that the user PIN is
 * locked, and no call was made. ERR_TOKEN_SO_REFUSED: the PUK was wrong and one of its tries is gone; ERR_TOKEN_PUK_LOCKED. keep as above.
 */
enum err step_unblock(const struct profile_module *module, const struct token_name *token, const struct secret *puk,
    const struct secret *new_pin, const char *keep, struct step_outcome *ret);

struct step_proof {
	char mechanism[24]; /* "ecdsa-sha256", "rsa-pkcs1-sha256"; "" where the token has no key for the certificate */
	unsigned char signature[STEP_PROOF_MAX];
	size_t signature_len;
	bool built; /* false in a build without libp11, which proves the login and signs nothing */
};

/*
 * Logs in with the new PIN, and in a second fresh process signs message with the private key of that certificate (may be absent: len 0).
 * ERR_PIN_NOT_PROVED where the login fails: the unlock has not happened then, whatever the module said before. ERR_OK says that the PIN is
 * proved; a signature that could not be had leaves the mechanism empty, ret says why, and the unlock has happened all the same.
 */
enum err step_prove(const struct profile_module *module, const struct token_name *token, const struct secret *new_pin,
    const unsigned char *certificate, size_t certificate_len, const void *message, size_t message_len, struct step_proof *ret_proof,
    struct step_outcome *ret);

/* C_Login(CKU_SO, active) and C_SetPIN(active, next), after the same look at the flags, with the same errors as step_set_pin(). */
enum err step_rotate(const struct profile_module *module, const struct token_name *token, const struct secret *active,
    const struct secret *next, struct step_outcome *ret);

/*
 * Proves that next is the SO PIN: C_Login(CKU_SO, next) and, because on some cards that login asks nothing of the card (SmartCard-HSM
 * through OpenSC), a C_InitPIN of the same user PIN under it. The same errors as step_set_pin(); ERR_TOKEN_SO_REFUSED has cost one try.
 */
enum err step_prove_rotation(const struct profile_module *module, const struct token_name *token, const struct secret *next,
    const struct secret *new_pin, struct step_outcome *ret);

#define STEP_SEEN_LEN 8 /* bytes that say which places of a module hold a token; of no meaning but to be compared */

/* One module that is watched, born { .process = NULL }. It stays in its process until something changes: one frame, and then it is watched anew. */
struct step_watch {
	struct step_process *process; /* NULL while it is not watched */
	unsigned char seen[STEP_SEEN_LEN];
	bool has_seen; /* what was there when it was last looked at is known */
};

/* ERR_WORKER_FAILED, ERR_MODULE_MISSING, ERR_MODULE_ARCHITECTURE, ERR_NO_MEMORY. The module is borrowed until the end. */
enum err step_watch_begin(const struct profile_module *module, struct step_watch *w);
intptr_t step_watch_handle(const struct step_watch *w); /* for os_wait(); -1 while it is not watched */

/* Takes its frame, once the handle is ready: whether something has changed. The process has ended then, whatever comes of it. */
enum err step_watch_take(struct step_watch *w, bool *ret_changed);
void step_watch_end(struct step_watch *w);

/* ---- for the doctor ---- */

enum step_fault {
	STEP_WORKS,
	STEP_MISSING,	    /* there is no such file */
	STEP_UNSAFE,	    /* others may write it */
	STEP_NEEDS_LIBRARY, /* a library that it needs is not there */
	STEP_OTHER_KIND,    /* it is for another processor */
	STEP_FAILED,	    /* it is no module, or a call failed */
	STEP_CRASHED,
	STEP_HUNG
};

struct step_examination {
	enum step_fault fault;
	char library[64];  /* that it needs, where the system says which */
	uint64_t cryptoki; /* CK_RV of the call that failed, 0 where none did */
	size_t tokens;	   /* slots that hold one; its other slots may be empty */
	enum err absent;   /* without tokens, why: as in step_inspection */
};

/*
 * Loads the module, starts it and asks which slots hold a token: no token is touched, none is logged into. A module that crashes or hangs is a finding and no error; errors are our own:
 * ERR_WORKER_FAILED, ERR_NO_MEMORY.
 */
enum err step_examine(const struct profile_module *module, struct step_examination *ret);

/* What the system's smart card service says, without any module, in a process of its own because it may hang: as slot_absence() has it, ERR_READER_SERVICE where it hangs. */
enum err step_readers(const struct profile_module *module, enum err *ret_absent);

/*
 * The other end: what `mokhoa-worker step` does with its one frame. in and out are os_take_stdio()'s; os_harden() and json_open() were called
 * before. Returns the process's exit status.
 */
int step_run(intptr_t in, intptr_t out);

#endif
