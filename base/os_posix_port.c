/* SPDX-License-Identifier: Apache-2.0 */
/* os on POSIX systems: who listens at a port of loopback. */
#define _GNU_SOURCE
#include "os.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTENS 0x0a /* TCP_LISTEN, as /proc/net/tcp has it */

/* The numbers of a line of /proc/net/tcp behind its own, in their order; all but the user are hexadecimal, with colons or blanks between them. */
enum column {
	ADDRESS,
	PORT,
	STATE = 4,
	USER = 10,
	COLUMNS
};

static bool
read_line(const char *line, unsigned long ret[COLUMNS])
{
	const char *at = strchr(line, ':');

	for (int i = 0; i < COLUMNS; i++) {
		char *end;

		if (at == NULL)
			return false;
		at += strspn(at, ": ");
		ret[i] = strtoul(at, &end, i == USER ? 10 : 16);
		if (end == at)
			return false;
		at = end;
	}
	return true;
}

/* proc(5): the kernel's table of sockets of IPv4. What it does not have is nobody's that we know of. */
static bool
is_strangers(uint16_t port)
{
	FILE *table = fopen("/proc/net/tcp", "re");
	unsigned long row[COLUMNS];
	char line[512];
	bool found = false;

	while (table != NULL && !found && fgets(line, sizeof(line), table) != NULL)
		if (read_line(line, row) && row[STATE] == LISTENS && row[PORT] == port && (row[ADDRESS] == 0 || row[ADDRESS] == htonl(INADDR_LOOPBACK)))
			found = row[USER] != geteuid();
	if (table != NULL)
		(void)fclose(table);
	return found;
}

/* 0, or why there is no connection. */
static int
connect_in_time(int fd, uint16_t port, int timeout_ms)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct pollfd waited = { .fd = fd, .events = POLLOUT };
	int error = 0;
	socklen_t len = sizeof(error);

	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return errno;
	if (poll(&waited, 1, timeout_ms) != 1 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		return ETIMEDOUT;
	return error;
}

enum os_port
os_port_look(uint16_t port, int timeout_ms, intptr_t *ret_socket)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error = fd >= 0 ? connect_in_time(fd, port, timeout_ms) : ECONNREFUSED;

	*ret_socket = -1;
	if (error == 0) {
		*ret_socket = fd;
		return is_strangers(port) ? OS_PORT_STRANGERS : OS_PORT_OURS;
	}
	if (fd >= 0)
		close(fd);
	return error == ECONNREFUSED ? OS_PORT_FREE : OS_PORT_BLOCKED;
}
