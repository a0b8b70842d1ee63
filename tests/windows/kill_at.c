/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ends the program before the nth call that changes files or registry, where MOKHOA_KILL_AT says n: linked into one that is shipped without it, by the linker's --wrap. What a call
 * of the system leaves half done is the system's affair, and each is one change.
 */
#include <windows.h>

#include <stdlib.h>

static void
count(void)
{
	static long left = -1;

	if (left < 0) {
		const char *wanted = getenv("MOKHOA_KILL_AT");
		left = wanted != NULL ? strtol(wanted, NULL, 10) : 0;
	}
	if (left > 0 && --left == 0)
		TerminateProcess(GetCurrentProcess(), 137);
}

/* Callers find the pointer of the import table under this name. */
#define COUNTED(type, name, parameters, arguments) \
	extern type(WINAPI *__real___imp_##name) parameters; \
	static type WINAPI counted_##name parameters \
	{ \
		count(); \
		return __real___imp_##name arguments; \
	} \
	extern type(WINAPI *__wrap___imp_##name) parameters; \
	type(WINAPI *__wrap___imp_##name) parameters = counted_##name

COUNTED(BOOL, CreateDirectoryW, (LPCWSTR a, LPSECURITY_ATTRIBUTES b), (a, b));
COUNTED(BOOL, RemoveDirectoryW, (LPCWSTR a), (a));
COUNTED(BOOL, DeleteFileW, (LPCWSTR a), (a));
COUNTED(BOOL, MoveFileExW, (LPCWSTR a, LPCWSTR b, DWORD c), (a, b, c));
COUNTED(BOOL, FlushFileBuffers, (HANDLE a), (a));
COUNTED(LSTATUS, RegCreateKeyExW, (HKEY a, LPCWSTR b, DWORD c, LPWSTR d, DWORD e, REGSAM f, LPSECURITY_ATTRIBUTES g, PHKEY h, LPDWORD i), (a, b, c, d, e, f, g, h, i));
COUNTED(LSTATUS, RegSetValueExW, (HKEY a, LPCWSTR b, DWORD c, DWORD d, const BYTE *e, DWORD f), (a, b, c, d, e, f));
COUNTED(LSTATUS, RegDeleteValueW, (HKEY a, LPCWSTR b), (a, b));
COUNTED(LSTATUS, RegDeleteKeyExW, (HKEY a, LPCWSTR b, REGSAM c, DWORD d), (a, b, c, d));
