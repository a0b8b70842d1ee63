/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Native manifests, as browsers take them: the user's own first, unless a policy says that there are none (NativeMessagingUserLevelHosts), then the machine's. The first that is there is taken, whether
 * it is good or not. Where browsers look for them says manifest_posix.c, manifest_windows.c.
 */
#include "look.h"

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

bool
manifest_look(struct look *l, const struct place *place, const char *path, bool users, const char *seen)
{
	json_t *manifest = NULL;
	enum finding f = FOUND_MANIFEST_INVALID;
	enum err e = look_read(l, path, !users, &manifest);

	if (e == ERR_FILE_MISSING)
		return false;
	if (e == ERR_OK)
		f = judge(l, manifest, place);
	else if (e == ERR_PROFILE_UNSAFE)
		f = FOUND_MANIFEST_UNSAFE;
	if (users)
		f = f == FOUND_MANIFEST_OK ? FOUND_MANIFEST_USER : FOUND_MANIFEST_HIDDEN;
	look_find(l, f, f == FOUND_MANIFEST_PROGRAM ? json_string_value(json_object_get(manifest, "path")) : seen);
	json_decref(manifest);
	return true;
}

bool
manifest_users_are_ignored(struct look *l, const struct place *place)
{
	struct policies p;
	bool ignored = false;

	if (policies_read(l, place, 0, &p))
		ignored = json_is_false(json_object_get(p.all, "NativeMessagingUserLevelHosts"));
	policies_free(&p);
	return ignored;
}

void
look_at_manifests(struct look *l)
{
	if (!manifest_look_at_all(l) && look_wants_extension(l))
		look_find(l, FOUND_MANIFEST_MISSING, PLACE_HOST_NAME ".json");
}
