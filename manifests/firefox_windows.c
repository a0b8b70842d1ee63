/* SPDX-License-Identifier: Apache-2.0 */
#include "firefox_windows.h"

#include "json.h"
#include "os_registry.h"
#include "os_shared.h"

#include <stdio.h>
#include <string.h>

#define PRODUCT	   "Mozilla Firefox" /* and what stands behind it, as "ESR" */
#define POLICY_MAX 1048576

struct search {
	struct firefox_files *files;
	char key[OS_PATH_MAX]; /* what is being looked through */
};

static void
add_program(struct firefox_files *files, const char *folder)
{
	size_t len = strlen(folder);
	char path[OS_PATH_MAX];
	int made;

	while (len != 0 && (folder[len - 1] == '\\' || folder[len - 1] == '/'))
		len--;
	made = snprintf(path, sizeof(path), "%.*s\\firefox.exe", (int)len, folder);
	if (made < 0 || (size_t)made >= sizeof(path) || files->count == FIREFOX_MAX || os_check_trusted(path) != ERR_OK)
		return;
	made = snprintf(path, sizeof(path), "%.*s\\distribution\\policies.json", (int)len, folder);
	if (made < 0 || (size_t)made >= sizeof(path))
		return;
	for (size_t i = 0; i < files->count; i++)
		if (strcmp(files->at[i], path) == 0)
			return;
	memcpy(files->at[files->count++], path, (size_t)made + 1);
}

/* "128.0 (x64 vi)" and the like, of a product. */
static void
look_at_version(const char *name, void *context)
{
	const struct search *s = context;
	struct buf text = buf_new(POLICY_MAX);
	char key[OS_PATH_MAX];

	if ((size_t)snprintf(key, sizeof(key), "%s\\%s\\Main", s->key, name) < sizeof(key) && os_registry_read_text(key, "Install Directory", &text) == ERR_OK)
		add_program(s->files, buf_text(&text));
	buf_free(&text);
}

static void
look_at_product(const char *name, void *context)
{
	const struct search *s = context;
	struct search below = { .files = s->files };

	if (strncmp(name, PRODUCT, strlen(PRODUCT)) == 0 && (size_t)snprintf(below.key, sizeof(below.key), "%s\\%s", s->key, name) < sizeof(below.key))
		(void)os_registry_keys(below.key, look_at_version, &below);
}

void
firefox_find(struct firefox_files *ret)
{
	struct search views[] = { { ret, "SOFTWARE\\Mozilla" }, { ret, "SOFTWARE\\WOW6432Node\\Mozilla" } };

	ret->count = 0;
	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++)
		(void)os_registry_keys(views[i].key, look_at_product, &views[i]);
}

enum err
firefox_read(const char *file, json_t **ret_policies)
{
	struct buf b = buf_new(POLICY_MAX);
	json_t *document = NULL, *policies;
	enum err e = os_shared_read(file, &b);

	if (e == ERR_OK)
		e = json_load(b.data, b.len, &document, NULL);
	policies = json_object_get(document, "policies");
	if (e == ERR_OK && json_is_object(policies))
		*ret_policies = json_incref(policies);
	else if (e == ERR_OK)
		e = ERR_INVALID_REQUEST;
	json_decref(document);
	buf_free(&b);
	return e;
}

bool
firefox_has(const struct firefox_files *files, const char *policy)
{
	bool found = false;

	for (size_t i = 0; i < files->count && !found; i++) {
		json_t *policies = NULL;

		found = firefox_read(files->at[i], &policies) == ERR_OK && json_object_get(policies, policy) != NULL;
		json_decref(policies);
	}
	return found;
}
