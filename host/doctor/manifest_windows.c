/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Browsers find a manifest by a key of the registry, whose default value is its path: the user's first, then the machine's in the view of 32 bits, then that of 64. The first key that has a
 * value is taken, whatever it says. Edge goes on to the keys of Chromium and of Chrome in each of the three.
 *
 * All of it is this machine's: below a root there is none.
 */
#include "look.h"
#include "os_registry.h"

#include <stdio.h>
#include <string.h>

#define HIVE	 "HKLM\\SOFTWARE\\"
#define HIVE_LEN (sizeof(HIVE) - 1)

/* Where the three look for, in their order. */
static const char *const heads[] = { "HKCU\\SOFTWARE\\", HIVE "WOW6432Node\\", HIVE };

#define USERS 0 /* which of the heads is the user's */

struct entry {
	char key[OS_PATH_MAX];
	char seen[2 * OS_PATH_MAX]; /* the key and what it says */
	char path[OS_PATH_MAX];
	bool users;
};

/* The path that a key has. One from a key with a value that is no text, or no absolute path, is of no file. */
static bool
read_entry(size_t head, const char *folder, struct entry *ret)
{
	struct buf text = buf_new(OS_PATH_MAX);
	enum err e = ERR_FILE_MISSING;

	if (snprintf(ret->key, sizeof(ret->key), "%s%s\\" PLACE_HOST_NAME, heads[head], folder) < (int)sizeof(ret->key))
		e = os_registry_read_text(ret->key, "", &text);
	ret->users = head == USERS;
	snprintf(ret->path, sizeof(ret->path), "%s", e == ERR_OK ? buf_text(&text) : "");
	snprintf(ret->seen, sizeof(ret->seen), "%s%s%s", ret->key, ret->path[0] != '\0' ? ": " : "", ret->path);
	buf_free(&text);
	return e != ERR_FILE_MISSING;
}

/* What a browser's key is below SOFTWARE. */
static const char *
folder_of(const char *browser)
{
	size_t i = 0;

	while (strcmp(place_at(i)->browser, browser) != 0)
		i++;
	return place_at(i)->host + HIVE_LEN;
}

static bool
find_entry(struct look *l, const struct place *place, struct entry *ret)
{
	const char *const folders[] = { place->host + HIVE_LEN, folder_of("chromium"), folder_of("chrome") };
	size_t count = strcmp(place->browser, "edge") == 0 ? sizeof(folders) / sizeof(folders[0]) : 1;

	for (size_t head = manifest_users_are_ignored(l, place) ? USERS + 1 : USERS; head < sizeof(heads) / sizeof(heads[0]); head++)
		for (size_t i = 0; i < count; i++)
			if (read_entry(head, folders[i], ret))
				return true;
	return false;
}

/* A browser that one of the profiles has an extension for. */
static bool
is_wanted(const struct look *l, const struct place *place)
{
	const struct profile *p;

	for (size_t i = 0; (p = look_profile(l, i)) != NULL; i++)
		for (size_t k = 0; k < p->extension_count; k++)
			if (place_takes(place, p->extensions[k]))
				return true;
	return false;
}

static bool
look_at(struct look *l, const struct place *place)
{
	struct entry entry;

	if (!find_entry(l, place, &entry))
		return false;
	if (!entry.users && os_registry_check_trusted(entry.key) == ERR_PROFILE_UNSAFE)
		look_find(l, FOUND_MANIFEST_UNSAFE, entry.key);
	else if (!os_path_is_plain(entry.path) || !manifest_look(l, place, entry.path, entry.users, entry.seen))
		look_find(l, entry.users ? FOUND_MANIFEST_HIDDEN : FOUND_MANIFEST_INVALID, entry.seen);
	return true;
}

bool
manifest_look_at_all(struct look *l)
{
	struct entry entry;
	bool found = false;

	if (l->order->root[0] != '\0')
		return true;
	for (size_t i = 0; i < place_count(); i++)
		if (place_is_main(i))
			found = look_at(l, place_at(i)) || found;
	/* who registers the host does it for all browsers, there or not */
	for (size_t i = 0; found && i < place_count(); i++)
		if (place_is_main(i) && is_wanted(l, place_at(i)) && !find_entry(l, place_at(i), &entry))
			look_find(l, FOUND_MANIFEST_ABSENT, place_at(i)->host);
	return found;
}
