/* SPDX-License-Identifier: Apache-2.0 */
/* The token: what a card does, and the steps of step.h that reach it. */
#define _POSIX_C_SOURCE 200809L
#include "sim_inner.h"

#include "text.h"

#include <stdlib.h>
#include <string.h>

static enum pin_state
so_flags(const struct sim_token *t)
{
	if (t->flags == SIM_FLAGS_NEVER)
		return PIN_STATE_UNKNOWN;
	if (t->flags == SIM_FLAGS_WRONG)
		return t->so_left == t->so_max ? PIN_STATE_FEW_TRIES : PIN_STATE_UNKNOWN;
	if (t->so_left == 0)
		return PIN_STATE_LOCKED;
	if (t->so_left == 1)
		return PIN_STATE_LAST_TRY;
	return t->so_left < t->so_max ? PIN_STATE_FEW_TRIES : PIN_STATE_UNKNOWN;
}

static bool
is_here(void)
{
	return sim_world->token.at == sim_machine();
}

enum err
step_inspect(const struct profile_module *module, struct step_inspection *ret)
{
	struct step_token *t;

	(void)module;
	sim_border();
	*ret = (struct step_inspection){ .absent = ERR_NO_TOKEN };
	if (sim_is_dead())
		return ERR_MODULE_FAILED;
	if (!is_here())
		return ERR_OK;
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return ERR_NO_MEMORY;
	*t = (struct step_token){ .name = sim_world->token.name, .label = "token", .slot = "reader", .pin_min = 4, .pin_max = 16 };
	t->pin = sim_world->token.locked ? PIN_STATE_LOCKED : PIN_STATE_OK;
	t->so_pin = so_flags(&sim_world->token);
	t->certificates = calloc(1, sizeof(*t->certificates));
	if (t->certificates != NULL && (t->certificates[0].der = malloc(sim_world->token.certificate_len + 1)) != NULL) {
		t->certificate_count = 1;
		t->certificates[0].der_len = sim_world->token.certificate_len;
		memcpy(t->certificates[0].der, sim_world->token.certificate, sim_world->token.certificate_len);
	}
	*ret = (struct step_inspection){ .tokens = t, .token_count = 1, .absent = ERR_OK };
	return ERR_OK;
}

/* What the card does with an SO PIN or a PUK. */
static enum err
present(const struct secret *so_pin, bool counts)
{
	struct sim_token *t = &sim_world->token;
	struct sim_request *r = sim_own_request();

	if (t->so_left == 0)
		return t->takes_puk ? ERR_TOKEN_PUK_LOCKED : ERR_TOKEN_SO_LOCKED;
	if (secret_equal(&t->so_pin, so_pin)) {
		t->so_left = t->so_max;
		t->wrong_in_a_row = 0;
		return ERR_OK;
	}
	t->so_left--;
	t->wrong_in_a_row++;
	if (r != NULL && counts)
		r->wrong++;
	return ERR_TOKEN_SO_REFUSED;
}

enum card_call {
	CARD_SET_PIN,
	CARD_UNBLOCK,
	CARD_ROTATE,
	CARD_PROVE_ROTATION
};

/* The whole of it as the card does it. */
static enum err
card(enum card_call call, const struct secret *so_pin, const struct secret *second)
{
	enum err e = present(so_pin, call == CARD_SET_PIN || call == CARD_UNBLOCK);

	if (e != ERR_OK)
		return e;
	if (call == CARD_ROTATE) {
		sim_world->token.so_pin = *second;
		return ERR_OK;
	}
	sim_world->token.user_pin = *second;
	sim_world->token.locked = false;
	sim_world->token.pin_set++;
	return ERR_OK;
}

/* A module, or a card that is pulled out over it, may say of a rotation that it was made, and it was not. */
static bool
lies(enum card_call call)
{
	return call == CARD_ROTATE && sim_world->fate == SIM_FATE_COUNT && dice_percent(sim_dice(), sim_world->lies);
}

static enum sim_fate
fate(void)
{
	if (sim_world->fate != SIM_FATE_COUNT)
		return sim_world->fated != 0 && sim_world->fated-- != 0 ? sim_world->fate : SIM_FATE_OK;
	if (!dice_percent(sim_dice(), sim_world->fails))
		return SIM_FATE_OK;
	/* without what a card says of an SO PIN; of a rotation see lies() */
	return (enum sim_fate)(SIM_FATE_GENERAL_ERROR + (enum sim_fate)dice_roll(sim_dice(), SIM_FATE_SAYS_INCORRECT - SIM_FATE_GENERAL_ERROR));
}

/* What is told of a call, done or not, that went as this says. */
static enum err
told(enum sim_fate f, enum err e)
{
	switch (f) {
	case SIM_FATE_GENERAL_ERROR:
		return ERR_TOKEN_FAILED;
	case SIM_FATE_REMOVED:
		sim_world->token.at = -1;
		return ERR_TOKEN_REMOVED;
	case SIM_FATE_HANG:
		return ERR_MODULE_FAILED;
	case SIM_FATE_SAYS_INCORRECT:
		return ERR_TOKEN_SO_REFUSED;
	case SIM_FATE_SAYS_LOCKED:
		return ERR_TOKEN_SO_LOCKED;
	case SIM_FATE_SAYS_OK:
		return ERR_OK;
	case SIM_FATE_OK:
	case SIM_FATE_COUNT:
		break;
	}
	return e;
}

/*
 * One step with an SO PIN or a PUK, in a process of its own: it goes on when its worker is killed. A worker that is killed before leaves a step that has not
 * begun its call, and then does not (step.h).
 */
static enum err
so_step(enum card_call call, const struct secret *so_pin, const struct secret *second, const char *keep, struct step_outcome *ret)
{
	enum sim_fate f;
	enum err e = ERR_OK;

	*ret = (struct step_outcome){ .presented = false };
	sim_border();
	if (sim_is_dead())
		return ERR_WORKER_FAILED;
	if (!is_here())
		return ERR_TOKEN_ABSENT;
	/* a card has the one call or the other */
	if (sim_world->token.takes_puk != (call == CARD_UNBLOCK))
		return ERR_TOKEN_UNSUPPORTED;
	if (call == CARD_UNBLOCK && !sim_world->token.locked)
		return ERR_TOKEN_NOT_YET_LOCKED;
	if (so_flags(&sim_world->token) == PIN_STATE_LOCKED)
		return ERR_TOKEN_SO_LOCKED;
	if (so_flags(&sim_world->token) == PIN_STATE_LAST_TRY)
		return ERR_TOKEN_SO_LAST_TRY;
	f = fate();
	if (f == SIM_FATE_OK && lies(call))
		f = SIM_FATE_SAYS_OK;
	ret->presented = true;
	/* a call that fails may have been carried out all the same */
	sim_world->so_calls++;
	if (f == SIM_FATE_OK || (sim_world->fate != SIM_FATE_COUNT ? sim_world->is_carried_out : dice_percent(sim_dice(), 50)))
		e = card(call, so_pin, second);
	e = told(f, e);
	if (f == SIM_FATE_SAYS_INCORRECT)
		ret->cryptoki = 0xa0;
	if (keep != NULL && f != SIM_FATE_HANG)
		sim_keep(keep, e, ret);
	sim_border();
	return sim_is_dead() ? ERR_WORKER_FAILED : e;
}

enum err
step_set_pin(const struct profile_module *module, const struct token_name *token, const struct secret *so_pin, const struct secret *new_pin,
    const char *keep, struct step_outcome *ret)
{
	(void)module;
	(void)token;
	return so_step(CARD_SET_PIN, so_pin, new_pin, keep, ret);
}

enum err
step_rotate(const struct profile_module *module, const struct token_name *token, const struct secret *active, const struct secret *next,
    struct step_outcome *ret)
{
	(void)module;
	(void)token;
	return so_step(CARD_ROTATE, active, next, NULL, ret);
}

enum err
step_prove_rotation(const struct profile_module *module, const struct token_name *token, const struct secret *next, const struct secret *new_pin,
    struct step_outcome *ret)
{
	(void)module;
	(void)token;
	return so_step(CARD_PROVE_ROTATION, next, new_pin, NULL, ret);
}

enum err
step_unblock(const struct profile_module *module, const struct token_name *token, const struct secret *puk, const struct secret *new_pin,
    const char *keep, struct step_outcome *ret)
{
	(void)module;
	(void)token;
	return so_step(CARD_UNBLOCK, puk, new_pin, keep, ret);
}

enum err
step_prove(const struct profile_module *module, const struct token_name *token, const struct secret *new_pin, const unsigned char *certificate,
    size_t certificate_len, const void *message, size_t message_len, struct step_proof *ret_proof, struct step_outcome *ret)
{
	(void)module;
	(void)token;
	(void)certificate;
	*ret = (struct step_outcome){ .presented = true };
	sim_border();
	if (sim_is_dead())
		return ERR_WORKER_FAILED;
	if (!is_here())
		return ERR_TOKEN_ABSENT;
	if (fate() != SIM_FATE_OK)
		return ERR_MODULE_FAILED;
	if (sim_world->token.locked || !secret_equal(&sim_world->token.user_pin, new_pin))
		return ERR_PIN_NOT_PROVED;
	if (sim_own_request() != NULL)
		sim_own_request()->proved = true;
	*ret_proof = (struct step_proof){ .built = true };
	if (certificate_len != 0)
		ret_proof->signature_len = sim_world->sign(sim_world->context, message, message_len, ret_proof->signature);
	if (ret_proof->signature_len != 0)
		(void)text_copy(ret_proof->mechanism, sizeof(ret_proof->mechanism), "ecdsa-sha256");
	sim_border();
	return sim_is_dead() ? ERR_WORKER_FAILED : ERR_OK;
}

/* Nobody watches. */
enum err
step_watch_begin(const struct profile_module *module, struct step_watch *w)
{
	(void)module;
	w->process = NULL;
	return ERR_MODULE_MISSING;
}

intptr_t
step_watch_handle(const struct step_watch *w)
{
	(void)w;
	return -1;
}

enum err
step_watch_take(struct step_watch *w, bool *ret_changed)
{
	(void)w;
	*ret_changed = false;
	return ERR_MODULE_FAILED;
}

void
step_watch_end(struct step_watch *w)
{
	(void)w;
}

enum err
step_examine(const struct profile_module *module, struct step_examination *ret)
{
	(void)module;
	*ret = (struct step_examination){ .fault = STEP_WORKS };
	return ERR_OK;
}

enum err
step_readers(const struct profile_module *module, enum err *ret_absent)
{
	(void)module;
	*ret_absent = ERR_NO_TOKEN;
	return ERR_OK;
}
