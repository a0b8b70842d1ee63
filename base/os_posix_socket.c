/* SPDX-License-Identifier: Apache-2.0 */
/* os on POSIX systems: sockets of files and on loopback, and messages with handles in them between two processes of ours. */
#define _GNU_SOURCE
#include "log.h"
#include "os.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST_GIVEN 3 /* SD_LISTEN_FDS_START */
#define BACKLOG	    64
#define NOTIFY_S    5

/* SO_REUSEADDR: on Linux it lets us have a port back whose old connections are still fading, never one at which somebody listens. */
intptr_t
os_listen(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int yes = 1;

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 && bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	log_debug("os", "port=%u %s", (unsigned)port, strerror(errno));
	close(fd);
	return -1;
}

/* SO_SNDTIMEO holds for a connect that waits for a full backlog, too. */
intptr_t
os_unix_connect(const char *path, unsigned timeout_ms)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = timeout_ms / 1000, .tv_usec = (suseconds_t)(timeout_ms % 1000) * 1000 };
	size_t len = strlen(path);
	int fd;
	int cause;

	if (len >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, path, len);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	cause = errno;
	close(fd);
	errno = cause;
	return -1;
}

/* A name that begins with '@' is one without a file (abstract). What cannot be said is not said: no service stops working for it. */
void
os_notify(const char *state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = NOTIFY_S };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path != NULL ? strlen(path) : 0;
	int fd;

	if (len < 2 || len >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(address.sun_path, path, len);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	/* a manager that does not read holds nobody up for long */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) != 0 || sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		log_debug("os", "manager cause=%s", strerror(errno));
	close(fd);
}

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
take_given(int fd, uint16_t *ret_port)
{
	struct sockaddr_in address = { 0 };
	socklen_t len = sizeof(address);
	int listens = 0;
	socklen_t listens_len = sizeof(listens);

	if (getsockname(fd, (struct sockaddr *)&address, &len) != 0 || len != sizeof(address) || address.sin_family != AF_INET)
		return false;
	if (ntohl(address.sin_addr.s_addr) != INADDR_LOOPBACK)
		return false;
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &listens_len) != 0 || listens == 0)
		return false;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
		return false;
	*ret_port = ntohs(address.sin_port);
	return true;
}

int
os_given_sockets(intptr_t *ret_sockets, uint16_t *ret_ports, int max)
{
	long count = number_of("LISTEN_PID") == (long)getpid() ? number_of("LISTEN_FDS") : 0;

	if (count > max) {
		log_error("os", "the service manager gives %ld sockets: at most %d", count, max);
		return -1;
	}
	for (int i = 0; i < count; i++) {
		if (!take_given(FIRST_GIVEN + i, &ret_ports[i])) {
			log_error("os", "socket %d of the service manager does not listen on 127.0.0.1", i);
			return -1;
		}
		ret_sockets[i] = FIRST_GIVEN + i;
	}
	return count > 0 ? (int)count : 0;
}

intptr_t
os_accept(intptr_t listener)
{
	int fd = accept4((int)listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	int yes = 1;

	if (fd >= 0)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	return fd;
}

bool
os_socket_pair(intptr_t ret_ends[2])
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
		return false;
	ret_ends[0] = ends[0];
	ret_ends[1] = ends[1];
	return true;
}

static long
later_or_over(void)
{
	return errno == EAGAIN || errno == EINTR ? OS_LATER : -1;
}

long
os_receive(intptr_t socket, void *ret, size_t max)
{
	ssize_t got = recv((int)socket, ret, max, 0);

	return got >= 0 ? (long)got : later_or_over();
}

long
os_send(intptr_t socket, const void *bytes, size_t len)
{
	ssize_t sent = send((int)socket, bytes, len, MSG_NOSIGNAL);

	return sent >= 0 ? (long)sent : later_or_over();
}

void
os_socket_close(intptr_t socket)
{
	os_close(socket);
}

void
os_socket_reset(intptr_t socket)
{
	struct linger at_once = { .l_onoff = 1 };

	(void)setsockopt((int)socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	os_close(socket);
}

void
os_poll(struct os_poll *polls, size_t count, int timeout_ms)
{
	struct pollfd fds[OS_POLL_MAX];
	int found;

	if (count > OS_POLL_MAX)
		count = OS_POLL_MAX;
	for (size_t i = 0; i < count; i++)
		fds[i] = (struct pollfd){ (int)polls[i].at, (short)(POLLIN | (polls[i].to_write ? POLLOUT : 0)), 0 };
	found = poll(fds, (nfds_t)count, timeout_ms);
	for (size_t i = 0; i < count; i++) {
		polls[i].ready = found > 0 && (fds[i].revents & ~POLLOUT) != 0;
		polls[i].room = found > 0 && (fds[i].revents & POLLOUT) != 0;
	}
}

bool
os_write_now(intptr_t handle, const void *bytes, size_t len)
{
	(void)fcntl((int)handle, F_SETFL, O_NONBLOCK);
	return write((int)handle, bytes, len) == (ssize_t)len;
}

/* ---- messages with handles ---- */

union control {
	struct cmsghdr head;
	char room[CMSG_SPACE(OS_LINK_HANDLES * sizeof(int))];
};

bool
os_link_send(const struct os_link *link, const void *bytes, size_t len, const intptr_t *handles)
{
	struct iovec part = { (void *)(uintptr_t)bytes, len };
	union control control = { 0 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	int fds[OS_LINK_HANDLES];

	if (handles != NULL) {
		for (size_t i = 0; i < OS_LINK_HANDLES; i++)
			fds[i] = (int)handles[i];
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		control.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(fds)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.head), fds, sizeof(fds));
	}
	return sendmsg((int)link->out, &message, MSG_NOSIGNAL) == (ssize_t)len;
}

/* False where it has not become readable in time. */
static bool
comes_in_time(intptr_t fd, int timeout_ms)
{
	uint64_t end = os_now_ms() + (uint64_t)(timeout_ms > 0 ? timeout_ms : 0);
	struct pollfd wait = { (int)fd, POLLIN, 0 };

	for (;;) {
		uint64_t now = os_now_ms();
		int found = poll(&wait, 1, timeout_ms < 0 ? -1 : end > now ? (int)(end - now)
									   : 0);
		if (found >= 0 || errno != EINTR)
			return found > 0;
	}
}

long
os_link_receive(const struct os_link *link, int timeout_ms, void *ret, size_t max, intptr_t ret_handles[OS_LINK_HANDLES])
{
	struct iovec part = { ret, max };
	union control control = { 0 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	int fds[OS_LINK_HANDLES] = { -1, -1 };
	ssize_t got;
	bool reset;

	if (!comes_in_time(link->in, timeout_ms))
		return -1;
	got = recvmsg((int)link->in, &message, MSG_CMSG_CLOEXEC);
	/* a peer that ended with a message of ours unread */
	reset = got < 0 && errno == ECONNRESET;
	if (message.msg_controllen >= CMSG_LEN(sizeof(fds)) && control.head.cmsg_type == SCM_RIGHTS && control.head.cmsg_len == CMSG_LEN(sizeof(fds)))
		memcpy(fds, CMSG_DATA(&control.head), sizeof(fds));
	for (size_t i = 0; i < OS_LINK_HANDLES; i++) {
		if (ret_handles != NULL)
			ret_handles[i] = fds[i];
		else
			os_close(fds[i]);
	}
	return reset ? 0 : (long)got;
}

void
os_desk_name(char ret[OS_DESK_NAME_MAX + 1])
{
	(void)snprintf(ret, OS_DESK_NAME_MAX + 1, "%lu", (unsigned long)geteuid());
}
