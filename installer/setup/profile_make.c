/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_make.h"

#include "merge.h"
#include "profile.h"
#include "profile_parse.h"

#include <stdio.h>
#include <string.h>

#define CHROMIUM "chrome-extension://"
#define ID_LEN	 32 /* letters of an extension of Chromium's family */

/* ---- lists ---- */

/* The list of this key, empty where it is named for the first time; name tells it from one of the same key elsewhere. */
static json_t *
list_of(struct profile_make *m, json_t *object, const char *key, const char *name)
{
	if (m->said == NULL)
		m->said = json_object();
	if (json_object_get(m->said, name) == NULL) {
		(void)json_object_set_new(m->said, name, json_true());
		(void)json_object_set_new(object, key, json_array());
	}
	return json_object_get(object, key);
}

static enum err
append(json_t *list, json_t *value)
{
	return json_array_append_new(list, value) == 0 ? ERR_OK : ERR_NO_MEMORY;
}

/* "install", made where it is missing. */
static json_t *
install_of(struct profile_make *m)
{
	if (!json_is_object(json_object_get(m->document, "install")))
		(void)json_object_set_new(m->document, "install", json_object());
	return json_object_get(m->document, "install");
}

/* An extension as its store names it, by its 32 letters, or as a profile does. */
static json_t *
extension_id(const char *text, size_t len)
{
	if (len == ID_LEN && strspn(text, "abcdefghijklmnop") >= len)
		return json_sprintf(CHROMIUM "%.*s/", (int)len, text);
	return json_stringn(text, len);
}

/* ID, or ID=UPDATE_URL where the browsers are to install it. */
static enum err
add_extension(struct profile_make *m, const char *text, size_t len)
{
	const char *equals = memchr(text, '=', len);
	size_t id_len = equals != NULL ? (size_t)(equals - text) : len;
	json_t *id = extension_id(text, id_len);
	json_t *forced = NULL;
	enum err e;

	if (id == NULL)
		return ERR_USAGE; /* no UTF-8 */
	if (equals != NULL)
		forced = json_pack("{s:O, s:s%}", "id", id, "update_url", equals + 1, len - id_len - 1);
	e = append(list_of(m, m->document, "extensions", "extensions"), id);
	if (e == ERR_OK && equals != NULL)
		e = append(list_of(m, install_of(m), "extensions", "install"), forced);
	return e;
}

static enum err
add_module(struct profile_make *m, const char *text, size_t len)
{
	const char *equals = memchr(text, '=', len);
	size_t name_len;

	if (equals == NULL)
		return ERR_USAGE;
	name_len = (size_t)(equals - text);
	return append(list_of(m, m->document, "modules", "modules"), json_pack("{s:s%, s:s%}", "name", text, name_len, "path", equals + 1, len - name_len - 1));
}

static enum err
add_text(struct profile_make *m, const char *key, const char *text, size_t len)
{
	return append(list_of(m, m->document, key, key), json_stringn(text, len));
}

/* ---- options ---- */

enum kind {
	KIND_TEXT,
	KIND_LIST,
	KIND_EXTENSIONS,
	KIND_MODULES,
	KIND_AUTOSTART,
	KIND_POLICIES,
};

static const struct option {
	const char *name;
	enum kind kind;
	const char *key;
	const char *instead; /* the key that it takes the place of */
} options[] = {
	{ "--tms", KIND_TEXT, "tms", NULL },
	{ "--tms-key", KIND_LIST, "tms_keys", NULL },
	{ "--tls", KIND_TEXT, "tls", "tls_ca" },
	{ "--tls-ca", KIND_TEXT, "tls_ca", "tls" },
	{ "--tls-pin", KIND_LIST, "tls_pins", NULL },
	{ "--portal", KIND_LIST, "origins", NULL },
	{ "--extension", KIND_EXTENSIONS, NULL, NULL },
	{ "--module", KIND_MODULES, NULL, NULL },
	{ "--prompt", KIND_TEXT, "prompt", NULL },
	{ "--proxy", KIND_TEXT, "proxy", NULL },
	{ "--hotline", KIND_TEXT, "hotline", NULL },
	{ "--language", KIND_LIST, "languages", NULL },
	{ "--autostart", KIND_AUTOSTART, NULL, NULL },
	{ "--policies", KIND_POLICIES, NULL, NULL },
};

static enum err
add_each(struct profile_make *m, const struct option *o, const char *value)
{
	enum err e = ERR_OK;

	while (e == ERR_OK && *value != '\0') {
		size_t len = strcspn(value, ";");
		if (len != 0 && o->kind == KIND_LIST)
			e = add_text(m, o->key, value, len);
		else if (len != 0)
			e = o->kind == KIND_MODULES ? add_module(m, value, len) : add_extension(m, value, len);
		value += len + (value[len] == ';');
	}
	return e;
}

static enum err
set_switch(struct profile_make *m, enum kind kind, const char *value)
{
	bool on = strcmp(value, "on") == 0 || strcmp(value, "1") == 0;

	if (!on && strcmp(value, "off") != 0 && strcmp(value, "0") != 0)
		return ERR_USAGE;
	/* without policies no browser is told to install anything, whatever the profile that it began with says */
	if (kind == KIND_POLICIES && !on)
		(void)json_object_del(install_of(m), "extensions");
	return json_object_set_new(install_of(m), kind == KIND_AUTOSTART ? "autostart" : "loopback", json_boolean(on)) == 0 ? ERR_OK : ERR_NO_MEMORY;
}

enum err
profile_make_option(struct profile_make *m, const char *name, const char *value)
{
	const struct option *o = NULL;

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (strcmp(options[i].name, name) == 0)
			o = &options[i];
	if (o == NULL)
		return ERR_USAGE;
	if (value[0] == '\0')
		return ERR_OK;
	if (o->kind == KIND_AUTOSTART || o->kind == KIND_POLICIES)
		return set_switch(m, o->kind, value);
	if (o->kind != KIND_TEXT)
		return add_each(m, o, value);
	if (o->instead != NULL)
		(void)json_object_del(m->document, o->instead);
	return json_object_set_new(m->document, o->key, json_string(value)) == 0 ? ERR_OK : ERR_USAGE;
}

json_t *
profile_make_end(struct profile_make *m)
{
	if (json_object_get(m->document, "languages") == NULL)
		(void)json_object_set_new(m->document, "languages", json_pack("[s, s]", "vi", "en"));
	if (json_object_get(m->document, "extensions") == NULL)
		(void)json_object_set_new(m->document, "extensions", json_array());
	json_decref(m->said);
	m->said = NULL;
	return m->document;
}

enum err
profile_make_text(const json_t *document, char **ret_text, char *where)
{
	struct profile read;
	json_t *texts = NULL;
	enum err e;

	*ret_text = merge_text(document);
	if (*ret_text == NULL)
		return ERR_NO_MEMORY;
	e = profile_parse(*ret_text, strlen(*ret_text), &read, &texts, where);
	json_decref(texts);
	return e;
}
