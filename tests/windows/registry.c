/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry below HKEY_LOCAL_MACHINE (64 bits), or of the user where a key begins with HKCU\, as other vendors leave it, and all of it as it is afterwards. Orders on stdin, a line each,
 * their words parted by tabs:
 *
 *   delete KEY                 the key with all that is in it; nothing where there is none
 *   key KEY
 *   set KEY NAME TYPE HEX      makes the key, too
 *   unset KEY NAME
 *   open KEY                   everybody may change it
 *   dump KEY                   "[KEY]", then NAME TYPE HEX of each value, and the same of each key in it, all as the system gives them
 */
#include "text.h"

#include <windows.h>

#include <aclapi.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_LEN 2048
#define LINE_LEN 65536

static void
to_wide(const char *text, wchar_t ret[PATH_LEN])
{
	if (MultiByteToWideChar(CP_UTF8, 0, text, -1, ret, PATH_LEN) <= 0)
		exit(3);
}

static void
must(LSTATUS status, const char *what)
{
	if (status == ERROR_SUCCESS)
		return;
	fprintf(stderr, "registry: %s: %ld\n", what, (long)status);
	exit(2);
}

static HKEY
hive_of(const char **path)
{
	if (strncmp(*path, "HKCU\\", 5) != 0)
		return HKEY_LOCAL_MACHINE;
	*path += 5;
	return HKEY_CURRENT_USER;
}

static HKEY
make(const char *path)
{
	wchar_t wide[PATH_LEN];
	HKEY hive = hive_of(&path), key;

	to_wide(path, wide);
	must(RegCreateKeyExW(hive, wide, 0, NULL, 0, KEY_ALL_ACCESS | KEY_WOW64_64KEY, NULL, &key, NULL), path);
	return key;
}

static void
dump_values(HKEY key)
{
	static unsigned char bytes[LINE_LEN / 2];
	static char hex[LINE_LEN + 1], narrow[3 * PATH_LEN];
	wchar_t name[PATH_LEN];

	for (DWORD i = 0;; i++) {
		DWORD name_len = PATH_LEN, len = sizeof(bytes), type;
		if (RegEnumValueW(key, i, name, &name_len, NULL, &type, bytes, &len) != ERROR_SUCCESS)
			return;
		text_hex(bytes, len, hex);
		WideCharToMultiByte(CP_UTF8, 0, name, -1, narrow, sizeof(narrow), NULL, NULL);
		printf("%s\t%lu\t%s\n", narrow, (unsigned long)type, hex);
	}
}

static void
dump(const char *path)
{
	const char *below_hive = path;
	wchar_t wide[PATH_LEN], name[256];
	HKEY hive = hive_of(&below_hive), key;

	to_wide(below_hive, wide);
	if (RegOpenKeyExW(hive, wide, 0, KEY_READ | KEY_WOW64_64KEY, &key) != ERROR_SUCCESS)
		return;
	printf("[%s]\n", path);
	dump_values(key);
	for (DWORD i = 0;; i++) {
		DWORD len = sizeof(name) / sizeof(name[0]);
		char below[PATH_LEN];
		if (RegEnumKeyExW(key, i, name, &len, NULL, NULL, NULL, NULL) != ERROR_SUCCESS)
			break;
		snprintf(below, sizeof(below), "%s\\%ls", path, name);
		dump(below);
	}
	RegCloseKey(key);
}

static void
delete_tree(const char *path)
{
	wchar_t wide[PATH_LEN];
	HKEY hive = hive_of(&path), key;

	to_wide(path, wide);
	if (RegOpenKeyExW(hive, wide, 0, KEY_ALL_ACCESS | KEY_WOW64_64KEY, &key) != ERROR_SUCCESS)
		return;
	must(RegDeleteTreeW(key, NULL), path);
	RegCloseKey(key);
	must(RegDeleteKeyExW(hive, wide, KEY_WOW64_64KEY, 0), path);
}

static void
set(char *words[5])
{
	static unsigned char bytes[LINE_LEN / 2];
	wchar_t name[PATH_LEN];
	HKEY key = make(words[1]);
	size_t len;

	to_wide(words[2], name);
	if (!text_unhex(words[4], strlen(words[4]), bytes, sizeof(bytes), &len))
		exit(3);
	must(RegSetValueExW(key, name, 0, strtoul(words[3], NULL, 10), bytes, (DWORD)len), words[1]);
	RegCloseKey(key);
}

static void
unset(char *words[5])
{
	wchar_t name[PATH_LEN];
	HKEY key = make(words[1]);

	to_wide(words[2], name);
	(void)RegDeleteValueW(key, name);
	RegCloseKey(key);
}

static void
open_to_all(const char *path)
{
	unsigned char everybody[SECURITY_MAX_SID_SIZE];
	DWORD len = sizeof(everybody);
	EXPLICIT_ACCESSW entry = { .grfAccessPermissions = KEY_ALL_ACCESS, .grfAccessMode = SET_ACCESS, .Trustee = { .TrusteeForm = TRUSTEE_IS_SID, .ptstrName = (wchar_t *)(void *)everybody } };
	HKEY key = make(path);
	ACL *list;

	if (!CreateWellKnownSid(WinWorldSid, NULL, everybody, &len) || SetEntriesInAclW(1, &entry, NULL, &list) != ERROR_SUCCESS)
		exit(3);
	must((LSTATUS)SetSecurityInfo(key, SE_REGISTRY_KEY, DACL_SECURITY_INFORMATION, NULL, NULL, list, NULL), path);
	LocalFree(list);
	RegCloseKey(key);
}

int
main(void)
{
	static char line[LINE_LEN];

	while (fgets(line, sizeof(line), stdin) != NULL) {
		char *words[5] = { line, "", "", "", "" };
		line[strcspn(line, "\r\n")] = '\0';
		for (size_t i = 1; i < 5 && (words[i] = strchr(words[i - 1], '\t')) != NULL; i++)
			*words[i]++ = '\0';
		if (words[1] == NULL)
			return 3;
		if (strcmp(line, "delete") == 0)
			delete_tree(words[1]);
		else if (strcmp(line, "key") == 0)
			RegCloseKey(make(words[1]));
		else if (strcmp(line, "set") == 0)
			set(words);
		else if (strcmp(line, "unset") == 0)
			unset(words);
		else if (strcmp(line, "open") == 0)
			open_to_all(words[1]);
		else if (strcmp(line, "dump") == 0)
			dump(words[1]);
		else
			return 3;
	}
	return 0;
}
