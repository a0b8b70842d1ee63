/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts a native messaging host as Chromium does on Windows (native_process_launcher_win.cc): two named pipes of one instance each, and
 *
 *   cmd.exe /d /c "HOST" ORIGIN --parent-window=0 < \\.\pipe\IN > \\.\pipe\OUT
 *
 * then carries bytes between these pipes and its own stdin and stdout until the host ends. Exit status: that of cmd.exe.
 *
 *   chrome_launch HOST ORIGIN
 */
#include "os.h"

#include <windows.h>

#include <stdio.h>
#include <wchar.h>

#define PIECE 4096

struct carrier {
	HANDLE from;
	HANDLE to;
	BOOL closes; /* the end of one side is told the other by closing it */
};

static DWORD WINAPI
carry(void *context)
{
	struct carrier *c = context;
	char bytes[PIECE];
	DWORD got;

	while (ReadFile(c->from, bytes, sizeof(bytes), &got, NULL) && got != 0)
		if (!os_write_all((intptr_t)c->to, bytes, got))
			break;
	if (c->closes) {
		FlushFileBuffers(c->to);
		CloseHandle(c->to);
	}
	return 0;
}

static HANDLE
new_pipe(const wchar_t *kind, DWORD direction, wchar_t ret_name[64])
{
	(void)_snwprintf(ret_name, 64, L"\\\\.\\pipe\\chrome.nativeMessaging.%ls.%lx", kind, (unsigned long)GetCurrentProcessId());
	return CreateNamedPipeW(ret_name, direction | FILE_FLAG_FIRST_PIPE_INSTANCE, PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_REJECT_REMOTE_CLIENTS, 1, PIECE, PIECE,
	    5000, NULL);
}

static BOOL
connected(HANDLE pipe)
{
	return ConnectNamedPipe(pipe, NULL) || GetLastError() == ERROR_PIPE_CONNECTED;
}

int
main(int argc, char *argv[])
{
	STARTUPINFOW start = { .cb = sizeof(start) };
	wchar_t in_name[64], out_name[64], command[2048];
	PROCESS_INFORMATION process;
	struct carrier to_host, from_host;
	HANDLE threads[2];
	DWORD status = 99;
	HANDLE in, out;

	if (argc != 3)
		return 98;
	in = new_pipe(L"in", PIPE_ACCESS_OUTBOUND, in_name);
	out = new_pipe(L"out", PIPE_ACCESS_INBOUND, out_name);
	(void)_snwprintf(command, sizeof(command) / sizeof(command[0]), L"C:\\windows\\system32\\cmd.exe /d /c \"%hs\" %hs --parent-window=0 < %ls > %ls", argv[1], argv[2],
	    in_name, out_name);
	if (in == INVALID_HANDLE_VALUE || out == INVALID_HANDLE_VALUE ||
	    !CreateProcessW(NULL, command, NULL, NULL, FALSE, CREATE_NO_WINDOW, NULL, NULL, &start, &process) || !connected(in) || !connected(out)) {
		fprintf(stderr, "chrome_launch: error %lu\n", (unsigned long)GetLastError());
		return 97;
	}
	to_host = (struct carrier){ GetStdHandle(STD_INPUT_HANDLE), in, TRUE };
	from_host = (struct carrier){ out, GetStdHandle(STD_OUTPUT_HANDLE), FALSE };
	threads[0] = CreateThread(NULL, 0, carry, &to_host, 0, NULL);
	threads[1] = CreateThread(NULL, 0, carry, &from_host, 0, NULL);
	/* our own stdin may stay open longer than the host lives */
	WaitForSingleObject(threads[1], INFINITE);
	WaitForSingleObject(process.hProcess, INFINITE);
	GetExitCodeProcess(process.hProcess, &status);
	return (int)status;
}
