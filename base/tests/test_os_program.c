/* SPDX-License-Identifier: Apache-2.0 */
/* The program starts itself: with an argument it is the child of that name. */
#define _GNU_SOURCE
#include "check.h"
#include "children.h"
#include "os.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- the children ---- */

static int
child_echo(void)
{
	char bytes[512];

	for (long len = os_read(0, bytes, sizeof(bytes)); len > 0; len = os_read(0, bytes, sizeof(bytes)))
		if (!os_write_all(1, bytes, (size_t)len))
			return 1;
	return 42;
}

/* What it has inherited: descriptors beyond 2, signals that are not at their default, environment, session. */
static int
child_report(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int descriptors = 0, signals = 0;
	struct sigaction action;
	sigset_t blocked;

	for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
		if (entry->d_name[0] != '.' && strtol(entry->d_name, NULL, 10) > 2 && strtol(entry->d_name, NULL, 10) != dirfd(dir))
			descriptors++;
	closedir(dir);
	sigprocmask(SIG_SETMASK, NULL, &blocked);
	for (int s = 1; s < 32; s++) {
		if (sigismember(&blocked, s))
			signals++;
		if (s != SIGKILL && s != SIGSTOP && sigaction(s, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
			signals++;
	}
	printf("fds=%d signals=%d leader=%d env=%s home=%s\n", descriptors, signals, getsid(0) == getpid() ? 1 : 0,
	    getenv("MOKHOA_TEST") != NULL ? getenv("MOKHOA_TEST") : "-", getenv("HOME") != NULL ? "yes" : "no");
	return 0;
}

/* Leaves a child of its own behind that keeps stdout open. */
static int
child_tree(void)
{
	if (fork() == 0) {
		os_sleep_ms(60000);
		_exit(0);
	}
	printf("grown\n");
	fflush(stdout);
	os_sleep_ms(60000);
	return 0;
}

static int
be_child(const char *name)
{
	if (strcmp(name, "echo") == 0)
		return child_echo();
	if (strcmp(name, "report") == 0)
		return child_report();
	if (strcmp(name, "tree") == 0)
		return child_tree();
	if (strcmp(name, "abort") == 0)
		raise(SIGKILL);
	os_sleep_ms(60000);
	return 0;
}

/* ---- the parent ---- */

static void
a_child_reads_writes_and_ends(void)
{
	struct os_child child = started("echo", NULL, NULL, 0);
	int status = -2;

	CHECK(!os_child_wait(&child, 30, &status));
	CHECK(os_write_all(child.in, "to and fro", 10));
	close_handle(&child.in);
	CHECK_TEXT(all_output(&child), "to and fro");
	CHECK(os_child_wait(&child, 20000, &status) && status == 42);
	CHECK(os_child_wait(&child, 0, &status) && status == -1);
	os_child_end(&child);
	os_child_end(&child);
	CHECK(child.process == -1 && child.in == -1 && child.out == -1);
}

static void
nothing_but_the_three_descriptors_is_inherited(void)
{
	static const char *const env[] = { "MOKHOA_TEST=given", "ASAN_OPTIONS=detect_leaks=0", NULL };
	struct os_child child;
	int leaked = open("/dev/null", O_RDONLY); /* without close-on-exec on purpose */
	sigset_t some;

	sigemptyset(&some);
	sigaddset(&some, SIGUSR1);
	sigprocmask(SIG_BLOCK, &some, NULL);
	child = started("report", NULL, env, 0);
	CHECK_TEXT(all_output(&child), "fds=0 signals=0 leader=0 env=given home=no\n");
	os_child_end(&child);
	setenv("MOKHOA_TEST", "ours", 1);
	setenv("HOME", "/", 1);
	child = started("report", NULL, NULL, OS_SPAWN_DETACH);
	CHECK_TEXT(all_output(&child), "fds=0 signals=0 leader=1 env=ours home=yes\n");
	os_child_end(&child);
	sigprocmask(SIG_UNBLOCK, &some, NULL);
	close(leaked);
}

static void
our_ends_are_not_inherited_by_the_next(void)
{
	struct os_child first = started("echo", NULL, NULL, 0), second = started("sleep", NULL, NULL, 0);
	int status = -2;

	close_handle(&first.in); /* if the second child had a copy, the first would never see the end of its stdin */
	CHECK(os_child_wait(&first, 20000, &status) && status == 42);
	CHECK(fcntl((int)second.in, F_GETFD) == FD_CLOEXEC && fcntl((int)second.out, F_GETFD) == FD_CLOEXEC);
	os_child_end(&first);
	os_child_end(&second);
}

static void
a_signal_is_no_exit_status(void)
{
	struct os_child child = started("abort", NULL, NULL, 0);
	int status = -2;

	CHECK(os_child_wait(&child, -1, &status) && status == -1);
	os_child_end(&child);
}

static void
the_end_of_a_detached_child_is_the_end_of_its_children(void)
{
	struct os_child child = started("tree", NULL, NULL, OS_SPAWN_DETACH);
	char text[16] = "";
	int out;

	CHECK(os_read(child.out, text, sizeof(text) - 1) == 6);
	CHECK_TEXT(text, "grown\n");
	out = fcntl((int)child.out, F_DUPFD_CLOEXEC, 3);
	os_child_end(&child);
	CHECK(os_read(out, text, 1) == 0); /* the grandchild's copy is closed, so it is gone */
	os_close(out);
}

static void
what_cannot_be_started_says_so(void)
{
	const char *const argv[] = { "x", NULL };
	struct os_child child = { 5, 6, 7 }, never = { 0 };

	CHECK(os_spawn("/no/such/program", argv, NULL, 0, &child) == ERR_WORKER_FAILED);
	CHECK(child.process == -1 && child.in == -1 && child.out == -1);
	CHECK(os_spawn("/etc/passwd", argv, NULL, 0, &child) == ERR_WORKER_FAILED);
	CHECK(os_spawn("sh", argv, NULL, 0, &child) == ERR_WORKER_FAILED);
	os_child_end(&child);
	os_child_end(&never);
	CHECK(fcntl(STDIN_FILENO, F_GETFD) >= 0);
}

/* Also where the caller itself was started without stdin and stdout. */
static void
closed_standard_descriptors_do_no_harm(void)
{
	int in = dup(STDIN_FILENO), out = dup(STDOUT_FILENO);
	struct os_child child;
	int status = -2;

	fflush(stdout);
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	child = started("echo", NULL, NULL, 0);
	(void)os_write_all(child.in, "still", 5);
	close_handle(&child.in);
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	CHECK_TEXT(all_output(&child), "still");
	CHECK(os_child_wait(&child, 20000, &status) && status == 42);
	os_child_end(&child);
	close(in);
	close(out);
}

int
main(int argc, char **argv)
{
	if (argc > 1)
		return be_child(argv[1]);
	os_harden();
	children_of("test_os_program");
	a_child_reads_writes_and_ends();
	nothing_but_the_three_descriptors_is_inherited();
	our_ends_are_not_inherited_by_the_next();
	a_signal_is_no_exit_status();
	the_end_of_a_detached_child_is_the_end_of_its_children();
	what_cannot_be_started_says_so();
	closed_standard_descriptors_do_no_harm();
	return CHECK_DONE();
}
