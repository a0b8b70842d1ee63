/* SPDX-License-Identifier: Apache-2.0 */
#include "action.h"

#include <shlobj.h>

#include <stdlib.h>
#include <wchar.h>

#define USERS	 L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\ProfileList"
#define KEPT	 L"profiles.d"
#define PREVIOUS L"*.previous"

/* ---- journals ---- */

/*
 * Journals are their users', may hold the keys of an unlock that is not at its end, and lie where users can put links: nothing that runs for the whole machine deletes there.
 */
static void
look_at(MSIHANDLE session, HKEY users, const wchar_t *user)
{
	wchar_t home[MAX_PATH] = L"";
	wchar_t path[MAX_PATH + 64], line[MAX_PATH + 96];
	DWORD size = sizeof(home);
	DWORD attributes;

	if (RegGetValueW(users, user, L"ProfileImagePath", RRF_RT_REG_SZ, NULL, home, &size) != ERROR_SUCCESS)
		return;
	_snwprintf(path, MAX_PATH + 64, L"%ls\\AppData\\Local\\Mokhoa", home);
	attributes = GetFileAttributesW(path);
	if (attributes == INVALID_FILE_ATTRIBUTES || (attributes & FILE_ATTRIBUTE_DIRECTORY) == 0)
		return;
	_snwprintf(line, MAX_PATH + 96, L"mokhoa: journal kept: %ls", path);
	action_say(session, INSTALLMESSAGE_INFO, line);
}

ACTION
MokhoaJournals(MSIHANDLE session)
{
	wchar_t user[256];
	HKEY users;

	if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, USERS, 0, KEY_READ | KEY_WOW64_64KEY, &users) != ERROR_SUCCESS)
		return ERROR_SUCCESS;
	for (DWORD i = 0;; i++) {
		DWORD len = sizeof(user) / sizeof(user[0]);
		if (RegEnumKeyExW(users, i, user, &len, NULL, NULL, NULL, NULL) != ERROR_SUCCESS)
			break;
		look_at(session, users, user);
	}
	RegCloseKey(users);
	return ERROR_SUCCESS;
}

/* ---- what was kept for an undoing ---- */

/* Only below the programs' folder, where nobody but an administrator can put anything. */
static void
forget_in(const wchar_t *folder)
{
	wchar_t path[2 * MAX_PATH];
	WIN32_FIND_DATAW found;
	HANDLE search;

	_snwprintf(path, 2 * MAX_PATH, L"%ls" KEPT L"\\" PREVIOUS, folder);
	search = FindFirstFileW(path, &found);
	if (search == INVALID_HANDLE_VALUE)
		return;
	do {
		_snwprintf(path, 2 * MAX_PATH, L"%ls" KEPT L"\\%ls", folder, found.cFileName);
		(void)DeleteFileW(path);
	} while (FindNextFileW(search, &found));
	FindClose(search);
}

ACTION
MokhoaForget(MSIHANDLE session)
{
	wchar_t *data = action_property(session, L"CustomActionData");
	wchar_t path[2 * MAX_PATH];

	if (data == NULL || wcslen(data) < 2 || wcslen(data) > MAX_PATH) {
		free(data);
		return ERROR_SUCCESS;
	}
	forget_in(data + 1);
	if (data[0] == L'!') {
		/* what is not empty stays: it is somebody's */
		_snwprintf(path, 2 * MAX_PATH, L"%ls" KEPT, data + 1);
		(void)RemoveDirectoryW(path);
		(void)RemoveDirectoryW(data + 1);
	}
	free(data);
	return ERROR_SUCCESS;
}
