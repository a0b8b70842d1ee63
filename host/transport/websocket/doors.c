/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "doors.h"

#include "log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST_GIVEN 3 /* SD_LISTEN_FDS_START */
#define BACKLOG	    64

const uint16_t doors_ports[DOORS_MAX] = {
#define PORT(number) number,
#include "port.def"
#undef PORT
};

/* A number of the environment as sd_listen_fds(3) writes it; -1 where it is none. */
static long
number_of(const char *name)
{
	const char *text = getenv(name);
	char *end;
	long number;

	if (text == NULL || text[0] < '0' || text[0] > '9')
		return -1;
	errno = 0;
	number = strtol(text, &end, 10);
	return errno == 0 && *end == '\0' ? number : -1;
}

static bool
is_ours(uint16_t port)
{
	for (size_t i = 0; i < DOORS_MAX; i++)
		if (doors_ports[i] == port)
			return true;
	return false;
}

/* A socket of the service manager's: one that listens on one of our ports, on 127.0.0.1 and nowhere else. */
static bool
take_given(int fd, struct door *ret)
{
	struct sockaddr_in address = { 0 };
	socklen_t len = sizeof(address);
	int listens = 0;
	socklen_t listens_len = sizeof(listens);

	if (getsockname(fd, (struct sockaddr *)&address, &len) != 0 || len != sizeof(address) || address.sin_family != AF_INET)
		return false;
	if (ntohl(address.sin_addr.s_addr) != INADDR_LOOPBACK || !is_ours(ntohs(address.sin_port)))
		return false;
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &listens_len) != 0 || listens == 0)
		return false;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
		return false;
	*ret = (struct door){ fd, ntohs(address.sin_port) };
	return true;
}

static enum err
take_all_given(long count, struct door ret_doors[DOORS_MAX], size_t *ret_count)
{
	if (count > DOORS_MAX) {
		log_error("doors", "the service manager gives %ld sockets: at most %d", count, DOORS_MAX);
		return ERR_USAGE;
	}
	for (long i = 0; i < count; i++) {
		if (!take_given((int)(FIRST_GIVEN + i), &ret_doors[i])) {
			log_error("doors", "socket %ld of the service manager listens on none of our ports on 127.0.0.1", i);
			return ERR_USAGE;
		}
	}
	*ret_count = (size_t)count;
	return ERR_OK;
}

/* SO_REUSEADDR: on Linux it lets us have a port back whose old connections are still fading, never one at which somebody listens. */
static int
listen_on(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int yes = 1;

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 && bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	log_debug("doors", "port=%u %s", (unsigned)port, strerror(errno));
	close(fd);
	return -1;
}

enum err
doors_open(struct door ret_doors[DOORS_MAX], size_t *ret_count, bool *ret_given)
{
	long given = number_of("LISTEN_PID") == (long)getpid() ? number_of("LISTEN_FDS") : 0;

	*ret_given = given > 0;
	if (given > 0)
		return take_all_given(given, ret_doors, ret_count);
	for (size_t i = 0; i < DOORS_MAX; i++) {
		int fd = listen_on(doors_ports[i]);
		if (fd < 0)
			continue;
		ret_doors[0] = (struct door){ fd, doors_ports[i] };
		*ret_count = 1;
		return ERR_OK;
	}
	return ERR_PORTS_TAKEN;
}
