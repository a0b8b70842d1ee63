/* SPDX-License-Identifier: Apache-2.0 */
/* os on Windows: text and paths between UTF-8 and UTF-16, and the folders that the system names. */
#include "os_windows.h"

#include <windows.h>

#include <initguid.h>
#include <knownfolders.h>
#include <shlobj.h>
#include <stdlib.h>
#include <string.h>

static bool
is_slash(char c)
{
	return c == '\\' || c == '/';
}

static bool
is_absolute(const char *path)
{
	return ((path[0] >= 'A' && path[0] <= 'Z') || (path[0] >= 'a' && path[0] <= 'z')) && path[1] == ':' && is_slash(path[2]);
}

bool
os_windows_plain_path(const char *path, wchar_t ret[OS_WINDOWS_PATH_MAX])
{
	if (strlen(path) >= OS_PATH_MAX || MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, ret, OS_WINDOWS_PATH_MAX) <= 0)
		return false;
	for (wchar_t *at = ret; *at != L'\0'; at++)
		if (*at == L'/')
			*at = L'\\';
	return true;
}

bool
os_windows_path(const char *path, wchar_t ret[OS_WINDOWS_PATH_MAX])
{
	static const wchar_t prefix[] = L"\\\\?\\";
	size_t len = sizeof(prefix) / sizeof(prefix[0]) - 1;

	if (!os_windows_plain_path(path, ret))
		return false;
	if (!is_absolute(path))
		return true;
	if (wcslen(ret) + len + 1 > OS_WINDOWS_PATH_MAX)
		return false;
	memmove(ret + len, ret, (wcslen(ret) + 1) * sizeof(ret[0]));
	memcpy(ret, prefix, len * sizeof(ret[0]));
	return true;
}

wchar_t *
os_windows_wide(const char *text)
{
	int len = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, NULL, 0);
	wchar_t *wide = len > 0 ? malloc((size_t)len * sizeof(*wide)) : NULL;

	if (wide != NULL && MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, wide, len) != len) {
		free(wide);
		return NULL;
	}
	return wide;
}

bool
os_windows_narrow(const wchar_t *text, char *ret, size_t max)
{
	return WideCharToMultiByte(CP_UTF8, WC_ERR_INVALID_CHARS, text, -1, ret, (int)max, NULL, NULL) > 0;
}

/* ---- paths ---- */

/* A name that the file system takes as it stands: a trailing dot or blank would be cut by some calls and not by others, a colon names a stream. */
static bool
is_plain_name(const char *name, size_t len)
{
	return len != 0 && strcspn(name, "<>:\"|?*") >= len && name[len - 1] != '.' && name[len - 1] != ' ';
}

bool
os_path_is_plain(const char *path)
{
	size_t len;

	if (!is_absolute(path))
		return false;
	for (const char *at = path + 3;; at += len + 1) {
		len = strcspn(at, "\\/");
		if (!is_plain_name(at, len))
			return false;
		if (at[len] == '\0')
			return true;
	}
}

/* Our folder in one that the system names; no variable of the environment moves it. */
static bool
our_folder(const KNOWNFOLDERID *id, char ret[OS_PATH_MAX])
{
	static const char ours[] = "\\Mokhoa";
	wchar_t *folder = NULL;
	bool found = SHGetKnownFolderPath(id, KF_FLAG_DONT_VERIFY, NULL, &folder) == S_OK && os_windows_narrow(folder, ret, OS_PATH_MAX - sizeof(ours));

	CoTaskMemFree(folder);
	if (found)
		memcpy(ret + strlen(ret), ours, sizeof(ours));
	return found;
}

/*
 * Below Program Files, because there nobody but the administrator can make a folder. In ProgramData, where others keep such files, every user can,
 * and whoever comes first owns it.
 */
enum err
os_config_dir(char ret[OS_PATH_MAX])
{
	return our_folder(&FOLDERID_ProgramFiles, ret) ? ERR_OK : ERR_FILE_MISSING;
}

enum err
os_state_dir(char ret[OS_PATH_MAX])
{
	return our_folder(&FOLDERID_LocalAppData, ret) ? os_make_private(ret) : ERR_FILE_FAILED;
}

const char os_program_ending[] = ".exe";

enum err
os_program_dir(char ret[OS_PATH_MAX])
{
	wchar_t path[OS_WINDOWS_PATH_MAX];
	DWORD len = GetModuleFileNameW(NULL, path, OS_WINDOWS_PATH_MAX);
	char *slash;

	if (len == 0 || len >= OS_WINDOWS_PATH_MAX || !os_windows_narrow(path, ret, OS_PATH_MAX))
		return ERR_INTERNAL;
	slash = strrchr(ret, '\\');
	if (slash == NULL)
		return ERR_INTERNAL;
	*slash = '\0';
	return ERR_OK;
}
