/* SPDX-License-Identifier: Apache-2.0 */
/* The database as a file: copied while it is in use, held against everybody, replaced as a whole. */
#define _GNU_SOURCE
#include "sqlite.h"

#include "log.h"
#include "os.h"
#include "schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGES	     2000 /* copied in one go; about 8 MiB */
#define BUSY_WAIT_MS 10
#define STOP_LOOK    100000 /* instructions of SQLite between two looks whether to stop */

static enum err
failed(const char *what, const char *path, int code)
{
	log_error("store", "%s path=%s cause=%s", what, path, sqlite3_errstr(code));
	return ERR_FILE_FAILED;
}

static bool
sync_path(const char *path, int flags)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
	bool synced = fd >= 0 && fsync(fd) == 0;

	os_close(fd);
	return synced;
}

bool
store_sync_folder(const char *path)
{
	char folder[OS_PATH_MAX];
	char *slash;

	if (snprintf(folder, sizeof(folder), "%s", path) >= (int)sizeof(folder))
		return false;
	slash = strrchr(folder, '/');
	if (slash == NULL)
		return sync_path(".", O_DIRECTORY);
	slash[slash == folder ? 1 : 0] = '\0';
	return sync_path(folder, O_DIRECTORY);
}

/* ---- a copy of one moment ---- */

static bool
is_stopped(const atomic_bool *stop)
{
	return stop != NULL && atomic_load(stop);
}

static int
interrupts(void *context)
{
	return is_stopped(context) ? 1 : 0;
}

/* The reading transaction that is open on s keeps the moment, so that what others commit meanwhile does not make the copy begin anew. */
static int
copy_pages(struct store *s, sqlite3 *to, const atomic_bool *stop)
{
	sqlite3_backup *b = sqlite3_backup_init(to, "main", sqlite_of(s), "main");
	int code;

	if (b == NULL)
		return sqlite3_errcode(to);
	do {
		code = is_stopped(stop) ? SQLITE_INTERRUPT : sqlite3_backup_step(b, PAGES);
		if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
			os_sleep_ms(BUSY_WAIT_MS);
	} while (code == SQLITE_OK || code == SQLITE_BUSY || code == SQLITE_LOCKED);
	sqlite3_backup_finish(b);
	return code == SQLITE_DONE ? SQLITE_OK : code;
}

static bool
is_whole(sqlite3 *db)
{
	sqlite3_stmt *stmt = NULL;
	bool whole = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW &&
		     strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") == 0;

	sqlite3_finalize(stmt);
	return whole;
}

/* Nothing has to be taken back in a file that nobody knows yet: no journal, and one sync at the end. */
static enum err
copy_into(struct store *s, sqlite3 *to, const char *path, const atomic_bool *stop)
{
	int code = sqlite3_exec(to, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", NULL, NULL, NULL);

	if (code == SQLITE_OK)
		code = copy_pages(s, to, stop);
	if (code != SQLITE_OK)
		return failed("backup", path, code);
	sqlite3_progress_handler(to, STOP_LOOK, interrupts, (void *)stop);
	if (is_whole(to))
		return ERR_OK;
	if (is_stopped(stop))
		return failed("backup", path, SQLITE_INTERRUPT);
	log_error("store", "backup path=%s cause=the database itself is damaged", path);
	return ERR_STORE_FAILED;
}

enum err
store_backup(struct store *s, const char *path, const atomic_bool *stop)
{
	sqlite3 *to = NULL;
	int64_t tokens;
	int code;
	enum err e;

	if (sqlite_of(s) == NULL)
		return ERR_DATABASE_SERVER;
	code = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE, NULL);
	e = code == SQLITE_OK ? ERR_OK : failed("backup", path, code);
	if (e == ERR_OK)
		e = store_begin_reading(s);
	/* a transaction reads nothing before its first question */
	if (e == ERR_OK)
		e = store_token_count(s, &tokens);
	if (e == ERR_OK)
		e = copy_into(s, to, path, stop);
	store_rollback(s);
	sqlite3_close(to);
	return e == ERR_OK && !sync_path(path, 0) ? failed("backup", path, SQLITE_IOERR_FSYNC) : e;
}

enum err
store_open_backup(const char *path, struct store **ret_store)
{
	sqlite3 *db = NULL;
	int64_t version = 0;
	bool ours = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK && is_whole(db) && sqlite_version(db, &version);

	sqlite3_close(db);
	if (!ours || version < 1) {
		log_error("store", "backup path=%s cause=not a whole database of this program", path);
		return ERR_BACKUP_INVALID;
	}
	if (version > schema_newest()) {
		log_error("store", "backup path=%s version=%lld known=%lld", path, (long long)version, (long long)schema_newest());
		return ERR_BACKUP_NEWER;
	}
	return store_open(path, ret_store);
}

/* ---- a database that nobody uses ---- */

/* What a file is held by is store_hold(). */
enum err
store_check_alone(struct store *s)
{
	struct query q;
	int64_t others = 0;
	enum err e;

	if (sqlite_of(s) != NULL)
		return ERR_OK;
	q = query_new(s, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'mokhoa-tms' AND pid <> pg_backend_pid()");
	e = query_number(&q, &others);
	return e == ERR_OK && others != 0 ? ERR_DATA_IN_USE : e;
}

struct store_hold {
	sqlite3 *db; /* NULL where there is none, or none that can be read */
};

/* The exclusive mode of locking is refused while anybody else has the database open; leaving WAL puts all that was committed into the one file. */
static int
take_hold(sqlite3 *db)
{
	return sqlite3_exec(db, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE", NULL, NULL, NULL);
}

enum err
store_hold(const char *path, struct store_hold **ret_hold)
{
	struct store_hold *h = calloc(1, sizeof(*h));
	int code;

	if (h == NULL)
		return ERR_NO_MEMORY;
	code = sqlite3_open_v2(path, &h->db, SQLITE_OPEN_READWRITE, NULL);
	if (code == SQLITE_OK)
		code = take_hold(h->db);
	if (code == SQLITE_BUSY || code == SQLITE_LOCKED) {
		store_let_go(h);
		return ERR_DATA_IN_USE;
	}
	if (code != SQLITE_OK) {
		log_info("store", "path=%s cause=%s; whether anybody uses it cannot be told", path, sqlite3_errstr(code));
		sqlite3_close(h->db);
		h->db = NULL;
	}
	*ret_hold = h;
	return ERR_OK;
}

void
store_let_go(struct store_hold *h)
{
	if (h == NULL)
		return;
	sqlite3_close(h->db);
	free(h);
}

/*
 * What SQLite keeps beside a database that it could not close goes with the old one, and never with the new one. Of one that is held there is nothing in
 * it: all is in the file.
 */
static bool
move_beside(const struct store_hold *h, const char *path, const char *kept)
{
	static const char *const beside[] = { "-wal", "-journal", "-shm" };
	char from[OS_PATH_MAX];
	char to[OS_PATH_MAX];

	for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
		snprintf(from, sizeof(from), "%s%s", path, beside[i]);
		snprintf(to, sizeof(to), "%s%s", kept, beside[i]);
		if ((h->db != NULL ? unlink(from) : rename(from, to)) != 0 && errno != ENOENT)
			return false;
	}
	return true;
}

enum err
store_replace(const struct store_hold *h, const char *path, const char *fresh, const char *kept)
{
	bool kept_it = link(path, kept) == 0;

	if (!kept_it && errno == EEXIST)
		return ERR_FILE_EXISTS;
	if ((!kept_it && errno != ENOENT) || !store_sync_folder(path) || !move_beside(h, path, kept) || rename(fresh, path) != 0 || !store_sync_folder(path)) {
		log_error("store", "restore path=%s kept=%s cause=%s", path, kept, strerror(errno));
		return ERR_FILE_FAILED;
	}
	return ERR_OK;
}
