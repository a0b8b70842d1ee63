/* SPDX-License-Identifier: Apache-2.0 */
/* os on Windows: the process, clocks, the lock, libraries, the user. Handles, programs, paths and files are beside it in os_windows_*.c. */
#include "os_windows.h"
#include "image.h"
#include "log.h"

#include <windows.h>

#include <aclapi.h>
#include <assert.h>
#include <bcrypt.h>
#include <fcntl.h>
#include <io.h>
#include <sddl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICKS_PER_SECOND 10000000ll
#define TICKS_TO_1970	 116444736000000000ll /* FILETIME counts from 1601 */

/* ---- who we are ---- */

struct user {
	TOKEN_USER token;
	unsigned char sid[SECURITY_MAX_SID_SIZE]; /* what token points to */
};

static bool
read_user(struct user *ret)
{
	HANDLE token;
	DWORD len;
	bool good;

	if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token))
		return false;
	good = GetTokenInformation(token, TokenUser, ret, sizeof(*ret), &len);
	CloseHandle(token);
	return good;
}

bool
os_windows_is_user(const void *sid)
{
	struct user user;

	return read_user(&user) && EqualSid((PSID)(uintptr_t)sid, user.token.User.Sid);
}

void *
os_windows_descriptor(const wchar_t *sddl)
{
	PSECURITY_DESCRIPTOR ret = NULL;
	wchar_t text[512];
	wchar_t *sid = NULL;
	struct user user;

	if (!read_user(&user) || !ConvertSidToStringSidW(user.token.User.Sid, &sid))
		return NULL;
	if (_snwprintf(text, sizeof(text) / sizeof(text[0]), sddl, sid, sid) < 0 ||
	    !ConvertStringSecurityDescriptorToSecurityDescriptorW(text, SDDL_REVISION_1, &ret, NULL))
		ret = NULL;
	LocalFree(sid);
	return ret;
}

void
os_desk_name(char ret[OS_DESK_NAME_MAX + 1])
{
	struct user user;
	wchar_t *sid = NULL;
	DWORD session;
	int len;

	ret[0] = '\0';
	if (!read_user(&user) || !ProcessIdToSessionId(GetCurrentProcessId(), &session) || !ConvertSidToStringSidW(user.token.User.Sid, &sid))
		return;
	len = snprintf(ret, OS_DESK_NAME_MAX + 1, "%ls-%lu", sid, (unsigned long)session);
	LocalFree(sid);
	if (len < 0 || len > OS_DESK_NAME_MAX)
		ret[0] = '\0';
	else
		ret[0] = 's'; /* a lock's name has no capitals, and S is the only one of an identifier's */
}

/* ---- the process ---- */

/* Whoever runs as the same user may end us and wait for us, and neither read our memory nor put a thread into us; the debugger of an administrator may. */
static void
close_to_others(void)
{
	PSECURITY_DESCRIPTOR sd = os_windows_descriptor(L"D:P(A;;0x121001;;;OW)(A;;0x121001;;;%ls)(A;;0x1fffff;;;SY)(A;;0x1fffff;;;BA)");
	BOOL present, by_default;
	PACL dacl = NULL;

	if (sd != NULL && GetSecurityDescriptorDacl(sd, &present, &dacl, &by_default) && present)
		(void)SetSecurityInfo(GetCurrentProcess(), SE_KERNEL_OBJECT, DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION, NULL, NULL,
		    dacl, NULL);
	LocalFree(sd);
}

void
os_harden(void)
{
	/* a crash shows no window that waits for a click; the heap, where PINs pass, goes into no report */
	SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX | SEM_NOOPENFILEERRORBOX);
	/* the folder that a browser or a person happened to stand in is nowhere to load a library from */
	SetDllDirectoryW(L"");
	HeapSetInformation(NULL, HeapEnableTerminationOnCorruption, NULL, 0);
	close_to_others();
}

/* A copy of our own that no child inherits; -1 where there is none. */
static intptr_t
copy_of(DWORD which)
{
	HANDLE ours = GetStdHandle(which), copy;
	HANDLE process = GetCurrentProcess();

	if (ours == NULL || ours == INVALID_HANDLE_VALUE || !DuplicateHandle(process, ours, process, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS))
		return -1;
	return (intptr_t)copy;
}

void
os_take_stdio(intptr_t *ret_in, intptr_t *ret_out)
{
	int null = _open("NUL", _O_RDONLY | _O_BINARY);

	*ret_in = copy_of(STD_INPUT_HANDLE);
	*ret_out = copy_of(STD_OUTPUT_HANDLE);
	/* the C library's descriptors first, because that closes the handles; what asks the system finds the same */
	fflush(stdout);
	if (null >= 0) {
		(void)_dup2(null, 0);
		(void)_close(null);
		SetStdHandle(STD_INPUT_HANDLE, (HANDLE)_get_osfhandle(0));
	}
	if (_dup2(2, 1) == 0)
		SetStdHandle(STD_OUTPUT_HANDLE, (HANDLE)_get_osfhandle(1));
	else
		SetStdHandle(STD_OUTPUT_HANDLE, NULL);
}

static DWORD WINAPI
end_process(void *context)
{
	Sleep((DWORD)(uintptr_t)context);
	TerminateProcess(GetCurrentProcess(), STATUS_CONTROL_C_EXIT);
	return 0;
}

bool
os_end_after(unsigned ms)
{
	HANDLE thread = CreateThread(NULL, 0, end_process, (void *)(uintptr_t)ms, 0, NULL);

	if (thread == NULL)
		return false;
	SetThreadPriority(thread, THREAD_PRIORITY_TIME_CRITICAL);
	CloseHandle(thread);
	return true;
}

void
os_log(const char *line, size_t len)
{
	HANDLE err = GetStdHandle(STD_ERROR_HANDLE);
	DWORD done;

	if (err != NULL && err != INVALID_HANDLE_VALUE)
		(void)WriteFile(err, line, (DWORD)len, &done, NULL);
}

/* ---- clocks and chance ---- */

uint64_t
os_now_ms(void)
{
	return GetTickCount64();
}

int64_t
os_time(void)
{
	FILETIME now;

	GetSystemTimeAsFileTime(&now);
	return ((int64_t)((uint64_t)now.dwHighDateTime << 32 | now.dwLowDateTime) - TICKS_TO_1970) / TICKS_PER_SECOND;
}

void
os_sleep_ms(unsigned ms)
{
	Sleep(ms);
}

void
os_random(void *ret, size_t len)
{
	if (BCryptGenRandom(NULL, ret, (ULONG)len, BCRYPT_USE_SYSTEM_PREFERRED_RNG) != 0) {
		static const char line[] = "the system gives no random numbers\n";
		os_log(line, sizeof(line) - 1);
		abort();
	}
}

/* ---- one at a time on the whole machine ---- */

/*
 * A named event in the namespace of all sessions, of which nothing but its existence counts: the system takes the name away with the last handle,
 * whatever way its holder dies, and no thread owns it. Only its maker's user may open it, so for another user it is "access denied", which is
 * as well "somebody else holds it". As elsewhere, who takes the name first keeps others out and lets nobody in with him.
 */
enum err
os_lock(const char *name, intptr_t *ret_lock)
{
	SECURITY_ATTRIBUTES attributes = { .nLength = sizeof(attributes), .bInheritHandle = FALSE };
	wchar_t full[OS_LOCK_NAME_MAX + 32];
	enum err e = ERR_OK;
	HANDLE event;
	DWORD why;

	if (name[0] == '\0' || strlen(name) > OS_LOCK_NAME_MAX || name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] != '\0')
		return ERR_INTERNAL;
	(void)_snwprintf(full, sizeof(full) / sizeof(full[0]), L"Global\\" OS_WINDOWS_LOCK_HEAD L"%hs", name);
	attributes.lpSecurityDescriptor = os_windows_descriptor(L"D:P(A;;GA;;;%ls)(A;;GA;;;SY)");
	if (attributes.lpSecurityDescriptor == NULL)
		return ERR_INTERNAL;
	event = CreateEventW(&attributes, TRUE, FALSE, full);
	why = GetLastError();
	LocalFree(attributes.lpSecurityDescriptor);
	/* a name that stands for another kind of object is somebody's who keeps us out */
	if (event == NULL)
		e = why == ERROR_ACCESS_DENIED || why == ERROR_INVALID_HANDLE ? ERR_BUSY : ERR_INTERNAL;
	else if (why == ERROR_ALREADY_EXISTS)
		e = ERR_BUSY;
	if (e == ERR_OK)
		*ret_lock = (intptr_t)event;
	else if (event != NULL)
		CloseHandle(event);
	return e;
}

void
os_unlock(intptr_t lock)
{
	os_close(lock);
}

/* ---- libraries ---- */

static enum os_library_fault library_fault;

/* Where it is none, the system may say as well that something was not found. */
static bool
is_image(const char *path)
{
	struct image image;

	return image_of_file(path, &image) == ERR_OK && image.format == IMAGE_PE;
}

/* What the module needs in its turn is sought beside it and in the system's folders, not beside our program. */
enum err
os_library_open(const char *path, void **ret_library)
{
	wchar_t wide[OS_WINDOWS_PATH_MAX];
	HMODULE library;

	library_fault = OS_LIBRARY_FINE;
	if (!os_path_is_plain(path) || !os_windows_plain_path(path, wide) || GetFileAttributesW(wide) == INVALID_FILE_ATTRIBUTES)
		return ERR_MODULE_MISSING;
	library = LoadLibraryExW(wide, NULL, LOAD_WITH_ALTERED_SEARCH_PATH);
	if (library == NULL) {
		DWORD why = GetLastError();

		log_debug("os", "path=%s LoadLibraryEx=%lu", path, (unsigned long)why);
		/* the file itself is there */
		library_fault = why == ERROR_MOD_NOT_FOUND && is_image(path) ? OS_LIBRARY_NEEDS : why == ERROR_BAD_EXE_FORMAT || why == ERROR_EXE_MACHINE_TYPE_MISMATCH ? OS_LIBRARY_KIND
																					: OS_LIBRARY_OTHER;
		return ERR_MODULE_FAILED;
	}
	*ret_library = library;
	return ERR_OK;
}

enum os_library_fault
os_library_fault(char ret_name[OS_LIBRARY_NAME_MAX])
{
	ret_name[0] = '\0';
	return library_fault;
}

void (*os_library_symbol(void *library, const char *name))(void)
{
	FARPROC found = GetProcAddress(library, name);
	void (*function)(void) = NULL;

	static_assert(sizeof(found) == sizeof(function), "functions have one size");
	memcpy(&function, &found, sizeof(function));
	return function;
}
