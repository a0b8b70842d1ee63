/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Native manifests, as browsers find them: the user's own first, unless a policy says that there are none (NativeMessagingUserLevelHosts), then the machine's. The first that is there is taken, whether
 * it is good or not.
 */
#include "look.h"

#include <stdio.h>
#include <string.h>

/* Whether each profile that has extensions of this browser's kind finds one of them in the manifest. */
static bool
has_callers(const struct look *l, const json_t *manifest, const struct place *place)
{
	const json_t *callers = json_object_get(manifest, place->firefox ? "allowed_extensions" : "allowed_origins");
	const struct profile *p;

	for (size_t i = 0; (p = look_profile(l, i)) != NULL; i++) {
		bool wanted = false, found = false;

		for (size_t k = 0; k < p->extension_count; k++) {
			if (!place_takes(place, p->extensions[k]))
				continue;
			wanted = true;
			found = found || look_has(callers, p->extensions[k]);
		}
		if (wanted && !found)
			return false;
	}
	return true;
}

/* What is wrong with a manifest that could be read; FOUND_MANIFEST_OK where nothing is. */
static enum finding
judge(const struct look *l, const json_t *manifest, const struct place *place)
{
	const char *name = json_string_value(json_object_get(manifest, "name"));
	const char *type = json_string_value(json_object_get(manifest, "type"));
	const char *program = json_string_value(json_object_get(manifest, "path"));

	if (name == NULL || strcmp(name, PLACE_HOST_NAME) != 0 || type == NULL || strcmp(type, "stdio") != 0 || program == NULL)
		return FOUND_MANIFEST_INVALID;
	if (look_trusted(l, program) != ERR_OK)
		return FOUND_MANIFEST_PROGRAM;
	return has_callers(l, manifest, place) ? FOUND_MANIFEST_OK : FOUND_MANIFEST_CALLER;
}

/* Whether there is one. */
static bool
look_at_machine(struct look *l, const struct place *place)
{
	char path[OS_PATH_MAX];
	json_t *manifest = NULL;
	enum finding f = FOUND_MANIFEST_INVALID;
	enum err e = ERR_FILE_MISSING;

	if (snprintf(path, sizeof(path), "%s/%s.json", place->host, PLACE_HOST_NAME) < (int)sizeof(path))
		e = look_read(l, path, true, &manifest);
	if (e == ERR_FILE_MISSING)
		return false;
	if (e == ERR_OK)
		f = judge(l, manifest, place);
	else if (e == ERR_PROFILE_UNSAFE)
		f = FOUND_MANIFEST_UNSAFE;
	look_find(l, f, f == FOUND_MANIFEST_PROGRAM ? json_string_value(json_object_get(manifest, "path")) : path);
	json_decref(manifest);
	return true;
}

/* "~/..." of the table; false where there is no home. */
static bool
user_path(const struct look *l, const struct place *place, char ret[OS_PATH_MAX])
{
	return l->order->home != NULL && place->user_host != NULL && place->user_host[0] == '~' &&
	       snprintf(ret, OS_PATH_MAX, "%s%s/%s.json", l->order->home, place->user_host + 1, PLACE_HOST_NAME) < OS_PATH_MAX;
}

static void
look_at_user(struct look *l, const struct place *place)
{
	char path[OS_PATH_MAX];
	json_t *manifest = NULL, *policy;
	bool ignored;
	enum err e;

	if (!user_path(l, place, path))
		return;
	policy = policy_read(l, place);
	ignored = json_is_false(json_object_get(policy, "NativeMessagingUserLevelHosts"));
	json_decref(policy);
	e = ignored ? ERR_FILE_MISSING : look_read(l, path, false, &manifest);
	if (e != ERR_FILE_MISSING)
		look_find(l, e == ERR_OK && judge(l, manifest, place) == FOUND_MANIFEST_OK ? FOUND_MANIFEST_USER : FOUND_MANIFEST_HIDDEN, path);
	json_decref(manifest);
}

/* Several browsers look into one folder, which is looked at once. */
static bool
is_first(size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (strcmp(place_at(i)->host, place_at(index)->host) == 0)
			return false;
	return true;
}

void
look_at_manifests(struct look *l)
{
	size_t folders = 0, manifests = 0;

	for (size_t i = 0; i < place_count(); i++) {
		const struct place *place = place_at(i);

		look_at_user(l, place);
		if (place->host[0] != '/' || !is_first(i)) /* a key of a registry */
			continue;
		folders++;
		manifests += look_at_machine(l, place);
	}
	if (folders != 0 && manifests == 0 && look_wants_extension(l))
		look_find(l, FOUND_MANIFEST_MISSING, PLACE_HOST_NAME ".json");
}
