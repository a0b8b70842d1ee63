/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "check.h"
#include "os.h"
#include "seen.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* os_posix.c leaves a process of the address sanitizer dumpable. */
#if defined(__SANITIZE_ADDRESS__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED 0
#endif

static void
hardening_takes_core_files_and_rights_away(void)
{
	struct rlimit core;

	os_harden();
	CHECK(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 && core.rlim_max == 0);
	CHECK(umask(077) == 077);
	CHECK(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == (IS_SANITIZED ? 1 : 0));
}

static void
a_closed_pipe_is_an_error_and_no_signal(void)
{
	int ends[2] = { -1, -1 };

	CHECK(pipe(ends) == 0);
	close(ends[0]);
	CHECK(!os_write_all(ends[1], "x", 1));
	close(ends[1]);
}

static void
clocks_go_forward(void)
{
	uint64_t before = os_now_ms();

	os_sleep_ms(20);
	CHECK(os_now_ms() - before >= 20 && os_now_ms() - before < 5000);
	CHECK(os_time() > INT64_C(1700000000));
}

/* A process that answers to no signal, and would go on for a minute. */
static void
a_process_that_has_its_time_ends_whatever_it_does(void)
{
	uint64_t before = os_now_ms();
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		sigset_t all;

		sigfillset(&all);
		sigprocmask(SIG_SETMASK, &all, NULL);
		if (os_end_after(200))
			os_sleep_ms(60000);
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK(os_now_ms() - before >= 200 && os_now_ms() - before < 10000);
}

static void
chance_fills_every_byte(void)
{
	unsigned char a[300] = { 0 }, seen[300] = { 0 };

	for (unsigned round = 0; round < 8; round++) {
		os_random(a, sizeof(a));
		for (size_t i = 0; i < sizeof(a); i++)
			seen[i] |= a[i];
	}
	CHECK(memchr(seen, 0, sizeof(seen)) == NULL);
}

static void
waiting_says_who_is_ready(void)
{
	int a[2] = { -1, -1 }, b[2] = { -1, -1 };
	intptr_t handles[3];
	bool ready[3];
	uint64_t before = os_now_ms();

	CHECK(pipe(a) == 0 && pipe(b) == 0);
	handles[0] = a[0];
	handles[1] = -1;
	handles[2] = b[0];
	CHECK(!os_wait(handles, 3, 30, ready) && os_now_ms() - before >= 30);
	CHECK(!ready[0] && !ready[1] && !ready[2]);
	CHECK(os_write_all(b[1], "x", 1));
	CHECK(os_wait(handles, 3, -1, ready) && !ready[0] && !ready[1] && ready[2]);
	close(a[1]);
	CHECK(os_wait(handles, 3, 0, ready) && ready[0] && ready[2]);
	close(a[0]);
	close(b[0]);
	close(b[1]);
}

/* The other side may have made our end non-blocking, because the pipe is one object. */
static void
a_pipe_that_does_not_block_is_waited_for(void)
{
	static char bytes[1 << 18];
	int ends[2] = { -1, -1 };
	int status = -1;
	size_t got = 0;
	pid_t child;

	CHECK(pipe(ends) == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 && fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
	child = fork();
	if (child == 0) {
		close(ends[0]);
		os_sleep_ms(20);
		_exit(os_write_all(ends[1], bytes, sizeof(bytes)) ? 0 : 1);
	}
	close(ends[1]);
	for (long n = os_read(ends[0], bytes, sizeof(bytes)); n > 0; n = os_read(ends[0], bytes, sizeof(bytes)))
		got += (size_t)n;
	CHECK(got == sizeof(bytes));
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	close(ends[0]);
}

/* The file goes with its last holder; what a killed one leaves is taken over, and what is no file of ours is nobody's lock. */
static void
a_lock_file_has_one_holder_and_dies_with_him(void)
{
	intptr_t lock = -1, again = -1;
	int ready[2] = { -1, -1 };
	char folder[] = "/tmp/mokhoa-lock-XXXXXX", path[64], elsewhere[64], byte;
	struct stat s;
	pid_t child;

	if (!CHECK(mkdtemp(folder) != NULL && pipe(ready) == 0))
		return;
	snprintf(path, sizeof(path), "%s/a.lock", folder);
	snprintf(elsewhere, sizeof(elsewhere), "%s/b", folder);
	child = fork();
	if (child == 0) {
		bool held = os_lock_file(path, &lock) == ERR_OK;
		(void)!write(ready[1], held ? "y" : "n", 1);
		pause();
		_exit(0);
	}
	CHECK(read(ready[0], &byte, 1) == 1 && byte == 'y');
	CHECK(os_lock_file(path, &again) == ERR_BUSY);
	CHECK(stat(path, &s) == 0 && (s.st_mode & 0777) == 0600);
	CHECK(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
	CHECK(access(path, F_OK) == 0);
	CHECK(os_lock_file(path, &again) == ERR_OK);
	CHECK(os_lock_file(path, &lock) == ERR_BUSY);
	CHECK(fcntl((int)again, F_GETFD) == FD_CLOEXEC);
	os_unlock_file(again, path);
	CHECK(access(path, F_OK) != 0);
	CHECK(os_lock_file(path, &again) == ERR_OK);
	os_unlock_file(again, path);

	CHECK(symlink(elsewhere, path) == 0);
	CHECK(os_lock_file(path, &again) == ERR_FILE_FAILED && access(elsewhere, F_OK) != 0);
	CHECK(unlink(path) == 0 && rmdir(folder) == 0);
	CHECK(os_lock_file(path, &again) == ERR_FILE_FAILED);
	close(ready[0]);
	close(ready[1]);
}

static void
a_lock_has_one_holder_and_dies_with_him(void)
{
	intptr_t lock = -1, again = -1;
	int ready[2] = { -1, -1 };
	char name[OS_LOCK_NAME_MAX + 2], byte;
	pid_t child;

	snprintf(name, sizeof(name), "test-%ld-%ld", (long)getpid(), (long)os_now_ms());
	CHECK(pipe(ready) == 0);
	child = fork();
	if (child == 0) {
		bool held = os_lock(name, &lock) == ERR_OK;
		(void)!write(ready[1], held ? "y" : "n", 1);
		pause();
		_exit(0);
	}
	CHECK(read(ready[0], &byte, 1) == 1 && byte == 'y');
	CHECK(os_lock(name, &again) == ERR_BUSY);
	CHECK(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
	CHECK(os_lock(name, &again) == ERR_OK);
	CHECK(os_lock(name, &lock) == ERR_BUSY);
	CHECK(fcntl((int)again, F_GETFD) == FD_CLOEXEC);
	os_unlock(again);
	CHECK(os_lock(name, &again) == ERR_OK);
	os_unlock(again);

	memset(name, 'a', sizeof(name));
	name[OS_LOCK_NAME_MAX] = '\0';
	CHECK(os_lock(name, &lock) == ERR_OK);
	os_unlock(lock);
	name[OS_LOCK_NAME_MAX] = 'a';
	name[OS_LOCK_NAME_MAX + 1] = '\0';
	if (CHECK(os_lock(name, &lock) == ERR_INTERNAL))
		seen(err_name(ERR_INTERNAL), "test_os_process");
	CHECK(os_lock("A", &lock) == ERR_INTERNAL && os_lock("a b", &lock) == ERR_INTERNAL);
	close(ready[0]);
	close(ready[1]);
}

static void
libraries_are_loaded_by_path_alone(void)
{
	char name[OS_LIBRARY_NAME_MAX];
	void *library = NULL;

	CHECK(os_library_open("libc.so.6", &library) == ERR_MODULE_MISSING);
	CHECK(os_library_open("/no/such/library.so", &library) == ERR_MODULE_MISSING);
	CHECK(os_library_open("/etc/passwd", &library) == ERR_MODULE_FAILED && library == NULL);
	CHECK(os_library_fault(name) == OS_LIBRARY_OTHER && name[0] == '\0');
	CHECK(os_library_open("/lib/x86_64-linux-gnu/libm.so.6", &library) == ERR_OK || os_library_open("/lib/aarch64-linux-gnu/libm.so.6", &library) == ERR_OK);
	CHECK(os_library_fault(name) == OS_LIBRARY_FINE);
	CHECK(os_library_symbol(library, "cos") != NULL && os_library_symbol(library, "C_GetFunctionList") == NULL);
}

static void
the_program_knows_its_folder(void)
{
	char folder[OS_PATH_MAX], path[OS_PATH_MAX + 32];

	CHECK(os_program_dir(folder) == ERR_OK);
	snprintf(path, sizeof(path), "%s/test_os_process", folder);
	CHECK(access(path, X_OK) == 0);
}

/* Last, because nothing that is printed afterwards reaches the old stdout. */
static void
the_wire_is_out_of_the_reach_of_libraries(void)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, status = -1;
	char got[16] = "";
	pid_t child;

	CHECK(pipe(in) == 0 && pipe(out) == 0);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		intptr_t wire_in, wire_out;
		char byte;
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
		os_take_stdio(&wire_in, &wire_out);
		printf("noise\n");
		fflush(stdout);
		if (read(STDIN_FILENO, &byte, 1) != 0 || os_read(wire_in, &byte, 1) != 1 || byte != 'q' || !os_write_all(wire_out, "answer", 6))
			_exit(1);
		_exit(wire_in > 2 && wire_out > 2 && fcntl((int)wire_in, F_GETFD) == FD_CLOEXEC && fcntl((int)wire_out, F_GETFD) == FD_CLOEXEC ? 0 : 2);
	}
	close(out[1]);
	CHECK(os_write_all(in[1], "q", 1));
	CHECK(os_read(out[0], got, sizeof(got) - 1) == 6);
	CHECK_TEXT(got, "answer");
	CHECK(os_read(out[0], got, sizeof(got)) == 0);
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	close(out[0]);
	close(in[0]);
	close(in[1]);
}

int
main(void)
{
	hardening_takes_core_files_and_rights_away();
	a_closed_pipe_is_an_error_and_no_signal();
	clocks_go_forward();
	a_process_that_has_its_time_ends_whatever_it_does();
	chance_fills_every_byte();
	waiting_says_who_is_ready();
	a_pipe_that_does_not_block_is_waited_for();
	a_lock_file_has_one_holder_and_dies_with_him();
	a_lock_has_one_holder_and_dies_with_him();
	libraries_are_loaded_by_path_alone();
	the_program_knows_its_folder();
	the_wire_is_out_of_the_reach_of_libraries();
	return CHECK_DONE();
}
