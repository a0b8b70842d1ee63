/* SPDX-License-Identifier: Apache-2.0 */
#include "action.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define SAID_MAX 16384 /* bytes of what a program says; the rest is read and dropped */

struct running {
	HANDLE process;
	HANDLE out; /* what it says, in either way */
};

static bool
pipe_for(HANDLE *ret_ours, HANDLE *ret_its)
{
	SECURITY_ATTRIBUTES inherited = { .nLength = sizeof(inherited), .bInheritHandle = TRUE };

	return CreatePipe(ret_ours, ret_its, &inherited, 0) && SetHandleInformation(*ret_ours, HANDLE_FLAG_INHERIT, 0);
}

/* Gives the system's error, 0 where it runs. */
static DWORD
start(wchar_t *command, struct running *ret)
{
	SECURITY_ATTRIBUTES inherited = { .nLength = sizeof(inherited), .bInheritHandle = TRUE };
	STARTUPINFOW s = { .cb = sizeof(s), .dwFlags = STARTF_USESTDHANDLES };
	PROCESS_INFORMATION process;
	HANDLE ours = NULL, its = NULL, nothing;
	DWORD why = 0;

	if (!pipe_for(&ours, &its))
		return GetLastError();
	nothing = CreateFileW(L"NUL", GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, &inherited, OPEN_EXISTING, 0, NULL);
	s.hStdInput = nothing;
	s.hStdOutput = s.hStdError = its;
	if (!CreateProcessW(NULL, command, NULL, NULL, TRUE, CREATE_NO_WINDOW, NULL, NULL, &s, &process))
		why = GetLastError();
	CloseHandle(its);
	if (nothing != INVALID_HANDLE_VALUE)
		CloseHandle(nothing);
	if (why != 0) {
		CloseHandle(ours);
		return why;
	}
	CloseHandle(process.hThread);
	*ret = (struct running){ .process = process.hProcess, .out = ours };
	return 0;
}

/* Its exit status; all that it has said is in said then, which ends with NUL. */
static DWORD
finish(const struct running *r, char said[SAID_MAX])
{
	char rest[1024];
	DWORD got, len = 0, status = 1;

	for (;;) {
		bool has_room = len < SAID_MAX - 1;
		if (!ReadFile(r->out, has_room ? said + len : rest, has_room ? SAID_MAX - 1 - len : sizeof(rest), &got, NULL) || got == 0)
			break;
		len += has_room ? got : 0;
	}
	said[len] = '\0';
	WaitForSingleObject(r->process, INFINITE);
	GetExitCodeProcess(r->process, &status);
	CloseHandle(r->process);
	CloseHandle(r->out);
	return status;
}

static void
say_all(MSIHANDLE session, INSTALLMESSAGE kind, const char *text)
{
	wchar_t *wide = action_wide(text, strlen(text));

	if (wide != NULL && wide[0] != L'\0')
		action_say(session, kind, wide);
	free(wide);
}

static bool
run_one(MSIHANDLE session, wchar_t *order)
{
	char *said = malloc(SAID_MAX);
	struct running r = { 0 };
	DWORD why = said != NULL ? start(order + 1, &r) : ERROR_OUTOFMEMORY;
	bool may_miss = order[0] == L'?' && (why == ERROR_FILE_NOT_FOUND || why == ERROR_PATH_NOT_FOUND);
	wchar_t line[64];

	action_say(session, INSTALLMESSAGE_INFO, order + 1);
	if (why == 0) {
		why = finish(&r, said);
		say_all(session, why == 0 ? INSTALLMESSAGE_INFO : INSTALLMESSAGE_ERROR, said);
	} else {
		_snwprintf(line, 64, L"mokhoa-setup was not started: error %lu of the system", why);
		action_say(session, may_miss ? INSTALLMESSAGE_INFO : INSTALLMESSAGE_ERROR, line);
	}
	free(said);
	return why == 0 || may_miss;
}

ACTION
MokhoaRun(MSIHANDLE session)
{
	wchar_t *orders = action_property(session, L"CustomActionData");
	bool done = orders != NULL;

	for (wchar_t *at = orders; done && at != NULL && *at != L'\0';) {
		wchar_t *end = wcschr(at, L'\n');
		if (end != NULL)
			*end = L'\0';
		done = run_one(session, at);
		at = end != NULL ? end + 1 : NULL;
	}
	free(orders);
	return done ? ERROR_SUCCESS : ERROR_INSTALL_FAILURE;
}
