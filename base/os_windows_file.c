/* SPDX-License-Identifier: Apache-2.0 */
/*
 * os on Windows: the user's own files.
 *
 * What os_write_private() writes only its owner and SYSTEM may open, and what is in it is encrypted for that user besides (DPAPI), because such files have
 * keys and backups, roaming and other systems know nothing of access lists.
 */
#include "os_windows.h"
#include "os_any.h"
#include "secret.h"

#include <windows.h>

#include <aclapi.h>
#include <string.h>
#include <wincrypt.h>

#define NAME_BYTES_MAX 512  /* UTF-8 of a name that NTFS can have: 255 characters of UTF-16, less would do for ours */
#define OVERHEAD_MAX   4096 /* bytes that encryption adds */
#define MOVE_TRIES     20
#define MOVE_PAUSE_MS  25

#define ONLY_OWNER	  L"O:%lsD:P(A;;FA;;;%ls)(A;;FA;;;SY)"
#define ONLY_OWNER_FOLDER L"O:%lsD:P(A;OICI;FA;;;%ls)(A;OICI;FA;;;SY)"

static const char sealed_head[] = "mokhoa-dpapi-1\n"; /* in front of what is encrypted */

#define HEAD_LEN (sizeof(sealed_head) - 1)

/* ---- encryption for the user ---- */

/* Appends head and ciphertext; the caller frees. */
static bool
seal(const void *bytes, size_t len, struct buf *ret)
{
	DATA_BLOB in = { .cbData = (DWORD)len, .pbData = (BYTE *)(uintptr_t)(len != 0 ? bytes : "") }, out = { .cbData = 0 };

	if (!CryptProtectData(&in, L"Mokhoa", NULL, NULL, NULL, CRYPTPROTECT_UI_FORBIDDEN, &out))
		return false;
	buf_add(ret, sealed_head, HEAD_LEN);
	buf_add(ret, out.pbData, out.cbData);
	LocalFree(out.pbData);
	return buf_error(ret) == ERR_OK;
}

/* Appends the plaintext to ret. */
static enum err
unseal(const unsigned char *bytes, size_t len, struct buf *ret)
{
	DATA_BLOB in = { .cbData = (DWORD)len, .pbData = (BYTE *)(uintptr_t)bytes }, out = { .cbData = 0 };

	if (!CryptUnprotectData(&in, NULL, NULL, NULL, NULL, CRYPTPROTECT_UI_FORBIDDEN, &out))
		return ERR_FILE_FAILED;
	buf_add(ret, out.pbData, out.cbData);
	wipe(out.pbData, out.cbData);
	LocalFree(out.pbData);
	return buf_error(ret);
}

/* ---- reading ---- */

/* Fails with ERROR_DIRECTORY where a folder stands there. */
static HANDLE
open_to_read(const char *path)
{
	wchar_t wide[OS_WINDOWS_PATH_MAX];
	BY_HANDLE_FILE_INFORMATION info;
	HANDLE file;

	if (!os_windows_path(path, wide)) {
		SetLastError(ERROR_INVALID_NAME);
		return INVALID_HANDLE_VALUE;
	}
	/* whoever replaces the file needs our leave to take it away */
	file = CreateFileW(wide, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
	if (file == INVALID_HANDLE_VALUE || (GetFileType(file) == FILE_TYPE_DISK && GetFileInformationByHandle(file, &info) &&
						(info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) == 0))
		return file;
	CloseHandle(file);
	SetLastError(ERROR_DIRECTORY);
	return INVALID_HANDLE_VALUE;
}

static bool
is_missing(DWORD error)
{
	return error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND;
}

/* Writing needs some hundred bytes more than the plaintext: what is too long afterwards is told by ret. */
static enum err
take_contents(const struct buf *raw, struct buf *ret)
{
	if (raw->len >= HEAD_LEN && memcmp(raw->data, sealed_head, HEAD_LEN) == 0)
		return unseal(raw->data + HEAD_LEN, raw->len - HEAD_LEN, ret);
	if (raw->len != 0)
		buf_add(ret, raw->data, raw->len);
	return buf_error(ret);
}

enum err
os_read_file(const char *path, struct buf *ret)
{
	struct buf raw = buf_new(ret->max - ret->len + OVERHEAD_MAX);
	HANDLE file = open_to_read(path);
	enum err e;

	if (file == INVALID_HANDLE_VALUE)
		return is_missing(GetLastError()) ? ERR_FILE_MISSING : ERR_FILE_FAILED;
	e = os_read_to_end((intptr_t)file, &raw);
	CloseHandle(file);
	if (e == ERR_OK)
		e = take_contents(&raw, ret);
	buf_free(&raw);
	return e;
}

enum err
os_read_head(const char *path, void *ret, size_t max, size_t *ret_len)
{
	HANDLE file = open_to_read(path);
	enum err e;

	if (file == INVALID_HANDLE_VALUE)
		return is_missing(GetLastError()) ? ERR_FILE_MISSING : ERR_FILE_FAILED;
	e = os_read_up_to((intptr_t)file, ret, max, ret_len);
	CloseHandle(file);
	return e;
}

/* ---- writing ---- */

/* "FOLDER\.NAME.xxxxxxxxxxxxxxxx" for "FOLDER\NAME". */
static bool
fresh_path(const char *path, char ret[OS_PATH_MAX])
{
	size_t folder = strlen(path);

	while (folder != 0 && path[folder - 1] != '\\' && path[folder - 1] != '/')
		folder--;
	if (folder >= OS_PATH_MAX)
		return false;
	memcpy(ret, path, folder);
	return os_fresh_name(path + folder, ret + folder, OS_PATH_MAX - folder);
}

static bool
write_new(const wchar_t *path, const struct buf *bytes)
{
	SECURITY_ATTRIBUTES attributes = { .nLength = sizeof(attributes), .lpSecurityDescriptor = os_windows_descriptor(ONLY_OWNER) };
	bool written = false;
	HANDLE file;

	if (attributes.lpSecurityDescriptor == NULL)
		return false;
	file = CreateFileW(path, GENERIC_WRITE, 0, &attributes, CREATE_NEW, FILE_ATTRIBUTE_NORMAL, NULL);
	LocalFree(attributes.lpSecurityDescriptor);
	if (file == INVALID_HANDLE_VALUE)
		return false;
	written = os_write_all((intptr_t)file, bytes->data, bytes->len) && FlushFileBuffers(file);
	return CloseHandle(file) && written;
}

bool
os_windows_move_over(const wchar_t *from, const wchar_t *to)
{
	for (unsigned i = 0; i < MOVE_TRIES; i++) {
		DWORD why;

		if (MoveFileExW(from, to, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH))
			return true;
		why = GetLastError();
		if (why != ERROR_SHARING_VIOLATION && why != ERROR_ACCESS_DENIED)
			return false;
		Sleep(MOVE_PAUSE_MS);
	}
	return false;
}

enum err
os_write_private(const char *path, const void *bytes, size_t len)
{
	wchar_t wide[OS_WINDOWS_PATH_MAX], wide_fresh[OS_WINDOWS_PATH_MAX];
	struct buf sealed = buf_new(len + OVERHEAD_MAX);
	enum err e = ERR_FILE_FAILED;
	char fresh[OS_PATH_MAX];

	if (fresh_path(path, fresh) && os_windows_path(path, wide) && os_windows_path(fresh, wide_fresh) && seal(bytes, len, &sealed) &&
	    write_new(wide_fresh, &sealed)) {
		if (os_windows_move_over(wide_fresh, wide))
			e = ERR_OK;
		else
			DeleteFileW(wide_fresh);
	}
	buf_free(&sealed);
	return e;
}

/* ---- folders ---- */

struct listing {
	HANDLE find;
	WIN32_FIND_DATAW data;
	char name[NAME_BYTES_MAX];
};

/* The next regular file, hidden ones too; false at the end. Begins with find == NULL. */
static bool
next_file(struct listing *l, const wchar_t *pattern)
{
	for (;;) {
		bool more = l->find == NULL ? (l->find = FindFirstFileW(pattern, &l->data)) != INVALID_HANDLE_VALUE : FindNextFileW(l->find, &l->data);
		if (!more)
			return false;
		if ((l->data.dwFileAttributes & (FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_DEVICE)) == 0 &&
		    os_windows_narrow(l->data.cFileName, l->name, sizeof(l->name)))
			return true;
	}
}

static void
listing_end(struct listing *l)
{
	if (l->find != NULL && l->find != INVALID_HANDLE_VALUE)
		FindClose(l->find);
}

static bool
pattern_of(const char *folder, wchar_t ret[OS_WINDOWS_PATH_MAX])
{
	char pattern[OS_PATH_MAX];
	size_t len = strlen(folder);

	if (len + sizeof("\\*") > sizeof(pattern))
		return false;
	memcpy(pattern, folder, len);
	memcpy(pattern + len, "\\*", sizeof("\\*"));
	return os_windows_path(pattern, ret);
}

enum err
os_list(const char *folder, void (*each)(const char *name, void *context), void *context)
{
	wchar_t pattern[OS_WINDOWS_PATH_MAX];
	struct listing l = { .find = NULL };
	struct os_names names = { 0 };
	enum err e = ERR_OK;

	if (!pattern_of(folder, pattern))
		return ERR_FILE_FAILED;
	while (e == ERR_OK && next_file(&l, pattern))
		if (l.name[0] != '.' && !os_names_add(&names, l.name))
			e = ERR_NO_MEMORY;
	if (e == ERR_OK && l.find == INVALID_HANDLE_VALUE && !is_missing(GetLastError()))
		e = ERR_FILE_FAILED;
	listing_end(&l);
	os_names_end(&names, e == ERR_OK ? each : NULL, context);
	return e;
}

void
os_remove_leftovers(const char *path)
{
	wchar_t pattern[OS_WINDOWS_PATH_MAX], wide[OS_WINDOWS_PATH_MAX];
	struct listing l = { .find = NULL };
	char folder[OS_PATH_MAX], full[OS_PATH_MAX];
	size_t len = strlen(path);

	while (len != 0 && path[len - 1] != '\\' && path[len - 1] != '/')
		len--;
	if (len == 0 || len > sizeof(folder))
		return;
	memcpy(folder, path, len - 1);
	folder[len - 1] = '\0';
	if (!pattern_of(folder, pattern))
		return;
	while (next_file(&l, pattern)) {
		size_t name_len = strlen(l.name);
		if (!os_is_fresh_name(l.name, path + len) || len + name_len >= sizeof(full))
			continue;
		memcpy(full, path, len);
		memcpy(full + len, l.name, name_len + 1);
		if (os_windows_path(full, wide))
			DeleteFileW(wide);
	}
	listing_end(&l);
}

enum err
os_remove(const char *path)
{
	wchar_t wide[OS_WINDOWS_PATH_MAX];

	if (!os_windows_path(path, wide))
		return ERR_FILE_FAILED;
	os_remove_leftovers(path);
	return DeleteFileW(wide) || is_missing(GetLastError()) ? ERR_OK : ERR_FILE_FAILED;
}

enum err
os_file_age(const char *path, int64_t *ret)
{
	wchar_t wide[OS_WINDOWS_PATH_MAX];
	WIN32_FILE_ATTRIBUTE_DATA data;
	FILETIME now;
	int64_t age;

	if (!os_windows_path(path, wide))
		return ERR_FILE_FAILED;
	if (!GetFileAttributesExW(wide, GetFileExInfoStandard, &data))
		return is_missing(GetLastError()) ? ERR_FILE_MISSING : ERR_FILE_FAILED;
	if ((data.dwFileAttributes & (FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_REPARSE_POINT | FILE_ATTRIBUTE_DEVICE)) != 0)
		return ERR_FILE_FAILED;
	GetSystemTimeAsFileTime(&now);
	age = (int64_t)((uint64_t)now.dwHighDateTime << 32 | now.dwLowDateTime) -
	      (int64_t)((uint64_t)data.ftLastWriteTime.dwHighDateTime << 32 | data.ftLastWriteTime.dwLowDateTime);
	*ret = age > 0 ? age / 10000000 : 0;
	return ERR_OK;
}

/* Makes each missing folder of the path, for the user alone. What cannot be made and is there already is the check's business. */
static void
make_folders(wchar_t *path, SECURITY_ATTRIBUTES *attributes)
{
	wchar_t *at = wcschr(path, L':');

	for (at = at != NULL && at[1] == L'\\' ? wcschr(at + 2, L'\\') : NULL; at != NULL; at = wcschr(at + 1, L'\\')) {
		*at = L'\0';
		(void)CreateDirectoryW(path, attributes);
		*at = L'\\';
	}
	(void)CreateDirectoryW(path, attributes);
}

/* Whether it is a folder, no link, of the user's own; its access list is made ours. */
static enum err
take_folder(wchar_t *path, PSECURITY_DESCRIPTOR sd)
{
	DWORD attributes = GetFileAttributesW(path);
	PSECURITY_DESCRIPTOR found = NULL;
	enum err e = ERR_FILE_FAILED;
	BOOL present, by_default;
	PSID owner = NULL;
	PACL dacl = NULL;

	if (attributes == INVALID_FILE_ATTRIBUTES || (attributes & FILE_ATTRIBUTE_DIRECTORY) == 0 || (attributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0)
		return e;
	if (GetNamedSecurityInfoW(path, SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION, &owner, NULL, NULL, NULL, &found) != ERROR_SUCCESS)
		return e;
	/* what an administrator makes with all his rights belongs to his group */
	if ((os_windows_is_user(owner) || os_windows_is_admin(owner)) && GetSecurityDescriptorDacl(sd, &present, &dacl, &by_default) && present &&
	    SetNamedSecurityInfoW(path, SE_FILE_OBJECT, DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION, NULL, NULL, dacl, NULL) ==
		ERROR_SUCCESS)
		e = ERR_OK;
	LocalFree(found);
	return e;
}

enum err
os_make_private(const char *folder)
{
	SECURITY_ATTRIBUTES attributes = { .nLength = sizeof(attributes) };
	wchar_t wide[OS_WINDOWS_PATH_MAX];
	enum err e;

	/* without the prefix: the calls for access lists do not all take it */
	if (!os_path_is_plain(folder) || !os_windows_plain_path(folder, wide))
		return ERR_FILE_FAILED;
	attributes.lpSecurityDescriptor = os_windows_descriptor(ONLY_OWNER_FOLDER);
	if (attributes.lpSecurityDescriptor == NULL)
		return ERR_FILE_FAILED;
	make_folders(wide, &attributes);
	e = take_folder(wide, attributes.lpSecurityDescriptor);
	LocalFree(attributes.lpSecurityDescriptor);
	return e;
}

/* ---- locks ---- */

/* Whether a file can be made beside path: otherwise "access denied" is the folder's word. */
static bool
folder_takes_files(const char *path)
{
	wchar_t wide[OS_WINDOWS_PATH_MAX];
	char fresh[OS_PATH_MAX];
	HANDLE file;

	if (!fresh_path(path, fresh) || !os_windows_path(fresh, wide))
		return false;
	file = CreateFileW(wide, GENERIC_WRITE | DELETE, 0, NULL, CREATE_NEW, FILE_ATTRIBUTE_NORMAL | FILE_FLAG_DELETE_ON_CLOSE, NULL);
	return file != INVALID_HANDLE_VALUE && CloseHandle(file);
}

/* A folder in its place, or a folder around it that takes no file, will not go away; whoever holds it, or lets it go, will. */
static enum err
why_not_locked(const char *path, const wchar_t *wide, DWORD why)
{
	DWORD attributes;

	if (why == ERROR_SHARING_VIOLATION)
		return ERR_BUSY;
	if (why != ERROR_ACCESS_DENIED)
		return ERR_FILE_FAILED;
	attributes = GetFileAttributesW(wide);
	if (attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0)
		return ERR_FILE_FAILED;
	return folder_takes_files(path) ? ERR_BUSY : ERR_FILE_FAILED;
}

/* Nobody else may open the file while it is held, and it goes with its last handle. While it is going it reads as "access denied". */
enum err
os_lock_file(const char *path, intptr_t *ret_lock)
{
	SECURITY_ATTRIBUTES attributes = { .nLength = sizeof(attributes), .lpSecurityDescriptor = os_windows_descriptor(ONLY_OWNER) };
	DWORD flags = FILE_ATTRIBUTE_NORMAL | FILE_FLAG_DELETE_ON_CLOSE | FILE_FLAG_OPEN_REPARSE_POINT;
	wchar_t wide[OS_WINDOWS_PATH_MAX];
	HANDLE file = INVALID_HANDLE_VALUE;
	DWORD why = ERROR_INVALID_NAME;

	if (attributes.lpSecurityDescriptor == NULL)
		return ERR_FILE_FAILED;
	if (os_windows_path(path, wide)) {
		file = CreateFileW(wide, GENERIC_READ | GENERIC_WRITE | DELETE, 0, &attributes, OPEN_ALWAYS, flags, NULL);
		why = GetLastError();
	}
	LocalFree(attributes.lpSecurityDescriptor);
	if (file == INVALID_HANDLE_VALUE)
		return why_not_locked(path, wide, why);
	*ret_lock = (intptr_t)file;
	return ERR_OK;
}

void
os_unlock_file(intptr_t lock, const char *path)
{
	(void)path;
	os_close(lock);
}
