/* SPDX-License-Identifier: Apache-2.0 */
/*
 * os on Windows: sockets on loopback, and messages with handles in them between two processes of ours.
 *
 * All sockets set one event when something happens to any of them; what it was is then asked of the sockets themselves (WSAPoll), so that nothing depends on which happening is
 * told again and which is not.
 */
#include "log.h"
#include "os_windows.h"

#include <winsock2.h>

#include <errno.h>
#include <mstcpip.h>
#include <stdio.h>
#include <string.h>
#include <windows.h>

#define BACKLOG	   64
#define HAPPENINGS (FD_READ | FD_WRITE | FD_ACCEPT | FD_CLOSE)

static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
static HANDLE happened; /* NULL: there are no sockets to be had */

static BOOL CALLBACK
begin(INIT_ONCE *self, void *context, void **ret)
{
	WSADATA data;

	(void)self;
	(void)context;
	(void)ret;
	if (WSAStartup(MAKEWORD(2, 2), &data) == 0)
		happened = CreateEventW(NULL, TRUE, FALSE, NULL);
	return TRUE;
}

static bool
has_sockets(void)
{
	(void)InitOnceExecuteOnce(&once, begin, NULL, NULL);
	return happened != NULL;
}

static intptr_t
give_up(SOCKET s, const char *what)
{
	log_debug("os", "%s %d", what, WSAGetLastError());
	if (s != INVALID_SOCKET)
		closesocket(s);
	return -1;
}

static struct sockaddr_in
loopback(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return address;
}

static SOCKET
new_socket(void)
{
	return has_sockets() ? WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT) : INVALID_SOCKET;
}

/* Small messages at once, no waiting, nobody inherits it. */
static bool
prepare(SOCKET s)
{
	BOOL yes = TRUE;

	return setsockopt(s, IPPROTO_TCP, TCP_NODELAY, (const char *)&yes, sizeof(yes)) == 0 && WSAEventSelect(s, happened, HAPPENINGS) == 0 &&
	       SetHandleInformation((HANDLE)s, HANDLE_FLAG_INHERIT, 0);
}

/* Without SO_EXCLUSIVEADDRUSE whoever says SO_REUSEADDR could listen on the port with us. */
intptr_t
os_listen(uint16_t port)
{
	struct sockaddr_in address = loopback(port);
	SOCKET s = new_socket();
	BOOL yes = TRUE;

	if (s == INVALID_SOCKET || setsockopt(s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&yes, sizeof(yes)) != 0 ||
	    bind(s, (const struct sockaddr *)&address, sizeof(address)) != 0 || listen(s, BACKLOG) != 0 || !prepare(s))
		return give_up(s, "listen");
	return (intptr_t)s;
}

void
os_notify(const char *state)
{
	(void)state;
}

intptr_t
os_unix_connect(const char *path, unsigned timeout_ms)
{
	(void)path;
	(void)timeout_ms;
	errno = EAFNOSUPPORT;
	return -1;
}

int
os_given_sockets(intptr_t *ret_sockets, uint16_t *ret_ports, int max)
{
	(void)ret_sockets;
	(void)ret_ports;
	(void)max;
	return 0;
}

intptr_t
os_accept(intptr_t listener)
{
	SOCKET s = accept((SOCKET)listener, NULL, NULL);

	if (s == INVALID_SOCKET)
		return -1;
	return prepare(s) ? (intptr_t)s : give_up(s, "accept");
}

/* The table is asked first: a connection to a port at which nobody listens is given up here only after seconds. */
enum os_port
os_port_look(uint16_t port, int timeout_ms, intptr_t *ret_socket)
{
	struct sockaddr_in address = loopback(port);
	enum os_port whose = has_sockets() ? os_windows_listener(port) : OS_PORT_FREE;
	WSAPOLLFD waited = { .events = POLLWRNORM };

	*ret_socket = -1;
	if (whose == OS_PORT_FREE)
		return whose;
	waited.fd = new_socket();
	if (waited.fd == INVALID_SOCKET || !prepare(waited.fd) ||
	    (connect(waited.fd, (const struct sockaddr *)&address, sizeof(address)) != 0 &&
		(WSAGetLastError() != WSAEWOULDBLOCK || WSAPoll(&waited, 1, timeout_ms) != 1 || (waited.revents & POLLWRNORM) == 0))) {
		(void)give_up(waited.fd, "connect");
		return OS_PORT_BLOCKED;
	}
	*ret_socket = (intptr_t)waited.fd;
	return whose;
}

static bool
is_same(const struct sockaddr_in *a, const struct sockaddr_in *b)
{
	return a->sin_family == b->sin_family && a->sin_port == b->sin_port && a->sin_addr.s_addr == b->sin_addr.s_addr;
}

/*
 * Connects s to the listener and takes the connection, if it is that of s: while it listens, others can knock at its port, too.
 */
static SOCKET
meet(SOCKET listener, SOCKET s)
{
	struct sockaddr_in address = { 0 }, ours = { 0 }, theirs = { 0 };
	int len = sizeof(address), ours_len = sizeof(ours), theirs_len = sizeof(theirs);
	SOCKET other;

	if (getsockname(listener, (struct sockaddr *)&address, &len) != 0 || connect(s, (const struct sockaddr *)&address, len) != 0 ||
	    getsockname(s, (struct sockaddr *)&ours, &ours_len) != 0)
		return INVALID_SOCKET;
	other = accept(listener, (struct sockaddr *)&theirs, &theirs_len);
	if (other != INVALID_SOCKET && is_same(&ours, &theirs))
		return other;
	if (other != INVALID_SOCKET)
		closesocket(other);
	return INVALID_SOCKET;
}

/* Windows has no socketpair(): a listener that is gone again at once, for one connection. */
bool
os_socket_pair(intptr_t ret_ends[2])
{
	struct sockaddr_in address = loopback(0);
	SOCKET listener = new_socket(), ends[2] = { new_socket(), INVALID_SOCKET };
	BOOL yes = TRUE;
	bool good;

	if (listener != INVALID_SOCKET && ends[0] != INVALID_SOCKET &&
	    setsockopt(listener, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&yes, sizeof(yes)) == 0 &&
	    bind(listener, (const struct sockaddr *)&address, sizeof(address)) == 0 && listen(listener, 1) == 0)
		ends[1] = meet(listener, ends[0]);
	good = ends[1] != INVALID_SOCKET && prepare(ends[0]) && prepare(ends[1]);
	if (listener != INVALID_SOCKET)
		closesocket(listener);
	for (size_t i = 0; i < 2; i++) {
		if (!good && ends[i] != INVALID_SOCKET)
			closesocket(ends[i]);
		ret_ends[i] = good ? (intptr_t)ends[i] : -1;
	}
	return good;
}

static long
later_or_over(void)
{
	return WSAGetLastError() == WSAEWOULDBLOCK ? OS_LATER : -1;
}

long
os_receive(intptr_t socket, void *ret, size_t max)
{
	int got = recv((SOCKET)socket, ret, (int)max, 0);

	return got >= 0 ? got : later_or_over();
}

long
os_send(intptr_t socket, const void *bytes, size_t len)
{
	int sent = send((SOCKET)socket, bytes, (int)len, 0);

	return sent >= 0 ? sent : later_or_over();
}

void
os_socket_close(intptr_t socket)
{
	if (socket != -1)
		closesocket((SOCKET)socket);
}

void
os_socket_reset(intptr_t socket)
{
	struct linger at_once = { .l_onoff = 1 };

	(void)setsockopt((SOCKET)socket, SOL_SOCKET, SO_LINGER, (const char *)&at_once, sizeof(at_once));
	os_socket_close(socket);
}

/* Asks all sockets what they have now, or will have in time; false where none has anything. */
static bool
ask_sockets(struct os_poll *polls, size_t count, int timeout_ms)
{
	WSAPOLLFD fds[OS_POLL_MAX];
	size_t at[OS_POLL_MAX];
	ULONG asked = 0;
	int found;

	for (size_t i = 0; i < count; i++) {
		if (polls[i].at == -1 || polls[i].is_handle)
			continue;
		fds[asked] = (WSAPOLLFD){ (SOCKET)polls[i].at, (SHORT)(POLLIN | (polls[i].to_write ? POLLOUT : 0)), 0 };
		at[asked++] = i;
	}
	found = asked != 0 ? WSAPoll(fds, asked, timeout_ms) : 0;
	for (ULONG i = 0; i < asked && found > 0; i++) {
		polls[at[i]].ready = (fds[i].revents & ~POLLOUT) != 0;
		polls[at[i]].room = (fds[i].revents & POLLOUT) != 0;
	}
	return found > 0;
}

void
os_poll(struct os_poll *polls, size_t count, int timeout_ms)
{
	intptr_t handles[OS_WAIT_MAX];
	size_t at[OS_WAIT_MAX], asked = 0;
	bool ready[OS_WAIT_MAX];

	if (count > OS_POLL_MAX)
		count = OS_POLL_MAX;
	for (size_t i = 0; i < count; i++) {
		polls[i].ready = polls[i].room = false;
		if (!polls[i].is_handle || polls[i].at == -1 || asked == OS_WAIT_MAX)
			continue;
		handles[asked] = polls[i].at;
		at[asked++] = i;
	}
	/* sockets alone can be waited for without the event: libwebsockets has taken its own ones away from it */
	if (asked == 0) {
		(void)ask_sockets(polls, count, timeout_ms);
		return;
	}
	/* in this order: what happens after the sockets were asked sets the event again */
	if (has_sockets())
		ResetEvent(happened);
	if (ask_sockets(polls, count, 0))
		timeout_ms = 0;
	(void)os_windows_wait(handles, asked, happened, timeout_ms, ready);
	for (size_t i = 0; i < asked; i++)
		polls[at[i]].ready = ready[i];
	(void)ask_sockets(polls, count, 0);
}

/* ---- messages with handles ---- */

struct head {
	uint32_t len;
	uint32_t gives; /* 1: the numbers below are handles of the one who reads */
	uint64_t handles[OS_LINK_HANDLES];
};

bool
os_link_send(const struct os_link *link, const void *bytes, size_t len, const intptr_t *handles)
{
	unsigned char message[sizeof(struct head) + OS_LINK_MAX];
	struct head head = { .len = (uint32_t)len, .gives = handles != NULL };

	if (len > OS_LINK_MAX || (handles != NULL && link->child == NULL))
		return false;
	for (size_t i = 0; handles != NULL && i < OS_LINK_HANDLES; i++) {
		HANDLE theirs = NULL;
		if (!DuplicateHandle(GetCurrentProcess(), (HANDLE)handles[i], os_windows_process(link->child), &theirs, 0, FALSE, DUPLICATE_SAME_ACCESS))
			return false;
		head.handles[i] = (uint64_t)(uintptr_t)theirs;
	}
	memcpy(message, &head, sizeof(head));
	memcpy(message + sizeof(head), bytes, len);
	return os_write_all(link->out, message, sizeof(head) + len);
}

/* 1; 0 where the other side has gone before the first byte, -1 where it went between. */
static long
read_all(intptr_t handle, void *ret, size_t len)
{
	unsigned char *at = ret;

	for (size_t done = 0; done < len;) {
		long got = os_read(handle, at + done, len - done);
		if (got <= 0)
			return done == 0 ? 0 : -1;
		done += (size_t)got;
	}
	return 1;
}

long
os_link_receive(const struct os_link *link, int timeout_ms, void *ret, size_t max, intptr_t ret_handles[OS_LINK_HANDLES])
{
	struct head head;
	bool ready;
	long got;

	if (!os_wait(&link->in, 1, timeout_ms, &ready))
		return -1;
	got = read_all(link->in, &head, sizeof(head));
	if (got != 1)
		return got;
	/* who was started gives no handles: the numbers would be ours, and his to choose */
	if (head.len == 0 || head.len > max || (head.gives != 0 && (link->child != NULL || ret_handles == NULL)) || read_all(link->in, ret, head.len) != 1)
		return -1;
	for (size_t i = 0; ret_handles != NULL && i < OS_LINK_HANDLES; i++)
		ret_handles[i] = head.gives != 0 ? (intptr_t)head.handles[i] : -1;
	return (long)head.len;
}
