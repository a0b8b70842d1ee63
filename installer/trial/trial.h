/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trial: what is done to a token that is given up, in the product's own steps (step.h), and what was seen. Locks its user PIN, unlocks it, tries the
 * bounds of a PIN, replaces the SO PIN and puts the first one back. Never erases, never presents two wrong SO PINs, and presents none behind one
 * that was refused. trial_run() is the order of things.
 */
#ifndef MOKHOA_TRIAL_H
#define MOKHOA_TRIAL_H

#include "err.h"
#include "look.h"
#include "op.h"
#include "profile.h"
#include "secret.h"
#include "token_name.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define TRIAL_USER_TRIES_MAX 20 /* wrong user PINs before a token counts as one that never locks */

/* What was seen where it can be yes, no, or not seen. */
enum answer {
	ANSWER_UNKNOWN,
	ANSWER_NO,
	ANSWER_YES
};

/* Why a kind is not supported; the sentences are report.c's. */
enum because {
	BECAUSE_NOTHING,
	BECAUSE_NOT_SET,    /* the SO PIN or PUK gives it no new PIN */
	BECAUSE_NOT_PROVED, /* the module says that it has, and the new PIN does not open it */
	BECAUSE_ANY_PIN,    /* a wrong user PIN opens it */
	BECAUSE_NEVER_LOCKS,
	BECAUSE_LOCK_OPENS,    /* it calls itself locked, and its PIN still opens it */
	BECAUSE_ANY_SO_PIN,    /* a wrong SO PIN does what the right one does */
	BECAUSE_ROTATION_LIES, /* it says that the SO PIN is replaced, and the new one is refused */
	BECAUSE_COUNT
};

struct trial {
	/* what is tried; borrowed */
	const struct profile_module *module;
	const char *record; /* the file for the SO PIN that is set */
	enum family family;
	bool one_wrong_so_try;

	struct token_name token;
	struct secret key;  /* the SO PIN or PUK, the operator's */
	struct secret next; /* the SO PIN in between */
	struct secret pin;  /* the user PIN as far as we know it */
	bool has_pin;

	/* what was seen */
	json_t *module_said;
	json_t *steps;
	uint64_t flags; /* at the last look */
	unsigned pin_min, pin_max;
	bool flags_wrong; /* CKF_USER_PIN_LOCKED was once not what is so */
	unsigned user_tries;
	enum answer locks, unlocked, min_taken, max_taken, letters_taken, rotation;
	enum answer so_login_asks;	 /* a wrong SO PIN is refused by C_Login, and not first by C_InitPIN */
	enum answer so_counter_restored; /* the right SO PIN takes back what the flags said of a wrong one */
	bool wrong_so_presented;
	bool so_pin_unsure; /* it is the operator's or the one in the record */
	bool recorded;
	enum because because;
	enum err unfinished; /* why it was broken off; ERR_OK for a trial that is whole */
};

/* module, family and key are filled; token is what trial_find() found. Ends with the trial's fields filled, never with an error of its own. */
void trial_run(struct trial *t);

/* The one token of that serial: ERR_TOKEN_ABSENT, ERR_TOKEN_AMBIGUOUS, what step_inspect() says. Looks and touches nothing. */
enum err trial_find(struct trial *t, const char *serial);

/* May it begin: ERR_TOKEN_SO_LAST_TRY, ERR_TOKEN_SO_LOCKED by the flags; ERR_TOKEN_UNSUPPORTED for one whose PIN is typed on a keypad of its own. */
enum err trial_judge(struct trial *t);

/* Wipes and frees. */
void trial_end(struct trial *t);

#endif
