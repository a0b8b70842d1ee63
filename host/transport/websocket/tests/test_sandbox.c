/* SPDX-License-Identifier: Apache-2.0 */
/* What the process that talks to browsers can still do, and what it cannot. */
#define _GNU_SOURCE
#include "sandbox.h"

#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Raw calls, so that no library stands between the filter and us. */
#define DENIED(...) (errno = 0, CHECK(syscall(__VA_ARGS__) == -1 && errno == EPERM))

static void
test_denied(void)
{
	static char *const argv[] = { "/bin/true", NULL };
	static char *const env[] = { NULL };
	struct sockaddr_in nowhere = { .sin_family = AF_INET };

	DENIED(SYS_execve, argv[0], argv, env);
	DENIED(SYS_execveat, AT_FDCWD, argv[0], argv, env, 0);
	DENIED(SYS_clone, SIGCHLD, 0, 0, 0, 0);
#ifdef SYS_fork
	DENIED(SYS_fork);
	DENIED(SYS_open, "/etc/passwd", O_RDONLY);
#endif
	DENIED(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
	DENIED(SYS_openat, AT_FDCWD, "/tmp/mokhoa-sandbox", O_WRONLY | O_CREAT, 0600);
	DENIED(SYS_unlinkat, AT_FDCWD, "/tmp/mokhoa-sandbox", 0);
	DENIED(SYS_socket, AF_INET, SOCK_STREAM, 0);
	DENIED(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
	DENIED(SYS_socketpair, AF_INET, SOCK_STREAM, 0, NULL);
	DENIED(SYS_connect, 0, &nowhere, sizeof(nowhere));
	DENIED(SYS_bind, 0, &nowhere, sizeof(nowhere));
	DENIED(SYS_listen, 0, 1);
	DENIED(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
	DENIED(SYS_process_vm_readv, getpid(), NULL, 0, NULL, 0, 0);
	DENIED(SYS_kill, getppid(), 0);
	DENIED(SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	DENIED(SYS_prctl, 1, 0, 0, 0, 0);
	DENIED(SYS_bpf, 0, NULL, 0);
	DENIED(SYS_memfd_create, "x", 0);
	DENIED(SYS_setuid, 0);
}

static void
test_allowed(void)
{
	int pair[2];
	char c = 'a';
	void *page;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	CHECK(write(pair[0], &c, 1) == 1 && read(pair[1], &c, 1) == 1 && c == 'a');
	CHECK(fcntl(pair[0], F_SETFL, O_NONBLOCK) == 0);
	close(pair[0]);
	close(pair[1]);
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(page != MAP_FAILED && munmap(page, 4096) == 0);
}

int
main(void)
{
	int status;

	if (!CHECK(sandbox_enter() == ERR_OK))
		return CHECK_DONE();
	test_denied();
	test_allowed();
	status = CHECK_DONE();
	fflush(stdout);
	_exit(status); /* what looks for leaks at the end would have to start a thread */
}
