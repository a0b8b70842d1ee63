/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_search: the words of tokens' texts, and what is asked of them. Whoever writes a token's customer or mail address says so here. Private to the
 * store's own files.
 */
#ifndef MOKHOA_TOKEN_SEARCH_H
#define MOKHOA_TOKEN_SEARCH_H

#include "query.h"

#define SEARCH_MATCH_SIZE 4096 /* of an expression with its NUL */

/* In the order in which token_read() reads. */
#define TOKEN_COLUMNS \
	"token.id, token.manufacturer, token.model, token.serial, token.customer, token.email, token.certificate_serial, token.state, token.life, token.active," \
	" token.next, token.failures, token.release, token.restored, token.exposed, token.created, token.agency"

void token_read(struct query *q, struct store_token *ret);

/* The texts of a token that is new. */
enum err search_add(struct store *s, int64_t id, const char *customer, const char *email);

/*
 * The expression for FTS5 (https://www.sqlite.org/fts5.html, 3) that a customer and an email (NULL: not said) ask for, empty where nothing was said. False where what
 * was said has no word in it, so that nothing is met. At most 128 and 254 bytes.
 */
bool search_match(const char *customer, const char *email, char ret[SEARCH_MATCH_SIZE]);

#endif
