/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_install.h"

#include "buf.h"
#include "os.h"
#include "os_shared.h"
#include "profile_make.h"
#include "profile_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX  1048576
#define PREVIOUS  ".previous"
#define INSTALLED ".installed"

/* All that belongs to a profile. The profile itself is the last to come and the first to go: nobody reads one whose authority is missing. */
static const char *const endings[] = { INSTALLED, ".pem", ".json" };

#define ENDINGS (sizeof(endings) / sizeof(endings[0]))

static enum err
fail(char *where, enum err e, const char *path)
{
	snprintf(where, PROFILE_WHERE_MAX, "%.500s", path);
	return e;
}

static enum err
path_of(const struct profile_place *at, const char *ending, const char *more, char ret[OS_PATH_MAX], char *where)
{
	if (snprintf(ret, OS_PATH_MAX, "%s%s/%s%s%s", at->root, profile_folder(), at->name, ending, more) < OS_PATH_MAX)
		return ERR_OK;
	return fail(where, ERR_FILE_FAILED, profile_folder());
}

/* ret is empty where there is no such file: none of ours is. */
static enum err
read_any(const char *path, struct buf *ret, char *where)
{
	enum err e = os_shared_read(path, ret);

	return e == ERR_OK || e == ERR_FILE_MISSING ? ERR_OK : fail(where, e, path);
}

/* Nothing stands for no file. */
static enum err
write_any(const char *path, const struct buf *b, char *where)
{
	enum err e = b->len != 0 ? os_shared_write(path, b->data, b->len) : os_shared_remove(path);

	return e == ERR_OK ? ERR_OK : fail(where, e, path);
}

static enum err
keep_previous(const struct profile_place *at, const char *ending, char *where)
{
	char path[OS_PATH_MAX], previous[OS_PATH_MAX];
	struct buf b = buf_new(FILE_MAX);
	enum err e = path_of(at, ending, "", path, where);

	if (e == ERR_OK)
		e = path_of(at, ending, PREVIOUS, previous, where);
	if (e == ERR_OK)
		e = read_any(path, &b, where);
	if (e == ERR_OK && os_shared_write(previous, b.len != 0 ? (const void *)b.data : "", b.len) != ERR_OK)
		e = fail(where, ERR_FILE_FAILED, previous);
	buf_free(&b);
	return e;
}

/* The authority's certificate comes along, and the profile says where it then lies: the path on the machine, without root. */
static enum err
copy_ca(const struct profile_place *at, json_t *document, const char *ca, char *where)
{
	char path[OS_PATH_MAX];
	struct buf b = buf_new(FILE_MAX);
	enum err e = os_shared_read(ca, &b);

	if (e == ERR_OK && b.len == 0)
		e = ERR_FILE_FAILED;
	if (e != ERR_OK) {
		e = fail(where, e, ca);
		goto out;
	}
	e = path_of(at, ".pem", "", path, where);
	if (e == ERR_OK)
		e = write_any(path, &b, where);
	if (e == ERR_OK && json_object_set_new(document, "tls_ca", json_string(path + strlen(at->root))) != 0)
		e = ERR_NO_MEMORY;
out:
	buf_free(&b);
	return e;
}

static enum err
put_document(const struct profile_place *at, const json_t *document, char *where)
{
	char path[OS_PATH_MAX], cause[PROFILE_WHERE_MAX];
	char *text = NULL;
	enum err e = profile_make_text(document, &text, cause);

	if (e == ERR_PROFILE_INVALID)
		snprintf(where, PROFILE_WHERE_MAX, "%s: %.400s", at->name, cause);
	if (e == ERR_OK)
		e = path_of(at, ".json", "", path, where);
	if (e == ERR_OK && os_shared_write(path, text, strlen(text)) != ERR_OK)
		e = fail(where, ERR_FILE_FAILED, path);
	free(text);
	return e;
}

static enum err
mark(const struct profile_place *at, char *where)
{
	static const char text[] = "mokhoa-setup\n";
	char path[OS_PATH_MAX];
	enum err e = path_of(at, INSTALLED, "", path, where);

	if (e == ERR_OK && os_shared_write(path, text, sizeof(text) - 1) != ERR_OK)
		e = fail(where, ERR_FILE_FAILED, path);
	return e;
}

/* As a host will read them. */
static enum err
read_all(const struct profile_place *at, char *where)
{
	char folder[OS_PATH_MAX];
	struct profile_set *set;
	enum err e;

	snprintf(folder, sizeof(folder), "%s%s", at->root, profile_folder());
	e = profile_load_all(folder, &set, where);
	if (e == ERR_OK)
		profile_set_free(set);
	return e;
}

static enum err
make_folder(const struct profile_place *at, char *where)
{
	char folder[OS_PATH_MAX];

	snprintf(folder, sizeof(folder), "%s%s", at->root, profile_folder());
	return os_shared_has_folder(folder) || os_shared_make_folder(folder) == ERR_OK ? ERR_OK : fail(where, ERR_FILE_FAILED, folder);
}

enum err
profile_install(const struct profile_place *at, json_t *document, const char *ca, char *where)
{
	char unread[PROFILE_WHERE_MAX];
	enum err e = make_folder(at, where);

	if (e == ERR_OK)
		e = profile_settle(at->root, where);
	for (size_t i = 0; e == ERR_OK && i < ENDINGS; i++)
		e = keep_previous(at, endings[i], where);
	if (e == ERR_OK)
		e = mark(at, where);
	if (e == ERR_OK && ca != NULL)
		e = copy_ca(at, document, ca, where);
	if (e == ERR_OK)
		e = put_document(at, document, where);
	if (e == ERR_OK)
		e = read_all(at, where);
	if (e != ERR_OK)
		(void)profile_undo(at->root, unread);
	return e;
}

/* ---- undoing, taking away ---- */

/* Calls each() with the name of every file of the folder that ends so, the ending cut off. */
struct walk {
	const char *root;
	const char *ending;
	enum err (*each)(const struct profile_place *at, struct walk *w);
	const char *kind; /* of profile_undo(): the ending of the files that it is about */
	const char *only; /* of profile_withdraw() */
	char *found;	  /* of profile_find_installed() */
	enum err error;	  /* the first */
	char *where;
};

static void
each_file(const char *file, void *context)
{
	struct walk *w = context;
	char name[PROFILE_NAME_MAX + sizeof(INSTALLED)];
	struct profile_place at = { .root = w->root, .name = name };
	size_t len = strlen(file), end = strlen(w->ending);

	if (w->error != ERR_OK || len <= end || len - end >= sizeof(name) || strcmp(file + len - end, w->ending) != 0)
		return;
	snprintf(name, sizeof(name), "%.*s", (int)(len - end), file);
	w->error = w->each(&at, w);
}

static enum err
walk(struct walk *w)
{
	char folder[OS_PATH_MAX];
	enum err e;

	snprintf(folder, sizeof(folder), "%s%s", w->root, profile_folder());
	e = os_list(folder, each_file, w);
	if (e == ERR_FILE_FAILED)
		e = fail(w->where, ERR_FILE_FAILED, folder);
	return e == ERR_OK ? w->error : e;
}

static enum err
put_back(const struct profile_place *at, struct walk *w)
{
	char path[OS_PATH_MAX], previous[OS_PATH_MAX];
	struct buf b = buf_new(FILE_MAX);
	enum err e = path_of(at, w->kind, "", path, w->where);

	if (e == ERR_OK)
		e = path_of(at, w->kind, PREVIOUS, previous, w->where);
	if (e == ERR_OK)
		e = read_any(previous, &b, w->where);
	if (e == ERR_OK)
		e = write_any(path, &b, w->where);
	if (e == ERR_OK && os_shared_remove(previous) != ERR_OK)
		e = fail(w->where, ERR_FILE_FAILED, previous);
	buf_free(&b);
	return e;
}

static enum err
remove_one(const struct profile_place *at, const char *ending, const char *more, char *where)
{
	char path[OS_PATH_MAX];
	enum err e = path_of(at, ending, more, path, where);

	return e == ERR_OK && os_shared_remove(path) != ERR_OK ? fail(where, ERR_FILE_FAILED, path) : e;
}

static enum err
drop_previous(const struct profile_place *at, struct walk *w)
{
	return remove_one(at, "", PREVIOUS, w->where);
}

static enum err
take_away(const struct profile_place *at, struct walk *w)
{
	enum err e = ERR_OK;

	if (w->only[0] != '\0' && strcmp(w->only, at->name) != 0)
		return ERR_OK;
	for (size_t i = 0; e == ERR_OK && i < ENDINGS; i++)
		e = keep_previous(at, endings[i], w->where);
	for (size_t i = ENDINGS; e == ERR_OK && i-- > 0;)
		e = remove_one(at, endings[i], "", w->where);
	return e;
}

static enum err
find_one(const struct profile_place *at, struct walk *w)
{
	char path[OS_PATH_MAX];
	struct buf b = buf_new(FILE_MAX);
	enum err e = path_of(at, ".json", "", path, w->where);

	/* somebody has taken the profile away, and left the mark */
	if (e == ERR_OK)
		e = os_shared_read(path, &b);
	buf_free(&b);
	if (e == ERR_FILE_MISSING)
		return ERR_OK;
	if (w->found[0] != '\0' || !profile_name_ok(at->name, strlen(at->name)))
		return fail(w->where, ERR_USAGE, "--name");
	snprintf(w->found, PROFILE_NAME_MAX + 1, "%s", at->name);
	return ERR_OK;
}

/* The profile as it is now goes before anything that belongs to it changes. */
static enum err
take_back(const struct profile_place *at, struct walk *w)
{
	return remove_one(at, ".json", "", w->where);
}

enum err
profile_undo(const char *root, char *where)
{
	enum err e = walk(&(struct walk){ .root = root, .ending = ".json" PREVIOUS, .each = take_back, .where = where });

	for (size_t i = 0; e == ERR_OK && i < ENDINGS; i++) {
		char ending[sizeof(INSTALLED PREVIOUS)];
		snprintf(ending, sizeof(ending), "%s" PREVIOUS, endings[i]);
		e = walk(&(struct walk){ .root = root, .ending = ending, .each = put_back, .kind = endings[i], .where = where });
	}
	return e;
}

enum err
profile_settle(const char *root, char *where)
{
	return walk(&(struct walk){ .root = root, .ending = PREVIOUS, .each = drop_previous, .where = where });
}

enum err
profile_withdraw(const struct profile_place *at, char *where)
{
	enum err e = profile_settle(at->root, where);

	return e == ERR_OK ? walk(&(struct walk){ .root = at->root, .ending = INSTALLED, .each = take_away, .only = at->name, .where = where }) : e;
}

enum err
profile_find_installed(const char *root, char ret_name[PROFILE_NAME_MAX + 1], char *where)
{
	ret_name[0] = '\0';
	return walk(&(struct walk){ .root = root, .ending = INSTALLED, .each = find_one, .found = ret_name, .where = where });
}
