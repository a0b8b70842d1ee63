/* SPDX-License-Identifier: Apache-2.0 */
#include "prompt_word.h"

#include <string.h>

static const struct {
	const char *vi;
	const char *en;
} rows[PROMPT_WORD_COUNT] = {
	[PROMPT_NONE] = { "", "" },
#define PROMPT_WORD(symbol, vi, en) [PROMPT_##symbol] = { vi, en },
#include "prompt_word.def"
#undef PROMPT_WORD
};

const char *
prompt_word(enum prompt_word word, const char *lang)
{
	return strcmp(lang, "en") == 0 ? rows[word].en : rows[word].vi;
}

void
prompt_fill(struct buf *b, enum prompt_word word, const char *lang, const char *const values[])
{
	const char *text = prompt_word(word, lang);
	const char *gap;

	while (*values != NULL && (gap = strstr(text, "{}")) != NULL) {
		buf_add(b, text, (size_t)(gap - text));
		buf_add_text(b, *values++);
		text = gap + strlen("{}");
	}
	buf_add_text(b, text);
}
