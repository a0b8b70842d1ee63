/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>

/*
 * What the door, libwebsockets and the C library call once everything is open. Names, because each architecture has its own numbers and some have
 * not every call: those are passed over by the library.
 */
static const char *const allowed[] = {
	/* what is open */
	"read", "write", "readv", "writev", "recvfrom", "sendto", "recvmsg", "sendmsg", "recv", "send", "close", "shutdown", "dup", "fcntl", "fcntl64",
	"accept", "accept4", "getsockname", "getpeername", "getsockopt", "setsockopt", "poll", "ppoll", "ppoll_time64", "fstat", "fstat64",
	"lseek", "_llseek",
	/* time and chance */
	"clock_gettime", "clock_gettime64", "gettimeofday", "time", "getrandom", "nanosleep", "clock_nanosleep", "clock_nanosleep_time64",
	"restart_syscall",
	/* memory */
	"brk", "munmap", "mremap", "madvise",
	/* ourselves */
	"futex", "futex_time64", "getpid", "gettid", "geteuid", "geteuid32", "getuid", "getuid32", "rt_sigreturn", "sigreturn", "rt_sigaction", "rt_sigprocmask",
	"sigaltstack", "sched_yield", "tgkill", "exit", "exit_group"
};

static int
allow(scmp_filter_ctx filter, const char *name)
{
	int number = seccomp_syscall_resolve_name(name);
	int error;

	if (number == __NR_SCMP_ERROR)
		return 0;
	error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
	/* an architecture that has no such call */
	return error == -EDOM || error == -EINVAL ? 0 : error;
}

/* Memory to write into but never to run, and of sockets only a pair that leads nowhere. */
static int
allow_in_part(scmp_filter_ctx filter)
{
	static const int maps[] = { SCMP_SYS(mmap), SCMP_SYS(mmap2), SCMP_SYS(mprotect) };
	const struct scmp_arg_cmp is_unix = { .arg = 0, .op = SCMP_CMP_EQ, .datum_a = AF_UNIX };
	int error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), 1, &is_unix);

	for (size_t i = 0; error == 0 && i < sizeof(maps) / sizeof(*maps); i++) {
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, maps[i], 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
		if (error == -EDOM || error == -EINVAL)
			error = 0;
	}
	return error;
}

enum err
sandbox_enter(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int error = filter != NULL ? 0 : -ENOMEM;

	for (size_t i = 0; error == 0 && i < sizeof(allowed) / sizeof(*allowed); i++)
		error = allow(filter, allowed[i]);
	if (error == 0)
		error = allow_in_part(filter);
	/* seccomp_load() sets no_new_privs first */
	if (error == 0)
		error = seccomp_load(filter);
	if (filter != NULL)
		seccomp_release(filter);
	return error == 0 ? ERR_OK : ERR_INTERNAL;
}
