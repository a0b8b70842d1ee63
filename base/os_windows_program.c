/* SPDX-License-Identifier: Apache-2.0 */
/* os on Windows: starting and ending other programs. */
#include "os_windows.h"
#include "buf.h"
#include "log.h"

#include <windows.h>

#include <stdlib.h>
#include <string.h>

#define COMMAND_MAX	32767 /* characters that CreateProcess takes */
#define ENVIRONMENT_MAX 65536
#define PIPE_ROOM	65536 /* bytes, as on Linux: eight messages of the longest kind */
#define EXIT_STATUS_MAX 255u  /* above that it is how the system ended a process: a crash, TerminateProcess */

/* What os_child.process stands for. */
struct process {
	HANDLE handle;
	HANDLE job; /* of a detached one: all that it has started is in it; else NULL */
};

/* ---- command line and environment ---- */

/*
 * One argument as the C library of the other side takes it apart ("Parsing C command-line arguments"): a backslash is itself, but before a quote it has to
 * be doubled.
 */
static void
add_argument(struct buf *b, const char *argument)
{
	size_t slashes = 0;

	if (b->len != 0)
		buf_add_text(b, " ");
	buf_add_text(b, "\"");
	for (const char *at = argument; *at != '\0'; at++) {
		if (*at == '"')
			for (size_t i = 0; i <= slashes; i++)
				buf_add_text(b, "\\");
		slashes = *at == '\\' ? slashes + 1 : 0;
		buf_add(b, at, 1);
	}
	for (; slashes != 0; slashes--)
		buf_add_text(b, "\\");
	buf_add_text(b, "\"");
}

static wchar_t *
command_line(const char *const argv[])
{
	struct buf b = buf_new(COMMAND_MAX);
	wchar_t *wide = NULL;

	for (size_t i = 0; argv[i] != NULL; i++)
		add_argument(&b, argv[i]);
	if (buf_text(&b) != NULL)
		wide = os_windows_wide(buf_text(&b));
	buf_free(&b);
	return wide;
}

/* NAME= at the head of an entry, names without regard to case. */
static bool
is_entry_of(const char *entry, const char *name)
{
	size_t len = strlen(name);

	return _strnicmp(entry, name, len) == 0 && entry[len] == '=';
}

/* Without these hardly a library of the system can be loaded, whatever else a program is given. */
static const char *const needed[] = {
	"SystemRoot", "SystemDrive", "windir", "TEMP", "TMP", "USERPROFILE", "USERNAME", "LOCALAPPDATA", "APPDATA", "ProgramData", "ProgramFiles",
	"CommonProgramFiles"
};

static void
add_needed(struct buf *b, const char *const env[])
{
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		const char *value = getenv(needed[i]);
		bool given = value == NULL;
		for (size_t j = 0; env[j] != NULL && !given; j++)
			given = is_entry_of(env[j], needed[i]);
		if (given)
			continue;
		buf_add_text(b, needed[i]);
		buf_add_text(b, "=");
		buf_add(b, value, strlen(value) + 1);
	}
}

/* Entries that end with NUL each, and a NUL behind the last. */
static wchar_t *
environment(const char *const env[])
{
	struct buf b = buf_new(ENVIRONMENT_MAX);
	wchar_t *wide = NULL;

	for (size_t i = 0; env[i] != NULL; i++)
		buf_add(&b, env[i], strlen(env[i]) + 1);
	add_needed(&b, env);
	buf_add(&b, "", 1);
	if (buf_error(&b) == ERR_OK)
		wide = calloc(b.len + 1, sizeof(*wide));
	if (wide != NULL && MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, (const char *)b.data, (int)b.len, wide, (int)b.len) <= 0) {
		free(wide);
		wide = NULL;
	}
	buf_free(&b);
	return wide;
}

/* ---- handles that a child gets ---- */

struct ends {
	HANDLE child[3]; /* its stdin, stdout, stderr: inheritable */
	HANDLE in;	 /* ours */
	HANDLE out;
};

static void
close_one(HANDLE *handle)
{
	if (*handle != NULL)
		CloseHandle(*handle);
	*handle = NULL;
}

static void
close_ends(struct ends *e)
{
	for (size_t i = 0; i < 3; i++)
		close_one(&e->child[i]);
	close_one(&e->in);
	close_one(&e->out);
}

/* Our stderr, where the log goes on, or nothing. */
static HANDLE
open_stderr(void)
{
	SECURITY_ATTRIBUTES inherited = { .nLength = sizeof(inherited), .bInheritHandle = TRUE };
	HANDLE process = GetCurrentProcess(), ours = GetStdHandle(STD_ERROR_HANDLE), copy = NULL;

	if (ours != NULL && ours != INVALID_HANDLE_VALUE && DuplicateHandle(process, ours, process, &copy, 0, TRUE, DUPLICATE_SAME_ACCESS))
		return copy;
	copy = CreateFileW(L"NUL", GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, &inherited, OPEN_EXISTING, 0, NULL);
	return copy != INVALID_HANDLE_VALUE ? copy : NULL;
}

static bool
open_ends(struct ends *ret)
{
	struct ends e = { .in = NULL };

	if (!CreatePipe(&e.child[0], &e.in, NULL, PIPE_ROOM) || !CreatePipe(&e.out, &e.child[1], NULL, PIPE_ROOM) ||
	    !SetHandleInformation(e.child[0], HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT) ||
	    !SetHandleInformation(e.child[1], HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT) || (e.child[2] = open_stderr()) == NULL) {
		close_ends(&e);
		return false;
	}
	*ret = e;
	return true;
}

/* The list of handles that CreateProcess hands on, these three and no other; free() takes it. */
static LPPROC_THREAD_ATTRIBUTE_LIST
handle_list(struct ends *e)
{
	LPPROC_THREAD_ATTRIBUTE_LIST list;
	SIZE_T size = 0;

	(void)InitializeProcThreadAttributeList(NULL, 1, 0, &size);
	list = size != 0 ? calloc(1, size) : NULL;
	if (list == NULL || !InitializeProcThreadAttributeList(list, 1, 0, &size) ||
	    !UpdateProcThreadAttribute(list, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, e->child, sizeof(e->child), NULL, NULL)) {
		free(list);
		return NULL;
	}
	return list;
}

/* ---- starting ---- */

#define CREATE_FLAGS (CREATE_NO_WINDOW | CREATE_UNICODE_ENVIRONMENT | CREATE_SUSPENDED | EXTENDED_STARTUPINFO_PRESENT)

/* A browser's job ends with the browser, so a detached program leaves it. A job that lets nobody go is told apart; the journal covers that. */
static bool
create(const wchar_t *path, wchar_t *command, wchar_t *env, unsigned flags, struct ends *e, PROCESS_INFORMATION *ret)
{
	STARTUPINFOEXW start = { .StartupInfo = { .cb = sizeof(start), .dwFlags = STARTF_USESTDHANDLES } };
	DWORD how = CREATE_FLAGS | ((flags & OS_SPAWN_DETACH) != 0 ? CREATE_NEW_PROCESS_GROUP | CREATE_BREAKAWAY_FROM_JOB : 0);
	bool started;

	start.StartupInfo.hStdInput = e->child[0];
	start.StartupInfo.hStdOutput = e->child[1];
	start.StartupInfo.hStdError = e->child[2];
	start.lpAttributeList = handle_list(e);
	if (start.lpAttributeList == NULL)
		return false;
	started = CreateProcessW(path, command, NULL, NULL, TRUE, how, env, NULL, &start.StartupInfo, ret);
	if (!started && GetLastError() == ERROR_ACCESS_DENIED && (how & CREATE_BREAKAWAY_FROM_JOB) != 0)
		started = CreateProcessW(path, command, NULL, NULL, TRUE, how & ~(DWORD)CREATE_BREAKAWAY_FROM_JOB, env, NULL, &start.StartupInfo, ret);
	DeleteProcThreadAttributeList(start.lpAttributeList);
	free(start.lpAttributeList);
	return started;
}

/* A job of its own, so that its end can be the end of all that it has started. It is not the job's end that ends them: the job may outlive us. */
static struct process *
let_run(PROCESS_INFORMATION *started, unsigned flags)
{
	struct process *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		TerminateProcess(started->hProcess, STATUS_CONTROL_C_EXIT);
		CloseHandle(started->hProcess);
		CloseHandle(started->hThread);
		return NULL;
	}
	p->handle = started->hProcess;
	if ((flags & OS_SPAWN_DETACH) != 0) {
		p->job = CreateJobObjectW(NULL, NULL);
		if (p->job != NULL && !AssignProcessToJobObject(p->job, p->handle))
			close_one(&p->job);
	}
	ResumeThread(started->hThread);
	CloseHandle(started->hThread);
	return p;
}

static struct process *
start(const char *path, const char *const argv[], const char *const env[], unsigned flags, struct ends *e)
{
	wchar_t wide[OS_WINDOWS_PATH_MAX];
	wchar_t *command = command_line(argv);
	wchar_t *block = env != NULL ? environment(env) : NULL;
	PROCESS_INFORMATION started;
	struct process *p = NULL;

	if (command != NULL && (env == NULL || block != NULL) && os_windows_plain_path(path, wide) && create(wide, command, block, flags, e, &started))
		p = let_run(&started, flags);
	if (p == NULL)
		log_debug("os", "path=%s CreateProcess=%lu", path, (unsigned long)GetLastError());
	free(command);
	free(block);
	return p;
}

/* Programs are named without the ending that they have here. */
static bool
with_ending(const char *path, char ret[OS_PATH_MAX])
{
	static const char ending[] = ".exe";
	size_t len = strlen(path), used = sizeof(ending) - 1;

	if (!os_path_is_plain(path) || len + used >= OS_PATH_MAX)
		return false;
	memcpy(ret, path, len + 1);
	if (len < used || _stricmp(path + len - used, ending) != 0)
		memcpy(ret + len, ending, sizeof(ending));
	return true;
}

enum err
os_spawn(const char *path, const char *const argv[], const char *const env[], unsigned flags, struct os_child *ret_child)
{
	char program[OS_PATH_MAX];
	struct process *p = NULL;
	struct ends e;

	*ret_child = (struct os_child){ -1, -1, -1 };
	if (!with_ending(path, program) || !open_ends(&e))
		return ERR_WORKER_FAILED;
	p = start(program, argv, env, flags, &e);
	if (p != NULL) {
		*ret_child = (struct os_child){ .process = (intptr_t)p, .in = (intptr_t)e.in, .out = (intptr_t)e.out };
		e.in = e.out = NULL;
	}
	close_ends(&e);
	return p != NULL ? ERR_OK : ERR_WORKER_FAILED;
}

/* ---- ending ---- */

static struct process *
process_of(const struct os_child *child)
{
	return child->process != 0 && child->process != -1 ? (struct process *)child->process : NULL;
}

void *
os_windows_process(const struct os_child *child)
{
	const struct process *p = process_of(child);

	return p != NULL ? p->handle : NULL;
}

static void
forget(struct os_child *child)
{
	struct process *p = process_of(child);

	CloseHandle(p->handle);
	close_one(&p->job);
	free(p);
	child->process = -1;
}

bool
os_child_wait(struct os_child *child, int timeout_ms, int *ret_status)
{
	struct process *p = process_of(child);
	DWORD code = 0;

	*ret_status = -1;
	if (p == NULL)
		return true;
	if (WaitForSingleObject(p->handle, timeout_ms < 0 ? INFINITE : (DWORD)timeout_ms) == WAIT_TIMEOUT)
		return false;
	if (GetExitCodeProcess(p->handle, &code) && code <= EXIT_STATUS_MAX)
		*ret_status = (int)code;
	forget(child);
	return true;
}

void
os_child_end(struct os_child *child)
{
	struct process *p = process_of(child);

	if (p != NULL) {
		if (p->job != NULL)
			TerminateJobObject(p->job, STATUS_CONTROL_C_EXIT);
		TerminateProcess(p->handle, STATUS_CONTROL_C_EXIT);
		WaitForSingleObject(p->handle, INFINITE);
		forget(child);
	}
	if (child->process == 0)
		return; /* never started: a struct that was born { 0 } names no handle */
	os_close(child->in);
	os_close(child->out);
	*child = (struct os_child){ -1, -1, -1 };
}
