/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The person before a prompt: waits for its window, says what it shows, and does in it what it is told, by the messages that a keyboard and a mouse cause.
 *
 *   person STEP...      show                what title, description, fields and hint say, one "NAME=TEXT" a line, line ends as blanks
 *                       keep FILE           waits until FILE is gone: time to look at the window
 *                       type TEXT           into the first field, a key a character
 *                       again TEXT          into the second
 *                       paste TEXT          into the first, at once
 *                       read                what another program can read out of the first field
 *                       ok, cancel, close   and waits until the window is gone
 *                       press               OK, without waiting
 *
 * UTF-8 throughout. Exit status 1 where no window comes or goes within 30 s.
 */
#include "os.h"
#include "window.h"

#include <windows.h>

#include <stdio.h>
#include <string.h>

#define WAIT_MS 30000
#define NAP_MS	20

static HWND
wait_for_window(void)
{
	for (unsigned waited = 0; waited < WAIT_MS; waited += NAP_MS) {
		HWND w = FindWindowW(L"" WINDOW_CLASS, NULL);
		if (w != NULL && IsWindowVisible(w))
			return w;
		os_sleep_ms(NAP_MS);
	}
	return NULL;
}

static int
wait_for_end(HWND w)
{
	for (unsigned waited = 0; waited < WAIT_MS; waited += NAP_MS) {
		if (!IsWindow(w))
			return 0;
		os_sleep_ms(NAP_MS);
	}
	return 1;
}

static void
say(const char *name, HWND w)
{
	wchar_t text[2048] = L"";
	char narrow[6144];

	SendMessageW(w, WM_GETTEXT, sizeof(text) / sizeof(text[0]), (LPARAM)text);
	for (wchar_t *at = text; *at != L'\0'; at++)
		if (*at == L'\n' || *at == L'\r')
			*at = L' ';
	if (WideCharToMultiByte(CP_UTF8, 0, text, -1, narrow, sizeof(narrow), NULL, NULL) > 0)
		printf("%s=%s\n", name, narrow);
}

static void
type(HWND field, const char *text)
{
	wchar_t wide[512];

	MultiByteToWideChar(CP_UTF8, 0, text, -1, wide, 512);
	for (const wchar_t *at = wide; *at != L'\0'; at++)
		SendMessageW(field, WM_CHAR, *at, 1);
}

static void
paste(HWND field, const char *text)
{
	wchar_t wide[512];

	MultiByteToWideChar(CP_UTF8, 0, text, -1, wide, 512);
	SendMessageW(field, EM_REPLACESEL, FALSE, (LPARAM)wide);
}

static void
show(HWND w)
{
	say("title", w);
	say("description", GetDlgItem(w, WINDOW_DESCRIPTION));
	say("hint", GetDlgItem(w, WINDOW_HINT));
	printf("fields=%d\nforeground=%d\ntopmost=%d\npassword=%d\n", 1 + (GetDlgItem(w, WINDOW_REPEAT) != NULL), GetForegroundWindow() == w,
	    (GetWindowLongW(w, GWL_EXSTYLE) & WS_EX_TOPMOST) != 0, (GetWindowLongW(GetDlgItem(w, WINDOW_ENTRY), GWL_STYLE) & ES_PASSWORD) != 0);
	fflush(stdout);
}

static void
keep(const char *path)
{
	fflush(stdout);
	for (unsigned waited = 0; waited < WAIT_MS && GetFileAttributesA(path) != INVALID_FILE_ATTRIBUTES; waited += NAP_MS)
		os_sleep_ms(NAP_MS);
}

/* One step; *at moves over what it takes. -1 goes on. */
static int
step(HWND w, char *argv[], int *at)
{
	const char *word = argv[*at], *text = argv[*at + 1];

	if (strcmp(word, "show") == 0)
		show(w);
	else if (strcmp(word, "read") == 0)
		say("read", GetDlgItem(w, WINDOW_ENTRY));
	else if (strcmp(word, "press") == 0)
		SendMessageW(w, WM_COMMAND, IDOK, 0);
	else if (strcmp(word, "ok") == 0 || strcmp(word, "cancel") == 0)
		PostMessageW(w, WM_COMMAND, word[0] == 'o' ? IDOK : IDCANCEL, 0);
	else if (strcmp(word, "close") == 0)
		PostMessageW(w, WM_CLOSE, 0, 0);
	else if (text == NULL)
		return 2;
	else if (strcmp(word, "keep") == 0)
		keep(argv[++*at]);
	else if (strcmp(word, "type") == 0)
		type(GetDlgItem(w, WINDOW_ENTRY), argv[++*at]);
	else if (strcmp(word, "again") == 0)
		type(GetDlgItem(w, WINDOW_REPEAT), argv[++*at]);
	else if (strcmp(word, "paste") == 0)
		paste(GetDlgItem(w, WINDOW_ENTRY), argv[++*at]);
	else
		return 2;
	if (strcmp(word, "ok") == 0 || strcmp(word, "cancel") == 0 || strcmp(word, "close") == 0)
		return wait_for_end(w);
	return -1;
}

int
main(int argc, char *argv[])
{
	HWND w = NULL;

	for (int i = 1; i < argc; i++) {
		int end;
		if (w == NULL || !IsWindow(w))
			w = wait_for_window();
		if (w == NULL)
			return 1;
		end = step(w, argv, &i);
		if (end > 0)
			return end;
	}
	return 0;
}
