/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cold_start NAME GOAL PAIRS HOST EMPTY
 *
 * Starts HOST and EMPTY in turn, each as a browser does, with a hello already in its pipe, and measures from just before the start to the last
 * byte of the answer. In pairs A B A B, so that what else the machine does falls on both. The ratio is the median of the pairs' ratios.
 * Prints one JSON object; exit status 1 where the goal is not met.
 */
#define _POSIX_C_SOURCE 200809L
#include "pairs.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXTENSION "chrome-extension://abcdefghijklmnopabcdefghijklmnop/"
#define WARM_UP	  10

static const char hello[] =
    "{\"origin\":\"https://portal.mokhoa.test\",\"message\":{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"hello\",\"params\":{}}}";

extern char **environ;

static void
die(const char *what)
{
	fprintf(stderr, "cold_start: %s\n", what);
	exit(1);
}

static void
open_pipe(int ret[2])
{
	if (pipe(ret) != 0 || fcntl(ret[0], F_SETFD, FD_CLOEXEC) != 0 || fcntl(ret[1], F_SETFD, FD_CLOEXEC) != 0)
		die("no pipe");
}

static void
write_hello(int fd)
{
	char frame[sizeof(uint32_t) + sizeof(hello)];
	uint32_t len = sizeof(hello) - 1;

	memcpy(frame, &len, sizeof(len));
	memcpy(frame + sizeof(len), hello, len);
	if (write(fd, frame, sizeof(len) + len) != (ssize_t)(sizeof(len) + len))
		die("the hello could not be written");
}

/* The answer is small: it comes in one read, or the program is broken. */
static void
read_result(int fd, const char *program)
{
	char frame[4096];
	ssize_t got = read(fd, frame, sizeof(frame) - 1);
	uint32_t len;

	if (got < (ssize_t)sizeof(len))
		die(program);
	frame[got] = '\0';
	memcpy(&len, frame, sizeof(len));
	if ((size_t)got != sizeof(len) + len || strstr(frame + sizeof(len), "\"result\":{") == NULL) {
		fprintf(stderr, "%s\n", frame + sizeof(len));
		die("no result");
	}
}

static double
run(char *program, int quiet)
{
	char extension[] = EXTENSION;
	char *argv[] = { program, extension, NULL };
	posix_spawn_file_actions_t actions;
	int in[2], out[2], status;
	double start, end;
	pid_t pid;

	open_pipe(in);
	open_pipe(out);
	write_hello(in[1]);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, quiet, STDERR_FILENO);
	start = now_us();
	if (posix_spawn(&pid, program, &actions, NULL, argv, environ) != 0)
		die(program);
	close(out[1]);
	read_result(out[0], program);
	end = now_us();
	close(in[0]);
	close(in[1]);
	if (waitpid(pid, &status, 0) != pid || status != 0)
		die("a program did not end well");
	close(out[0]);
	posix_spawn_file_actions_destroy(&actions);
	return end - start;
}

int
main(int argc, char *argv[])
{
	static double host[PAIRS_MAX], empty[PAIRS_MAX];
	double goal;
	int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
	size_t n;

	if (argc != 6 || quiet < 0)
		die("usage: cold_start NAME GOAL PAIRS HOST EMPTY");
	goal = strtod(argv[2], NULL);
	n = strtoul(argv[3], NULL, 10);
	if (n < 1 || n > PAIRS_MAX)
		die("PAIRS is 1 to 10000");
	for (size_t i = 0; i < WARM_UP + n; i++) {
		size_t at = i < WARM_UP ? 0 : i - WARM_UP;
		host[at] = run(argv[4], quiet);
		empty[at] = run(argv[5], quiet);
	}
	return pairs_report(argv[1], goal, host, empty, n);
}
