/* SPDX-License-Identifier: Apache-2.0 */
/* A host is given to the page that it was started for, however late it comes. */
#define _GNU_SOURCE
#include "starter.h"

#include "check.h"
#include "os.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const origins[] = { "https://a.example", "https://b.example" };

struct stage {
	struct starter_line line; /* our end */
	pid_t starter;
};

static struct starter_line
line_of(int end)
{
	return (struct starter_line){ .link = { .in = end, .out = end } };
}

static struct stage
open_stage(void)
{
	struct stage s;
	int ends[2];

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
	s.starter = fork();
	if (s.starter == 0) {
		struct starter_line theirs = line_of(ends[0]);
		close(ends[1]);
		starter_serve(&theirs, origins, 2);
		_exit(0);
	}
	close(ends[0]);
	s.line = line_of(ends[1]);
	return s;
}

static void
close_stage(struct stage *s)
{
	int status = -1;

	os_close(s->line.link.in);
	CHECK(waitpid(s->starter, &status, 0) == s->starter && status == 0);
}

/* What the host behind these pipes says of itself; closes them. */
static void
check_host(intptr_t in, intptr_t out, const char *origin)
{
	char said[64] = "";
	size_t len = 0;
	ssize_t got;

	while (len < sizeof(said) - 1 && (got = read((int)out, said + len, sizeof(said) - 1 - len)) > 0)
		len += (size_t)got;
	said[strcspn(said, "\n")] = '\0';
	CHECK_TEXT(said, origin);
	close((int)in);
	close((int)out);
}

static void
test_asks(void)
{
	struct stage s = open_stage();
	intptr_t in, out;

	for (int i = 0; i < 4; i++)
		if (CHECK(starter_ask(&s.line, origins[i % 2], &in, &out) == ERR_OK))
			check_host(in, out, origins[i % 2]);
	CHECK(starter_ask(&s.line, "https://c.example", &in, &out) == ERR_WORKER_FAILED);
	CHECK(starter_ask(&s.line, "", &in, &out) == ERR_WORKER_FAILED);
	CHECK(starter_drain(&s.line));
	close_stage(&s);
}

static void
stop(pid_t pid)
{
	int status;

	kill(pid, SIGSTOP);
	CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
}

static void
wait_readable(intptr_t end)
{
	struct pollfd wait = { (int)end, POLLIN, 0 };

	CHECK(poll(&wait, 1, 20000) == 1);
}

static void
test_late_answer(void)
{
	struct stage s = open_stage();
	intptr_t in, out;

	/* one that came before the next page asks, */
	stop(s.starter);
	CHECK(starter_ask(&s.line, origins[0], &in, &out) == ERR_WORKER_FAILED);
	kill(s.starter, SIGCONT);
	wait_readable(s.line.link.in);
	if (CHECK(starter_ask(&s.line, origins[1], &in, &out) == ERR_OK))
		check_host(in, out, origins[1]);
	/* and one that nobody asks behind */
	stop(s.starter);
	CHECK(starter_ask(&s.line, origins[0], &in, &out) == ERR_WORKER_FAILED);
	kill(s.starter, SIGCONT);
	wait_readable(s.line.link.in);
	CHECK(starter_drain(&s.line));
	if (CHECK(starter_ask(&s.line, origins[1], &in, &out) == ERR_OK))
		check_host(in, out, origins[1]);
	close_stage(&s);
}

static void
test_gone(void)
{
	struct stage s = open_stage();
	intptr_t in, out;

	kill(s.starter, SIGKILL);
	waitpid(s.starter, NULL, 0);
	CHECK(!starter_drain(&s.line));
	CHECK(starter_ask(&s.line, origins[0], &in, &out) == ERR_WORKER_FAILED);
	os_close(s.line.link.in);
}

int
main(void)
{
	signal(SIGPIPE, SIG_IGN);
	test_asks();
	test_late_answer();
	test_gone();
	return CHECK_DONE();
}
