/* SPDX-License-Identifier: Apache-2.0 */
#include "trial.h"

#include "os.h"
#include "pins.h"
#include "slot.h"
#include "step.h"

#include <stdio.h>
#include <string.h>

#define PIN_USUAL 8 /* characters of a PIN of ours where the token takes as many */

/* ---- one step, noted ---- */

/* Breaks the trial off for what is no property of the token's kind. */
static bool
go_on(struct trial *t, enum err e)
{
	if (t->unfinished == ERR_OK && e != ERR_OK)
		t->unfinished = e;
	return t->unfinished == ERR_OK;
}

static void
look_again(struct trial *t, json_t *step)
{
	struct look now;
	enum err e = look_at(t->module, &t->token, &now);

	if (!go_on(t, e) && e != ERR_OK)
		return;
	t->flags = now.flags;
	json_decref(now.module);
	(void)json_object_set_new(step, "flags", look_flags_json(now.flags));
}

/* What came of a step that began then, and what the token says behind it. */
static void
note(struct trial *t, const char *name, const char *why, enum err e, const struct step_outcome *o, uint64_t began_ms)
{
	char rv[19];
	uint64_t ms = os_now_ms() - began_ms;
	json_t *step;

	/* one that was left alone still has the token */
	step_late_end();
	if (e == ERR_TOKEN_SO_REFUSED)
		t->wrong_so_presented = true;
	(void)snprintf(rv, sizeof(rv), "0x%llx", (unsigned long long)o->cryptoki);
	step = json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:I}",
	    "step", name,
	    "why", why,
	    "error", err_name(e),
	    "cryptoki", rv,
	    "call", o->call,
	    "presented", o->presented ? 1 : 0,
	    "ms", (json_int_t)ms);
	if (step == NULL) {
		(void)go_on(t, ERR_NO_MEMORY);
		return;
	}
	look_again(t, step);
	(void)json_array_append_new(t->steps, step);
}

static enum err
set_pin(struct trial *t, const struct secret *so_pin, const struct secret *pin, const char *why, struct step_outcome *ret)
{
	uint64_t began_ms = os_now_ms();
	enum err e;

	*ret = (struct step_outcome){ .presented = false };
	e = step_set_pin(t->module, &t->token, so_pin, pin, NULL, ret);
	note(t, "set_pin", why, e, ret, began_ms);
	return e;
}

static enum err
prove(struct trial *t, const struct secret *pin, const char *why, struct step_outcome *ret)
{
	uint64_t began_ms = os_now_ms();
	struct step_proof proof;
	enum err e;

	*ret = (struct step_outcome){ .presented = false };
	e = step_prove(t->module, &t->token, pin, NULL, 0, "", 0, &proof, ret);
	note(t, "prove", why, e, ret, began_ms);
	return e;
}

/* The flag against what is known to be so. */
static void
compare_flag(struct trial *t, bool locked)
{
	if (((t->flags & CKF_USER_PIN_LOCKED) != 0) != locked)
		t->flags_wrong = true;
}

/* What such an error says of the token's kind, and not of this day, this reader or this SO PIN. */
static bool
is_of_the_kind(enum err e)
{
	return e == ERR_TOKEN_UNSUPPORTED || e == ERR_PIN_REFUSED || e == ERR_TOKEN_NOT_YET_LOCKED || e == ERR_TOKEN_PUK_LOCKED;
}

/* ---- a new PIN ---- */

/* By the SO PIN or the PUK, and a login with it in a fresh process. False where the trial ends here. */
static bool
give_pin(struct trial *t, const char *why)
{
	struct step_outcome o = { .presented = false };
	struct secret pin;
	uint64_t began_ms = os_now_ms();
	size_t len = t->pin_max < PIN_USUAL ? t->pin_max : t->pin_min > PIN_USUAL ? t->pin_min
										  : PIN_USUAL;
	enum err e;

	pins_make(len, false, t->has_pin ? &t->pin : NULL, &pin);
	if (t->family == FAMILY_PUK) {
		e = step_unblock(t->module, &t->token, &t->key, &pin, NULL, &o);
		note(t, "unblock", why, e, &o, began_ms);
	} else {
		e = set_pin(t, &t->key, &pin, why, &o);
	}
	if (is_of_the_kind(e)) {
		t->because = BECAUSE_NOT_SET;
	} else if (go_on(t, e)) {
		t->pin = pin;
		t->has_pin = true;
		e = prove(t, &pin, why, &o);
		if (e == ERR_PIN_NOT_PROVED)
			t->because = BECAUSE_NOT_PROVED;
		else
			(void)go_on(t, e);
	}
	secret_wipe(&pin);
	return t->unfinished == ERR_OK && t->because == BECAUSE_NOTHING;
}

/* ---- the lock ---- */

static bool
present_wrong_pin(struct trial *t, struct secret *wrong, bool *ret_locked)
{
	struct step_outcome o;
	struct secret before = *wrong;
	enum err e;

	/* never the same one twice: some tokens do not count that */
	do
		pins_make(t->has_pin ? t->pin.len : t->pin_max < PIN_USUAL ? t->pin_max
									   : PIN_USUAL,
		    false, t->has_pin ? &t->pin : NULL, wrong);
	while (secret_equal(wrong, &before));
	secret_wipe(&before);
	e = prove(t, wrong, "wrong_pin", &o);
	t->user_tries++;
	*ret_locked = (t->flags & CKF_USER_PIN_LOCKED) != 0 || o.cryptoki == CKR_PIN_LOCKED;
	if (e == ERR_OK)
		t->because = BECAUSE_ANY_PIN;
	else if (e != ERR_PIN_NOT_PROVED)
		(void)go_on(t, e);
	return t->unfinished == ERR_OK && t->because == BECAUSE_NOTHING;
}

/* Wrong PINs until it says that it is locked; then the right one, which has to be refused. */
static bool
lock(struct trial *t)
{
	struct step_outcome o;
	struct secret wrong = { .len = 0 };
	bool locked = (t->flags & CKF_USER_PIN_LOCKED) != 0;
	bool good = true;
	enum err e;

	while (good && !locked && t->user_tries < TRIAL_USER_TRIES_MAX) {
		good = present_wrong_pin(t, &wrong, &locked);
		if (good && !locked)
			compare_flag(t, false);
	}
	secret_wipe(&wrong);
	if (!good)
		return false;
	t->locks = locked ? ANSWER_YES : ANSWER_NO;
	compare_flag(t, true);
	if (!locked) {
		t->because = BECAUSE_NEVER_LOCKS;
		return false;
	}
	if (!t->has_pin)
		return true;
	e = prove(t, &t->pin, "right_pin_on_locked", &o);
	if (e == ERR_OK)
		t->because = BECAUSE_LOCK_OPENS;
	else if (e != ERR_PIN_NOT_PROVED)
		(void)go_on(t, e);
	return e == ERR_PIN_NOT_PROVED && t->unfinished == ERR_OK;
}

static bool
unlock(struct trial *t)
{
	bool good = give_pin(t, "unlock");

	t->unlocked = good ? ANSWER_YES : ANSWER_NO;
	if (good)
		compare_flag(t, false);
	return good;
}

/* ---- which PINs it takes ---- */

static enum answer
try_pin(struct trial *t, size_t len, bool letters, const char *why)
{
	struct step_outcome o;
	struct secret pin;
	enum answer answer = ANSWER_NO;
	enum err e;

	if (t->unfinished != ERR_OK || t->because != BECAUSE_NOTHING)
		return ANSWER_UNKNOWN;
	pins_make(len, letters, NULL, &pin);
	e = set_pin(t, &t->key, &pin, why, &o);
	if (e == ERR_OK) {
		/* whatever it keeps of it: what follows sets one that is known */
		t->pin = pin;
		e = prove(t, &pin, why, &o);
		answer = e == ERR_OK ? ANSWER_YES : ANSWER_NO;
	}
	/* a PIN that a token does not like ends in many an error */
	if (e != ERR_PIN_NOT_PROVED && e != ERR_TOKEN_FAILED && !is_of_the_kind(e) && !go_on(t, e))
		answer = ANSWER_UNKNOWN;
	secret_wipe(&pin);
	return answer;
}

static bool
try_bounds(struct trial *t)
{
	t->min_taken = try_pin(t, t->pin_min, false, "shortest_pin");
	t->max_taken = try_pin(t, t->pin_max, false, "longest_pin");
	t->letters_taken = try_pin(t, t->pin_max < PIN_USUAL ? t->pin_max : t->pin_min > PIN_USUAL ? t->pin_min
												   : PIN_USUAL,
	    true, "pin_with_letters");
	return t->unfinished == ERR_OK && give_pin(t, "usual_pin");
}

/* ---- the SO PIN ---- */

static enum err
prove_so_pin(struct trial *t, const struct secret *so_pin, const char *why)
{
	struct step_outcome o = { .presented = false };
	uint64_t began_ms = os_now_ms();
	enum err e = step_prove_rotation(t->module, &t->token, so_pin, &t->pin, &o);

	note(t, "prove_rotation", why, e, &o, began_ms);
	return e;
}

/* The SO PIN is one of two from the moment at which the step begins to the one at which one of them has proved itself. */
static enum err
replace_so_pin(struct trial *t, const struct secret *active, const struct secret *next, const char *why)
{
	struct step_outcome o = { .presented = false };
	uint64_t began_ms = os_now_ms();
	enum err e;

	t->so_pin_unsure = true;
	e = step_rotate(t->module, &t->token, active, next, &o);
	note(t, "rotate", why, e, &o, began_ms);
	if (e == ERR_OK && t->unfinished == ERR_OK) {
		e = prove_so_pin(t, next, why);
		if (e == ERR_TOKEN_SO_REFUSED)
			t->because = BECAUSE_ROTATION_LIES;
	}
	return e;
}

/* There and back again. Whatever goes wrong ends it: no SO PIN is presented behind one that may be wrong. */
static bool
rotate(struct trial *t)
{
	enum err e;

	if (!go_on(t, pins_record(t->record, &t->token, &t->next)))
		return false;
	t->recorded = true;
	e = replace_so_pin(t, &t->key, &t->next, "rotation");
	/* the call itself is one that it does not have: nothing was replaced */
	if (e == ERR_TOKEN_UNSUPPORTED) {
		t->rotation = ANSWER_NO;
		t->so_pin_unsure = !go_on(t, prove_so_pin(t, &t->key, "rotation_refused"));
		return !t->so_pin_unsure;
	}
	if (e == ERR_OK && t->unfinished == ERR_OK)
		e = replace_so_pin(t, &t->next, &t->key, "rotation_back");
	if (e == ERR_OK && t->unfinished == ERR_OK)
		t->so_pin_unsure = false;
	t->rotation = e == ERR_OK ? ANSWER_YES : ANSWER_NO;
	return t->because == BECAUSE_NOTHING && go_on(t, e);
}

/* Last of all, behind an SO PIN that has just proved itself, and never where the flags say that tries are short. */
static void
present_wrong_so_pin(struct trial *t)
{
	struct step_outcome o;
	struct secret wrong;
	uint64_t after_wrong;
	enum err e;

	if ((t->flags & (CKF_SO_PIN_COUNT_LOW | CKF_SO_PIN_FINAL_TRY | CKF_SO_PIN_LOCKED)) != 0)
		return;
	pins_make_like(&t->key, &wrong);
	t->wrong_so_presented = true;
	e = set_pin(t, &wrong, &t->pin, "wrong_so_pin", &o);
	secret_wipe(&wrong);
	after_wrong = t->flags;
	if (e == ERR_OK)
		t->because = BECAUSE_ANY_SO_PIN;
	if (e != ERR_TOKEN_SO_REFUSED) {
		(void)go_on(t, e);
		return;
	}
	t->so_login_asks = strcmp(o.call, "C_Login") == 0 ? ANSWER_YES : ANSWER_NO;
	if (t->unfinished != ERR_OK || !go_on(t, set_pin(t, &t->key, &t->pin, "right_so_pin_after_wrong", &o)))
		return;
	if ((after_wrong & (CKF_SO_PIN_COUNT_LOW | CKF_SO_PIN_FINAL_TRY)) != 0)
		t->so_counter_restored = (t->flags & (CKF_SO_PIN_COUNT_LOW | CKF_SO_PIN_FINAL_TRY)) == 0 ? ANSWER_YES : ANSWER_NO;
}

/* ---- the whole ---- */

void
trial_run(struct trial *t)
{
	pins_make_like(&t->key, &t->next);
	if (t->family == FAMILY_PUK) {
		/* on a PIN that is not locked the call would cost a try: so it is locked first */
		if (lock(t))
			(void)unlock(t);
		return;
	}
	/* the SO PIN is right before anything is locked, and a PIN is known that a lock has to refuse */
	if (!give_pin(t, "reset") || !lock(t) || !unlock(t) || !try_bounds(t))
		return;
	if (rotate(t) && t->one_wrong_so_try)
		present_wrong_so_pin(t);
	if (t->recorded && !t->so_pin_unsure && os_remove(t->record) == ERR_OK)
		t->recorded = false;
}

enum err
trial_find(struct trial *t, const char *serial)
{
	struct step_inspection found = { .tokens = NULL };
	size_t count = 0;
	enum err e = step_inspect(t->module, &found);

	if (e != ERR_OK)
		return e;
	for (size_t i = 0; i < found.token_count; i++) {
		if (strcmp(found.tokens[i].name.serial, serial) != 0)
			continue;
		t->token = found.tokens[i].name;
		count++;
	}
	if (count == 0)
		e = found.failure_count > 0 ? found.failures[0].error : ERR_TOKEN_ABSENT;
	if (count > 1)
		e = ERR_TOKEN_AMBIGUOUS;
	step_inspection_free(&found);
	return e;
}

enum err
trial_judge(struct trial *t)
{
	struct look first;
	enum err e = look_at(t->module, &t->token, &first);

	if (e != ERR_OK)
		return e;
	t->flags = first.flags;
	t->pin_min = first.pin_min;
	t->pin_max = first.pin_max;
	t->module_said = first.module;
	t->steps = json_pack("[{s:s, s:o}]", "step", "look", "flags", look_flags_json(first.flags));
	if (t->steps == NULL)
		return ERR_NO_MEMORY;
	if ((first.flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0)
		return ERR_TOKEN_UNSUPPORTED;
	if ((first.flags & CKF_SO_PIN_LOCKED) != 0)
		return ERR_TOKEN_SO_LOCKED;
	return (first.flags & CKF_SO_PIN_FINAL_TRY) != 0 ? ERR_TOKEN_SO_LAST_TRY : ERR_OK;
}

void
trial_end(struct trial *t)
{
	json_decref(t->module_said);
	json_decref(t->steps);
	secret_wipe(&t->key);
	secret_wipe(&t->next);
	secret_wipe(&t->pin);
}
