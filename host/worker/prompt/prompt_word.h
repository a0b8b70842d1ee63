/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prompt_word: the sentences of the prompt, made from prompt_word.def. Static strings; any thread may call.
 */
#ifndef MOKHOA_PROMPT_WORD_H
#define MOKHOA_PROMPT_WORD_H

#include "buf.h"

enum prompt_word {
	PROMPT_NONE,
#define PROMPT_WORD(symbol, vi, en) PROMPT_##symbol,
#include "prompt_word.def"
#undef PROMPT_WORD
	PROMPT_WORD_COUNT
};

/* lang is "vi" or "en", anything else reads as "vi"; "" for PROMPT_NONE. */
const char *prompt_word(enum prompt_word word, const char *lang);

/* Appends the sentence, each {} replaced by the next of values, which ends with NULL. */
void prompt_fill(struct buf *b, enum prompt_word word, const char *lang, const char *const values[]);

#endif
