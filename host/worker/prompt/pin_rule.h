/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pin_rule: which new PIN is taken, before the token is asked: its length and characters, ASCII, not the code, not one that is guessed first.
 * Pure; any thread may call.
 */
#ifndef MOKHOA_PIN_RULE_H
#define MOKHOA_PIN_RULE_H

#include "op.h"
#include "prompt_word.h"
#include "secret.h"

#include <stdbool.h>

/* Printable ASCII throughout: what an input method for Vietnamese leaves behind is not. */
bool pin_is_typed_plainly(const struct secret *typed);

/* PROMPT_NONE, or the sentence that says what is wrong. code is the 12 characters of code_read(); max 0 is no maximum. */
enum prompt_word pin_fault(const struct secret *pin, unsigned min, unsigned max, enum characters characters, const struct secret *code);

/* The sentence that says which characters a PIN may have; PROMPT_NONE where any will do. */
enum prompt_word pin_characters_word(enum characters characters);

#endif
