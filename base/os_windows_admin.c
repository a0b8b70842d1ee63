/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is believed of a Windows machine: who administers it, and that it knows when a connection was made. By itself in a file, because the tests under wine, where every file
 * belongs to the one user that there is and no connection has a time, link other answers in its place.
 */
#include "os_windows.h"

#include <windows.h>

#include <sddl.h>

bool
os_windows_is_admin(const void *sid)
{
	static const wchar_t *const trusted[] = {
		L"S-1-5-18",							   /* SYSTEM */
		L"S-1-5-32-544",						   /* Administrators */
		L"S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464", /* TrustedInstaller */
	};
	bool found = false;

	for (size_t i = 0; i < sizeof(trusted) / sizeof(trusted[0]) && !found; i++) {
		PSID one = NULL;
		if (!ConvertStringSidToSidW(trusted[i], &one))
			return false;
		found = EqualSid((PSID)(uintptr_t)sid, one);
		LocalFree(one);
	}
	return found;
}

bool
os_windows_believes_undated(void)
{
	return false;
}
