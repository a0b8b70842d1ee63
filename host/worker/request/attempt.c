/* SPDX-License-Identifier: Apache-2.0 */
#include "attempt.h"

#include "log.h"
#include "os.h"
#include "text.h"

#include <assert.h>
#include <string.h>

static_assert(JOURNAL_PROOF_MAX == STEP_PROOF_MAX, "the journal has room for what a step gives");

/* ---- what it costs ---- */

/* Tries of the SO PIN that this request has cost, or may have. */
static unsigned
count_of(const struct journal_entry *entry)
{
	return (entry->refused & 1u) + (entry->refused >> 1 & 1u) + entry->unclear;
}

bool
attempt_is_left(const struct journal_entry *entry)
{
	return count_of(entry) < JOURNAL_ATTEMPTS_MAX;
}

/* Whether the SO PIN was presented, or may have been, and the token did not say whether it was right. */
static bool
is_unclear(enum err e, const struct step_outcome *said)
{
	switch (e) {
	case ERR_OK:
	case ERR_TOKEN_SO_REFUSED:
	case ERR_TOKEN_SO_LOCKED:
	case ERR_TOKEN_SO_LAST_TRY:
	case ERR_TOKEN_PUK_LOCKED:
	case ERR_TOKEN_NOT_YET_LOCKED:
	case ERR_PIN_REFUSED:
		return false;
	default:
		return said->presented;
	}
}

/* ---- the attempts ---- */

/* Written down as unclear before the token is asked, and as what it was afterwards: a crash in between counts as a try. */
static enum err
try_candidate(struct open_request *r, const struct profile_module *module, const struct tms_released *released, const struct secret *pin,
    unsigned i, struct step_outcome *ret)
{
	const struct secret *key = &released->candidates[i];
	struct journal_entry *entry = request_entry(r);
	char keep[OS_PATH_MAX];
	/* of the first attempt alone: behind a second one there is none that could gain by it, and no step that is late can speak for another */
	bool first = count_of(entry) == 0;
	enum err e = journal_attempt_path(r->journal, keep);

	/* what is found there later is of this attempt */
	if (e == ERR_OK && first && os_remove(keep) != ERR_OK)
		e = ERR_JOURNAL_FAILED;
	if (e != ERR_OK)
		return e;
	entry->unclear++;
	e = journal_save(r->journal);
	if (e != ERR_OK) {
		entry->unclear--;
		return e;
	}
	if (released->family == FAMILY_PUK)
		e = step_unblock(module, &entry->token, key, pin, first ? keep : NULL, ret);
	else
		e = step_set_pin(module, &entry->token, key, pin, first ? keep : NULL, ret);
	if (e == ERR_TOKEN_SO_REFUSED)
		entry->refused |= 1u << i;
	if (!is_unclear(e, ret))
		entry->unclear--;
	/* what the token said counts; a journal that does not know it has one try too many */
	if (journal_save(r->journal) != ERR_OK)
		log_error("attempt", "the journal does not know what the token said: %s", err_name(e));
	else if (first && !is_unclear(e, ret))
		(void)os_remove(keep);
	return e;
}

/*
 * The first attempt, where its worker died before the journal was told, and its step has left that the token refused the candidate. Whatever else it has left says nothing that the
 * next attempt with the same candidate would not say: it was right, or never presented.
 */
static void
settle_kept(struct open_request *r)
{
	struct journal_entry *entry = request_entry(r);
	char keep[OS_PATH_MAX];
	struct step_outcome said;
	enum err e;

	if (entry->unclear != 1 || entry->refused != 0 || journal_attempt_path(r->journal, keep) != ERR_OK || !step_kept_answer(keep, &e, &said) || e != ERR_TOKEN_SO_REFUSED)
		return;
	entry->unclear = 0;
	entry->refused = 1;
}

/*
 * An attempt of which nobody knows how it ended, and a token that says that its SO PIN was entered wrongly since it was last entered right (PKCS#11,
 * CKF_SO_PIN_COUNT_LOW): that attempt was it, or somebody else's was and there are few left. Either way the candidate counts as refused.
 */
static void
settle_unclear(struct journal_entry *entry, const struct step_token *token)
{
	if (entry->unclear == 0 || token->so_pin != PIN_STATE_FEW_TRIES)
		return;
	entry->unclear--;
	entry->refused |= (entry->refused & 1u) == 0 ? 1u : 2u;
}

enum err
attempt_set_pin(struct open_request *r, const struct found_token *token, const struct tms_released *released, const struct secret *pin,
    unsigned *ret_active, struct step_outcome *ret)
{
	struct journal_entry *entry = request_entry(r);
	enum err e = ERR_TOKEN_SO_REFUSED;

	settle_kept(r);
	if (released->family == FAMILY_SO_PIN)
		settle_unclear(entry, token->token);
	for (unsigned i = 0; e == ERR_TOKEN_SO_REFUSED && i < released->count; i++) {
		if ((entry->refused >> i & 1u) != 0)
			continue;
		*ret_active = i;
		if (!attempt_is_left(entry))
			return entry->refused != 0 ? ERR_TOKEN_SO_REFUSED : ERR_TOKEN_FAILED;
		e = try_candidate(r, token->module, released, pin, i, ret);
	}
	return e;
}

/* ---- how it ended ---- */

/* What is an end by itself; anything else is one when no attempt is left. */
static bool
is_end(enum err e)
{
	switch (e) {
	case ERR_TOKEN_SO_REFUSED:
	case ERR_TOKEN_SO_LOCKED:
	case ERR_TOKEN_SO_LAST_TRY:
	case ERR_TOKEN_PUK_LOCKED:
	case ERR_TOKEN_UNSUPPORTED:
	case ERR_PIN_NOT_PROVED:
		return true;
	default:
		return false;
	}
}

bool
attempt_ends_request(enum err e, const struct journal_entry *entry)
{
	return is_end(e) || !attempt_is_left(entry);
}

enum err
attempt_verdict(enum err e, const struct journal_entry *entry)
{
	return !is_end(e) && entry->stage == STAGE_SETTING_PIN && entry->refused != 0 ? ERR_TOKEN_SO_REFUSED : e;
}

void
attempt_succeeded(struct journal_entry *entry, bool rotation, const struct step_proof *proof)
{
	struct journal_outcome *o = &entry->outcome;

	*o = (struct journal_outcome){ .known = true, .completed = true, .proof_built = proof->built };
	o->stage = rotation ? STAGE_GRANTING : STAGE_REPORTING;
	(void)text_copy(o->proof_mechanism, sizeof(o->proof_mechanism), proof->mechanism);
	memcpy(o->proof, proof->signature, proof->signature_len);
	o->proof_len = proof->signature_len;
}

void
attempt_failed(struct journal_entry *entry, enum stage stage, enum err e, const struct step_outcome *said)
{
	if (entry->outcome.known)
		return;
	entry->outcome = (struct journal_outcome){ .known = true, .stage = stage, .cryptoki = said->cryptoki, .error = e };
}
