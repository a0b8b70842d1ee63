/* SPDX-License-Identifier: Apache-2.0 */
#include "control.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	PATIENCE_SECONDS = 10,
	LISTEN_QUEUE = 8
};

static bool
make_address(const char *path, struct sockaddr_un *ret_address)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path)) {
		fprintf(stderr, "%s: too long for a socket\n", path);
		return false;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	*ret_address = address;
	return true;
}

static void
set_patience(int fd)
{
	const struct timeval patience = { .tv_sec = PATIENCE_SECONDS };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

static bool
remove_old_socket(const char *path)
{
	struct stat status;

	if (lstat(path, &status) != 0)
		return true;
	return S_ISSOCK(status.st_mode) && unlink(path) == 0;
}

int
control_listen(const char *path)
{
	struct sockaddr_un address;
	int fd;

	if (!make_address(path, &address))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && remove_old_socket(path) && bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
	    listen(fd, LISTEN_QUEUE) == 0)
		return fd;
	perror(path);
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool
read_line(int fd, char line[CONTROL_LINE_MAX])
{
	size_t length = 0;

	while (length < CONTROL_LINE_MAX - 1) {
		if (recv(fd, line + length, 1, 0) != 1)
			return false;
		if (line[length] == '\n') {
			line[length] = '\0';
			return true;
		}
		length++;
	}
	return false;
}

static bool
write_line(int fd, const char *line)
{
	char bytes[CONTROL_LINE_MAX + 1];
	const int length = snprintf(bytes, sizeof(bytes), "%s\n", line);

	if (length < 0 || (size_t)length >= sizeof(bytes))
		return false;
	return send(fd, bytes, (size_t)length, MSG_NOSIGNAL) == length;
}

int
control_accept(int listener, char line[CONTROL_LINE_MAX])
{
	const int fd = accept(listener, NULL, NULL);

	if (fd < 0)
		return -1;
	set_patience(fd);
	if (read_line(fd, line))
		return fd;
	close(fd);
	return -1;
}

void
control_answer(int fd, const char *line)
{
	if (!write_line(fd, line))
		fprintf(stderr, "control: the caller did not wait for \"%s\"\n", line);
	close(fd);
}

bool
control_ask(const char *path, const char *line, char answer[CONTROL_LINE_MAX])
{
	struct sockaddr_un address;
	bool ok;
	int fd;

	if (!make_address(path, &address))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	set_patience(fd);
	ok = connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 && write_line(fd, line) &&
	     read_line(fd, answer);
	close(fd);
	return ok;
}
