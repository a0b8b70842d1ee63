/* SPDX-License-Identifier: Apache-2.0 */
#include "os_registry.h"
#include "os_any.h"
#include "os_windows.h"

#include <windows.h>

#include <stdlib.h>
#include <string.h>

#define NAME_MAX_WIDE 16384 /* characters of a value's name, the NUL counted; a key's has at most 256 */
#define NAME_MAX_UTF8 (3 * NAME_MAX_WIDE)
#define TEXT_MAX      1048576 /* bytes of a value that is read as text */
#define HIVE_LEN      5	      /* "HKLM\" */

/* NULL where there is no such key, or not for us; then GetLastError() says why. */
static HKEY
open_key(const char *key, REGSAM rights)
{
	bool user = strncmp(key, "HKCU\\", HIVE_LEN) == 0;
	bool named = user || strncmp(key, "HKLM\\", HIVE_LEN) == 0;
	wchar_t *wide = os_windows_wide(named ? key + HIVE_LEN : key);
	HKEY opened = NULL;
	LSTATUS status = ERROR_NOT_ENOUGH_MEMORY;

	if (wide != NULL)
		status = RegOpenKeyExW(user ? HKEY_CURRENT_USER : HKEY_LOCAL_MACHINE, wide, 0, rights | KEY_WOW64_64KEY, &opened);
	free(wide);
	SetLastError((DWORD)status);
	return status == ERROR_SUCCESS ? opened : NULL;
}

static enum err
why_not_opened(void)
{
	DWORD error = GetLastError();

	return error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND ? ERR_FILE_MISSING : ERR_FILE_FAILED;
}

/* ---- values ---- */

static enum err
read_value(HKEY key, const wchar_t *name, uint32_t *ret_type, struct buf *ret)
{
	DWORD type, len = 0;
	LSTATUS status = RegQueryValueExW(key, name, NULL, &type, NULL, &len);
	unsigned char *room;

	if (status == ERROR_FILE_NOT_FOUND)
		return ERR_FILE_MISSING;
	if (status != ERROR_SUCCESS)
		return ERR_FILE_FAILED;
	*ret_type = type;
	if (len == 0)
		return ERR_OK;
	room = buf_room(ret, len);
	if (room == NULL || RegQueryValueExW(key, name, NULL, &type, room, &len) != ERROR_SUCCESS)
		return ERR_FILE_FAILED;
	buf_grew(ret, len);
	return ERR_OK;
}

enum err
os_registry_read(const char *key, const char *name, uint32_t *ret_type, struct buf *ret)
{
	HKEY opened = open_key(key, KEY_QUERY_VALUE);
	wchar_t *wide;
	enum err e;

	if (opened == NULL)
		return why_not_opened();
	wide = os_windows_wide(name);
	e = wide != NULL ? read_value(opened, wide, ret_type, ret) : ERR_FILE_FAILED;
	free(wide);
	RegCloseKey(opened);
	return e;
}

/* What the variables in it stand for, in its place. */
static enum err
expand(struct buf *bytes)
{
	struct buf whole = buf_new(TEXT_MAX);
	const wchar_t *text;
	void *room = NULL;
	DWORD need = 0;

	buf_add(bytes, L"", sizeof(wchar_t));
	if (buf_error(bytes) == ERR_OK && bytes->len % sizeof(wchar_t) == 0) {
		text = (const wchar_t *)(const void *)bytes->data;
		need = ExpandEnvironmentStringsW(text, NULL, 0);
		room = need != 0 ? buf_room(&whole, need * sizeof(wchar_t)) : NULL;
		if (room == NULL || ExpandEnvironmentStringsW(text, room, need) != need)
			need = 0;
	}
	buf_reset(bytes);
	buf_add(bytes, room, need * sizeof(wchar_t));
	buf_free(&whole);
	return need != 0 ? buf_error(bytes) : ERR_FILE_FAILED;
}

enum err
os_registry_read_text(const char *key, const char *name, struct buf *ret)
{
	struct buf bytes = buf_new(TEXT_MAX);
	uint32_t type = 0;
	enum err e = os_registry_read(key, name, &type, &bytes);

	if (e == ERR_OK && type == OS_REGISTRY_EXPAND)
		e = expand(&bytes);
	if (e == ERR_OK && !os_registry_to_text(type, bytes.data, bytes.len, ret))
		e = ERR_FILE_FAILED;
	buf_free(&bytes);
	return e;
}

enum err
os_registry_write(const char *key, const char *name, uint32_t type, const void *bytes, size_t len)
{
	HKEY opened = open_key(key, KEY_SET_VALUE);
	wchar_t *wide;
	enum err e = ERR_FILE_FAILED;

	if (opened == NULL)
		return e;
	wide = os_windows_wide(name);
	if (wide != NULL && RegSetValueExW(opened, wide, 0, type, bytes, (DWORD)len) == ERROR_SUCCESS && RegFlushKey(opened) == ERROR_SUCCESS)
		e = ERR_OK;
	free(wide);
	RegCloseKey(opened);
	return e;
}

enum err
os_registry_remove(const char *key, const char *name)
{
	HKEY opened = open_key(key, KEY_SET_VALUE);
	LSTATUS status = ERROR_NOT_ENOUGH_MEMORY;
	wchar_t *wide;

	if (opened == NULL)
		return why_not_opened() == ERR_FILE_MISSING ? ERR_OK : ERR_FILE_FAILED;
	wide = os_windows_wide(name);
	if (wide != NULL)
		status = RegDeleteValueW(opened, wide);
	if (status == ERROR_SUCCESS)
		status = RegFlushKey(opened);
	free(wide);
	RegCloseKey(opened);
	return status == ERROR_SUCCESS || status == ERROR_FILE_NOT_FOUND ? ERR_OK : ERR_FILE_FAILED;
}

/* ---- names ---- */

struct names_room {
	wchar_t wide[NAME_MAX_WIDE];
	char utf8[NAME_MAX_UTF8];
};

/* A name that is no UTF-16 is nothing that we or a browser could ask for. */
static enum err
list_names(HKEY key, bool keys, struct names_room *room, struct os_names *names)
{
	for (DWORD i = 0;; i++) {
		DWORD len = NAME_MAX_WIDE;
		LSTATUS status = keys ? RegEnumKeyExW(key, i, room->wide, &len, NULL, NULL, NULL, NULL)
				      : RegEnumValueW(key, i, room->wide, &len, NULL, NULL, NULL, NULL);
		if (status == ERROR_NO_MORE_ITEMS)
			return ERR_OK;
		if (status != ERROR_SUCCESS)
			return ERR_FILE_FAILED;
		if (os_windows_narrow(room->wide, room->utf8, sizeof(room->utf8)) && !os_names_add(names, room->utf8))
			return ERR_NO_MEMORY;
	}
}

static enum err
each_name(const char *key, bool keys, void (*each)(const char *name, void *context), void *context)
{
	HKEY opened = open_key(key, keys ? KEY_ENUMERATE_SUB_KEYS : KEY_QUERY_VALUE);
	struct os_names names = { 0 };
	struct names_room *room;
	enum err e = ERR_NO_MEMORY;

	if (opened == NULL)
		return why_not_opened();
	room = malloc(sizeof(*room));
	if (room != NULL)
		e = list_names(opened, keys, room, &names);
	free(room);
	RegCloseKey(opened);
	os_names_end(&names, e == ERR_OK ? each : NULL, context);
	return e;
}

enum err
os_registry_values(const char *key, void (*each)(const char *name, void *context), void *context)
{
	return each_name(key, false, each, context);
}

enum err
os_registry_keys(const char *key, void (*each)(const char *name, void *context), void *context)
{
	return each_name(key, true, each, context);
}

/* ---- keys ---- */

enum err
os_registry_check_trusted(const char *key)
{
	HKEY opened = open_key(key, READ_CONTROL);
	enum err e;

	if (opened == NULL)
		return why_not_opened();
	e = os_windows_judge(opened, OS_WINDOWS_KEY);
	RegCloseKey(opened);
	return e;
}

bool
os_registry_has_key(const char *key)
{
	HKEY opened = open_key(key, KEY_QUERY_VALUE);

	if (opened == NULL)
		return false;
	RegCloseKey(opened);
	return true;
}

enum err
os_registry_make_key(const char *key)
{
	wchar_t *wide = os_windows_wide(key);
	enum err e = ERR_FILE_FAILED;
	HKEY made;

	if (wide != NULL && RegCreateKeyExW(HKEY_LOCAL_MACHINE, wide, 0, NULL, REG_OPTION_NON_VOLATILE, KEY_QUERY_VALUE | KEY_WOW64_64KEY, NULL, &made, NULL) == ERROR_SUCCESS) {
		e = RegFlushKey(made) == ERROR_SUCCESS ? ERR_OK : ERR_FILE_FAILED;
		RegCloseKey(made);
	}
	free(wide);
	return e;
}

/* Windows refuses to delete a key with keys below it, and deletes one with values. */
bool
os_registry_remove_key(const char *key)
{
	HKEY opened = open_key(key, KEY_QUERY_VALUE);
	DWORD values = 1, keys = 1;
	wchar_t *wide;
	bool gone;

	if (opened == NULL)
		return why_not_opened() == ERR_FILE_MISSING;
	gone = RegQueryInfoKeyW(opened, NULL, NULL, NULL, &keys, NULL, NULL, &values, NULL, NULL, NULL, NULL) == ERROR_SUCCESS && keys == 0 && values == 0;
	RegCloseKey(opened);
	if (!gone)
		return false;
	wide = os_windows_wide(key);
	gone = wide != NULL && RegDeleteKeyExW(HKEY_LOCAL_MACHINE, wide, KEY_WOW64_64KEY, 0) == ERROR_SUCCESS;
	free(wide);
	return gone;
}

/* ---- text ---- */

bool
os_registry_to_text(uint32_t type, const void *bytes, size_t len, struct buf *ret)
{
	size_t count = len / sizeof(wchar_t);
	wchar_t *wide;
	int need;
	char *text;

	if ((type != OS_REGISTRY_TEXT && type != OS_REGISTRY_EXPAND && type != OS_REGISTRY_LINES) || len % sizeof(wchar_t) != 0)
		return false;
	wide = malloc(len + sizeof(wchar_t));
	if (wide == NULL)
		return false;
	memcpy(wide, bytes, len);
	wide[count] = L'\0';
	while (count != 0 && wide[count - 1] == L'\0')
		count--;
	for (size_t i = 0; i < count; i++)
		if (wide[i] == L'\0' && type == OS_REGISTRY_LINES)
			wide[i] = L'\n';
	need = WideCharToMultiByte(CP_UTF8, WC_ERR_INVALID_CHARS, wide, -1, NULL, 0, NULL, NULL);
	text = need > 0 ? malloc((size_t)need) : NULL;
	if (text != NULL && WideCharToMultiByte(CP_UTF8, WC_ERR_INVALID_CHARS, wide, -1, text, need, NULL, NULL) == need)
		buf_add(ret, text, (size_t)need - 1);
	else
		need = 0;
	free(text);
	free(wide);
	return need > 0 && buf_error(ret) == ERR_OK;
}

bool
os_registry_from_text(uint32_t type, const char *text, struct buf *ret)
{
	static const wchar_t end[2] = L"";
	wchar_t *wide = os_windows_wide(text);

	if (wide == NULL)
		return false;
	buf_add(ret, wide, wcslen(wide) * sizeof(wchar_t));
	buf_add(ret, end, (type == OS_REGISTRY_LINES ? 2 : 1) * sizeof(wchar_t));
	free(wide);
	return buf_error(ret) == ERR_OK;
}
