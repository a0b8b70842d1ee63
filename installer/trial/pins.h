/* SPDX-License-Identifier: Apache-2.0 */
/* pins: the secrets of a trial: the operator's SO PIN or PUK, and those that the trial makes. Whoever holds one wipes it. */
#ifndef MOKHOA_PINS_H
#define MOKHOA_PINS_H

#include "err.h"
#include "secret.h"
#include "token_name.h"

#include <stdbool.h>
#include <stddef.h>

/* A line from the terminal, not shown while it is typed. ERR_PIN_REFUSED where it is empty or too long; ERR_USAGE where there is no terminal. */
enum err pins_ask(const char *question, struct secret *ret);

/* The first line of a descriptor, which is closed. ERR_PIN_REFUSED as above, ERR_FILE_FAILED. */
enum err pins_from(int fd, struct secret *ret);

/* Of len digits (with letters: letters too), none in the place where `other` has it; other may be NULL. */
void pins_make(size_t len, bool letters, const struct secret *other, struct secret *ret);

/* Of the same length and the same kind of characters as the model, and another in every place. */
void pins_make_like(const struct secret *model, struct secret *ret);

/*
 * Writes the SO PIN that is about to be set where its owner alone can read it, before it is set: after a crash it is this one or the one that
 * the operator has. ERR_FILE_EXISTS for a file that is there: it may be the only record of an SO PIN.
 */
enum err pins_record(const char *path, const struct token_name *token, const struct secret *so_pin);

#endif
