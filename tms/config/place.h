/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place: where keys and values stand in a JSON text that jansson has taken (it forgets where it saw them), for whoever must tell a person. Pure functions.
 */
#ifndef MOKHOA_PLACE_H
#define MOKHOA_PLACE_H

#include <stdbool.h>
#include <stddef.h>

/* As an editor counts: from 1, a column is a character of UTF-8. */
struct place {
	unsigned line;
	unsigned column;
};

/* Offsets in the text. */
struct place_member {
	size_t key;
	size_t value;
};

/* The first byte that is no blank: where the whole begins. */
size_t place_begin(const char *text, size_t len);

/* The member of that name in the object that begins at an offset; false where there is none. */
bool place_find(const char *text, size_t len, size_t object, const char *key, struct place_member *ret);

struct place place_at(const char *text, size_t len, size_t at);

#endif
