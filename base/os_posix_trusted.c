/* SPDX-License-Identifier: Apache-2.0 */
/*
 * os on POSIX systems: files that only the administrator can have written.
 *
 * The path is walked from / one component at a time, each opened without following links, relative to the folder that was checked before
 * it, and judged by what was opened, not by its name: there is no moment between check and use. Once a folder was found to be writable
 * by root alone, nobody else can put another entry under its names. A link is followed by hand where root owns it, and where it leads
 * is judged in the same way. The sticky bit does not help a folder: others could still put new names there.
 *
 * An access list (acl(5)) that lets others write shows in the group's bits, so it is refused with them.
 */
#define _GNU_SOURCE
#include "os.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 40 /* as Linux itself (path_resolution(7)) */

struct walk {
	int folder;		/* the last one that was judged */
	char rest[OS_PATH_MAX]; /* what is still to be walked, without a leading slash */
	unsigned links;
};

static bool
only_root_writes(const struct stat *s)
{
	return s->st_uid == 0 && (s->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* What an open that failed says; ELOOP, where a link has taken the place of what was looked at, is the unsafe one. */
static enum err
translate_errno(void)
{
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
		return ERR_FILE_MISSING;
	case ELOOP:
		return ERR_PROFILE_UNSAFE;
	default:
		return ERR_PROFILE_INVALID;
	}
}

/* Takes fd as the folder to go on from, or closes it. */
static enum err
enter(struct walk *w, int fd)
{
	enum err e = ERR_OK;
	struct stat s;

	if (fd < 0)
		return translate_errno();
	if (fstat(fd, &s) != 0)
		e = ERR_PROFILE_UNSAFE;
	else if (!S_ISDIR(s.st_mode))
		e = ERR_FILE_MISSING;
	else if (!only_root_writes(&s))
		e = ERR_PROFILE_UNSAFE;
	if (e != ERR_OK) {
		close(fd);
		return e;
	}
	if (w->folder >= 0)
		close(w->folder);
	w->folder = fd;
	return ERR_OK;
}

static enum err
enter_root(struct walk *w)
{
	return enter(w, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

/* Cuts the next component off w->rest; an empty one where nothing is left. */
static void
next_component(struct walk *w, char ret[OS_PATH_MAX])
{
	size_t blank = strspn(w->rest, "/");
	size_t len = strcspn(w->rest + blank, "/");

	memcpy(ret, w->rest + blank, len);
	ret[len] = '\0';
	blank += len;
	blank += strspn(w->rest + blank, "/");
	memmove(w->rest, w->rest + blank, strlen(w->rest + blank) + 1);
}

/* Puts the target of the link before the rest of the path. */
static enum err
follow(struct walk *w, int link, const struct stat *s)
{
	char target[OS_PATH_MAX];
	ssize_t len = readlinkat(link, "", target, sizeof(target));
	size_t rest_len = strlen(w->rest);

	if (s->st_uid != 0 || ++w->links > LINKS_MAX)
		return ERR_PROFILE_UNSAFE;
	if (len <= 0 || (size_t)len + 1 + rest_len + 1 > sizeof(w->rest))
		return ERR_PROFILE_UNSAFE;
	memmove(w->rest + len + 1, w->rest, rest_len + 1);
	memcpy(w->rest, target, (size_t)len);
	w->rest[len] = '/';
	return target[0] == '/' ? enter_root(w) : ERR_OK;
}

/* Opens the file itself, which is judged once more: it may be another than the one that was looked at. */
static enum err
open_file(const struct walk *w, const char *name, int *ret_fd)
{
	struct stat s;
	int fd = openat(w->folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return translate_errno();
	if (fstat(fd, &s) != 0 || !S_ISREG(s.st_mode) || !only_root_writes(&s)) {
		close(fd);
		return ERR_PROFILE_UNSAFE;
	}
	*ret_fd = fd;
	return ERR_OK;
}

/* One component; *ret_at_file where it is the regular file at the end of the path. */
static enum err
step(struct walk *w, const char *name, bool *ret_at_file)
{
	int fd = openat(w->folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	enum err e = ERR_PROFILE_UNSAFE;
	struct stat s;

	if (fd < 0)
		return translate_errno();
	if (fstat(fd, &s) != 0) {
		close(fd);
		return e;
	}
	if (S_ISDIR(s.st_mode))
		return enter(w, fd);
	if (S_ISLNK(s.st_mode))
		e = follow(w, fd, &s);
	else if (w->rest[0] != '\0')
		e = ERR_FILE_MISSING;
	else if (S_ISREG(s.st_mode) && only_root_writes(&s)) {
		*ret_at_file = true;
		e = ERR_OK;
	}
	close(fd);
	return e;
}

/* ret_fd may be NULL where the check is all that is wanted. */
static enum err
walk_to(const char *path, int *ret_fd)
{
	struct walk w = { .folder = -1 };
	char name[OS_PATH_MAX] = ""; /* empty while it is / itself that is judged */
	bool at_file = false;
	enum err e;

	if (path[0] != '/' || strlen(path) >= sizeof(w.rest))
		return ERR_PROFILE_UNSAFE;
	memcpy(w.rest, path, strlen(path) + 1);
	e = enter_root(&w);
	while (e == ERR_OK && !at_file) {
		next_component(&w, name);
		e = name[0] != '\0' ? step(&w, name, &at_file) : ERR_FILE_MISSING;
	}
	if (e == ERR_OK && ret_fd != NULL)
		e = open_file(&w, name, ret_fd);
	if (w.folder >= 0)
		close(w.folder);
	if (e == ERR_PROFILE_UNSAFE)
		log_debug("os", "path=%s unsafe=%s", path, name);
	return e;
}

enum err
os_check_trusted(const char *path)
{
	return walk_to(path, NULL);
}

enum err
os_read_trusted(const char *path, struct buf *ret)
{
	int fd;
	enum err e = walk_to(path, &fd);

	if (e != ERR_OK)
		return e;
	e = os_read_to_end(fd, ret);
	close(fd);
	return e == ERR_FRAME_TOO_LARGE || e == ERR_FILE_FAILED ? ERR_PROFILE_INVALID : e;
}
