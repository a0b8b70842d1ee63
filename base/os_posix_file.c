/* SPDX-License-Identifier: Apache-2.0 */
/* os on POSIX systems: the user's own files. */
#define _GNU_SOURCE
#include "os.h"
#include "os_any.h"
#include "text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* A regular file; does not wait for what is none. */
static enum err
open_to_read(const char *path, int *ret_fd)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat s;

	if (fd < 0)
		return errno == ENOENT ? ERR_FILE_MISSING : ERR_FILE_FAILED;
	if (fstat(fd, &s) != 0 || !S_ISREG(s.st_mode)) {
		close(fd);
		return ERR_FILE_FAILED;
	}
	*ret_fd = fd;
	return ERR_OK;
}

enum err
os_read_file(const char *path, struct buf *ret)
{
	int fd = -1;
	enum err e = open_to_read(path, &fd);

	if (e != ERR_OK)
		return e;
	e = os_read_to_end(fd, ret);
	close(fd);
	return e;
}

enum err
os_read_head(const char *path, void *ret, size_t max, size_t *ret_len)
{
	int fd = -1;
	enum err e = open_to_read(path, &fd);

	if (e != ERR_OK)
		return e;
	e = os_read_up_to(fd, ret, max, ret_len);
	close(fd);
	return e;
}

/* Splits into the folder, opened, and the name in it. */
static int
open_folder_of(const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	char folder[OS_PATH_MAX] = ".";

	*ret_name = slash != NULL ? slash + 1 : path;
	if (slash != NULL) {
		size_t len = slash == path ? 1 : (size_t)(slash - path);
		if (len >= sizeof(folder))
			return -1;
		memcpy(folder, path, len);
		folder[len] = '\0';
	}
	return open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Whose a new file is to be, if not its writer's alone. */
struct owner {
	uid_t user;
	gid_t group;
	mode_t mode;
};

static bool
give(int fd, const struct owner *owner)
{
	return (owner->user == geteuid() || fchown(fd, owner->user, owner->group) == 0) && fchmod(fd, owner->mode) == 0;
}

static bool
write_new(int folder, const char *name, const void *bytes, size_t len, const struct owner *owner)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
	bool written;

	if (fd < 0)
		return false;
	written = os_write_all(fd, bytes, len) && (owner == NULL || give(fd, owner)) && fsync(fd) == 0;
	return close(fd) == 0 && written;
}

static enum err
write_whole(const char *path, const void *bytes, size_t len, const struct owner *owner)
{
	const char *name;
	char fresh[NAME_MAX + 1];
	int folder = open_folder_of(path, &name);
	enum err e = ERR_FILE_FAILED;

	if (folder < 0)
		return e;
	if (!os_fresh_name(name, fresh, sizeof(fresh)))
		goto out;
	if (!write_new(folder, fresh, bytes, len, owner) || renameat(folder, fresh, folder, name) != 0) {
		(void)unlinkat(folder, fresh, 0);
		goto out;
	}
	/* the rename itself is on the disk only after its folder is */
	if (fsync(folder) == 0)
		e = ERR_OK;
out:
	close(folder);
	return e;
}

enum err
os_write_private(const char *path, const void *bytes, size_t len)
{
	return write_whole(path, bytes, len, NULL);
}

enum err
os_write_as(const char *path, const void *bytes, size_t len, unsigned mode, const char *like)
{
	struct owner owner = { .user = geteuid(), .mode = (mode_t)mode };
	struct stat st;

	if (stat(like, &st) == 0) {
		owner.user = st.st_uid;
		owner.group = st.st_gid;
	} else if (errno != ENOENT) {
		return ERR_FILE_FAILED;
	}
	return write_whole(path, bytes, len, &owner);
}

/* What killed os_write_private()s of this name left behind. */
static void
remove_fresh(int folder, const char *name)
{
	int copy = fcntl(folder, F_DUPFD_CLOEXEC, 0);
	DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;

	if (dir == NULL) {
		os_close(copy);
		return;
	}
	for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
		if (os_is_fresh_name(entry->d_name, name))
			(void)unlinkat(folder, entry->d_name, 0);
	closedir(dir);
}

void
os_remove_leftovers(const char *path)
{
	const char *name;
	int folder = open_folder_of(path, &name);

	if (folder < 0)
		return;
	remove_fresh(folder, name);
	close(folder);
}

enum err
os_remove(const char *path)
{
	const char *name;
	int folder = open_folder_of(path, &name);
	enum err e = ERR_FILE_FAILED;

	if (folder < 0)
		return errno == ENOENT ? ERR_OK : e;
	remove_fresh(folder, name);
	if ((unlinkat(folder, name, 0) == 0 || errno == ENOENT) && fsync(folder) == 0)
		e = ERR_OK;
	close(folder);
	return e;
}

enum err
os_file_age(const char *path, int64_t *ret)
{
	struct stat s;
	int64_t age;

	if (lstat(path, &s) != 0)
		return errno == ENOENT ? ERR_FILE_MISSING : ERR_FILE_FAILED;
	if (!S_ISREG(s.st_mode))
		return ERR_FILE_FAILED;
	age = os_time() - (int64_t)s.st_mtime;
	*ret = age > 0 ? age : 0;
	return ERR_OK;
}

/* Makes each missing folder of the path, for the user alone. */
static bool
make_folders(char *path)
{
	for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
		if (slash != NULL)
			*slash = '\0';
		if (mkdir(path, S_IRWXU) != 0 && errno != EEXIST && errno != EROFS && errno != EACCES)
			return false;
		if (slash == NULL)
			return true;
		*slash = '/';
	}
}

enum err
os_make_private(const char *folder)
{
	char path[OS_PATH_MAX];
	struct stat s;

	if (folder[0] != '/' || !text_copy(path, sizeof(path), folder) || !make_folders(path))
		return ERR_FILE_FAILED;
	if (stat(path, &s) != 0 || !S_ISDIR(s.st_mode) || s.st_uid != geteuid())
		return ERR_FILE_FAILED;
	if ((s.st_mode & (S_IRWXG | S_IRWXO)) != 0 && chmod(path, S_IRWXU) != 0)
		return ERR_FILE_FAILED;
	return ERR_OK;
}

enum err
os_state_dir(char ret[OS_PATH_MAX])
{
	const char *state = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");
	int len;

	if (state != NULL && state[0] == '/')
		len = snprintf(ret, OS_PATH_MAX, "%s/mokhoa", state);
	else if (home != NULL && home[0] == '/')
		len = snprintf(ret, OS_PATH_MAX, "%s/.local/state/mokhoa", home);
	else
		return ERR_FILE_FAILED;
	return len > 0 && len < OS_PATH_MAX ? os_make_private(ret) : ERR_FILE_FAILED;
}

static enum err
read_names(DIR *dir, struct os_names *ret)
{
	for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
		struct stat s;
		if (entry->d_name[0] == '.' || fstatat(dirfd(dir), entry->d_name, &s, 0) != 0 || !S_ISREG(s.st_mode))
			continue;
		if (!os_names_add(ret, entry->d_name))
			return ERR_NO_MEMORY;
	}
	return ERR_OK;
}

enum err
os_list(const char *folder, void (*each)(const char *name, void *context), void *context)
{
	struct os_names names = { 0 };
	DIR *dir = opendir(folder);
	enum err e;

	if (dir == NULL)
		return errno == ENOENT ? ERR_OK : ERR_FILE_FAILED;
	e = read_names(dir, &names);
	closedir(dir);
	os_names_end(&names, e == ERR_OK ? each : NULL, context);
	return e;
}

/* ---- locks ---- */

/* Whether the file that was locked still has that name: its last holder takes it along, and others may have waited for it. */
static bool
is_still_there(int fd, const char *path)
{
	struct stat held, named;

	return fstat(fd, &held) == 0 && lstat(path, &named) == 0 && held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

enum err
os_lock_file(const char *path, intptr_t *ret_lock)
{
	for (;;) {
		int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, S_IRUSR | S_IWUSR);
		int locked = fd < 0 ? -1 : flock(fd, LOCK_EX | LOCK_NB);
		int why = errno;

		if (locked == 0 && is_still_there(fd, path)) {
			*ret_lock = fd;
			return ERR_OK;
		}
		if (fd >= 0)
			close(fd);
		if (locked != 0)
			return fd >= 0 && why == EWOULDBLOCK ? ERR_BUSY : ERR_FILE_FAILED;
	}
}

void
os_unlock_file(intptr_t lock, const char *path)
{
	/* while it is held, so that it is nobody else's */
	(void)unlink(path);
	os_close(lock);
}
