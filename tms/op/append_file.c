/* SPDX-License-Identifier: Apache-2.0 */
#include "append_file.h"

#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * A new file belongs to whoever owns its folder, because an operator's command may be the first to write, as root, and the server must go on; its name is on
 * the disk only after its folder is.
 */
static bool
settle_new(int fd, const char *path)
{
	char folder[OS_PATH_MAX];
	struct stat st;
	char *slash;
	int at;
	bool settled;

	if (snprintf(folder, sizeof(folder), "%s", path) >= (int)sizeof(folder))
		return false;
	slash = strrchr(folder, '/');
	if (slash == NULL)
		snprintf(folder, sizeof(folder), ".");
	else
		slash[slash == folder ? 1 : 0] = '\0';
	at = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	settled = at >= 0 && fstat(at, &st) == 0 && (geteuid() != 0 || fchown(fd, st.st_uid, st.st_gid) == 0) && fsync(at) == 0;
	os_close(at);
	return settled;
}

int
append_file_open(const char *path)
{
	int fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
	if (fd >= 0 && !settle_new(fd, path)) {
		os_close(fd);
		return -1;
	}
	return fd;
}

/* Whether the file ends in a piece of a line: a crash or a full device cut it short. */
static bool
ends_in_a_piece(int fd, bool *ret_piece)
{
	struct stat st;
	char last = '\n';

	if (fstat(fd, &st) != 0 || (st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) != 1))
		return false;
	*ret_piece = last != '\n';
	return true;
}

static bool
append(int fd, const struct buf *batch)
{
	bool piece = false;

	return ends_in_a_piece(fd, &piece) && (!piece || os_write_all(fd, "\n", 1)) && os_write_all(fd, batch->data, batch->len) && fsync(fd) == 0;
}

bool
append_file_write(const char *path, const struct buf *lines)
{
	int fd = append_file_open(path);
	bool written = fd >= 0 && append(fd, lines);

	os_close(fd);
	return written;
}
