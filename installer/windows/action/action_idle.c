/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that run are never ended by an installation, and one in the midst of an unlock starts its own file anew for each step. So an upgrade and a removal wait until no token is
 * worked on. The locks of all users are names in one folder of the system's (os_lock(), step_hold()); they are looked at and not touched. An unlock that begins later, while files are exchanged,
 * finds the old program or the new, or is told that none could be started before anything was asked of the token.
 *
 * Every user can make such a name. So it counts only while a worker of the installed file runs, and who is refused is told which process that is.
 */
#include "action.h"

#include "err.h"
#include "os_windows.h"

#include <tlhelp32.h>
#include <winternl.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define TOKEN_LEN    64 /* digits: a token's name is a hash, and no other lock's is */
#define ENTRIES_MAX  4096
#define WAIT_DEFAULT 300 /* seconds: a person who types a code and a PIN */
#define QUERY	     1	 /* DIRECTORY_QUERY */
#define WORKER	     L"mokhoa-worker.exe"

struct entry {
	UNICODE_STRING name;
	UNICODE_STRING type;
};

typedef NTSTATUS(NTAPI *open_directory)(HANDLE *ret, ACCESS_MASK access, OBJECT_ATTRIBUTES *object);
typedef NTSTATUS(NTAPI *query_directory)(HANDLE directory, void *ret, ULONG size, BOOLEAN one, BOOLEAN again, ULONG *context, ULONG *ret_size);

static bool
is_token(const UNICODE_STRING *name)
{
	static const wchar_t head[] = OS_WINDOWS_LOCK_HEAD;
	size_t head_len = sizeof(head) / sizeof(head[0]) - 1;

	if (name->Length != (head_len + TOKEN_LEN) * sizeof(wchar_t) || wmemcmp(name->Buffer, head, head_len) != 0)
		return false;
	for (size_t i = 0; i < TOKEN_LEN; i++)
		if (wcschr(L"0123456789abcdef", name->Buffer[head_len + i]) == NULL)
			return false;
	return true;
}

/* False also where the system does not say. */
static bool
some_token_is_held(void)
{
	static wchar_t folder[] = L"\\BaseNamedObjects";
	union {
		struct entry entry;
		unsigned char bytes[ENTRIES_MAX];
	} one;
	HMODULE ntdll = GetModuleHandleW(L"ntdll.dll");
	open_directory open = (open_directory)(void *)GetProcAddress(ntdll, "NtOpenDirectoryObject");
	query_directory query = (query_directory)(void *)GetProcAddress(ntdll, "NtQueryDirectoryObject");
	UNICODE_STRING name = { .Length = sizeof(folder) - sizeof(folder[0]), .MaximumLength = sizeof(folder), .Buffer = folder };
	OBJECT_ATTRIBUTES object = { .Length = sizeof(object), .ObjectName = &name };
	HANDLE directory = NULL;
	ULONG at = 0, size;
	bool found = false;

	if (open == NULL || query == NULL || open(&directory, QUERY, &object) != 0)
		return false;
	while (!found && query(directory, &one, sizeof(one), TRUE, FALSE, &at, &size) == 0)
		found = is_token(&one.entry.name);
	CloseHandle(directory);
	return found;
}

/* True also where it is there and we may not ask: who runs the installer may have no rights yet over the processes of others. */
static bool
is_of_file(DWORD id, const wchar_t *path)
{
	HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, id);
	wchar_t found[OS_WINDOWS_PATH_MAX];
	DWORD len = OS_WINDOWS_PATH_MAX;
	bool is_it;

	if (process == NULL)
		return GetLastError() == ERROR_ACCESS_DENIED;
	is_it = !QueryFullProcessImageNameW(process, 0, found, &len) || CompareStringOrdinal(found, -1, path, -1, TRUE) == CSTR_EQUAL;
	CloseHandle(process);
	return is_it;
}

/* True also where the system does not say, and then *ret_id stays as it was. */
static bool
worker_runs(const wchar_t *path, DWORD *ret_id)
{
	HANDLE all = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
	PROCESSENTRY32W one = { .dwSize = sizeof(one) };
	bool found = false;

	if (all == INVALID_HANDLE_VALUE)
		return true;
	for (BOOL more = Process32FirstW(all, &one); more && !found; more = Process32NextW(all, &one)) {
		found = CompareStringOrdinal(one.szExeFile, -1, WORKER, -1, TRUE) == CSTR_EQUAL && is_of_file(one.th32ProcessID, path);
		if (found)
			*ret_id = one.th32ProcessID;
	}
	CloseHandle(all);
	return found;
}

/* The installed one's, for free(); NULL for want of memory. */
static wchar_t *
worker_path(MSIHANDLE session)
{
	wchar_t *folder = action_property(session, L"ProgramsFolder");
	size_t len = folder != NULL ? wcslen(folder) : 0;
	wchar_t *path = folder != NULL ? realloc(folder, (len + sizeof(WORKER) / sizeof(wchar_t)) * sizeof(*path)) : NULL;

	if (path != NULL)
		wcscpy(path + len, WORKER);
	else
		free(folder);
	return path;
}

static unsigned long
seconds(MSIHANDLE session)
{
	wchar_t *wait = action_property(session, L"WAIT");
	unsigned long s = wait != NULL && wait[0] != L'\0' ? wcstoul(wait, NULL, 10) : WAIT_DEFAULT;

	free(wait);
	return s;
}

static void
refuse(MSIHANDLE session, DWORD worker)
{
	char text[1024];
	wchar_t *wide;

	snprintf(text, sizeof(text), "mokhoa: %s (%d): mokhoa-worker, process %lu\n%s %s\n%s %s", err_name(ERR_TOKEN_BUSY), err_number(ERR_TOKEN_BUSY), (unsigned long)worker, err_sentence(ERR_TOKEN_BUSY, "vi"),
	    err_hint(ERR_TOKEN_BUSY, "vi"), err_sentence(ERR_TOKEN_BUSY, "en"), err_hint(ERR_TOKEN_BUSY, "en"));
	wide = action_wide(text, strlen(text));
	if (wide != NULL)
		action_say(session, INSTALLMESSAGE_ERROR, wide);
	free(wide);
}

ACTION
MokhoaIdle(MSIHANDLE session)
{
	ULONGLONG until = GetTickCount64() + 1000ull * seconds(session);
	wchar_t *path = worker_path(session);
	UINT result = ERROR_SUCCESS;
	DWORD worker = 0;

	while (result == ERROR_SUCCESS && some_token_is_held() && (path == NULL || worker_runs(path, &worker))) {
		if (GetTickCount64() >= until) {
			refuse(session, worker);
			result = ERROR_INSTALL_FAILURE;
		} else {
			Sleep(500);
		}
	}
	free(path);
	return result;
}
