/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile.h"

#include "buf.h"
#include "json.h"
#include "merge.h"
#include "os.h"
#include "os_shared.h"
#include "medium.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEDGER	   "setup.json"
#define LOCK	   "setup.lock"
#define LOCK_TRIES 3
#define CAUSE_MAX  160
#define FILE_MAX   4194304 /* bytes of a file that we add to, and of the ledger */

struct run {
	const char *root;
	const json_t *desired;
	json_t *pieces;	   /* of the ledger: what is ours */
	json_t *originals; /* of the ledger: file: its form before us (medium.h), null where there was none */
	json_t *folders;   /* of the ledger: those that we made */
	json_t *acts;
	bool dry;
	bool folder_may_go; /* the ledger's: nothing of ours was or is in it */
	char *where;
};

/* One file: what it is, and what it is to be. */
struct change {
	const char *file;
	char path[OS_PATH_MAX];
	char *was, *will; /* its form; NULL: no file */
	json_t *ours;	  /* pieces that are ours afterwards */
	bool first;	  /* nothing of it was ours */
};

static enum err
fail(const struct run *r, const char *file, const char *cause)
{
	snprintf(r->where, PROFILE_WHERE_MAX, "%.300s: %.160s", file, cause);
	return ERR_FILE_FAILED;
}

static bool
has(const json_t *list, const json_t *value)
{
	size_t i;
	const json_t *other;

	json_array_foreach(list, i, other) if (json_equal(other, value)) return true;
	return false;
}

static bool
is_of(const json_t *piece, const char *file)
{
	return strcmp(json_string_value(json_object_get(piece, "file")), file) == 0;
}

/* ---- the ledger ---- */

/* Of the ledger or of what lies beside it. */
static enum err
ledger_path(const struct run *r, const char *name, char ret_folder[OS_PATH_MAX], char ret[OS_PATH_MAX])
{
	enum err e = medium_ledger_folder(r->root, ret_folder);

	if (e != ERR_OK || (size_t)snprintf(ret, OS_PATH_MAX, "%s/%s", ret_folder, name) >= OS_PATH_MAX)
		return fail(r, name, "the system names no folder for it");
	return ERR_OK;
}

static enum err
save_ledger(struct run *r)
{
	char path[OS_PATH_MAX], folder[OS_PATH_MAX];
	json_t *ledger;
	char *text;
	enum err e;

	e = ledger_path(r, LEDGER, folder, path);
	if (e != ERR_OK)
		return e;
	r->folder_may_go = json_array_size(r->pieces) == 0 && json_object_size(r->originals) == 0 && json_array_size(r->folders) == 0;
	if (r->folder_may_go)
		return os_shared_remove(path);
	ledger = json_pack("{s:i, s:O, s:O, s:O}", "version", 1, "pieces", r->pieces, "originals", r->originals, "folders", r->folders);
	text = merge_text(ledger);
	e = text != NULL ? os_shared_write(path, text, strlen(text)) : ERR_NO_MEMORY;
	free(text);
	json_decref(ledger);
	return e == ERR_OK ? e : fail(r, path, "the ledger cannot be written");
}

static bool
pieces_ok(const json_t *pieces)
{
	size_t i;
	const json_t *piece;

	json_array_foreach(pieces, i, piece)
	{
		if (json_string_value(json_object_get(piece, "file")) == NULL ||
		    (json_object_get(piece, "text") == NULL && !json_is_array(json_object_get(piece, "path"))))
			return false;
	}
	return json_is_array(pieces);
}

static enum err
load_ledger(struct run *r)
{
	char path[OS_PATH_MAX], folder[OS_PATH_MAX];
	struct buf b = buf_new(FILE_MAX);
	json_t *ledger = NULL;
	int version;
	enum err e = ledger_path(r, LEDGER, folder, path);

	if (e != ERR_OK)
		return e;
	e = os_shared_read(path, &b);
	if (e == ERR_FILE_MISSING) {
		r->pieces = json_array();
		r->originals = json_object();
		r->folders = json_array();
		e = ERR_OK;
	} else if (e != ERR_OK || json_load(b.data, b.len, &ledger, NULL) != ERR_OK ||
		   json_unpack(ledger, "{s:i, s:O, s:O, s:O !}", "version", &version, "pieces", &r->pieces, "originals", &r->originals, "folders", &r->folders) != 0 ||
		   version != 1 || !pieces_ok(r->pieces) || !json_is_object(r->originals) || !json_is_array(r->folders)) {
		e = fail(r, path, "is no ledger of this program");
	}
	json_decref(ledger);
	buf_free(&b);
	return e;
}

/* Those of the file are ours now, and those of other files that were before. */
static void
set_ours(struct run *r, const char *file, const json_t *ours)
{
	for (size_t i = json_array_size(r->pieces); i-- > 0;)
		if (is_of(json_array_get(r->pieces, i), file))
			(void)json_array_remove(r->pieces, i);
	(void)json_array_extend(r->pieces, (json_t *)ours);
}

/* ---- what a file is to be ---- */

/* NULL of NULL. */
static char *
copy_of(const char *text)
{
	size_t len = text != NULL ? strlen(text) + 1 : 0;
	char *copy = text != NULL ? malloc(len) : NULL;

	if (copy != NULL)
		memcpy(copy, text, len);
	return copy;
}

static void
note(const struct run *r, const char *act, const char *file, const json_t *what)
{
	json_t *entry = json_pack("{s:s, s:s}", "act", act, "file", file);

	if (what != NULL)
		(void)json_object_set(entry, "what", (json_t *)what);
	(void)json_array_append_new(r->acts, entry);
}

/* Takes out what is ours and desired no more, and adds what is desired and not there. */
static enum err
merge(const struct run *r, struct change *c, json_t *document)
{
	size_t i;
	json_t *piece;
	json_t *made = json_array();

	for (i = json_array_size(r->pieces); i-- > 0;) {
		piece = json_array_get(r->pieces, i);
		if (is_of(piece, c->file) && json_object_get(piece, "made") == NULL && !has(r->desired, piece))
			merge_take(document, piece);
	}
	json_array_foreach(r->desired, i, piece)
	{
		bool known = has(r->pieces, piece);
		if (!is_of(piece, c->file))
			continue;
		if (merge_is_taken(document, piece)) {
			note(r, "keep", c->file, json_object_get(piece, "path"));
			continue;
		}
		if (!merge_has(document, piece)) {
			if (!merge_put(document, piece, made)) {
				json_decref(made);
				return fail(r, c->file, "a setting is of another type than it has to be; nothing was changed");
			}
			known = true;
		}
		if (known)
			(void)json_array_append(c->ours, piece);
	}
	/* what we once made goes when nothing is in it, and is remembered while something of ours is in the file */
	for (i = json_array_size(r->pieces); i-- > 0;) {
		piece = json_array_get(r->pieces, i);
		if (!is_of(piece, c->file) || json_object_get(piece, "made") == NULL)
			continue;
		merge_take(document, piece);
		if (merge_has(document, piece) && json_array_size(c->ours) != 0)
			(void)json_array_insert(made, 0, piece);
	}
	(void)json_array_extend(made, c->ours);
	json_decref(c->ours);
	c->ours = made;
	return ERR_OK;
}

/* NULL where the form is not one that has a document, or what it has is none; cause then says why. */
static json_t *
open_document(const struct change *c, const char *form, char cause[CAUSE_MAX])
{
	char *text = form != NULL ? medium_text(c->path, form) : NULL;
	json_t *document = NULL;

	if (form == NULL)
		return json_object();
	snprintf(cause, CAUSE_MAX, "is of a type that has no text");
	if (text != NULL && json_load(text, strlen(text), &document, cause) != ERR_OK)
		document = NULL;
	free(text);
	return document;
}

static char *
close_document(const struct change *c, const json_t *document)
{
	char *text = merge_text(document);
	char *form = text != NULL ? medium_form(c->path, c->was, text) : NULL;

	free(text);
	return form;
}

static enum err
plan_json(const struct run *r, struct change *c)
{
	const char *original = json_string_value(json_object_get(r->originals, c->file));
	char cause[CAUSE_MAX];
	json_t *document = open_document(c, c->was, cause), *before = NULL;
	enum err e;

	if (document == NULL)
		return fail(r, c->path, cause);
	before = json_deep_copy(document);
	e = merge(r, c, document);
	if (e != ERR_OK)
		goto out;
	if (json_equal(before, document)) {
		c->will = copy_of(c->was);
		goto out;
	}
	json_decref(before);
	before = original != NULL ? open_document(c, original, cause) : NULL;
	if (json_array_size(c->ours) == 0 && original != NULL && json_equal(before, document))
		c->will = copy_of(original);
	else if (json_object_size(document) != 0 || (original != NULL || (c->first && c->was != NULL)))
		c->will = close_document(c, document);
out:
	json_decref(document);
	json_decref(before);
	return e;
}

static enum err
plan_text(const struct run *r, struct change *c, const char *text)
{
	const char *original = json_string_value(json_object_get(r->originals, c->file));
	size_t i;
	json_t *piece;

	json_array_foreach(r->desired, i, piece) if (is_of(piece, c->file))(void) json_array_append(c->ours, piece);
	c->will = json_array_size(c->ours) != 0 ? medium_form(c->path, NULL, text) : copy_of(original);
	return ERR_OK;
}

static enum err
plan(const struct run *r, struct change *c)
{
	struct buf b = buf_new(FILE_MAX);
	const char *text = NULL;
	bool whole = false;
	size_t i;
	json_t *piece;
	enum err e;

	snprintf(c->path, sizeof(c->path), "%s%s", r->root, c->file);
	c->ours = json_array();
	c->first = json_object_get(r->originals, c->file) == NULL;
	e = medium_read(c->path, &b);
	if (e == ERR_OK)
		c->was = copy_of(buf_text(&b));
	buf_free(&b);
	if (e != ERR_OK && e != ERR_FILE_MISSING)
		return fail(r, c->path, "cannot be read, or is a link");
	json_array_foreach(r->pieces, i, piece) if (is_of(piece, c->file) && json_object_get(piece, "text") != NULL) whole = true;
	json_array_foreach(r->desired, i, piece)
	{
		if (is_of(piece, c->file) && json_object_get(piece, "text") != NULL) {
			whole = true;
			text = json_string_value(json_object_get(piece, "text"));
		}
	}
	return whole ? plan_text(r, c, text) : plan_json(r, c);
}

/* ---- doing it ---- */

static enum err
make_folders(struct run *r, const char *file)
{
	char path[OS_PATH_MAX];
	enum err e = ERR_OK;

	for (size_t len = medium_folder(file, 0); e == ERR_OK && len != 0; len = medium_folder(file, len)) {
		snprintf(path, sizeof(path), "%s%.*s", r->root, (int)len, file);
		if (medium_has_folder(path))
			continue;
		(void)json_array_append_new(r->folders, json_stringn(file, len));
		e = save_ledger(r);
		if (e == ERR_OK && medium_make_folder(path) != ERR_OK)
			e = fail(r, path, "cannot be made");
	}
	return e;
}

static enum err
write_change(struct run *r, struct change *c)
{
	enum err e = c->will != NULL ? make_folders(r, c->file) : ERR_OK;

	if (e == ERR_OK)
		e = save_ledger(r);
	if (e == ERR_OK)
		e = medium_write(c->path, c->was, c->will);
	return e == ERR_FILE_FAILED && r->where[0] == '\0' ? fail(r, c->path, "cannot be written") : e;
}

/* Also where it is already as it is to be: what somebody else has put there stays when we go. */
static void
set_original(struct run *r, const struct change *c)
{
	if (c->first)
		(void)json_object_set_new(r->originals, c->file, c->was != NULL ? json_string(c->was) : json_null());
}

static enum err
make_change(struct run *r, struct change *c)
{
	bool same = c->was == NULL ? c->will == NULL : c->will != NULL && strcmp(c->was, c->will) == 0;
	json_t *before = json_deep_copy(r->pieces);
	json_t *both = json_array();
	size_t i;
	json_t *piece;
	enum err e = ERR_OK;

	if (!same)
		note(r, c->will != NULL ? "write" : "remove", c->file, NULL);
	if (r->dry)
		goto out;
	medium_remove_leftover(c->path);
	if (!same) {
		/* what may be ours from here on: what was and what will be */
		json_array_foreach(before, i, piece) if (is_of(piece, c->file))(void) json_array_append(both, piece);
		json_array_foreach(c->ours, i, piece) if (!has(both, piece))(void) json_array_append(both, piece);
		set_ours(r, c->file, both);
		set_original(r, c);
		e = write_change(r, c);
	}
	if (e == ERR_OK) {
		set_ours(r, c->file, c->ours);
		if (json_array_size(c->ours) == 0)
			(void)json_object_del(r->originals, c->file);
		else
			set_original(r, c);
		if (!same || !json_equal(before, r->pieces))
			e = save_ledger(r);
	}
out:
	json_decref(before);
	json_decref(both);
	return e;
}

/* The folders that we made, the innermost first; one with something of somebody else's in it is his from now on. */
static enum err
remove_folders(struct run *r)
{
	size_t count = json_array_size(r->folders);
	char path[OS_PATH_MAX];

	for (size_t i = count; i-- > 0;) {
		const char *folder = json_string_value(json_array_get(r->folders, i));
		bool needed = false;
		size_t j;
		const json_t *piece;
		if (folder == NULL)
			continue;
		json_array_foreach(r->pieces, j, piece)
		{
			const char *file = json_string_value(json_object_get(piece, "file"));
			if (strncmp(file, folder, strlen(folder)) == 0 && medium_folder(file, strlen(folder) - 1) == strlen(folder))
				needed = true;
		}
		if (needed)
			continue;
		snprintf(path, sizeof(path), "%s%s", r->root, folder);
		(void)medium_remove_folder(path);
		(void)json_array_remove(r->folders, i);
	}
	return json_array_size(r->folders) != count ? save_ledger(r) : ERR_OK;
}

/* Every file that is ours or desired, each once. */
static void
list_files(const json_t *pieces, json_t *files)
{
	size_t i;
	const json_t *piece;

	json_array_foreach(pieces, i, piece) if (!has(files, json_object_get(piece, "file")))(void) json_array_append(files, json_object_get(piece, "file"));
}

/* Plans all before the first is changed. */
static enum err
change_all(struct run *r)
{
	json_t *files = json_array();
	struct change *changes;
	size_t count, i;
	enum err e = ERR_OK;

	list_files(r->pieces, files);
	list_files(r->desired, files);
	count = json_array_size(files);
	changes = calloc(count + 1, sizeof(*changes));
	if (changes == NULL)
		e = ERR_NO_MEMORY;
	for (i = 0; e == ERR_OK && i < count; i++) {
		changes[i].file = json_string_value(json_array_get(files, i));
		e = plan(r, &changes[i]);
	}
	for (i = 0; e == ERR_OK && i < count; i++)
		e = make_change(r, &changes[i]);
	if (e == ERR_OK && !r->dry)
		e = remove_folders(r);
	for (i = 0; changes != NULL && i < count; i++) {
		free(changes[i].was);
		free(changes[i].will);
		json_decref(changes[i].ours);
	}
	free(changes);
	json_decref(files);
	return e;
}

/* ---- one at a time ---- */

/*
 * A file in the ledger's folder, which nobody but the administrator can open: of a name that every user can take, anybody could keep a machine from being updated. The one before us may
 * take the folder along between our making it and our lock.
 */
static enum err
hold(struct run *r, intptr_t *ret_lock)
{
	char path[OS_PATH_MAX], folder[OS_PATH_MAX];
	enum err e = ledger_path(r, LOCK, folder, path);

	if (e != ERR_OK)
		return e;
	r->folder_may_go = !os_shared_has_folder(folder);
	e = ERR_FILE_FAILED;
	for (unsigned i = 0; i < LOCK_TRIES && e != ERR_OK && e != ERR_BUSY; i++)
		if (os_shared_make_folder(folder) == ERR_OK)
			e = os_lock_file(path, ret_lock);
	return e == ERR_OK || e == ERR_BUSY ? e : fail(r, path, "cannot be locked");
}

static void
let_go(const struct run *r, intptr_t lock)
{
	char path[OS_PATH_MAX], folder[OS_PATH_MAX], unread[PROFILE_WHERE_MAX];
	struct run quiet = { .root = r->root, .where = unread };

	if (ledger_path(&quiet, LOCK, folder, path) != ERR_OK)
		return;
	os_unlock_file(lock, path);
	if (r->folder_may_go)
		(void)os_shared_remove_folder(folder);
}

enum err
reconcile(const char *root, const json_t *pieces, bool dry, json_t **ret_acts, char *where)
{
	struct run r = { .root = root, .desired = pieces, .dry = dry, .where = where };
	intptr_t lock = -1;
	enum err e;

	where[0] = '\0';
	/* who only looks writes nothing, and whatever is replaced meanwhile he reads as it was or as it is */
	e = dry ? ERR_OK : hold(&r, &lock);
	if (e != ERR_OK)
		return e;
	r.acts = json_array();
	e = load_ledger(&r);
	if (e == ERR_OK)
		e = change_all(&r);
	json_decref(r.pieces);
	json_decref(r.originals);
	json_decref(r.folders);
	if (!dry)
		let_go(&r, lock);
	if (e != ERR_OK)
		json_decref(r.acts);
	else
		*ret_acts = r.acts;
	return e;
}
