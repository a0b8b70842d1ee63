/* SPDX-License-Identifier: Apache-2.0 */
#include "merge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 2147483647ul /* Chromium reads the name as an int */

/* What the first keys of the path lead to; NULL where nothing is there. */
static json_t *
walk(const json_t *document, const json_t *path, size_t keys)
{
	json_t *at = (json_t *)document;

	for (size_t i = 0; i < keys; i++)
		at = json_object_get(at, json_string_value(json_array_get(path, i)));
	return at;
}

static const char *
last_key(const json_t *path)
{
	return json_string_value(json_array_get(path, json_array_size(path) - 1));
}

/* The item's place in its list, or the list's size. */
static size_t
find_item(const json_t *list, const json_t *item)
{
	size_t i = 0;

	while (i < json_array_size(list) && !json_equal(json_array_get(list, i), item))
		i++;
	return i;
}

/* The registry's lists are values with numbers for names, and other names beside them. NULL where none has it. */
static const char *
find_numbered(const json_t *document, const json_t *item)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)document, name, value) if (json_equal(value, item)) return name;
	return NULL;
}

/* A number as browsers take it for one of a list; 0 for another name. */
static unsigned long
number_of(const char *name)
{
	size_t len = strspn(name, "0123456789");
	unsigned long number = name[len] == '\0' && len < 11 ? strtoul(name, NULL, 10) : 0;

	return number <= NUMBER_MAX ? number : 0;
}

/* Behind the last one, so that a gap which somebody left stays his; the first gap where the numbers are used up. */
static bool
put_numbered(json_t *document, const json_t *item)
{
	unsigned long next = 1;
	char text[24];
	const char *name;
	json_t *value;

	json_object_foreach(document, name, value) if (number_of(name) >= next) next = number_of(name) + 1;
	if (next > NUMBER_MAX)
		next = 1;
	do
		snprintf(text, sizeof(text), "%lu", next++);
	while (json_object_get(document, text) != NULL);
	return json_object_set_new(document, text, json_deep_copy(item)) == 0;
}

bool
merge_has(const json_t *document, const json_t *piece)
{
	const json_t *path = json_object_get(piece, "path");
	const json_t *value = json_object_get(piece, "value");
	const json_t *item = json_object_get(piece, "item");
	const json_t *at = walk(document, path, json_array_size(path));

	if (value != NULL)
		return json_equal(at, value);
	if (item != NULL && json_array_size(path) == 0)
		return find_numbered(document, item) != NULL;
	if (item != NULL)
		return find_item(at, item) < json_array_size(at);
	return at != NULL;
}

bool
merge_is_taken(const json_t *document, const json_t *piece)
{
	const json_t *path = json_object_get(piece, "path");

	return json_object_get(piece, "value") != NULL && walk(document, path, json_array_size(path)) != NULL && !merge_has(document, piece);
}

static bool
note_made(json_t *made, const json_t *piece, size_t keys)
{
	json_t *path = json_array();

	for (size_t i = 0; i < keys; i++)
		(void)json_array_append(path, json_array_get(json_object_get(piece, "path"), i));
	return json_array_append_new(made, json_pack("{s:O, s:o, s:b}", "file", json_object_get(piece, "file"), "path", path, "made", 1)) == 0;
}

bool
merge_put(json_t *document, const json_t *piece, json_t *made)
{
	const json_t *path = json_object_get(piece, "path");
	const json_t *item = json_object_get(piece, "item");
	size_t keys = json_array_size(path) - (item != NULL ? 0 : 1);
	json_t *at = document;

	if (item != NULL && keys == 0)
		return put_numbered(document, item);
	for (size_t i = 0; i < keys; i++) {
		const char *key = json_string_value(json_array_get(path, i));
		bool list = item != NULL && i + 1 == keys;
		json_t *next = json_object_get(at, key);
		if (next == NULL) {
			next = list ? json_array() : json_object();
			if (json_object_set_new(at, key, next) != 0 || !note_made(made, piece, i + 1))
				return false;
		}
		if (list ? !json_is_array(next) : !json_is_object(next))
			return false;
		at = next;
	}
	if (item != NULL)
		return json_array_append_new(at, json_deep_copy(item)) == 0;
	return json_object_set_new(at, last_key(path), json_deep_copy(json_object_get(piece, "value"))) == 0;
}

void
merge_take(json_t *document, const json_t *piece)
{
	const json_t *path = json_object_get(piece, "path");
	const json_t *item = json_object_get(piece, "item");
	json_t *at = walk(document, path, json_array_size(path));

	if (!merge_has(document, piece))
		return;
	if (item != NULL && json_array_size(path) == 0)
		(void)json_object_del(document, find_numbered(document, item));
	else if (item != NULL)
		(void)json_array_remove(at, find_item(at, item));
	else if (json_object_get(piece, "value") != NULL || (json_object_size(at) == 0 && json_array_size(at) == 0))
		(void)json_object_del(walk(document, path, json_array_size(path) - 1), last_key(path));
}

/* jansson frees its texts by its own allocator alone, which a program has chosen. */
char *
merge_text(const json_t *document)
{
	json_malloc_t allocate;
	json_free_t release;
	char *dumped = json_dumps(document, JSON_INDENT(2));
	size_t len = dumped != NULL ? strlen(dumped) : 0;
	char *text = dumped != NULL ? malloc(len + 2) : NULL;

	if (text != NULL) {
		memcpy(text, dumped, len);
		memcpy(text + len, "\n", 2);
	}
	json_get_alloc_funcs(&allocate, &release);
	release(dumped);
	return text;
}
