/* SPDX-License-Identifier: Apache-2.0 */
/* os on POSIX systems: starting and ending other programs. */
#define _GNU_SOURCE
#include "os.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A close-on-exec pipe above the standard descriptors, so that placing its end at 0 or 1 of the child never overwrites the other pipe. */
static bool
open_pipe(intptr_t ret[2])
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	for (size_t i = 0; i < 2; i++) {
		ret[i] = ends[i] > STDERR_FILENO ? ends[i] : fcntl(ends[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		if (ends[i] <= STDERR_FILENO)
			close(ends[i]);
	}
	if (ret[0] >= 0 && ret[1] >= 0)
		return true;
	os_close(ret[0]);
	os_close(ret[1]);
	ret[0] = ret[1] = -1;
	return false;
}

/* No signal is ignored or blocked in the child, whatever we do with ours. */
static int
set_attributes(posix_spawnattr_t *attributes, unsigned flags)
{
	sigset_t all, none;
	short wanted = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
	int error;

	sigfillset(&all);
	sigemptyset(&none);
	if ((flags & OS_SPAWN_DETACH) != 0)
		wanted = (short)(wanted | POSIX_SPAWN_SETSID);
	error = posix_spawnattr_setsigdefault(attributes, &all);
	if (error == 0)
		error = posix_spawnattr_setsigmask(attributes, &none);
	return error != 0 ? error : posix_spawnattr_setflags(attributes, wanted);
}

/* The C library's modules and a debugger may hold descriptors that are not close-on-exec, so all above 2 are closed besides. */
static int
set_descriptors(posix_spawn_file_actions_t *actions, intptr_t in, intptr_t out)
{
	int error = posix_spawn_file_actions_adddup2(actions, (int)in, STDIN_FILENO);

	if (error == 0)
		error = posix_spawn_file_actions_adddup2(actions, (int)out, STDOUT_FILENO);
	return error != 0 ? error : posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
}

static int
start(const char *path, const char *const argv[], const char *const env[], unsigned flags, intptr_t in, intptr_t out, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int error = posix_spawn_file_actions_init(&actions);

	if (error != 0)
		return error;
	error = posix_spawnattr_init(&attributes);
	if (error != 0) {
		posix_spawn_file_actions_destroy(&actions);
		return error;
	}
	error = set_attributes(&attributes, flags);
	if (error == 0)
		error = set_descriptors(&actions, in, out);
	/* posix_spawn() takes its lists without const for history's sake and writes to neither (POSIX.1-2017, exec, rationale) */
	if (error == 0)
		error = posix_spawn(ret_pid, path, &actions, &attributes, (char *const *)(uintptr_t)argv,
		    env != NULL ? (char *const *)(uintptr_t)env : environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

enum err
os_spawn(const char *path, const char *const argv[], const char *const env[], unsigned flags, struct os_child *ret_child)
{
	intptr_t in[2] = { -1, -1 }, out[2] = { -1, -1 };
	int error = EINVAL;
	pid_t pid = -1;

	*ret_child = (struct os_child){ -1, -1, -1 };
	if (path[0] == '/')
		error = open_pipe(in) && open_pipe(out) ? start(path, argv, env, flags, in[0], out[1], &pid) : errno;
	os_close(in[0]);
	os_close(out[1]);
	if (error != 0) {
		log_debug("os", "path=%s spawn=%s", path, strerror(error));
		os_close(in[1]);
		os_close(out[0]);
		return ERR_WORKER_FAILED;
	}
	*ret_child = (struct os_child){ .process = pid, .in = in[1], .out = out[0] };
	return ERR_OK;
}

/* Notes the end of a child that waitpid() has collected. */
static void
collect(struct os_child *child, int status, int *ret_status)
{
	child->process = -1;
	*ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool
os_child_wait(struct os_child *child, int timeout_ms, int *ret_status)
{
	uint64_t end = os_now_ms() + (timeout_ms > 0 ? (uint64_t)timeout_ms : 0);
	unsigned nap = 1;

	*ret_status = -1;
	while (child->process > 0) {
		int status = -1;
		pid_t got = waitpid((pid_t)child->process, &status, timeout_ms < 0 ? 0 : WNOHANG);
		if (got > 0 || (got < 0 && errno != EINTR)) {
			collect(child, got > 0 ? status : -1, ret_status);
		} else if (got == 0) {
			if (os_now_ms() >= end)
				return false;
			os_sleep_ms(nap);
			nap = nap < 16 ? nap * 2 : nap;
		}
	}
	return true;
}

void
os_child_end(struct os_child *child)
{
	int status;

	if (child->process > 0) {
		/* a detached child leads a group of its own; what it started has no reason to live on */
		pid_t pid = (pid_t)child->process;
		(void)kill(getpgid(pid) == pid ? -pid : pid, SIGKILL);
		(void)os_child_wait(child, -1, &status);
	}
	if (child->process == 0)
		return; /* never started: a struct that was born { 0 } names no handle */
	os_close(child->in);
	os_close(child->out);
	*child = (struct os_child){ -1, -1, -1 };
}
