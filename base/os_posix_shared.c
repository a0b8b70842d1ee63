/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "os_shared.h"

#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One name a folder, so that the next run finds what a killed one left; a browser may read it, and finds the text that was to be. */
#define FRESH ".mokhoa-setup.new"

/* The folder alone with name NULL. */
static bool
beside(const char *path, const char *name, char ret[OS_PATH_MAX])
{
	int len = (int)(strrchr(path, '/') - path);

	return snprintf(ret, OS_PATH_MAX, "%.*s/%s", len, path, name) < OS_PATH_MAX;
}

enum err
os_shared_read(const char *path, struct buf *ret)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat s;
	enum err e = ERR_FILE_FAILED;

	if (fd < 0)
		return errno == ENOENT ? ERR_FILE_MISSING : ERR_FILE_FAILED;
	if (fstat(fd, &s) == 0 && S_ISREG(s.st_mode) && os_read_to_end(fd, ret) == ERR_OK)
		e = ERR_OK;
	close(fd);
	return e;
}

static bool
sync_folder(const char *path)
{
	char folder[OS_PATH_MAX];
	int fd = beside(path, "", folder) ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	bool done = fd >= 0 && fsync(fd) == 0;

	os_close(fd);
	return done;
}

enum err
os_shared_write(const char *path, const void *bytes, size_t len)
{
	char fresh[OS_PATH_MAX];
	struct stat s;
	bool is_new = lstat(path, &s) != 0;
	bool done;
	int fd;

	if (!beside(path, FRESH, fresh))
		return ERR_FILE_FAILED;
	(void)unlink(fresh);
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return ERR_FILE_FAILED;
	done = os_write_all(fd, bytes, len) && (is_new || fchown(fd, s.st_uid, s.st_gid) == 0) &&
	       fchmod(fd, is_new ? 0644 : s.st_mode & 07777) == 0 && fsync(fd) == 0;
	done = close(fd) == 0 && done;
	if (!done || rename(fresh, path) != 0) {
		(void)unlink(fresh);
		return ERR_FILE_FAILED;
	}
	return sync_folder(path) ? ERR_OK : ERR_FILE_FAILED;
}

void
os_shared_remove_leftover(const char *path)
{
	char fresh[OS_PATH_MAX];

	if (beside(path, FRESH, fresh))
		(void)unlink(fresh);
}

enum err
os_shared_remove(const char *path)
{
	os_shared_remove_leftover(path);
	if (unlink(path) != 0)
		return errno == ENOENT || errno == ENOTDIR ? ERR_OK : ERR_FILE_FAILED;
	return sync_folder(path) ? ERR_OK : ERR_FILE_FAILED;
}

bool
os_shared_has_folder(const char *path)
{
	struct stat s;

	return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

enum err
os_shared_make_folder(const char *path)
{
	if (mkdir(path, 0755) != 0 && errno != EEXIST)
		return ERR_FILE_FAILED;
	return chmod(path, 0755) == 0 ? ERR_OK : ERR_FILE_FAILED;
}

bool
os_shared_remove_folder(const char *path)
{
	return rmdir(path) == 0 || errno == ENOENT;
}
