/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "front_process.h"

#include "log.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t link_end = -1;

/* Whatever is being waited for at this end or at the other is over with it. */
static void
shut_down(int signal_number)
{
	(void)signal_number;
	(void)shutdown(link_end, SHUT_RDWR);
}

bool
front_process_is_front(int argc, char *const argv[])
{
	(void)argc;
	(void)argv;
	return false;
}

static struct starter_line
line_of(int end)
{
	return (struct starter_line){ .link = { .in = end, .out = end } };
}

/* The one that starts, until the front, our child, has gone. */
static int
start_for(const struct front_process *p, int end, pid_t front)
{
	struct sigaction on_end = { .sa_handler = shut_down };
	struct starter_line line = line_of(end);
	int status = -1;

	link_end = end;
	(void)sigaction(SIGTERM, &on_end, NULL);
	(void)sigaction(SIGINT, &on_end, NULL);
	p->starter(p->context, &line);
	(void)shutdown(end, SHUT_RDWR);
	while (waitpid(front, &status, 0) < 0)
		if (errno != EINTR)
			return 1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}

/* The one in front. Signals that end us are the starter's: its end is what we notice. */
static int
be_front(const struct front_process *p, int end)
{
	struct starter_line line = line_of(end);

	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	return p->front(p->context, &line);
}

int
front_process_run(const struct front_process *p, bool is_front)
{
	int ends[2], status = 1;
	pid_t front;

	(void)is_front;
	if (p->open(p->context) != ERR_OK)
		return 1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
		log_error("websocket", "socketpair: %s", strerror(errno));
		return 1;
	}
	front = fork();
	if (front == 0) {
		close(ends[0]);
		_exit(be_front(p, ends[1])); /* what the parent opened is the parent's to free */
	}
	close(ends[1]);
	if (front > 0)
		status = start_for(p, ends[0], front);
	else
		log_error("websocket", "fork: %s", strerror(errno));
	close(ends[0]);
	return status;
}
