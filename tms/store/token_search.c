/* SPDX-License-Identifier: Apache-2.0 */
#include "token_search.h"

#include "fold.h"

#include <string.h>

#define TEXT_MAX 256 /* bytes of what is looked for */

enum err
search_add(struct store *s, int64_t id, const char *customer, const char *email)
{
	struct query q = query_new(s, "INSERT INTO token_search (rowid, customer, email) VALUES (?, folded(?), folded(?))");

	query_int(&q, id);
	query_text(&q, customer);
	query_text(&q, email);
	return query_run(&q, NULL);
}

/* What the tokenizer may take for a part of a word; of more than ASCII it knows more than we do. */
static bool
is_of_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80;
}

static void
add(char ret[SEARCH_MATCH_SIZE], const char *text, size_t len)
{
	size_t at = strlen(ret);

	if (at + len < SEARCH_MATCH_SIZE) {
		memcpy(ret + at, text, len);
		ret[at + len] = '\0';
	}
}

static void
add_text(char ret[SEARCH_MATCH_SIZE], const char *text)
{
	add(ret, text, strlen(text));
}

/* Every word of the text: ` "word" *` with what is to stand before each but the first. Nothing of a word needs an escape. How many. */
static unsigned
add_words(const char *text, const char *between, const char *last, char ret[SEARCH_MATCH_SIZE])
{
	char folded[TEXT_MAX];
	size_t len = fold_text(text, strnlen(text, sizeof(folded) - 1), folded);
	unsigned count = 0;

	for (size_t i = 0; i < len;) {
		size_t end = i;
		while (end < len && is_of_word(folded[end]))
			end++;
		if (end > i) {
			add_text(ret, count++ == 0 ? "" : between);
			add_text(ret, "\"");
			add(ret, folded + i, end - i);
			add_text(ret, "\"");
		}
		i = end + 1;
	}
	add_text(ret, count != 0 ? last : "");
	return count;
}

bool
search_match(const char *customer, const char *email, char ret[SEARCH_MATCH_SIZE])
{
	ret[0] = '\0';
	if (customer != NULL) {
		add_text(ret, "customer : (");
		if (add_words(customer, " * AND ", " *", ret) == 0)
			return false;
		add_text(ret, ")");
	}
	if (email != NULL) {
		add_text(ret, customer != NULL ? " AND email : (" : "email : (");
		if (add_words(email, " + ", " *", ret) == 0)
			return false;
		add_text(ret, ")");
	}
	return true;
}
