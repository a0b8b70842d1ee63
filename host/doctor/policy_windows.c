/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies are values of the registry, of the user and, which outweighs it, of the machine; a list is a key with a value for each item, an object a value with JSON or a key. Names of the registry
 * know no case, so that each policy is asked for by its name. Firefox has a file beside each of its programs besides, of which it takes what the registry does not have.
 *
 * All of it is this machine's: below a root there is none.
 */
#include "look.h"

#include "firefox_windows.h"
#include "os_registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HIVE_LEN  5 /* "HKLM\" */
#define DEPTH_MAX 8
#define NUMBER	  4u /* REG_DWORD */
#define DIGITS	  "0123456789"
#define SEEN_MAX  (OS_PATH_MAX + 64)

/* All that the doctor judges, and which of them are objects. */
static const struct {
	const char *name;
	bool object;
} known[] = {
	{ "ExtensionInstallAllowlist", false },
	{ "ExtensionInstallBlocklist", false },
	{ "ExtensionInstallForcelist", false },
	{ "ExtensionSettings", true },
	{ "LocalNetworkAccess", true },
	{ "LocalNetworkAccessAllowedForUrls", false },
	{ "LocalNetworkAccessBlockedForUrls", false },
	{ "LoopbackNetworkAllowedForUrls", false },
	{ "LoopbackNetworkBlockedForUrls", false },
	{ "NativeMessagingAllowlist", false },
	{ "NativeMessagingBlocklist", false },
	{ "NativeMessagingUserLevelHosts", false },
	{ "Preferences", true },
	{ "ProxyBypassList", false },
	{ "ProxySettings", true },
};

/* ---- a value ---- */

/* A number that a browser takes for yes or no is one of these. */
static json_t *
number(const struct buf *bytes)
{
	uint32_t value = 0;

	if (bytes->len == sizeof(value))
		memcpy(&value, bytes->data, sizeof(value));
	return value <= 1 ? json_boolean(value == 1) : json_integer(value);
}

/* Text that is an object or a list stands for that. NULL where there is no such value. */
static json_t *
value_of(const char *key, const char *name)
{
	struct buf bytes = buf_new(LOOK_FILE_MAX), text = buf_new(LOOK_FILE_MAX);
	uint32_t type = 0;
	json_t *ret = NULL;

	if (os_registry_read(key, name, &type, &bytes) == ERR_OK && type == NUMBER)
		ret = number(&bytes);
	else if (os_registry_read_text(key, name, &text) == ERR_OK && text.len != 0)
		ret = strchr("{[", text.data[0]) != NULL ? json_loads(buf_text(&text), JSON_REJECT_DUPLICATES, NULL) : NULL;
	if (ret == NULL && text.len != 0)
		ret = json_string(buf_text(&text));
	buf_free(&bytes);
	buf_free(&text);
	return ret;
}

/* ---- a key ---- */

struct tree {
	const char *key;
	unsigned depth;
	json_t *members;
	json_t *items;
};

static json_t *tree_of(const char *key, unsigned depth);

/* A value with a number for its name is an item of a list. */
static void
take_value(const char *name, void *context)
{
	struct tree *t = context;
	json_t *value = value_of(t->key, name);

	if (value == NULL)
		return;
	if (name[0] != '\0' && name[strspn(name, DIGITS)] == '\0')
		(void)json_array_append_new(t->items, value);
	else
		(void)json_object_set_new(t->members, name, value);
}

static void
take_key(const char *name, void *context)
{
	struct tree *t = context;
	char key[OS_PATH_MAX];

	if (snprintf(key, sizeof(key), "%s\\%s", t->key, name) < (int)sizeof(key))
		(void)json_object_set_new(t->members, name, tree_of(key, t->depth + 1));
}

/* NULL where there is no such key. */
static json_t *
tree_of(const char *key, unsigned depth)
{
	struct tree t = { .key = key, .depth = depth };
	json_t *ret = NULL;

	if (depth == DEPTH_MAX || !os_registry_has_key(key))
		return NULL;
	t.members = json_object();
	t.items = json_array();
	(void)os_registry_values(key, take_value, &t);
	(void)os_registry_keys(key, take_key, &t);
	ret = json_incref(json_array_size(t.items) != 0 ? t.items : t.members);
	json_decref(t.members);
	json_decref(t.items);
	return ret;
}

/* ---- a policy ---- */

/* What the key says goes into what the value of the same name does, or in its place. */
static json_t *
join(json_t *value, json_t *tree)
{
	if (tree == NULL)
		return value;
	if (json_is_object(value) && json_is_object(tree)) {
		(void)json_object_update(value, tree);
		json_decref(tree);
		return value;
	}
	json_decref(value);
	return tree;
}

static void
read_policy(struct look *l, const char *root, size_t which, struct policies *ret)
{
	const char *name = known[which].name;
	char key[OS_PATH_MAX];
	json_t *value;

	if (snprintf(key, sizeof(key), "%s\\%s", root, name) >= (int)sizeof(key))
		return;
	value = join(value_of(root, name), tree_of(key, 0));
	if (value == NULL)
		return;
	if (known[which].object && !json_is_object(value))
		look_find(l, FOUND_POLICY_INVALID, key);
	if (json_object_set_new(ret->all, name, value) != 0 || json_object_set_new(ret->from, name, json_string(key)) != 0)
		l->failed = true;
}

static void
read_hive(struct look *l, const char *root, struct policies *ret)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		read_policy(l, root, i, ret);
}

/* ---- files of Firefox ---- */

static void
add_file(struct look *l, const char *file, struct policies *ret)
{
	json_t *policies = NULL, *value;
	enum err e = firefox_read(file, &policies);
	const char *name;

	if (e != ERR_OK && e != ERR_FILE_MISSING)
		look_find(l, FOUND_POLICY_INVALID, file);
	json_object_foreach(policies, name, value)
	{
		if (json_object_get(ret->all, name) != NULL)
			continue;
		if (json_object_set(ret->all, name, value) != 0 || json_object_set_new(ret->from, name, json_string(file)) != 0)
			l->failed = true;
	}
	json_decref(policies);
}

bool
policies_read(struct look *l, const struct place *place, size_t index, struct policies *ret)
{
	struct firefox_files files = { .count = 0 };
	char users[OS_PATH_MAX];

	*ret = (struct policies){ 0 };
	if (place->firefox)
		firefox_find(&files);
	if (index != 0 && index >= files.count)
		return false;
	*ret = (struct policies){ .all = json_object(), .from = json_object() };
	if (ret->all == NULL || ret->from == NULL) {
		l->failed = true;
		return true;
	}
	if (l->order->root[0] != '\0' || place->policies == NULL)
		return true;
	snprintf(users, sizeof(users), "HKCU\\%s", place->policies + HIVE_LEN);
	read_hive(l, users, ret);
	read_hive(l, place->policies, ret);
	if (index < files.count)
		add_file(l, files.at[index], ret);
	return true;
}
