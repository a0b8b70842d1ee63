/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restore: the backup is made whole in a file beside the data, which then takes its place at once. Whoever is killed leaves the old data at its place or
 * the new data, and at worst a file that the next restore removes.
 */
#include "backup.h"

#include "anchor.h"

#include "log.h"
#include "os.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK 65536

struct restore {
	const struct config *config;
	char fresh[OS_PATH_MAX]; /* the new database before it takes its place */
	char lock_path[OS_PATH_MAX];
	intptr_t lock;
	struct store_hold *hold;
	struct anchor lost; /* what was anchored and is not in the backup */
};

/* ---- who uses the data ---- */

static bool
answers(const char *path)
{
	intptr_t server = path != NULL ? os_unix_connect(path, 0) : -1;

	os_close(server);
	return server != -1;
}

static enum err
check_nobody(const struct config *c)
{
	const char *const sockets[] = { c->listen.public_socket, c->listen.admin_socket, c->vault.socket };

	for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++)
		if (answers(sockets[i])) {
			log_error("backup", "socket=%s cause=somebody answers there", sockets[i]);
			return ERR_DATA_IN_USE;
		}
	return ERR_OK;
}

/* One restore at a time, and nobody at the database until it is over. */
static enum err
begin(struct restore *r)
{
	const char *data = r->config->data;
	enum err e = check_nobody(r->config);

	if (e != ERR_OK)
		return e;
	if (snprintf(r->fresh, sizeof(r->fresh), "%s/restore.sqlite", data) >= (int)sizeof(r->fresh) ||
	    snprintf(r->lock_path, sizeof(r->lock_path), "%s/restore.lock", data) >= (int)sizeof(r->lock_path))
		return ERR_FILE_FAILED;
	e = os_lock_file(r->lock_path, &r->lock);
	if (e != ERR_OK)
		return e == ERR_BUSY ? ERR_DATA_IN_USE : ERR_FILE_FAILED;
	return r->config->postgresql == NULL ? store_hold(r->config->database, &r->hold) : ERR_OK;
}

/* ---- the new database ---- */

static void
remove_fresh(const struct restore *r)
{
	static const char *const beside[] = { "", "-wal", "-shm", "-journal" };
	char path[OS_PATH_MAX + 16];

	for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", r->fresh, beside[i]);
		(void)unlink(path);
	}
}

static bool
copy_bytes(int from, int to)
{
	char bytes[CHUNK];
	long got;

	for (got = os_read(from, bytes, sizeof(bytes)); got > 0; got = os_read(from, bytes, sizeof(bytes)))
		if (!os_write_all(to, bytes, (size_t)got))
			return false;
	return got == 0;
}

/* What a restore that was killed left there is nobody's. It belongs to whoever owns the folder: root may be the one who restores. */
static enum err
copy_file(const struct restore *r, const char *file)
{
	struct stat folder;
	int from = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int to = -1;
	bool copied = false;

	remove_fresh(r);
	if (from >= 0)
		to = open(r->fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
	if (to >= 0 && stat(r->config->data, &folder) == 0)
		copied = (folder.st_uid == geteuid() || fchown(to, folder.st_uid, folder.st_gid) == 0) && copy_bytes(from, to);
	if (!copied)
		log_error("backup", "file=%s to=%s cause=%s", file, r->fresh, strerror(errno));
	os_close(to);
	os_close(from);
	return copied ? ERR_OK : ERR_FILE_FAILED;
}

/* All into the one file, as it will be found. */
static enum err
settle(const struct restore *r)
{
	struct store_hold *hold = NULL;
	int fd;
	bool synced;
	enum err e = store_hold(r->fresh, &hold);

	store_let_go(hold);
	if (e != ERR_OK)
		return e;
	fd = open(r->fresh, O_RDONLY | O_CLOEXEC);
	synced = fd >= 0 && fsync(fd) == 0;
	os_close(fd);
	return synced ? ERR_OK : ERR_FILE_FAILED;
}

static enum err
prepare(struct restore *r, const char *file, unsigned allowed, int64_t now, struct backup_replayed *ret)
{
	struct store *s = NULL;
	enum err e = copy_file(r, file);

	if (e == ERR_OK)
		e = store_open_backup(r->fresh, &s);
	if (e == ERR_OK)
		e = anchor_find_lost(r->config, s, now, &r->lost);
	if (e == ERR_OK)
		e = backup_replay(s, r->config, allowed, now, ret);
	store_close(s);
	return e == ERR_OK ? settle(r) : e;
}

static enum err
take_place(const struct restore *r, int64_t now, char ret_kept[BACKUP_KEPT_SIZE])
{
	char moment[TEXT_TIME_LEN + 1];
	struct stat st;
	bool there = lstat(r->config->database, &st) == 0;
	enum err e;

	text_time(now, moment);
	if (snprintf(ret_kept, BACKUP_KEPT_SIZE, "%s.before-%s", r->config->database, moment) >= BACKUP_KEPT_SIZE)
		return ERR_FILE_FAILED;
	e = store_replace(r->hold, r->config->database, r->fresh, ret_kept);
	if (!there || e != ERR_OK)
		ret_kept[0] = '\0';
	return e;
}

enum err
backup_restore(const struct config *config, const char *file, unsigned allowed, int64_t now, struct backup_replayed *ret,
    char ret_kept[BACKUP_KEPT_SIZE])
{
	struct restore r = { .config = config, .lock = -1 };
	enum err e = config->postgresql == NULL ? begin(&r) : ERR_DATABASE_SERVER;

	ret_kept[0] = '\0';
	if (e == ERR_OK)
		e = prepare(&r, file, allowed, now, ret);
	if (e == ERR_OK)
		e = take_place(&r, now, ret_kept);
	if (r.hold != NULL && e != ERR_OK)
		remove_fresh(&r);
	/* whoever is killed in front of this line is told by `audit verify`, and runs the restore again */
	if (e == ERR_OK)
		e = anchor_take_back(config, &r.lost);
	store_let_go(r.hold);
	if (r.lock != -1)
		os_unlock_file(r.lock, r.lock_path);
	return e;
}

enum err
backup_replay_only(const struct config *config, unsigned allowed, int64_t now, struct backup_replayed *ret)
{
	struct restore r = { .config = config, .lock = -1 };
	struct store *s = NULL;
	enum err e = config->postgresql != NULL ? begin(&r) : ERR_USAGE;

	if (e == ERR_OK)
		e = store_open(config->database, &s);
	if (e == ERR_OK)
		e = store_check_alone(s);
	if (e == ERR_OK)
		e = anchor_find_lost(config, s, now, &r.lost);
	if (e == ERR_OK)
		e = backup_replay(s, config, allowed, now, ret);
	if (e == ERR_OK)
		e = anchor_take_back(config, &r.lost);
	store_close(s);
	if (r.lock != -1)
		os_unlock_file(r.lock, r.lock_path);
	return e;
}
