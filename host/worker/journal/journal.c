/* SPDX-License-Identifier: Apache-2.0 */
#include "journal.h"

#include "log.h"
#include "os.h"
#include "secret.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID_HEX_LEN	(2 * TRANSCRIPT_ID_LEN)
#define DRAFT		"draft-"   /* in front of the idempotency key, while a request has no id */
#define DRAFT_SECONDS	(60 * 60)  /* as long as a lost create may be made again */
#define DAMAGED		".damaged" /* behind the name of a file that could not be read */
#define DAMAGED_SECONDS (90 * 24 * 60 * 60)
#define LOCK_PAUSE_MS	50

struct journal {
	char path[OS_PATH_MAX];
	char lock_path[OS_PATH_MAX];
	intptr_t lock; /* -1: none */
	struct journal_entry entry;
};

/* ---- files and locks ---- */

static void
unlock(struct journal *j)
{
	if (j->lock != -1)
		os_unlock_file(j->lock, j->lock_path);
	j->lock = -1;
}

/* What base says of any file is of the journal here. */
static enum err
of_journal(enum err e)
{
	return e == ERR_FILE_FAILED ? ERR_JOURNAL_FAILED : e;
}

static enum err
folder_of(const char *profile, char ret[OS_PATH_MAX])
{
	size_t len;
	enum err e = os_state_dir(ret);

	if (e != ERR_OK)
		return of_journal(e);
	len = strlen(ret);
	if ((size_t)snprintf(ret + len, OS_PATH_MAX - len, "/%s/requests", profile) >= OS_PATH_MAX - len)
		return ERR_JOURNAL_FAILED;
	return of_journal(os_make_private(ret));
}

/* PREFIX ID SUFFIX in the folder. Hexadecimal and not base64url, because some file systems do not tell capitals from small letters. */
static enum err
name_of(const char *profile, const char *prefix, const unsigned char id[TRANSCRIPT_ID_LEN], const char *suffix, char ret[OS_PATH_MAX])
{
	char hex[ID_HEX_LEN + 1];
	size_t len;
	enum err e = folder_of(profile, ret);

	if (e != ERR_OK)
		return e;
	text_hex(id, TRANSCRIPT_ID_LEN, hex);
	len = strlen(ret);
	return (size_t)snprintf(ret + len, OS_PATH_MAX - len, "/%s%s%s", prefix, hex, suffix) < OS_PATH_MAX - len ? ERR_OK : ERR_JOURNAL_FAILED;
}

static enum err
path_of(const char *profile, const char *prefix, const unsigned char id[TRANSCRIPT_ID_LEN], char ret[OS_PATH_MAX])
{
	return name_of(profile, prefix, id, ".json", ret);
}

/* Lets go of the lock that it has, once it has that of the id (while it is a draft, of its idempotency key). */
static enum err
lock(struct journal *j, const char *profile, const unsigned char id[TRANSCRIPT_ID_LEN], unsigned wait_ms)
{
	char path[OS_PATH_MAX];
	uint64_t until = os_now_ms() + wait_ms;
	intptr_t held;
	enum err e = name_of(profile, "", id, ".lock", path);

	while (e == ERR_OK && (e = os_lock_file(path, &held)) == ERR_BUSY && os_now_ms() < until) {
		os_sleep_ms(LOCK_PAUSE_MS);
		e = ERR_OK;
	}
	if (e != ERR_OK)
		return of_journal(e);
	unlock(j);
	j->lock = held;
	memcpy(j->lock_path, path, sizeof(path));
	return ERR_OK;
}

static enum err
attempt_path(const char *path, char ret[OS_PATH_MAX])
{
	return (size_t)snprintf(ret, OS_PATH_MAX, "%.*s.attempt", (int)(strlen(path) - strlen(".json")), path) < OS_PATH_MAX ? ERR_OK : ERR_JOURNAL_FAILED;
}

static bool
remove_attempt(const char *path)
{
	char attempt[OS_PATH_MAX];

	return attempt_path(path, attempt) != ERR_OK || os_remove(attempt) == ERR_OK;
}

/* Keeps the bytes of a file that cannot be read where a person can find them, and frees its place. */
static void
set_aside(const char *path, const struct buf *bytes)
{
	char aside[OS_PATH_MAX];

	if ((size_t)snprintf(aside, sizeof(aside), "%s" DAMAGED, path) >= sizeof(aside))
		return;
	(void)remove_attempt(path);
	if (os_write_private(aside, bytes->data, bytes->len) == ERR_OK && os_remove(path) == ERR_OK)
		log_error("journal", "damaged file set aside as %s", aside);
}

static bool
was_set_aside(const char *path)
{
	struct buf bytes = buf_new(JOURNAL_FILE_MAX);
	char aside[OS_PATH_MAX];
	bool there = (size_t)snprintf(aside, sizeof(aside), "%s" DAMAGED, path) < sizeof(aside) && os_read_file(aside, &bytes) != ERR_FILE_MISSING;

	buf_free(&bytes);
	return there;
}

/*
 * ERR_REQUEST_ELSEWHERE: there is no such file. ERR_JOURNAL_NEWER: a newer Mokhoa was here before this one; its file is left where it is, and the request goes on when it is
 * back. mend: the caller holds the lock, so a damaged one may be set aside.
 */
static enum err
load(const char *path, bool mend, struct journal_entry *ret)
{
	struct buf bytes = buf_new(JOURNAL_FILE_MAX);
	enum err e = os_read_file(path, &bytes);

	if (e == ERR_OK) {
		e = journal_parse(bytes.data, bytes.len, ret);
		if (e == ERR_JOURNAL_FAILED && journal_is_newer(bytes.data, bytes.len)) {
			log_error("journal", "file=%s cause=it was written by a newer version of Mokhoa, and is left where it is", path);
			e = ERR_JOURNAL_NEWER;
		} else if (e == ERR_JOURNAL_FAILED && mend) {
			set_aside(path, &bytes);
		}
	} else if (e == ERR_FILE_MISSING) {
		e = was_set_aside(path) ? ERR_JOURNAL_FAILED : ERR_REQUEST_ELSEWHERE;
	} else if (e != ERR_NO_MEMORY) {
		e = ERR_JOURNAL_FAILED;
	}
	buf_free(&bytes);
	return e;
}

static enum err
write_entry(const char *path, const struct journal_entry *entry)
{
	struct buf text = buf_new(JOURNAL_FILE_MAX);
	enum err e = journal_print(entry, &text);

	if (e == ERR_OK)
		e = os_write_private(path, text.data, text.len);
	buf_free(&text);
	return e == ERR_NO_MEMORY ? e : e != ERR_OK ? ERR_JOURNAL_FAILED
						    : ERR_OK;
}

/* ---- an open journal ---- */

static struct journal *
journal_new(void)
{
	struct journal *j = calloc(1, sizeof(*j));

	if (j != NULL)
		j->lock = -1;
	return j;
}

void
journal_close(struct journal *j)
{
	if (j == NULL)
		return;
	unlock(j);
	wipe(j, sizeof(*j));
	free(j);
}

/* The file says whose it is; one that was copied to another name is not that request. */
static bool
is_entry_of(const struct journal_entry *entry, const char *profile, const unsigned char id[TRANSCRIPT_ID_LEN])
{
	return entry->named && strcmp(entry->profile, profile) == 0 && memcmp(entry->id, id, sizeof(entry->id)) == 0;
}

enum err
journal_open(const char *profile, const unsigned char id[TRANSCRIPT_ID_LEN], unsigned wait_ms, struct journal **ret)
{
	struct journal *j = journal_new();
	enum err e;

	if (j == NULL)
		return ERR_NO_MEMORY;
	e = path_of(profile, "", id, j->path);
	if (e == ERR_OK)
		e = lock(j, profile, id, wait_ms);
	if (e == ERR_OK)
		e = load(j->path, true, &j->entry);
	if (e == ERR_OK && !is_entry_of(&j->entry, profile, id))
		e = ERR_JOURNAL_FAILED;
	if (e != ERR_OK) {
		journal_close(j);
		return e;
	}
	*ret = j;
	return ERR_OK;
}

struct journal_entry *
journal_entry(struct journal *j)
{
	return &j->entry;
}

enum err
journal_attempt_path(const struct journal *j, char ret[OS_PATH_MAX])
{
	return attempt_path(j->path, ret);
}

/* Nothing can come of it any more: what is left says whose it was and how it ended. A write that was killed before may have left the keys beside the file. */
static void
end(struct journal *j)
{
	struct journal_entry *entry = &j->entry;

	os_remove_leftovers(j->path);
	(void)remove_attempt(j->path);
	entry->ended = os_time();
	wipe(entry->host_kem, sizeof(entry->host_kem));
	wipe(entry->host_sig, sizeof(entry->host_sig));
	entry->has_keys = false;
	wipe(entry->certificate, sizeof(entry->certificate));
	entry->certificate_len = 0;
	wipe(entry->approval, sizeof(entry->approval));
	entry->approved = false;
}

enum err
journal_save(struct journal *j)
{
	struct journal_entry *entry = &j->entry;

	if (entry->ended == 0 && state_is_final(entry->state) && (!entry->outcome.known || entry->outcome.reported))
		end(j);
	return write_entry(j->path, entry);
}

enum err
journal_next_counter(struct journal *j, uint64_t *ret)
{
	enum err e;

	if (j->entry.counter >= INT64_MAX)
		return ERR_JOURNAL_FAILED;
	j->entry.counter++;
	e = journal_save(j);
	if (e == ERR_OK)
		*ret = j->entry.counter;
	return e;
}

enum err
journal_look(const char *profile, const unsigned char id[TRANSCRIPT_ID_LEN], struct journal_entry *ret)
{
	char path[OS_PATH_MAX];
	enum err e = path_of(profile, "", id, path);

	if (e == ERR_OK)
		e = load(path, false, ret);
	if (e == ERR_OK && !is_entry_of(ret, profile, id))
		e = ERR_JOURNAL_FAILED;
	return e;
}

/* ---- a request without an id ---- */

static bool
is_same_question(const struct journal_entry *a, const struct journal_entry *b)
{
	return !a->named && token_name_equal(&a->token, &b->token) && a->certificate_len == b->certificate_len &&
	       memcmp(a->certificate, b->certificate, a->certificate_len) == 0 && strcmp(a->reason, b->reason) == 0 &&
	       strcmp(a->language, b->language) == 0;
}

struct draft_search {
	const struct journal_entry *wanted; /* NULL: none; what is too old is thrown away all the same */
	const char *profile;
	const char *folder;
	struct journal *found;
};

/* The key in the name of a draft. */
static bool
draft_key(const char *name, unsigned char ret[TRANSCRIPT_ID_LEN])
{
	size_t len;

	return strlen(name) == strlen(DRAFT) + ID_HEX_LEN + strlen(".json") && strncmp(name, DRAFT, strlen(DRAFT)) == 0 &&
	       text_unhex(name + strlen(DRAFT), ID_HEX_LEN, ret, TRANSCRIPT_ID_LEN, &len) && strcmp(name + strlen(DRAFT) + ID_HEX_LEN, ".json") == 0;
}

/* Opens the draft where nobody works on it and it is readable. */
static struct journal *
open_draft(const char *profile, const char *folder, const char *name, const unsigned char key[TRANSCRIPT_ID_LEN])
{
	struct journal *j = journal_new();

	if (j == NULL)
		return NULL;
	if ((size_t)snprintf(j->path, sizeof(j->path), "%s/%s", folder, name) < sizeof(j->path) && lock(j, profile, key, 0) == ERR_OK &&
	    load(j->path, true, &j->entry) == ERR_OK)
		return j;
	journal_close(j);
	return NULL;
}

static void
look_at_draft(const char *name, void *context)
{
	struct draft_search *search = context;
	unsigned char key[TRANSCRIPT_ID_LEN];
	struct journal *j;
	int64_t age;

	if (search->found != NULL || !draft_key(name, key))
		return;
	j = open_draft(search->profile, search->folder, name, key);
	if (j == NULL)
		return;
	age = os_time() - j->entry.created;
	if (age > DRAFT_SECONDS)
		(void)os_remove(j->path);
	else if (search->wanted != NULL && is_same_question(&j->entry, search->wanted))
		search->found = j;
	if (search->found != j)
		journal_close(j);
}

static enum err
write_draft(const struct journal_entry *entry, struct journal **ret)
{
	struct journal *j = journal_new();
	enum err e;

	if (j == NULL)
		return ERR_NO_MEMORY;
	j->entry = *entry;
	e = path_of(entry->profile, DRAFT, entry->idempotency_key, j->path);
	if (e == ERR_OK)
		e = lock(j, entry->profile, entry->idempotency_key, 0);
	if (e == ERR_OK)
		e = journal_save(j);
	if (e != ERR_OK) {
		journal_close(j);
		return e;
	}
	*ret = j;
	return ERR_OK;
}

enum err
journal_begin(const struct journal_entry *entry, struct journal **ret)
{
	char folder[OS_PATH_MAX];
	struct draft_search search = { .wanted = entry, .profile = entry->profile, .folder = folder };
	enum err e = folder_of(entry->profile, folder);

	if (e == ERR_OK)
		e = os_list(folder, look_at_draft, &search);
	if (e != ERR_OK) {
		journal_close(search.found);
		return of_journal(e);
	}
	if (search.found == NULL)
		return write_draft(entry, ret);
	log_debug("journal", "a lost create is made again");
	*ret = search.found;
	return ERR_OK;
}

/* Moves the lock and the path to the id; the entry that lies there already, because the last move was cut short, has the newer counter. */
static enum err
move_to(struct journal *j, const unsigned char id[TRANSCRIPT_ID_LEN])
{
	enum err e = lock(j, j->entry.profile, id, 0);

	if (e != ERR_OK)
		return e;
	j->entry.named = true;
	memcpy(j->entry.id, id, sizeof(j->entry.id));
	e = path_of(j->entry.profile, "", id, j->path);
	if (e == ERR_OK)
		e = load(j->path, true, &j->entry);
	return e == ERR_REQUEST_ELSEWHERE ? ERR_OK : e;
}

enum err
journal_name(struct journal *j, const unsigned char id[TRANSCRIPT_ID_LEN])
{
	char draft[OS_PATH_MAX];
	enum err e;

	memcpy(draft, j->path, sizeof(draft));
	e = move_to(j, id);
	if (e == ERR_OK)
		e = journal_save(j);
	return e == ERR_OK ? of_journal(os_remove(draft)) : e;
}

/* ---- all of them ---- */

struct id_search {
	struct journal_list *list;
	enum err error;
};

static void
add_id(const char *name, void *context)
{
	struct id_search *search = context;
	struct journal_list *list = search->list;
	unsigned char id[TRANSCRIPT_ID_LEN];
	void *longer;
	size_t len;

	if (search->error != ERR_OK || strlen(name) != ID_HEX_LEN + strlen(".json") || strcmp(name + ID_HEX_LEN, ".json") != 0 ||
	    !text_unhex(name, ID_HEX_LEN, id, sizeof(id), &len))
		return;
	longer = realloc(list->ids, (list->count + 1) * sizeof(list->ids[0]));
	if (longer == NULL) {
		search->error = ERR_NO_MEMORY;
		return;
	}
	list->ids = longer;
	memcpy(list->ids[list->count++], id, sizeof(id));
}

/* Removes an entry that ended long ago; true where it is gone. */
static bool
throw_away(const char *profile, const unsigned char id[TRANSCRIPT_ID_LEN])
{
	struct journal *j = NULL;
	bool gone = false;

	if (journal_open(profile, id, 0, &j) != ERR_OK)
		return false;
	/* a step that was late may have come after the end */
	if (j->entry.ended != 0 && os_time() - j->entry.ended > JOURNAL_ENDED_SECONDS)
		gone = remove_attempt(j->path) && os_remove(j->path) == ERR_OK;
	journal_close(j);
	return gone;
}

static bool
is_damaged(const char *name)
{
	size_t len = strlen(name), suffix = strlen(".json" DAMAGED);

	return len > suffix && strcmp(name + len - suffix, ".json" DAMAGED) == 0;
}

/* It may have the keys of a request: they are not kept for ever because nobody could read them. */
static void
throw_away_damaged(const char *name, void *context)
{
	const char *folder = context;
	char path[OS_PATH_MAX];
	int64_t age;

	if (!is_damaged(name) || (size_t)snprintf(path, sizeof(path), "%s/%s", folder, name) >= sizeof(path))
		return;
	if (os_file_age(path, &age) == ERR_OK && age > DAMAGED_SECONDS && os_remove(path) == ERR_OK)
		log_info("journal", "removed=%s reason=old", path);
}

enum err
journal_list(const char *profile, struct journal_list *ret)
{
	struct id_search search = { .list = ret };
	char folder[OS_PATH_MAX];
	struct draft_search drafts = { .profile = profile, .folder = folder };
	size_t kept = 0;
	enum err e = folder_of(profile, folder);

	*ret = (struct journal_list){ 0 };
	if (e == ERR_OK)
		e = os_list(folder, add_id, &search);
	if (e == ERR_OK)
		e = search.error;
	if (e == ERR_OK)
		e = os_list(folder, look_at_draft, &drafts);
	if (e == ERR_OK)
		e = os_list(folder, throw_away_damaged, folder);
	if (e != ERR_OK) {
		journal_list_free(ret);
		return of_journal(e);
	}
	for (size_t i = 0; i < ret->count; i++)
		if (!throw_away(profile, ret->ids[i]))
			memmove(ret->ids[kept++], ret->ids[i], sizeof(ret->ids[0]));
	ret->count = kept;
	return ERR_OK;
}

void
journal_list_free(struct journal_list *list)
{
	free(list->ids);
	*list = (struct journal_list){ 0 };
}
