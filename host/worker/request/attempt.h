/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attempt: the tries of the SO PIN or PUK that a request costs, counted in its journal before the token is asked, so that a crash in between counts
 * as a try; and how an unlock ended, as the server is told. Whether a PIN may have been presented is the step's word (step.h), not a guess.
 */
#ifndef MOKHOA_ATTEMPT_H
#define MOKHOA_ATTEMPT_H

#include "err.h"
#include "find_token.h"
#include "open_request.h"
#include "secret.h"
#include "step.h"
#include "tms_client.h"

#include <stdbool.h>

/* A request may cost JOURNAL_ATTEMPTS_MAX tries that were refused or of which nobody knows how they ended. */
bool attempt_is_left(const struct journal_entry *entry);

/*
 * Sets the PIN with the candidates in order. Where a worker died over an attempt, what its step has left of it counts. One that was refused, now or by an unlock that died, is never tried again, nor is one whose attempt nobody
 * knows the end of on a token that has since said that wrong tries of its SO PIN are counted. The errors of step_set_pin(), or of step_unblock() where the
 * candidates are PUKs. Where no attempt is left, ERR_TOKEN_SO_REFUSED if the token has refused a candidate, so that the next request begins with the other
 * one, else ERR_TOKEN_FAILED. ERR_JOURNAL_FAILED where an attempt could not be written down and so was not made;
 * *ret_active is the candidate that was tried last, *ret what the token said of it.
 */
enum err attempt_set_pin(struct open_request *r, const struct found_token *token, const struct tms_released *released,
    const struct secret *pin, unsigned *ret_active, struct step_outcome *ret);

/* What the same request cannot mend: another try would fail in the same way, or cost the token's last tries. */
bool attempt_ends_request(enum err e, const struct journal_entry *entry);

/* What the server is told of a request that ends with that error while the PIN is set: that a candidate was refused, where one was; the next release begins with the other one. */
enum err attempt_verdict(enum err e, const struct journal_entry *entry);

/* The new PIN is proved: the outcome, as long as nothing has come of the rotation, where there is to be one. */
void attempt_succeeded(struct journal_entry *entry, bool rotation, const struct step_proof *proof);

/* It failed for good, at this stage; an outcome that is known already stays what it is. */
void attempt_failed(struct journal_entry *entry, enum stage stage, enum err e, const struct step_outcome *said);

#endif
