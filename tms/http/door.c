/* SPDX-License-Identifier: Apache-2.0 */
#include "door.h"

#include "log.h"
#include "os.h"
#include "text.h"

#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 128

static enum err
refuse(const char *path, const char *cause)
{
	log_error("http", "socket=%s cause=%s", path, cause);
	return ERR_CONFIG_INVALID;
}

/* Only a socket is ever removed: whatever else lies there was not ours. */
static enum err
make_way(const char *path)
{
	struct stat st;
	intptr_t other;

	if (lstat(path, &st) != 0)
		return errno == ENOENT ? ERR_OK : refuse(path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return refuse(path, "something else lies there");
	other = os_unix_connect(path, 0);
	os_close(other);
	if (other != -1)
		return refuse(path, "another server listens on it");
	return unlink(path) == 0 ? ERR_OK : refuse(path, strerror(errno));
}

/* The umask of the process keeps others out until the permissions are set. */
static enum err
give_to(const char *path, const char *group)
{
	struct group *g = group != NULL ? getgrnam(group) : NULL;

	if (group != NULL && g == NULL)
		return refuse(path, "there is no such group");
	if (g != NULL && chown(path, (uid_t)-1, g->gr_gid) != 0)
		return refuse(path, strerror(errno));
	return chmod(path, S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP) == 0 ? ERR_OK : refuse(path, strerror(errno));
}

enum err
door_open(const char *path, const char *group, int *ret_fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = -1;
	enum err e;

	if (!text_copy(address.sun_path, sizeof(address.sun_path), path))
		return refuse(path, "the path is too long for a socket");
	e = make_way(path);
	if (e != ERR_OK)
		return e;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
		e = refuse(path, strerror(errno));
	if (e == ERR_OK)
		e = give_to(path, group);
	if (e == ERR_OK && listen(fd, BACKLOG) != 0)
		e = refuse(path, strerror(errno));
	if (e != ERR_OK) {
		if (fd >= 0)
			close(fd);
		return e;
	}
	*ret_fd = fd;
	return ERR_OK;
}

enum err
door_open_port(const char *address, int *ret_fd)
{
	const char *port = strchr(address, ':');
	intptr_t fd = port != NULL ? os_listen((uint16_t)strtoul(port + 1, NULL, 10)) : -1;

	if (fd == -1)
		return refuse(address, "the port cannot be had");
	*ret_fd = (int)fd;
	return ERR_OK;
}
