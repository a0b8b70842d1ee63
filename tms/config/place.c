/* SPDX-License-Identifier: Apache-2.0 */
#include "place.h"

#include <jansson.h>
#include <string.h>

static size_t
skip_blank(const char *text, size_t len, size_t at)
{
	while (at < len && (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r'))
		at++;
	return at;
}

/* Behind the string whose first quote stands there. */
static size_t
skip_string(const char *text, size_t len, size_t at)
{
	for (at++; at < len && text[at] != '"'; at++)
		if (text[at] == '\\')
			at++;
	return at < len ? at + 1 : len;
}

/* Behind the value that begins there. */
static size_t
skip_value(const char *text, size_t len, size_t at)
{
	size_t depth = 0;

	while (at < len) {
		char c = text[at];
		if (c == '"') {
			at = skip_string(text, len, at);
		} else if (depth == 0 && (c == ',' || c == '}' || c == ']')) {
			return at;
		} else {
			depth += c == '{' || c == '[';
			depth -= c == '}' || c == ']';
			at++;
		}
		if (depth == 0 && (c == '"' || c == '}' || c == ']'))
			return at;
	}
	return len;
}

/* The text of a string is what jansson reads in it: a key may have been written with escapes. */
static bool
is_key(const char *text, size_t from, size_t end, const char *key)
{
	json_t *name = json_loadb(text + from, end - from, JSON_DECODE_ANY, NULL);
	bool same = name != NULL && json_is_string(name) && strcmp(json_string_value(name), key) == 0;

	json_decref(name);
	return same;
}

size_t
place_begin(const char *text, size_t len)
{
	return skip_blank(text, len, 0);
}

bool
place_find(const char *text, size_t len, size_t object, const char *key, struct place_member *ret)
{
	size_t at = skip_blank(text, len, object + 1);

	while (at < len && text[at] == '"') {
		size_t end = skip_string(text, len, at);
		size_t value = skip_blank(text, len, end);
		value = value < len && text[value] == ':' ? skip_blank(text, len, value + 1) : len;
		if (is_key(text, at, end, key)) {
			*ret = (struct place_member){ .key = at, .value = value };
			return true;
		}
		at = skip_blank(text, len, skip_value(text, len, value));
		if (at < len && text[at] == ',')
			at = skip_blank(text, len, at + 1);
	}
	return false;
}

struct place
place_at(const char *text, size_t len, size_t at)
{
	struct place place = { .line = 1, .column = 1 };

	for (size_t i = 0; i < at && i < len; i++) {
		if (text[i] == '\n') {
			place.line++;
			place.column = 1;
		} else if (((unsigned char)text[i] & 0xc0) != 0x80) {
			place.column++;
		}
	}
	return place;
}
