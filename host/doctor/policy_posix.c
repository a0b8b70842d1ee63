/* SPDX-License-Identifier: Apache-2.0 */
/* Policies are files: of Chromium's family all those in a folder, where of a key in several the last file's is taken; of Firefox one, with everything below "policies". */
#include "look.h"

#include <stdio.h>

struct reading {
	struct look *look;
	const char *folder;
	struct policies *policies;
};

static void
take(struct reading *r, const json_t *policies, const char *file)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)policies, name, value)
	{
		if (json_object_set(r->policies->all, name, value) != 0 || json_object_set_new(r->policies->from, name, json_string(file)) != 0)
			r->look->failed = true;
	}
}

/* os_list: one policy file of a folder. */
static void
read_file(const char *name, void *context)
{
	struct reading *r = context;
	char path[OS_PATH_MAX];
	json_t *policy = NULL;

	if (snprintf(path, sizeof(path), "%s/%s", r->folder, name) >= (int)sizeof(path))
		return;
	if (look_read(r->look, path, false, &policy) != ERR_OK)
		look_find(r->look, FOUND_POLICY_INVALID, path);
	else
		take(r, policy, path);
	json_decref(policy);
}

static void
read_firefox(struct reading *r)
{
	json_t *file = NULL;
	enum err e = look_read(r->look, r->folder, false, &file);

	if (e != ERR_OK && e != ERR_FILE_MISSING)
		look_find(r->look, FOUND_POLICY_INVALID, r->folder);
	else if (e == ERR_OK)
		take(r, json_object_get(file, "policies"), r->folder);
	json_decref(file);
}

bool
policies_read(struct look *l, const struct place *place, size_t index, struct policies *ret)
{
	struct reading r = { .look = l, .folder = place->policies, .policies = ret };
	char real[OS_PATH_MAX];

	*ret = (struct policies){ 0 };
	if (index != 0)
		return false;
	*ret = (struct policies){ .all = json_object(), .from = json_object() };
	if (ret->all == NULL || ret->from == NULL)
		l->failed = true;
	else if (place->policies != NULL && place->policies[0] == '/' && place->firefox)
		read_firefox(&r);
	else if (place->policies != NULL && place->policies[0] == '/' && (!look_below(l, place->policies, real) || os_list(real, read_file, &r) != ERR_OK))
		look_find(l, FOUND_POLICY_INVALID, place->policies);
	return true;
}
