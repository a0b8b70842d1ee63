/* SPDX-License-Identifier: Apache-2.0 */
/*
 * os on Windows: files that only the administrator can have written.
 *
 * The path is walked from the root of its volume. Each folder is opened, judged by what was opened, and held open without leave to rename or delete it until
 * the file itself is open: what was judged is what is used. Links (any reparse point) are refused: an installer has no need of them.
 *
 * A folder above may let others add entries, as the root of a Windows volume does, but not take away or replace what is there; the folder of the
 * file may not even do that, because a library there would be loaded with the module.
 */
#include "os_windows.h"
#include "log.h"

#include <windows.h>

#include <aclapi.h>
#include <string.h>

#define DEPTH_MAX 64 /* folders of a path */

#define TAKES_AWAY (DELETE | WRITE_DAC | WRITE_OWNER | GENERIC_WRITE | GENERIC_ALL)
#define WRITES	   (TAKES_AWAY | FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_WRITE_EA | FILE_WRITE_ATTRIBUTES | FILE_DELETE_CHILD)
#define KEY_WRITES (TAKES_AWAY | KEY_SET_VALUE | KEY_CREATE_SUB_KEY | KEY_CREATE_LINK)

/* ---- what a descriptor says ---- */

/* OWNER RIGHTS stands for the owner, who was judged already. */
static bool
is_trusted(PSID sid)
{
	return IsWellKnownSid(sid, WinCreatorOwnerRightsSid) || os_windows_is_admin(sid);
}

/* Whether this entry gives somebody else a right that he must not have. Denials are passed over: they could only make it better. */
static bool
is_harmless(const ACE_HEADER *ace, DWORD refused)
{
	const ACCESS_ALLOWED_ACE *allowed = (const ACCESS_ALLOWED_ACE *)(const void *)ace;

	if ((ace->AceFlags & INHERIT_ONLY_ACE) != 0 || ace->AceType == ACCESS_DENIED_ACE_TYPE)
		return true;
	/* kinds that are not used for files: who knows what they give */
	if (ace->AceType != ACCESS_ALLOWED_ACE_TYPE)
		return false;
	return (allowed->Mask & refused) == 0 || is_trusted((PSID)(uintptr_t)&allowed->SidStart);
}

static const DWORD refused_in[] = {
	[OS_WINDOWS_FILE] = WRITES,
	[OS_WINDOWS_FOLDER] = WRITES,
	[OS_WINDOWS_ABOVE] = TAKES_AWAY | FILE_DELETE_CHILD,
	[OS_WINDOWS_KEY] = KEY_WRITES,
};

bool
os_windows_only_admins_write(const void *descriptor, enum os_windows_place place)
{
	PSECURITY_DESCRIPTOR sd = (PSECURITY_DESCRIPTOR)(uintptr_t)descriptor;
	BOOL present = FALSE, by_default;
	PSID owner = NULL;
	PACL dacl = NULL;

	if (!GetSecurityDescriptorOwner(sd, &owner, &by_default) || owner == NULL || !os_windows_is_admin(owner))
		return false;
	/* no list at all lets everybody do everything */
	if (!GetSecurityDescriptorDacl(sd, &present, &dacl, &by_default) || !present || dacl == NULL)
		return false;
	for (DWORD i = 0; i < dacl->AceCount; i++) {
		void *ace;
		if (!GetAce(dacl, i, &ace) || !is_harmless(ace, refused_in[place]))
			return false;
	}
	return true;
}

/* ---- the walk ---- */

struct walk {
	HANDLE held[DEPTH_MAX];
	size_t count;
	enum err error;
};

static enum err
translate(DWORD error)
{
	switch (error) {
	case ERROR_FILE_NOT_FOUND:
	case ERROR_PATH_NOT_FOUND:
	case ERROR_INVALID_NAME:
	case ERROR_DIRECTORY:
		return ERR_FILE_MISSING;
	default:
		return ERR_PROFILE_INVALID;
	}
}

enum err
os_windows_judge(HANDLE handle, enum os_windows_place place)
{
	SE_OBJECT_TYPE type = place == OS_WINDOWS_KEY ? SE_REGISTRY_KEY : SE_FILE_OBJECT;
	PSECURITY_DESCRIPTOR sd = NULL;
	enum err e = ERR_PROFILE_UNSAFE;

	if (GetSecurityInfo(handle, type, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, NULL, NULL, NULL, NULL, &sd) != ERROR_SUCCESS)
		return e;
	if (os_windows_only_admins_write(sd, place))
		e = ERR_OK;
	LocalFree(sd);
	return e;
}

/* What is opened must be of the kind that its place in the path wants. */
static enum err
check_kind(HANDLE handle, enum os_windows_place place)
{
	BY_HANDLE_FILE_INFORMATION info;
	bool folder;

	if (!GetFileInformationByHandle(handle, &info) || (info.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0)
		return ERR_PROFILE_UNSAFE;
	folder = (info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
	return folder == (place != OS_WINDOWS_FILE) ? ERR_OK : ERR_FILE_MISSING;
}

static enum err
open_one(struct walk *w, const wchar_t *path, enum os_windows_place place, bool contents)
{
	DWORD rights = READ_CONTROL | FILE_READ_ATTRIBUTES | (contents ? FILE_READ_DATA : 0);
	DWORD share = FILE_SHARE_READ | (place != OS_WINDOWS_FILE ? FILE_SHARE_WRITE : 0);
	HANDLE handle;
	enum err e;

	if (w->count == DEPTH_MAX)
		return ERR_PROFILE_UNSAFE;
	handle = CreateFileW(path, rights, share, NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
	if (handle == INVALID_HANDLE_VALUE)
		return translate(GetLastError());
	w->held[w->count++] = handle;
	e = check_kind(handle, place);
	return e == ERR_OK ? os_windows_judge(handle, place) : e;
}

/* Opens what the path names up to at, where a separator or its end stands. */
static enum err
open_up_to(struct walk *w, wchar_t *path, wchar_t *at, bool contents)
{
	const wchar_t *next = *at != L'\0' ? wcschr(at + 1, L'\\') : NULL;
	enum os_windows_place place = *at == L'\0' ? OS_WINDOWS_FILE : next != NULL ? OS_WINDOWS_ABOVE
										    : OS_WINDOWS_FOLDER;
	/* "\\?\C:\", the root, keeps its separator */
	wchar_t *cut = at[0] != L'\0' && at[-1] == L':' ? at + 1 : at;
	wchar_t kept = *cut;
	enum err e;

	*cut = L'\0';
	e = open_one(w, path, place, contents && place == OS_WINDOWS_FILE);
	*cut = kept;
	return e;
}

static enum err
walk_to(struct walk *w, const char *path, bool contents)
{
	wchar_t wide[OS_WINDOWS_PATH_MAX];
	wchar_t *at;
	enum err e;

	if (!os_path_is_plain(path) || !os_windows_path(path, wide))
		return ERR_PROFILE_UNSAFE;
	at = wcschr(wide, L':') + 1;
	e = open_up_to(w, wide, at, contents);
	while (e == ERR_OK && *at != L'\0') {
		at += 1 + wcscspn(at + 1, L"\\");
		e = open_up_to(w, wide, at, contents);
	}
	if (e == ERR_PROFILE_UNSAFE)
		log_debug("os", "path=%s unsafe=%zu", path, w->count);
	return e;
}

static void
walk_end(struct walk *w)
{
	while (w->count != 0)
		CloseHandle(w->held[--w->count]);
}

enum err
os_check_trusted(const char *path)
{
	struct walk w = { .count = 0 };
	enum err e = walk_to(&w, path, false);

	walk_end(&w);
	return e;
}

enum err
os_read_trusted(const char *path, struct buf *ret)
{
	struct walk w = { .count = 0 };
	enum err e = walk_to(&w, path, true);

	if (e == ERR_OK)
		e = os_read_to_end((intptr_t)w.held[w.count - 1], ret);
	walk_end(&w);
	return e == ERR_FRAME_TOO_LARGE || e == ERR_FILE_FAILED ? ERR_PROFILE_INVALID : e;
}
