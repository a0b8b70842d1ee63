/* SPDX-License-Identifier: Apache-2.0 */
/* Browsers find a manifest by its name, in a folder. */
#include "look.h"

#include <stdio.h>

#define FILE_NAME "/" PLACE_HOST_NAME ".json"

static bool
look_at_machine(struct look *l, const struct place *place)
{
	char path[OS_PATH_MAX];

	return snprintf(path, sizeof(path), "%s" FILE_NAME, place->host) < (int)sizeof(path) && manifest_look(l, place, path, false, path);
}

/* "~/..." of the table; false where there is no home. */
static bool
user_path(const struct look *l, const struct place *place, char ret[OS_PATH_MAX])
{
	return l->order->home != NULL && place->user_host != NULL && place->user_host[0] == '~' &&
	       snprintf(ret, OS_PATH_MAX, "%s%s" FILE_NAME, l->order->home, place->user_host + 1) < OS_PATH_MAX;
}

static void
look_at_user(struct look *l, const struct place *place)
{
	char path[OS_PATH_MAX];

	if (user_path(l, place, path) && !manifest_users_are_ignored(l, place))
		(void)manifest_look(l, place, path, true, path);
}

bool
manifest_look_at_all(struct look *l)
{
	bool found = false;

	for (size_t i = 0; i < place_count(); i++) {
		look_at_user(l, place_at(i));
		if (place_is_main(i))
			found = look_at_machine(l, place_at(i)) || found;
	}
	return found;
}
