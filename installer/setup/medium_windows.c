/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The form of a value is TYPE:HEX, so that one of somebody else's gets back every byte whatever is in it. Of a list only what differs is written: other names and types of that key are
 * not looked at.
 */
#include "medium.h"

#include "json.h"
#include "merge.h"
#include "os_registry.h"
#include "os_shared.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HIVE	  "HKLM\\"
#define HIVE_LEN  (sizeof(HIVE) - 1)
#define DRIVE_LEN 3 /* "C:\" */
#define VALUE_MAX 1048576

/* ---- places ---- */

static bool
is_in_registry(const char *place)
{
	return strncmp(place, HIVE, HIVE_LEN) == 0;
}

/* A place of the registry taken apart. */
struct value {
	char key[OS_PATH_MAX];
	const char *name; /* "*" is the list */
};

static struct value
take_apart(const char *place)
{
	const char *mark = strrchr(place, '!');
	struct value v = { .name = mark + 1 };

	snprintf(v.key, sizeof(v.key), "%.*s", (int)(mark - place - (int)HIVE_LEN), place + HIVE_LEN);
	return v;
}

static bool
is_list(const char *place)
{
	return is_in_registry(place) && place[strlen(place) - 1] == '*';
}

enum err
medium_ledger_folder(const char *root, char ret[OS_PATH_MAX])
{
	(void)root;
	return os_config_dir(ret);
}

bool
medium_takes_root(const char *root)
{
	(void)root;
	return false;
}

/* ---- folders and keys ---- */

size_t
medium_folder(const char *place, size_t from)
{
	size_t head = is_in_registry(place) ? HIVE_LEN : DRIVE_LEN;
	size_t at = from < head ? head : from + 1;
	size_t len = at + strcspn(place + at, is_in_registry(place) ? "\\!" : "\\/");

	return place[len] != '\0' ? len : 0;
}

bool
medium_has_folder(const char *folder)
{
	return is_in_registry(folder) ? os_registry_has_key(folder + HIVE_LEN) : os_shared_has_folder(folder);
}

enum err
medium_make_folder(const char *folder)
{
	return is_in_registry(folder) ? os_registry_make_key(folder + HIVE_LEN) : os_shared_make_folder(folder);
}

bool
medium_remove_folder(const char *folder)
{
	return is_in_registry(folder) ? os_registry_remove_key(folder + HIVE_LEN) : os_shared_remove_folder(folder);
}

/* ---- a value ---- */

static enum err
read_value(const struct value *v, struct buf *ret)
{
	struct buf bytes = buf_new(VALUE_MAX);
	uint32_t type = 0;
	enum err e = os_registry_read(v->key, v->name, &type, &bytes);
	char head[16];
	char *hex = malloc(2 * bytes.len + 1);

	if (e == ERR_OK && hex == NULL)
		e = ERR_NO_MEMORY;
	if (e == ERR_OK) {
		snprintf(head, sizeof(head), "%lu:", (unsigned long)type);
		text_hex(bytes.data, bytes.len, hex);
		buf_add_text(ret, head);
		buf_add_text(ret, hex);
		e = buf_error(ret);
	}
	free(hex);
	buf_free(&bytes);
	return e;
}

/* False where the form is none, as in a ledger that somebody has written into. */
static bool
open_form(const char *form, uint32_t *ret_type, struct buf *ret)
{
	const char *mark = strchr(form, ':');
	size_t len = mark != NULL ? strlen(mark + 1) : 0;
	unsigned char *room;

	if (mark == NULL)
		return false;
	*ret_type = (uint32_t)strtoul(form, NULL, 10);
	if (len == 0)
		return true;
	room = buf_room(ret, len / 2);
	if (room == NULL || !text_unhex(mark + 1, len, room, len / 2, &len))
		return false;
	buf_grew(ret, len);
	return true;
}

static enum err
write_value(const struct value *v, const char *will)
{
	struct buf bytes = buf_new(VALUE_MAX);
	uint32_t type;
	enum err e = ERR_FILE_FAILED;

	if (will == NULL)
		e = os_registry_remove(v->key, v->name);
	else if (open_form(will, &type, &bytes))
		e = os_registry_write(v->key, v->name, type, bytes.data, bytes.len);
	buf_free(&bytes);
	return e;
}

/* ---- a list ---- */

struct reading {
	const char *key;
	json_t *document;
	enum err error;
};

static void
add_text(const char *name, void *context)
{
	struct reading *r = context;
	struct buf bytes = buf_new(VALUE_MAX), text = buf_new(VALUE_MAX);
	uint32_t type = 0;
	enum err e = os_registry_read(r->key, name, &type, &bytes);

	if (e != ERR_OK && e != ERR_FILE_MISSING)
		r->error = e;
	else if (e == ERR_OK && type == OS_REGISTRY_TEXT && os_registry_to_text(type, bytes.data, bytes.len, &text))
		(void)json_object_set_new(r->document, name, json_string(buf_text(&text)));
	else
		(void)json_object_set_new(r->document, name, json_null());
	buf_free(&bytes);
	buf_free(&text);
}

static enum err
read_list(const struct value *v, struct buf *ret)
{
	struct reading r = { .key = v->key, .document = json_object() };
	enum err e = os_registry_values(v->key, add_text, &r);
	char *text = merge_text(r.document);

	if (e == ERR_OK)
		e = r.error;
	if (e == ERR_OK && text == NULL)
		e = ERR_NO_MEMORY;
	if (e == ERR_OK) {
		buf_add_text(ret, text);
		e = buf_error(ret);
	}
	free(text);
	json_decref(r.document);
	return e;
}

static enum err
write_item(const struct value *v, const char *name, const char *text)
{
	struct buf bytes = buf_new(VALUE_MAX);
	enum err e = ERR_FILE_FAILED;

	if (os_registry_from_text(OS_REGISTRY_TEXT, text, &bytes))
		e = os_registry_write(v->key, name, OS_REGISTRY_TEXT, bytes.data, bytes.len);
	buf_free(&bytes);
	return e;
}

/* A null is a value that is no text: nobody has put one in or taken one out. */
static enum err
write_list(const struct value *v, const char *was, const char *will)
{
	json_t *before = was != NULL ? json_loads(was, 0, NULL) : json_object();
	json_t *after = will != NULL ? json_loads(will, 0, NULL) : json_object();
	enum err e = before != NULL && after != NULL ? ERR_OK : ERR_FILE_FAILED;
	const char *name;
	json_t *value;

	json_object_foreach(before, name, value)
	{
		if (e == ERR_OK && json_is_string(value) && json_object_get(after, name) == NULL)
			e = os_registry_remove(v->key, name);
	}
	json_object_foreach(after, name, value)
	{
		if (e == ERR_OK && json_is_string(value) && !json_equal(json_object_get(before, name), value))
			e = write_item(v, name, json_string_value(value));
	}
	json_decref(before);
	json_decref(after);
	return e;
}

/* ---- a place ---- */

enum err
medium_read(const char *place, struct buf *ret)
{
	struct value v;

	if (!is_in_registry(place))
		return os_shared_read(place, ret);
	v = take_apart(place);
	return is_list(place) ? read_list(&v, ret) : read_value(&v, ret);
}

enum err
medium_write(const char *place, const char *was, const char *will)
{
	struct value v;

	if (!is_in_registry(place))
		return will != NULL ? os_shared_write(place, will, strlen(will)) : os_shared_remove(place);
	v = take_apart(place);
	return is_list(place) ? write_list(&v, was, will) : write_value(&v, will);
}

void
medium_remove_leftover(const char *place)
{
	if (!is_in_registry(place))
		os_shared_remove_leftover(place);
}

static char *
copy_of(const char *text)
{
	char *copy = malloc(strlen(text) + 1);

	if (copy != NULL)
		memcpy(copy, text, strlen(text) + 1);
	return copy;
}

char *
medium_text(const char *place, const char *form)
{
	struct buf bytes = buf_new(VALUE_MAX), text = buf_new(VALUE_MAX);
	uint32_t type;
	char *ret = NULL;

	if (!is_in_registry(place) || is_list(place))
		return copy_of(form);
	if (open_form(form, &type, &bytes) && os_registry_to_text(type, bytes.data, bytes.len, &text))
		ret = copy_of(buf_text(&text));
	buf_free(&bytes);
	buf_free(&text);
	return ret;
}

/* JSON as one line, which is the same text to whoever reads the lines of a value one by one: takes away what merge_text() has put between its entries. */
static void
to_one_line(char *text)
{
	char *to = text;

	for (const char *from = text; *from != '\0';) {
		if (*from == '\n')
			from += 1 + strspn(from + 1, " ");
		else
			*to++ = *from++;
	}
	*to = '\0';
}

/* A path is one text; Firefox has its policies in lines. */
char *
medium_form(const char *place, const char *was, const char *text)
{
	uint32_t type = was != NULL ? (uint32_t)strtoul(was, NULL, 10) : text[0] == '{' ? OS_REGISTRY_LINES
											: OS_REGISTRY_TEXT;
	struct buf bytes = buf_new(VALUE_MAX);
	char *line = copy_of(text), *form = NULL;

	if (!is_in_registry(place) || is_list(place))
		return line;
	if (line != NULL) {
		to_one_line(line);
		if (os_registry_from_text(type, line, &bytes))
			form = malloc(2 * bytes.len + 16);
	}
	if (form != NULL) {
		int head = snprintf(form, 16, "%lu:", (unsigned long)type);
		text_hex(bytes.data, bytes.len, form + head);
	}
	free(line);
	buf_free(&bytes);
	return form;
}
