/* SPDX-License-Identifier: Apache-2.0 */
#include "link.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	RETRY_MILLISECONDS = 20,
	HEADER = 2
};

static int
connect_once(const struct addrinfo *address)
{
	const int fd = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC, address->ai_protocol);

	if (fd >= 0 && connect(fd, address->ai_addr, address->ai_addrlen) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

int
link_connect(const char *host, const char *port, int milliseconds)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	const struct timespec pause = { .tv_nsec = RETRY_MILLISECONDS * 1000000L };
	struct addrinfo *address = NULL;
	const int error = getaddrinfo(host, port, &hints, &address);
	int fd = -1;

	if (error != 0) {
		fprintf(stderr, "%s:%s: %s\n", host, port, gai_strerror(error));
		return -1;
	}
	for (int waited = 0; (fd = connect_once(address)) < 0 && waited < milliseconds; waited += RETRY_MILLISECONDS)
		nanosleep(&pause, NULL);
	if (fd < 0)
		fprintf(stderr, "%s:%s: no reader there\n", host, port);
	freeaddrinfo(address);
	return fd;
}

/* Without this the two sides wait for each other's acknowledgement, 44 ms an APDU. The kernel clears it again by itself. */
static void
acknowledge_at_once(int fd)
{
	const int yes = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &yes, sizeof(yes));
}

static bool
receive_all(int fd, uint8_t *bytes, size_t length)
{
	size_t done = 0;

	while (done < length) {
		const ssize_t count = recv(fd, bytes + done, length - done, 0);

		if (count == 0 || (count < 0 && errno != EINTR))
			return false;
		if (count > 0)
			done += (size_t)count;
		acknowledge_at_once(fd);
	}
	return true;
}

bool
link_receive(int fd, uint8_t *bytes, size_t *ret_length)
{
	uint8_t header[HEADER];
	size_t length;

	if (!receive_all(fd, header, sizeof(header)))
		return false;
	length = (size_t)header[0] << 8 | header[1];
	if (length == 0 || !receive_all(fd, bytes, length))
		return false;
	*ret_length = length;
	return true;
}

bool
link_send(int fd, const uint8_t *bytes, size_t length)
{
	uint8_t frame[HEADER + LINK_FRAME_MAX];
	size_t done = 0;

	if (length > LINK_FRAME_MAX)
		return false;
	frame[0] = (uint8_t)(length >> 8);
	frame[1] = (uint8_t)(length & 0xff);
	memcpy(frame + HEADER, bytes, length);
	while (done < HEADER + length) {
		const ssize_t count = send(fd, frame + done, HEADER + length - done, MSG_NOSIGNAL);

		if (count < 0 && errno != EINTR)
			return false;
		if (count > 0)
			done += (size_t)count;
	}
	acknowledge_at_once(fd);
	return true;
}
