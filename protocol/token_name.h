/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_name: what names a token on every wire: manufacturer, model and serial of CK_TOKEN_INFO (PKCS#11 section 3.2) with the
 * trailing blanks cut, never the serial alone, because two makers may give the same one.
 */
#ifndef MOKHOA_TOKEN_NAME_H
#define MOKHOA_TOKEN_NAME_H

#include <jansson.h>
#include <stdbool.h>

struct token_name {
	char manufacturer[33]; /* UTF-8, NUL-terminated */
	char model[17];
	char serial[17];
};

bool token_name_equal(const struct token_name *a, const struct token_name *b);

/* { "manufacturer", "model", "serial" }; a new reference. */
json_t *token_name_json(const struct token_name *t);

/* Exactly those three keys, each showable text of at most its length, a serial of at least one character. */
bool token_name_from_json(const json_t *value, struct token_name *ret);

#endif
