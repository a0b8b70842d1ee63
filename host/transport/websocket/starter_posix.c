/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "starter.h"

#include "log.h"
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define HOST	 "mokhoa-host"
#define PATIENCE 3 /* seconds for a host to be started on a machine that is busy */

enum how {
	STARTED,
	TOO_MANY,
	FAILED
};

/* What is asked, as one message. */
struct question {
	uint32_t number;
	char origin[STARTER_ORIGIN_MAX]; /* as long as the message says; without a NUL */
};

/* And answered, with the two pipes of a host that was STARTED. The number is the question's: one page must never get what another asked for. */
struct answer {
	uint32_t number;
	uint32_t how; /* enum how */
};

union pipes_room {
	struct cmsghdr head;
	char room[CMSG_SPACE(2 * sizeof(int))];
};

static volatile sig_atomic_t asked_to_end;

static void
note_end(int signal_number)
{
	(void)signal_number;
	asked_to_end = 1;
}

enum err
starter_pair(intptr_t ret_ends[2])
{
	struct timeval patience = { .tv_sec = PATIENCE };
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return ERR_INTERNAL;
	(void)setsockopt(ends[1], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	ret_ends[0] = ends[0];
	ret_ends[1] = ends[1];
	return ERR_OK;
}

/* ---- the side that starts ---- */

struct starter {
	int end;
	const char *const *origins;
	size_t origin_count;
	struct os_child hosts[STARTER_HOSTS_MAX]; /* process is 0 where the place is free */
};

/* A free place; hosts that have ended leave theirs. */
static struct os_child *
find_place(struct starter *s)
{
	struct os_child *place = NULL;
	int status;

	for (size_t i = 0; i < STARTER_HOSTS_MAX; i++) {
		if (s->hosts[i].process > 0 && os_child_wait(&s->hosts[i], 0, &status))
			s->hosts[i].process = 0;
		if (s->hosts[i].process <= 0)
			place = &s->hosts[i];
	}
	return place;
}

static bool
is_known(const struct starter *s, const char *origin)
{
	for (size_t i = 0; i < s->origin_count; i++)
		if (strcmp(s->origins[i], origin) == 0)
			return true;
	return false;
}

static enum err
start(struct starter *s, const char *origin, struct os_child **ret_host)
{
	const char *const argv[] = { HOST, "--page", origin, NULL };
	struct os_child *place = find_place(s);
	char folder[OS_PATH_MAX];
	char path[OS_PATH_MAX];

	/* asked of us by a process that reads foreign bytes, so we look again */
	if (!is_known(s, origin))
		return ERR_ORIGIN_REFUSED;
	if (place == NULL)
		return ERR_BUSY;
	if (os_program_dir(folder) != ERR_OK || (size_t)snprintf(path, sizeof(path), "%s/" HOST, folder) >= sizeof(path))
		return ERR_WORKER_FAILED;
	*ret_host = place;
	return os_spawn(path, argv, NULL, 0, place);
}

static void
send_answer(int end, uint32_t number, enum err e, const struct os_child *host)
{
	struct answer said = { .number = number, .how = e == ERR_OK ? STARTED : e == ERR_BUSY ? TOO_MANY
											      : FAILED };
	struct iovec bytes = { &said, sizeof(said) };
	union pipes_room control = { 0 };
	struct msghdr message = { .msg_iov = &bytes, .msg_iovlen = 1 };

	if (e == ERR_OK) {
		int pipes[2] = { (int)host->in, (int)host->out };
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		control.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(pipes)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.head), pipes, sizeof(pipes));
	}
	if (sendmsg(end, &message, MSG_NOSIGNAL) < 0)
		log_error("starter", "answer: %s", strerror(errno));
}

/* False when the other end is closed. */
static bool
serve_one(struct starter *s)
{
	struct question asked;
	char origin[STARTER_ORIGIN_MAX + 1];
	struct os_child *host = NULL;
	ssize_t got = recv(s->end, &asked, sizeof(asked), 0);
	size_t len;
	enum err e;

	if (got < (ssize_t)offsetof(struct question, origin))
		return got < 0 && errno == EINTR;
	len = (size_t)got - offsetof(struct question, origin);
	memcpy(origin, asked.origin, len);
	origin[len] = '\0';
	e = start(s, origin, &host);
	if (e != ERR_OK)
		log_error("starter", "error=%s", err_name(e));
	send_answer(s->end, asked.number, e, host);
	if (e == ERR_OK) {
		os_close(host->in);
		os_close(host->out);
		host->in = host->out = -1;
	}
	return true;
}

void
starter_serve(intptr_t end, const char *const *origins, size_t origin_count)
{
	struct starter s = { .end = (int)end, .origins = origins, .origin_count = origin_count };
	struct sigaction on_end = { .sa_handler = note_end };
	struct pollfd wait = { (int)end, POLLIN, 0 };
	sigset_t ending, before;

	/* blocked but while we wait, so that none comes between a look at the note and the wait */
	sigemptyset(&ending);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &ending, &before);
	(void)sigaction(SIGTERM, &on_end, NULL);
	(void)sigaction(SIGINT, &on_end, NULL);
	while (!asked_to_end) {
		if (ppoll(&wait, 1, NULL, &before) < 0 && errno == EINTR)
			continue;
		if (!serve_one(&s))
			break;
	}
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
}

/* ---- the side in front ---- */

/* One answer, and its pipes or -1 for each; false where none came. */
static bool
hear_answer(int end, int flags, struct answer *ret, int ret_pipes[2])
{
	struct iovec bytes = { ret, sizeof(*ret) };
	union pipes_room control = { 0 };
	struct msghdr message = { .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	ssize_t got;

	ret_pipes[0] = ret_pipes[1] = -1;
	do
		got = recvmsg(end, &message, MSG_CMSG_CLOEXEC | flags);
	while (got < 0 && errno == EINTR);
	if (got != (ssize_t)sizeof(*ret))
		return false;
	if (message.msg_controllen >= CMSG_LEN(2 * sizeof(int)) && control.head.cmsg_type == SCM_RIGHTS && control.head.cmsg_len == CMSG_LEN(2 * sizeof(int)))
		memcpy(ret_pipes, CMSG_DATA(&control.head), 2 * sizeof(int));
	return true;
}

/* A host that nobody waits for any more: it ends with its pipes. */
static void
let_go(const int pipes[2])
{
	os_close(pipes[0]);
	os_close(pipes[1]);
}

bool
starter_drain(intptr_t end)
{
	struct pollfd look = { (int)end, POLLIN, 0 };
	struct answer late;
	int pipes[2];

	while (hear_answer((int)end, MSG_DONTWAIT, &late, pipes))
		let_go(pipes);
	return poll(&look, 1, 0) == 0;
}

enum err
starter_ask(intptr_t end, const char *origin, intptr_t *ret_in, intptr_t *ret_out)
{
	static uint32_t number; /* of one process, which has one thread */
	struct question asked = { .number = ++number };
	size_t len = strlen(origin);
	struct answer said;
	int pipes[2];

	if (len > sizeof(asked.origin))
		return ERR_WORKER_FAILED;
	memcpy(asked.origin, origin, len);
	if (send((int)end, &asked, offsetof(struct question, origin) + len, MSG_NOSIGNAL) < 0)
		return ERR_WORKER_FAILED;
	/* what comes too late for an earlier question is not what this page has asked for */
	for (;;) {
		if (!hear_answer((int)end, 0, &said, pipes))
			return ERR_WORKER_FAILED;
		if (said.number == number)
			break;
		let_go(pipes);
	}
	if (said.how != STARTED)
		return said.how == TOO_MANY ? ERR_BUSY : ERR_WORKER_FAILED;
	if (pipes[0] < 0)
		return ERR_WORKER_FAILED;
	(void)fcntl(pipes[0], F_SETFL, O_NONBLOCK);
	*ret_in = pipes[0];
	*ret_out = pipes[1];
	return ERR_OK;
}
