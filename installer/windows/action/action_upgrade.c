/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows tells a product that its successor takes it away (UPGRADINGPRODUCTCODE); wine 8 does not. So the successor says it as well, with a key of the machine, where nobody but an
 * administrator writes. It stands while the older product goes, counts only as long as the process that wrote it lives, and is gone after a restart: one that was left behind, by an upgrade
 * that died in that moment, is believed by no removal.
 */
#include "action.h"

#include <stdlib.h>

#define SIGN L"SOFTWARE\\MokhoaUpgrade"
#define NAME L"Process"

/* Both: the system gives a number to one process after the other. */
struct process {
	ULONGLONG id;
	ULONGLONG began;
};

static bool
describe(HANDLE process, DWORD id, struct process *ret)
{
	FILETIME began, ended, kernel, user;

	if (!GetProcessTimes(process, &began, &ended, &kernel, &user))
		return false;
	*ret = (struct process){ .id = id, .began = (ULONGLONG)began.dwHighDateTime << 32 | began.dwLowDateTime };
	return true;
}

static bool
lives(const struct process *p)
{
	HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE, FALSE, (DWORD)p->id);
	struct process found;
	bool is_it;

	if (process == NULL)
		return false;
	is_it = describe(process, (DWORD)p->id, &found) && found.began == p->began && WaitForSingleObject(process, 0) == WAIT_TIMEOUT;
	CloseHandle(process);
	return is_it;
}

bool
action_is_succeeded(MSIHANDLE session)
{
	wchar_t *successor = action_property(session, L"UPGRADINGPRODUCTCODE");
	bool is_said = successor != NULL && successor[0] != L'\0';
	struct process p;
	DWORD size = sizeof(p);

	free(successor);
	return is_said ||
	       (RegGetValueW(HKEY_LOCAL_MACHINE, SIGN, NAME, RRF_RT_REG_BINARY | RRF_SUBKEY_WOW6464KEY, NULL, &p, &size) == ERROR_SUCCESS && size == sizeof(p) && lives(&p));
}

/* It may fail: who may not write there is one whom Windows elevates later, and Windows needs no sign. */
ACTION
MokhoaSign(MSIHANDLE session)
{
	struct process p;
	HKEY key;

	(void)session;
	if (!describe(GetCurrentProcess(), GetCurrentProcessId(), &p) ||
	    RegCreateKeyExW(HKEY_LOCAL_MACHINE, SIGN, 0, NULL, REG_OPTION_VOLATILE, KEY_SET_VALUE | KEY_WOW64_64KEY, NULL, &key, NULL) != ERROR_SUCCESS)
		return ERROR_SUCCESS;
	(void)RegSetValueExW(key, NAME, 0, REG_BINARY, (const BYTE *)&p, sizeof(p));
	RegCloseKey(key);
	return ERROR_SUCCESS;
}

ACTION
MokhoaUnsign(MSIHANDLE session)
{
	(void)session;
	(void)RegDeleteKeyExW(HKEY_LOCAL_MACHINE, SIGN, KEY_WOW64_64KEY, 0);
	return ERROR_SUCCESS;
}
