/* SPDX-License-Identifier: Apache-2.0 */
/* os on POSIX systems: the process, clocks, handles, the lock, libraries. Files and programs are beside it in os_posix_*.c. */
#define _GNU_SOURCE
#include "os.h"
#include "log.h"
#include "text.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* LeakSanitizer attaches to its own process when it ends, which a process without core files does not allow. */
#if defined(__SANITIZE_ADDRESS__)
#define LEAKS_ARE_SOUGHT 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LEAKS_ARE_SOUGHT 1
#endif
#endif
#ifndef LEAKS_ARE_SOUGHT
#define LEAKS_ARE_SOUGHT 0
#endif

/* A program that is started with descriptor 0, 1 or 2 closed would have its next file there, and print into it. */
static void
hold_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

void
os_harden(void)
{
	struct rlimit none = { 0, 0 };

	hold_standard_descriptors();
	if (!LEAKS_ARE_SOUGHT)
		(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)umask(S_IRWXG | S_IRWXO);
	(void)signal(SIGPIPE, SIG_IGN);
}

void
os_take_stdio(intptr_t *ret_in, intptr_t *ret_out)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	*ret_in = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	*ret_out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (null >= 0) {
		(void)dup2(null, STDIN_FILENO);
		close(null);
	}
	(void)dup2(STDERR_FILENO, STDOUT_FILENO);
}

const char os_program_ending[] = "";

enum err
os_program_dir(char ret[OS_PATH_MAX])
{
	char path[OS_PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash;

	if (len <= 0 || (size_t)len >= sizeof(path) - 1)
		return ERR_INTERNAL;
	path[len] = '\0';
	slash = strrchr(path, '/');
	if (slash == NULL)
		return ERR_INTERNAL;
	*slash = '\0';
	memcpy(ret, path, strlen(path) + 1);
	return ERR_OK;
}

bool
os_path_is_plain(const char *path)
{
	if (path[0] != '/')
		return false;
	for (const char *slash = path; *slash != '\0';) {
		size_t n = strcspn(slash + 1, "/");
		if (n == 0 || (n <= 2 && strspn(slash + 1, ".") == n))
			return false;
		slash += 1 + n;
	}
	return true;
}

enum err
os_config_dir(char ret[OS_PATH_MAX])
{
	return text_copy(ret, OS_PATH_MAX, MOKHOA_SYSCONFDIR) ? ERR_OK : ERR_FILE_MISSING;
}

bool
os_end_after(unsigned ms)
{
	struct sigevent kill_us = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL };
	struct itimerspec when = { .it_value = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 } };
	timer_t timer;

	/* a timer of 0 would be none */
	if (ms == 0)
		when.it_value.tv_nsec = 1;
	return timer_create(CLOCK_MONOTONIC, &kill_us, &timer) == 0 && timer_settime(timer, 0, &when, NULL) == 0;
}

void
os_log(const char *line, size_t len)
{
	ssize_t done;

	do
		done = write(STDERR_FILENO, line, len);
	while (done < 0 && errno == EINTR);
}

/* ---- clocks and chance ---- */

uint64_t
os_now_ms(void)
{
	struct timespec now = { 0, 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

int64_t
os_time(void)
{
	return (int64_t)time(NULL);
}

void
os_sleep_ms(unsigned ms)
{
	struct timespec left = { (time_t)(ms / 1000u), (long)(ms % 1000u) * 1000000L };

	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		;
}

void
os_random(void *ret, size_t len)
{
	unsigned char *at = ret;

	while (len != 0) {
		ssize_t got = getrandom(at, len, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			static const char line[] = "the system gives no random numbers\n";
			os_log(line, sizeof(line) - 1);
			abort();
		}
		at += got;
		len -= (size_t)got;
	}
}

/* ---- handles ---- */

/* Whether a call that failed shall be made again: it was interrupted, or the other side made the pipe non-blocking and we have waited. */
static bool
is_worth_again(int fd, short events)
{
	struct pollfd wait = { fd, events, 0 };

	if (errno == EINTR)
		return true;
	if (errno != EAGAIN)
		return false;
	while (poll(&wait, 1, -1) < 0)
		if (errno != EINTR)
			return false;
	return true;
}

long
os_read(intptr_t handle, void *ret, size_t max)
{
	ssize_t got;

	do
		got = read((int)handle, ret, max);
	while (got < 0 && is_worth_again((int)handle, POLLIN));
	return (long)got;
}

bool
os_write_all(intptr_t handle, const void *bytes, size_t len)
{
	const unsigned char *at = bytes;

	while (len != 0) {
		ssize_t done = write((int)handle, at, len);
		if (done < 0 && is_worth_again((int)handle, POLLOUT))
			continue;
		if (done < 0)
			return false;
		at += done;
		len -= (size_t)done;
	}
	return true;
}

void
os_close(intptr_t handle)
{
	if (handle >= 0)
		close((int)handle);
}

bool
os_wait(const intptr_t *handles, size_t count, int timeout_ms, bool *ret_ready)
{
	struct pollfd waits[OS_WAIT_MAX];
	uint64_t end = os_now_ms() + (timeout_ms > 0 ? (uint64_t)timeout_ms : 0);
	int found;

	if (count > OS_WAIT_MAX)
		count = OS_WAIT_MAX;
	for (size_t i = 0; i < count; i++)
		waits[i] = (struct pollfd){ (int)handles[i], POLLIN, 0 };
	while ((found = poll(waits, (nfds_t)count, timeout_ms)) < 0 && errno == EINTR) {
		uint64_t now = os_now_ms();
		if (timeout_ms >= 0)
			timeout_ms = end > now ? (int)(end - now) : 0;
	}
	for (size_t i = 0; i < count; i++)
		ret_ready[i] = found > 0 && waits[i].revents != 0;
	return found > 0;
}

/* ---- one at a time on the whole machine ---- */

/*
 * A name in Linux's abstract socket namespace (unix(7)): it needs no folder that all users may write, leaves no file behind, and the
 * kernel frees it with the last descriptor of its holder, also after kill -9. Descriptors are close-on-exec, so no child keeps it.
 *
 * Promised: two that hold the same name never exist at once in one network namespace, whoever their users are. Not promised: that the
 * name can be had. Any local user may bind it first and so keep others out (they read "busy", no token is touched), which he
 * could do as well by holding the reader itself.
 */
enum err
os_lock(const char *name, intptr_t *ret_lock)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int len = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "mokhoa-lock-%s", name);
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)(len > 0 ? len : 0));
	int fd;

	if (len <= 0 || strlen(name) > OS_LOCK_NAME_MAX || name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] != '\0')
		return ERR_INTERNAL;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return ERR_INTERNAL;
	if (bind(fd, (const struct sockaddr *)&address, size) != 0) {
		enum err e = errno == EADDRINUSE ? ERR_BUSY : ERR_INTERNAL;
		close(fd);
		return e;
	}
	*ret_lock = fd;
	return ERR_OK;
}

void
os_unlock(intptr_t lock)
{
	os_close(lock);
}

/* ---- libraries ---- */

static struct {
	enum os_library_fault fault;
	char name[OS_LIBRARY_NAME_MAX];
} library_fault;

/*
 * dlopen(3) has its reasons only as a sentence, which glibc and musl begin alike with the file that is meant: a library that is needed and not there has another name than ours; where ours,
 * which is there, is said to be missing it is for another processor.
 */
static void
note_fault(const char *path, const char *why)
{
	static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-";
	size_t len = strspn(why, safe), path_len = strlen(path);
	bool ours = strncmp(why, path, path_len) == 0 && why[path_len] == ':';

	library_fault.fault = OS_LIBRARY_OTHER;
	if (strstr(why, "ELF class") != NULL || (ours && strstr(why, "cannot open shared object file") != NULL)) {
		library_fault.fault = OS_LIBRARY_KIND;
	} else if (!ours && len > 0 && len < OS_LIBRARY_NAME_MAX && why[len] == ':' && strstr(why, "cannot open shared object file") != NULL) {
		library_fault.fault = OS_LIBRARY_NEEDS;
		memcpy(library_fault.name, why, len);
	}
}

enum err
os_library_open(const char *path, void **ret_library)
{
	void *library;

	memset(&library_fault, 0, sizeof(library_fault));
	if (path[0] != '/' || access(path, F_OK) != 0)
		return ERR_MODULE_MISSING;
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (library == NULL) {
		const char *why = dlerror();
		log_debug("os", "path=%s dlopen=%s", path, why != NULL ? why : "");
		note_fault(path, why != NULL ? why : "");
		return ERR_MODULE_FAILED;
	}
	*ret_library = library;
	return ERR_OK;
}

enum os_library_fault
os_library_fault(char ret_name[OS_LIBRARY_NAME_MAX])
{
	memcpy(ret_name, library_fault.name, OS_LIBRARY_NAME_MAX);
	return library_fault.fault;
}

void (*os_library_symbol(void *library, const char *name))(void)
{
	void *object = dlsym(library, name);
	void (*function)(void) = NULL;

	/* ISO C has no conversion between the two kinds of pointer; POSIX promises that they are alike (dlsym(3)) */
	memcpy(&function, &object, sizeof(function));
	return function;
}
