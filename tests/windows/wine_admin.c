/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes the place of base/os_windows_admin.c in what runs under wine. wine makes access lists from the modes of files and says that every file of the user who
 * runs it is that user's: there is nobody else who could be the administrator. Who else may write is judged as ever. And wine has a connection's process, where it has one at all, but
 * not the time at which it was made.
 */
#include "os_windows.h"

#include <windows.h>

bool
os_windows_is_admin(const void *sid)
{
	PSID one = (PSID)(uintptr_t)sid;

	return os_windows_is_user(sid) || IsWellKnownSid(one, WinLocalSystemSid) || IsWellKnownSid(one, WinBuiltinAdministratorsSid);
}

bool
os_windows_believes_undated(void)
{
	return true;
}
