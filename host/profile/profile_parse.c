/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_parse.h"

#include "json.h"
#include "os.h"
#include "places.h"
#include "text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define KEY_MAX	  80   /* characters of a key as where names it: modules[15].environment.NAME */
#define WORD_MAX  64   /* bytes of a name or a hotline */
#define VALUE_MAX 1024 /* bytes of a variable's value or a proxy's address */

#define URL_MAX 255 /* bytes of an update_url */

#define DIGITS "0123456789"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LOWER  "abcdefghijklmnopqrstuvwxyz"

/* ---- what a text must be ---- */

struct rule {
	bool (*ok)(const char *text, size_t len);
	const char *want;
};

static bool
server_ok(const char *text, size_t len)
{
	return text_is_origin(text, len) && strncmp(text, "https://", 8) == 0;
}

static bool
word_ok(const char *text, size_t len)
{
	return len >= 1 && len <= WORD_MAX && text_is_showable(text, len);
}

static bool
path_ok(const char *text, size_t len)
{
	return os_path_is_plain(text) && text_is_showable(text, len);
}

static bool
pin_ok(const char *text, size_t len)
{
	static const char head[] = "sha256//";
	size_t n = sizeof(head) - 1;

	return len == n + 44 && strncmp(text, head, n) == 0 && strspn(text + n, UPPER LOWER DIGITS "+/") == 43 && text[len - 1] == '=';
}

/* chrome-extension://ID/ as Chromium says it in argv, or an add-on id as Firefox has them: {UUID} or NAME@DOMAIN. */
static bool
extension_ok(const char *text, size_t len)
{
	static const char chromium[] = "chrome-extension://";
	static const char name[] = LOWER UPPER DIGITS "-._";
	size_t n = sizeof(chromium) - 1;

	if (strncmp(text, chromium, n) == 0)
		return len == n + 33 && strspn(text + n, "abcdefghijklmnop") == 32 && text[len - 1] == '/';
	if (text[0] == '{')
		return len == 38 && strspn(text + 1, DIGITS "abcdefABCDEF-") == 36 && text[37] == '}';
	n = strspn(text, name);
	return len <= WORD_MAX && text[n] == '@' && n + 1 < len && n + 1 + strspn(text + n + 1, name) == len;
}

/* No user name in a proxy's address: it would be a secret in a file that everybody reads. */
static bool
proxy_ok(const char *text, size_t len)
{
	if (strcmp(text, "system") == 0 || strcmp(text, "none") == 0)
		return true;
	if (len > VALUE_MAX || (strncmp(text, "http://", 7) != 0 && strncmp(text, "https://", 8) != 0))
		return false;
	text = strchr(text, '/') + 2;
	return text[0] != '\0' && text[strspn(text, LOWER UPPER DIGITS "-.:[]")] == '\0';
}

static bool
language_ok(const char *text, size_t len)
{
	return len == 2 && (strcmp(text, "vi") == 0 || strcmp(text, "en") == 0);
}

/* LD_* and PKCS11_* would put somebody's code before the module's; OPENSC_DEBUG writes PINs into a file. */
static bool
variable_name_ok(const char *text, size_t len)
{
	return len >= 1 && len <= WORD_MAX && strspn(text, UPPER DIGITS "_") == len && strncmp(text, "LD_", 3) != 0 &&
	       strncmp(text, "PKCS11_", 7) != 0 && strcmp(text, "OPENSC_DEBUG") != 0;
}

static bool
variable_value_ok(const char *text, size_t len)
{
	return len <= VALUE_MAX && text_is_showable(text, len);
}

/* What a module reads as it likes: printable ASCII, so that it is what the file shows. */
static bool
parameters_ok(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return len >= 1 && len <= VALUE_MAX;
}

static bool
flags_ok(const char *text, size_t len)
{
	return len != 0 && (strcmp(text, "reliable") == 0 || strcmp(text, "unknown") == 0);
}

/* What stands behind the ; of a policy of Chromium: printable ASCII without a blank, a quotation mark or another ;. */
static bool
update_url_ok(const char *text, size_t len)
{
	static const char plain[] = LOWER UPPER DIGITS "-._~:/?#[]@!$&()*+,=%";

	return len > 8 && len <= URL_MAX && (strncmp(text, "https://", 8) == 0 || strncmp(text, "file:///", 8) == 0) && strspn(text, plain) == len;
}

static bool
browser_ok(const char *text, size_t len)
{
	return len != 0 && place_is_browser(text);
}

static const struct rule server_rule = { server_ok, "must be https://HOST or https://HOST:PORT, in lower case, without a path" };
static const struct rule origin_rule = { text_is_origin, "must be an origin in its canonical spelling: https://HOST or https://HOST:PORT" };
static const struct rule extension_rule = { extension_ok, "must be chrome-extension://ID/ or the id of a Firefox add-on" };
static const struct rule path_rule = { path_ok, "must be an absolute path without . or .." };
static const struct rule pin_rule = { pin_ok, "must be sha256// and the base64 of 32 bytes" };
static const struct rule proxy_rule = { proxy_ok, "must be \"system\", \"none\" or http[s]://HOST:PORT" };
static const struct rule word_rule = { word_ok, "must be text of 1 to 64 bytes without control characters" };
static const struct rule language_rule = { language_ok, "must be \"vi\" or \"en\"" };
static const struct rule parameters_rule = { parameters_ok, "must be 1 to 1024 characters of printable ASCII" };
static const struct rule flags_rule = { flags_ok, "must be \"reliable\" or \"unknown\"" };
static const struct rule update_url_rule = { update_url_ok, "must be https:// or file:/// and at most 255 characters in all" };
static const struct rule browser_rule = { browser_ok, "must be the name of a browser: chrome, chromium, edge, firefox and so on" };
static const struct rule value_rule = { variable_value_ok, "must be text of at most 1024 bytes without control characters" };

/* ---- texts, lists and switches ---- */

static bool
refuse(char *where, const char *key, const char *cause)
{
	snprintf(where, PROFILE_WHERE_MAX, "key \"%s\": %s", key, cause);
	return false;
}

static bool
read_text(const json_t *value, const char *key, const struct rule *rule, const char **ret, char *where)
{
	const char *text = json_string_value(value);

	if (text == NULL || !rule->ok(text, json_string_length(value)))
		return refuse(where, key, rule->want);
	*ret = text;
	return true;
}

static bool
list_size_ok(const json_t *list, const char *key, size_t min, size_t max, char *where)
{
	char cause[64];

	if (json_is_array(list) && json_array_size(list) >= min && json_array_size(list) <= max)
		return true;
	snprintf(cause, sizeof(cause), "must be a list of %zu to %zu", min, max);
	return refuse(where, key, cause);
}

/* Distinct texts that all keep the rule. */
static bool
read_list(const json_t *list, const char *key, const struct rule *rule, size_t min, size_t max, const char **ret, size_t *ret_count, char *where)
{
	char at[KEY_MAX];
	size_t count;

	if (!list_size_ok(list, key, min, max, where))
		return false;
	count = json_array_size(list);
	for (size_t i = 0; i < count; i++) {
		snprintf(at, sizeof(at), "%s[%zu]", key, i);
		if (!read_text(json_array_get(list, i), at, rule, &ret[i], where))
			return false;
		for (size_t j = 0; j < i; j++)
			if (strcmp(ret[i], ret[j]) == 0)
				return refuse(where, at, "stands there twice");
	}
	*ret_count = count;
	return true;
}

/* ---- the parts of a profile ---- */

/* tls, tls_ca, tls_pins: pinned needs the authority's CA; the system's store takes its place, never beside it. */
static bool
read_tls(const json_t *tls, const json_t *ca, const json_t *pins, struct profile *p, char *where)
{
	const char *mode = tls != NULL ? json_string_value(tls) : "pinned";

	if (mode == NULL || (strcmp(mode, "pinned") != 0 && strcmp(mode, "system") != 0))
		return refuse(where, "tls", "must be \"pinned\" or \"system\"");
	p->tls_system = strcmp(mode, "system") == 0;
	if (p->tls_system && ca != NULL)
		return refuse(where, "tls_ca", "has no meaning with \"tls\": \"system\"");
	if (!p->tls_system && !read_text(ca, "tls_ca", &path_rule, &p->tls_ca, where))
		return false;
	return pins == NULL || read_list(pins, "tls_pins", &pin_rule, 1, PROFILE_PINS_MAX, p->tls_pins, &p->tls_pin_count, where);
}

static bool
read_tms_keys(const json_t *list, struct profile *p, char *where)
{
	if (!list_size_ok(list, "tms_keys", 1, PROFILE_KEYS_MAX, where))
		return false;
	p->tms_key_count = json_array_size(list);
	for (size_t i = 0; i < p->tms_key_count; i++)
		if (!json_b64_exact(json_array_get(list, i), p->tms_keys[i], PROFILE_KEY_LEN))
			return refuse(where, "tms_keys", "must be Ed25519 public keys: the base64url of 32 bytes");
	return true;
}

/* modules[INDEX] and what follows it */
static void
name_module(size_t index, const char *key, char ret[KEY_MAX])
{
	snprintf(ret, KEY_MAX, "modules[%zu]%s", index, key);
}

static bool
read_environment(json_t *variables, const char *at, struct profile_module *m, char *where)
{
	const char *name;
	json_t *value;

	if (!json_is_object(variables) || json_object_size(variables) > PROFILE_LIST_MAX)
		return refuse(where, at, "must be at most 16 variables and their values");
	json_object_foreach(variables, name, value)
	{
		struct profile_variable *v = &m->environment[m->environment_count++];
		if (!variable_name_ok(name, strlen(name)))
			return refuse(where, at, "a variable is [A-Z0-9_]{1,64}, never LD_*, PKCS11_* or OPENSC_DEBUG");
		if (!read_text(value, at, &value_rule, &v->value, where))
			return false;
		v->name = name;
	}
	return true;
}

static bool
read_module(json_t *value, size_t index, struct profile_module *m, char *where)
{
	json_t *name, *path, *environment = NULL, *parameters = NULL, *flags = NULL;
	const char *word;
	json_error_t error;
	char at[KEY_MAX];

	name_module(index, "", at);
	if (json_unpack_ex(value, &error, 0, "{s:o, s:o, s?o, s?o, s?o !}",
		"name", &name,
		"path", &path,
		"environment", &environment,
		"parameters", &parameters,
		"flags", &flags) != 0)
		return refuse(where, at, error.text);
	name_module(index, ".name", at);
	if (!read_text(name, at, &word_rule, &m->name, where))
		return false;
	name_module(index, ".path", at);
	if (!read_text(path, at, &path_rule, &m->path, where))
		return false;
	name_module(index, ".parameters", at);
	if (parameters != NULL && !read_text(parameters, at, &parameters_rule, &m->parameters, where))
		return false;
	name_module(index, ".flags", at);
	if (flags != NULL && !read_text(flags, at, &flags_rule, &word, where))
		return false;
	m->flags_reliable = flags != NULL && strcmp(word, "reliable") == 0;
	name_module(index, ".environment", at);
	return environment == NULL || read_environment(environment, at, m, where);
}

static bool
read_modules(const json_t *list, struct profile *p, char *where)
{
	char at[KEY_MAX];

	if (!list_size_ok(list, "modules", 1, PROFILE_LIST_MAX, where))
		return false;
	p->module_count = json_array_size(list);
	for (size_t i = 0; i < p->module_count; i++) {
		if (!read_module(json_array_get(list, i), i, &p->modules[i], where))
			return false;
		name_module(i, "", at);
		for (size_t j = 0; j < i; j++)
			if (strcmp(p->modules[i].name, p->modules[j].name) == 0)
				return refuse(where, at, "has the name of another module");
	}
	return true;
}

static bool
read_forced(json_t *value, size_t index, struct profile *p, char *where)
{
	struct profile_forced *forced = &p->forced[index];
	json_t *id, *update_url, *browsers = NULL;
	json_error_t error;
	char at[KEY_MAX];

	snprintf(at, sizeof(at), "install.extensions[%zu]", index);
	if (json_unpack_ex(value, &error, 0, "{s:o, s:o, s?o !}",
		"id", &id,
		"update_url", &update_url,
		"browsers", &browsers) != 0)
		return refuse(where, at, error.text);
	if (!read_text(id, at, &extension_rule, &forced->id, where) ||
	    !read_text(update_url, at, &update_url_rule, &forced->update_url, where))
		return false;
	if (!profile_has_extension(p, forced->id))
		return refuse(where, at, "is none of \"extensions\"");
	return browsers == NULL || read_list(browsers, at, &browser_rule, 1, PROFILE_BROWSERS_MAX, forced->browsers, &forced->browser_count, where);
}

/* What mokhoa-setup writes; a host has no use for it, but refuses the whole profile where it is wrong. */
static bool
read_install(json_t *install, struct profile *p, char *where)
{
	json_t *extensions = NULL;
	int loopback = 0, autostart = 0;
	json_error_t error;

	if (json_unpack_ex(install, &error, 0, "{s?o, s?b, s?b !}",
		"extensions", &extensions,
		"loopback", &loopback,
		"autostart", &autostart) != 0)
		return refuse(where, "install", error.text);
	p->loopback = loopback != 0;
	p->autostart = autostart != 0;
	if (extensions == NULL)
		return true;
	if (!list_size_ok(extensions, "install.extensions", 1, PROFILE_LIST_MAX, where))
		return false;
	p->forced_count = json_array_size(extensions);
	for (size_t i = 0; i < p->forced_count; i++)
		if (!read_forced(json_array_get(extensions, i), i, p, where))
			return false;
	return true;
}

static bool
read_profile(json_t *object, struct profile *p, char *where)
{
	json_t *tms, *tls = NULL, *tls_ca = NULL, *tls_pins = NULL, *tms_keys, *origins, *extensions, *portal_launch = NULL;
	json_t *modules, *prompt, *proxy = NULL, *hotline, *languages, *install = NULL;
	const char *order[2] = { NULL };
	size_t order_count;
	json_error_t error;

	if (json_unpack_ex(object, &error, 0, "{s:o, s?o, s?o, s?o, s:o, s:o, s:o, s?o, s:o, s:o, s?o, s:o, s:o, s?o !}",
		"tms", &tms,
		"tls", &tls,
		"tls_ca", &tls_ca,
		"tls_pins", &tls_pins,
		"tms_keys", &tms_keys,
		"origins", &origins,
		"extensions", &extensions,
		"portal_launch", &portal_launch,
		"modules", &modules,
		"prompt", &prompt,
		"proxy", &proxy,
		"hotline", &hotline,
		"languages", &languages,
		"install", &install) != 0) {
		snprintf(where, PROFILE_WHERE_MAX, "%s", error.text);
		return false;
	}
	if (portal_launch != NULL && !json_is_boolean(portal_launch))
		return refuse(where, "portal_launch", "must be true or false");
	p->portal_launch = json_is_true(portal_launch);
	p->proxy = "system";
	if (!read_text(tms, "tms", &server_rule, &p->tms, where) ||
	    !read_tls(tls, tls_ca, tls_pins, p, where) ||
	    !read_tms_keys(tms_keys, p, where) ||
	    !read_list(origins, "origins", &origin_rule, 1, PROFILE_LIST_MAX, p->origins, &p->origin_count, where) ||
	    !read_list(extensions, "extensions", &extension_rule, 0, PROFILE_LIST_MAX, p->extensions, &p->extension_count, where) ||
	    !read_modules(modules, p, where) ||
	    !read_text(prompt, "prompt", &path_rule, &p->prompt, where) ||
	    (proxy != NULL && !read_text(proxy, "proxy", &proxy_rule, &p->proxy, where)) ||
	    !read_text(hotline, "hotline", &word_rule, &p->hotline, where) ||
	    !read_list(languages, "languages", &language_rule, 1, 2, order, &order_count, where) ||
	    (install != NULL && !read_install(install, p, where)))
		return false;
	p->language = order[0];
	return true;
}

enum err
profile_parse(const void *bytes, size_t len, struct profile *ret_profile, json_t **ret_texts, char where[PROFILE_WHERE_MAX])
{
	json_t *texts;
	enum err e;

	*ret_profile = (struct profile){ 0 };
	where[0] = '\0';
	e = json_load(bytes, len, &texts, where);
	if (e == ERR_NO_MEMORY)
		return e;
	if (e != ERR_OK)
		return ERR_PROFILE_INVALID;
	if (!read_profile(texts, ret_profile, where)) {
		json_decref(texts);
		return ERR_PROFILE_INVALID;
	}
	*ret_texts = texts;
	return ERR_OK;
}
