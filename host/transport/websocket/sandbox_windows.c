/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox.h"

#include "log.h"

#include <stdbool.h>
#include <stddef.h>
#include <windows.h>

#define MEMORY_MAX (256u << 20) /* bytes: a hundred times what it needs */

static bool
failed(const char *call)
{
	log_error("sandbox", "%s=%lu", call, (unsigned long)GetLastError());
	return false;
}

/* One process and no more, and nothing of the desktop's that is not its own. Nobody keeps the job's handle, so nobody can change it. */
static bool
enter_job(void)
{
	JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {
		.BasicLimitInformation = { .LimitFlags = JOB_OBJECT_LIMIT_ACTIVE_PROCESS | JOB_OBJECT_LIMIT_PROCESS_MEMORY | JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION, .ActiveProcessLimit = 1 },
		.ProcessMemoryLimit = MEMORY_MAX,
	};
	JOBOBJECT_BASIC_UI_RESTRICTIONS desktop = { JOB_OBJECT_UILIMIT_DESKTOP | JOB_OBJECT_UILIMIT_DISPLAYSETTINGS | JOB_OBJECT_UILIMIT_EXITWINDOWS |
						    JOB_OBJECT_UILIMIT_GLOBALATOMS | JOB_OBJECT_UILIMIT_HANDLES | JOB_OBJECT_UILIMIT_READCLIPBOARD |
						    JOB_OBJECT_UILIMIT_SYSTEMPARAMETERS | JOB_OBJECT_UILIMIT_WRITECLIPBOARD };
	HANDLE job = CreateJobObjectW(NULL, NULL);
	BOOL inside = FALSE;
	bool good = job != NULL && SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof(limits)) &&
		    SetInformationJobObject(job, JobObjectBasicUIRestrictions, &desktop, sizeof(desktop)) && AssignProcessToJobObject(job, GetCurrentProcess()) &&
		    IsProcessInJob(GetCurrentProcess(), job, &inside) && inside;

	if (!good)
		(void)failed("job");
	if (job != NULL)
		CloseHandle(job);
	return good;
}

/* For ever, and all but the one that everybody has (SeChangeNotifyPrivilege: without it a folder above a library of the system's could bar the way to it). */
static bool
drop_privileges(void)
{
	union {
		TOKEN_PRIVILEGES list;
		unsigned char room[sizeof(TOKEN_PRIVILEGES) + 64 * sizeof(LUID_AND_ATTRIBUTES)];
	} held;
	HANDLE token = NULL;
	LUID keep;
	DWORD len;
	bool good = LookupPrivilegeValueW(NULL, L"SeChangeNotifyPrivilege", &keep) && OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY | TOKEN_ADJUST_PRIVILEGES, &token) &&
		    GetTokenInformation(token, TokenPrivileges, &held, sizeof(held), &len);

	for (DWORD i = 0; good && i < held.list.PrivilegeCount; i++) {
		LUID_AND_ATTRIBUTES *one = &held.list.Privileges[i];
		if (one->Luid.LowPart != keep.LowPart || one->Luid.HighPart != keep.HighPart)
			one->Attributes = SE_PRIVILEGE_REMOVED;
	}
	good = good && AdjustTokenPrivileges(token, FALSE, &held.list, 0, NULL, NULL) && GetLastError() == ERROR_SUCCESS;
	if (!good)
		(void)failed("privileges");
	if (token != NULL)
		CloseHandle(token);
	return good;
}

/* Each is one of Windows 10's (SetProcessMitigationPolicy), and a word of flags. */
static bool
load_no_more(void)
{
	static const struct {
		PROCESS_MITIGATION_POLICY policy;
		DWORD flags;
	} rows[] = {
		{ ProcessDynamicCodePolicy, 1 },	   /* ProhibitDynamicCode: memory that was written is never run */
		{ ProcessExtensionPointDisablePolicy, 1 }, /* DisableExtensionPoints: no hooks and input methods of others in here */
		{ ProcessFontDisablePolicy, 1 },	   /* DisableNonSystemFonts */
		{ ProcessImageLoadPolicy, 7 },		   /* NoRemoteImages, NoLowMandatoryLabelImages, PreferSystem32Images */
		{ ProcessSignaturePolicy, 1 },		   /* MicrosoftSignedOnly */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		DWORD flags = rows[i].flags;
		if (!SetProcessMitigationPolicy(rows[i].policy, &flags, sizeof(flags)))
			return failed("mitigation");
	}
	return true;
}

enum err
sandbox_enter(void)
{
	return enter_job() && drop_privileges() && load_no_more() ? ERR_OK : ERR_INTERNAL;
}
