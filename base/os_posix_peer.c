/* SPDX-License-Identifier: Apache-2.0 */
/*
 * os on POSIX systems: who is at the other end of a connection on loopback. Linux says it through sock_diag(7): one question about one pair of
 * addresses. It gives what /proc/net/tcp gives, for one connection and not for all, and without opening a file, which a sandbox may forbid.
 */
#define _GNU_SOURCE
#include "os.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_MAX 4096

struct question {
	struct nlmsghdr head;
	struct inet_diag_req_v2 about;
};

enum err
os_peers_open(intptr_t *ret_peers)
{
	struct timeval patience = { .tv_sec = 1 };
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	if (fd < 0)
		return ERR_INTERNAL;
	/* connected, so that nobody but the kernel can answer */
	if (connect(fd, (const struct sockaddr *)&kernel, sizeof(kernel)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0) {
		close(fd);
		return ERR_INTERNAL;
	}
	*ret_peers = fd;
	return ERR_OK;
}

static bool
is_loopback(const struct sockaddr_in *address, socklen_t len)
{
	return len == sizeof(*address) && address->sin_family == AF_INET && ntohl(address->sin_addr.s_addr) == INADDR_LOOPBACK;
}

/* The connection as its other end sees it. */
static bool
ask(int peers, int socket, uint32_t number, struct inet_diag_sockid *ret_id)
{
	struct question q = { .head = { .nlmsg_len = sizeof(q), .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST, .nlmsg_seq = number } };
	struct sockaddr_in ours = { 0 }, theirs = { 0 };
	socklen_t ours_len = sizeof(ours), theirs_len = sizeof(theirs);

	if (getsockname(socket, (struct sockaddr *)&ours, &ours_len) != 0 || getpeername(socket, (struct sockaddr *)&theirs, &theirs_len) != 0)
		return false;
	if (!is_loopback(&ours, ours_len) || !is_loopback(&theirs, theirs_len))
		return false;
	q.about = (struct inet_diag_req_v2){ .sdiag_family = AF_INET, .sdiag_protocol = IPPROTO_TCP, .idiag_states = UINT32_MAX };
	q.about.id = (struct inet_diag_sockid){ .idiag_sport = theirs.sin_port, .idiag_dport = ours.sin_port, .idiag_cookie = { INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE } };
	q.about.id.idiag_src[0] = theirs.sin_addr.s_addr;
	q.about.id.idiag_dst[0] = ours.sin_addr.s_addr;
	*ret_id = q.about.id;
	return send(peers, &q, sizeof(q), MSG_NOSIGNAL) == (ssize_t)sizeof(q);
}

/* Where there is no such connection the kernel answers with a listener of that port, if there is one: only the very pair is meant. */
static bool
is_same_pair(const struct inet_diag_sockid *a, const struct inet_diag_sockid *b)
{
	return a->idiag_sport == b->idiag_sport && a->idiag_dport == b->idiag_dport && a->idiag_src[0] == b->idiag_src[0] &&
	       a->idiag_dst[0] == b->idiag_dst[0];
}

static bool
read_answer(int peers, uint32_t number, struct inet_diag_msg *ret)
{
	unsigned char bytes[ANSWER_MAX];
	struct nlmsghdr head;
	ssize_t got;

	for (;;) {
		do
			got = recv(peers, bytes, sizeof(bytes), 0);
		while (got < 0 && errno == EINTR);
		if (got < (ssize_t)sizeof(head))
			return false;
		memcpy(&head, bytes, sizeof(head));
		if (head.nlmsg_seq == number)
			break; /* and not the answer to a question that we stopped waiting for */
	}
	if (head.nlmsg_type != SOCK_DIAG_BY_FAMILY || (size_t)got < NLMSG_HDRLEN + sizeof(*ret))
		return false;
	memcpy(ret, bytes + NLMSG_HDRLEN, sizeof(*ret));
	return true;
}

bool
os_peer_is_owner(intptr_t peers, intptr_t socket)
{
	static uint32_t number;
	struct inet_diag_sockid id;
	struct inet_diag_msg answer;

	number++;
	if (!ask((int)peers, (int)socket, number, &id) || !read_answer((int)peers, number, &answer))
		return false;
	return answer.idiag_state == TCP_ESTABLISHED && is_same_pair(&answer.id, &id) && answer.idiag_uid == geteuid();
}
