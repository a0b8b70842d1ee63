/* SPDX-License-Identifier: Apache-2.0 */
#include "backup.h"

#include "log.h"
#include "os.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err
refuse(enum err e, const char *path)
{
	log_error("backup", "file=%s result=%s cause=%s", path, err_name(e), strerror(errno));
	return e;
}

/* The copy under its final name. The lock is on the file that is renamed, and nobody else renames it. */
static enum err
finish(const char *part, const char *file)
{
	struct stat st;

	if (lstat(file, &st) == 0)
		return ERR_FILE_EXISTS;
	if (rename(part, file) != 0 || !store_sync_folder(file))
		return refuse(ERR_FILE_FAILED, file);
	return ERR_OK;
}

enum err
backup_make(struct store *s, const char *file, const atomic_bool *stop)
{
	char part[OS_PATH_MAX];
	struct stat st;
	intptr_t lock = -1;
	enum err e;

	if (snprintf(part, sizeof(part), "%s.part", file) >= (int)sizeof(part))
		return ERR_FILE_FAILED;
	if (lstat(file, &st) == 0)
		return ERR_FILE_EXISTS;
	/* the file that is written is its own lock; what a killed backup left in it is no use to anybody */
	e = os_lock_file(part, &lock);
	if (e != ERR_OK)
		return e == ERR_BUSY ? ERR_DATA_IN_USE : refuse(ERR_FILE_FAILED, part);
	if (ftruncate((int)lock, 0) != 0)
		e = refuse(ERR_FILE_FAILED, part);
	if (e == ERR_OK)
		e = store_backup(s, part, stop);
	if (e == ERR_OK)
		e = finish(part, file);
	if (e == ERR_OK)
		os_close(lock);
	else
		os_unlock_file(lock, part);
	return e;
}
