/* SPDX-License-Identifier: Apache-2.0 */
#include "profile.h"

#include "os.h"
#include "places.h"
#include "profile_parse.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX 65536 /* bytes of a profile */

/* One file. Allocated by itself: a set of sixteen at once would be twenty pages to clear, a fifth of a cold start (measured). */
struct entry {
	char name[PROFILE_NAME_MAX + 1];
	json_t *texts; /* what the profile borrows from */
	struct profile profile;
};

struct profile_set {
	size_t count;
	struct entry *entries[PROFILE_MAX];
};

/* One reading of a folder. */
struct reading {
	const char *folder;
	struct profile_set *set;
	enum err error; /* the first */
	char *where;
};

const char *
profile_folder(void)
{
	static char folder[OS_PATH_MAX];

	if (folder[0] == '\0' && (os_config_dir(folder) != ERR_OK || !text_copy(folder + strlen(folder), sizeof(folder) - strlen(folder), "/profiles.d")))
		folder[0] = '\0';
	return folder;
}

static enum err
refuse(struct reading *r, const char *file, enum err e, const char *cause)
{
	snprintf(r->where, PROFILE_WHERE_MAX, "%s/%s: %.400s", r->folder, file, cause);
	return e;
}

#define ENDING	   ".json"
#define ENDING_LEN (sizeof(ENDING) - 1)

/* Other files are no profiles. */
static bool
has_ending(const char *file)
{
	size_t len = strlen(file);

	return len >= ENDING_LEN && strcmp(file + len - ENDING_LEN, ENDING) == 0;
}

bool
profile_name_ok(const char *text, size_t len)
{
	return len >= 1 && len <= PROFILE_NAME_MAX && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") >= len;
}

/* The profile's name out of its file's, which has the ending. */
static bool
name_from_file(const char *file, char ret[PROFILE_NAME_MAX + 1])
{
	size_t len = strlen(file) - ENDING_LEN;

	if (!profile_name_ok(file, len))
		return false;
	memcpy(ret, file, len);
	ret[len] = '\0';
	return true;
}

static enum err
read_file(struct reading *r, const char *file, struct buf *b)
{
	char path[OS_PATH_MAX];
	enum err e;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", r->folder, file) >= sizeof(path))
		return refuse(r, file, ERR_PROFILE_INVALID, "the path is too long");
	e = os_read_trusted(path, b);
	if (e == ERR_PROFILE_UNSAFE)
		return refuse(r, file, e, "others than the administrator can write it, or a folder above it");
	if (e != ERR_OK)
		return refuse(r, file, e == ERR_FILE_MISSING ? ERR_PROFILE_MISSING : e, "cannot be read, or is longer than 65536 bytes");
	return ERR_OK;
}

static enum err
check_origins(struct reading *r, const char *file, const struct profile *p)
{
	char cause[PROFILE_WHERE_MAX];

	for (size_t i = 0; i < p->origin_count; i++) {
		const struct profile *other = profile_by_origin(r->set, p->origins[i]);
		if (other == NULL)
			continue;
		snprintf(cause, sizeof(cause), "key \"origins[%zu]\": %s has this origin already", i, other->name);
		return refuse(r, file, ERR_PROFILE_INVALID, cause);
	}
	return ERR_OK;
}

static enum err
read_entry(struct reading *r, const char *file, struct entry *entry)
{
	struct buf b = buf_new(FILE_MAX);
	char cause[PROFILE_WHERE_MAX];
	enum err e;

	if (!name_from_file(file, entry->name))
		return refuse(r, file, ERR_PROFILE_INVALID, "a profile's name is [a-z0-9-]{1,32}.json");
	e = read_file(r, file, &b);
	if (e == ERR_OK) {
		e = profile_parse(b.data, b.len, &entry->profile, &entry->texts, cause);
		if (e != ERR_OK)
			(void)refuse(r, file, e, cause);
	}
	buf_free(&b);
	if (e != ERR_OK)
		return e;
	entry->profile.name = entry->name;
	return check_origins(r, file, &entry->profile);
}

static void
entry_free(struct entry *entry)
{
	json_decref(entry->texts);
	free(entry);
}

static enum err
add_entry(struct reading *r, const char *file)
{
	struct profile_set *set = r->set;
	struct entry *entry;
	enum err e;

	if (set->count == PROFILE_MAX)
		return refuse(r, file, ERR_PROFILE_INVALID, "a machine has at most 16 profiles");
	entry = calloc(1, sizeof(*entry));
	if (entry == NULL)
		return ERR_NO_MEMORY;
	e = read_entry(r, file, entry);
	if (e != ERR_OK) {
		entry_free(entry);
		return e;
	}
	set->entries[set->count++] = entry;
	return ERR_OK;
}

static void
each_file(const char *file, void *context)
{
	struct reading *r = context;

	if (r->error == ERR_OK && has_ending(file))
		r->error = add_entry(r, file);
}

enum err
profile_load_all(const char *folder, struct profile_set **ret_set, char *where)
{
	char unread[PROFILE_WHERE_MAX];
	struct reading r = { .folder = folder, .where = where != NULL ? where : unread };
	enum err e;

	r.where[0] = '\0';
	r.set = calloc(1, sizeof(*r.set));
	if (r.set == NULL)
		return ERR_NO_MEMORY;
	e = os_list(folder, each_file, &r);
	if (e == ERR_FILE_FAILED) {
		snprintf(r.where, PROFILE_WHERE_MAX, "%s: cannot be read", folder);
		e = ERR_PROFILE_INVALID;
	}
	if (e == ERR_OK)
		e = r.error;
	if (e == ERR_OK && r.set->count == 0) {
		snprintf(r.where, PROFILE_WHERE_MAX, "%s: no profile there", folder);
		e = ERR_PROFILE_MISSING;
	}
	if (e != ERR_OK) {
		profile_set_free(r.set);
		return e;
	}
	*ret_set = r.set;
	return ERR_OK;
}

void
profile_set_free(struct profile_set *set)
{
	if (set == NULL)
		return;
	for (size_t i = 0; i < set->count; i++)
		entry_free(set->entries[i]);
	free(set);
}

size_t
profile_count(const struct profile_set *set)
{
	return set->count;
}

const struct profile *
profile_at(const struct profile_set *set, size_t index)
{
	return index < set->count ? &set->entries[index]->profile : NULL;
}

const struct profile *
profile_by_origin(const struct profile_set *set, const char *origin)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct profile *p = &set->entries[i]->profile;
		for (size_t j = 0; j < p->origin_count; j++)
			if (strcmp(p->origins[j], origin) == 0)
				return p;
	}
	return NULL;
}

const struct profile *
profile_by_name(const struct profile_set *set, const char *name)
{
	for (size_t i = 0; i < set->count; i++)
		if (strcmp(set->entries[i]->name, name) == 0)
			return &set->entries[i]->profile;
	return NULL;
}

bool
profile_has_extension(const struct profile *profile, const char *extension)
{
	for (size_t i = 0; i < profile->extension_count; i++)
		if (strcmp(profile->extensions[i], extension) == 0)
			return true;
	return false;
}

bool
profile_forces_in(const struct profile_forced *forced, const struct place *place)
{
	if (!place_takes(place, forced->id))
		return false;
	for (size_t i = 0; i < forced->browser_count; i++)
		if (strcmp(forced->browsers[i], place->browser) == 0)
			return true;
	return forced->browser_count == 0;
}

void
profile_origin_host(const char *origin, char ret[PROFILE_HOST_MAX])
{
	const char *name = strstr(origin, "://") + 3;

	snprintf(ret, PROFILE_HOST_MAX, "%.*s", (int)strcspn(name, ":"), name);
}
