/* SPDX-License-Identifier: Apache-2.0 */
#include "os_shared.h"
#include "os_windows.h"

#include <windows.h>

#include <stdio.h>
#include <string.h>

/* One name a folder, so that the next run finds what a killed one left; the text in it is one that was to be. */
#define FRESH ".mokhoa-setup.new"

static bool
fresh_path(const char *path, wchar_t ret[OS_WINDOWS_PATH_MAX])
{
	char fresh[OS_PATH_MAX];
	size_t len = strlen(path);
	int made;

	while (len != 0 && path[len - 1] != '\\' && path[len - 1] != '/')
		len--;
	made = snprintf(fresh, sizeof(fresh), "%.*s" FRESH, (int)len, path);
	return made > 0 && (size_t)made < sizeof(fresh) && os_windows_path(fresh, ret);
}

static bool
is_missing(void)
{
	return GetLastError() == ERROR_FILE_NOT_FOUND || GetLastError() == ERROR_PATH_NOT_FOUND;
}

static bool
is_plain_file(HANDLE file)
{
	BY_HANDLE_FILE_INFORMATION info;

	return GetFileType(file) == FILE_TYPE_DISK && GetFileInformationByHandle(file, &info) &&
	       (info.dwFileAttributes & (FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_REPARSE_POINT)) == 0;
}

enum err
os_shared_read(const char *path, struct buf *ret)
{
	wchar_t wide[OS_WINDOWS_PATH_MAX];
	enum err e = ERR_FILE_FAILED;
	HANDLE file;

	if (!os_windows_path(path, wide))
		return e;
	file = CreateFileW(wide, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
	    FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
	if (file == INVALID_HANDLE_VALUE)
		return is_missing() ? ERR_FILE_MISSING : e;
	if (is_plain_file(file) && os_read_to_end((intptr_t)file, ret) == ERR_OK)
		e = ERR_OK;
	CloseHandle(file);
	return e;
}

enum err
os_shared_write(const char *path, const void *bytes, size_t len)
{
	wchar_t wide[OS_WINDOWS_PATH_MAX], fresh[OS_WINDOWS_PATH_MAX];
	bool done;
	HANDLE file;

	if (!os_windows_path(path, wide) || !fresh_path(path, fresh))
		return ERR_FILE_FAILED;
	(void)DeleteFileW(fresh);
	file = CreateFileW(fresh, GENERIC_WRITE, 0, NULL, CREATE_NEW, FILE_ATTRIBUTE_NORMAL, NULL);
	if (file == INVALID_HANDLE_VALUE)
		return ERR_FILE_FAILED;
	done = os_write_all((intptr_t)file, bytes, len) && FlushFileBuffers(file);
	done = CloseHandle(file) && done;
	if (done && os_windows_move_over(fresh, wide))
		return ERR_OK;
	(void)DeleteFileW(fresh);
	return ERR_FILE_FAILED;
}

void
os_shared_remove_leftover(const char *path)
{
	wchar_t fresh[OS_WINDOWS_PATH_MAX];

	if (fresh_path(path, fresh))
		(void)DeleteFileW(fresh);
}

enum err
os_shared_remove(const char *path)
{
	wchar_t wide[OS_WINDOWS_PATH_MAX];

	os_shared_remove_leftover(path);
	return os_windows_path(path, wide) && (DeleteFileW(wide) || is_missing()) ? ERR_OK : ERR_FILE_FAILED;
}

bool
os_shared_has_folder(const char *path)
{
	wchar_t wide[OS_WINDOWS_PATH_MAX];
	DWORD attributes = os_windows_path(path, wide) ? GetFileAttributesW(wide) : INVALID_FILE_ATTRIBUTES;

	return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
}

enum err
os_shared_make_folder(const char *path)
{
	wchar_t wide[OS_WINDOWS_PATH_MAX];

	return os_windows_path(path, wide) && (CreateDirectoryW(wide, NULL) || os_shared_has_folder(path)) ? ERR_OK : ERR_FILE_FAILED;
}

bool
os_shared_remove_folder(const char *path)
{
	wchar_t wide[OS_WINDOWS_PATH_MAX];

	return os_windows_path(path, wide) && (RemoveDirectoryW(wide) || is_missing());
}
