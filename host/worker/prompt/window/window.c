/* SPDX-License-Identifier: Apache-2.0 */
#include "window.h"

#include "os.h"
#include "prompt_word.h"

#include <windows.h>

#include <imm.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX    1024 /* characters of a text that is shown */
#define LOOK_MS	    500	 /* how often it is looked whether the asker is still there */
#define LOOK_TIMER  1
#define WIDTH	    440 /* at 96 dots an inch, as all measures below */
#define MARGIN	    16
#define FIELD	    26
#define LINE	    20
#define BUTTON_LONG 104
#define BUTTON_HIGH 30
#define FAULT_RED   RGB(176, 0, 32)

struct window {
	const struct window_texts *texts;
	intptr_t asker;
	struct secret *secret;
	HWND self;
	HWND entry;
	HWND repeat; /* NULL where there is one field */
	HWND hint;
	HFONT font;
	UINT dpi;
	WNDPROC field; /* what a field does by itself */
	enum window_end end;
	bool open;
	bool refused; /* the hint tells of an input method, from its first letter until OK */
	bool differs; /* the hint tells that the fields differ, until something is typed */
};

/* There is one window at a time, and the procedure of a field is called without a context. */
static struct window *shown;

/* ---- texts ---- */

static const wchar_t *
wide(const char *text, wchar_t ret[TEXT_MAX])
{
	wchar_t *out = ret;

	ret[0] = L'\0';
	if (MultiByteToWideChar(CP_UTF8, 0, text, -1, ret, TEXT_MAX) <= 0)
		ret[0] = L'\0';
	for (; *out != L'\0'; out++)
		if (*out == L'\r')
			*out = L' ';
	return ret;
}

/* Both languages: what is wrong with the keyboard is told by the window itself, which is told texts and no language. */
static void
set_both(HWND control, enum prompt_word word)
{
	wchar_t out[TEXT_MAX];
	char text[TEXT_MAX];

	(void)snprintf(text, sizeof(text), "%s\n%s", prompt_word(word, "vi"), prompt_word(word, "en"));
	SetWindowTextW(control, wide(text, out));
}

static bool
caps_lock_is_on(void)
{
	return (GetKeyState(VK_CAPITAL) & 1) != 0;
}

static void
update_hint(struct window *w)
{
	wchar_t out[TEXT_MAX];

	if (w->refused)
		set_both(w->hint, PROMPT_INPUT_METHOD);
	else if (caps_lock_is_on())
		set_both(w->hint, PROMPT_CAPS_LOCK);
	else
		SetWindowTextW(w->hint, wide(w->differs ? w->texts->repeat_fault : w->texts->fault, out));
}

/* ---- the secret ---- */

/* Leaves no copy in the field's own memory: as many other characters first, then none. */
static void
clear_field(HWND field)
{
	wchar_t blank[SECRET_MAX + 1];
	int len = GetWindowTextLengthW(field);

	len = len < SECRET_MAX ? len : SECRET_MAX;
	for (int i = 0; i < len; i++)
		blank[i] = L' ';
	blank[len] = L'\0';
	SetWindowTextW(field, blank);
	SetWindowTextW(field, L"");
}

/* False where something else than ASCII is in the field. */
static bool
read_field(HWND field, struct secret *ret)
{
	wchar_t text[SECRET_MAX + 1];
	int len = GetWindowTextW(field, text, SECRET_MAX + 1);
	bool plain = true;

	ret->len = 0;
	for (int i = 0; i < len && plain; i++) {
		plain = text[i] >= L' ' && text[i] <= L'~';
		if (plain)
			ret->bytes[ret->len++] = (unsigned char)text[i];
	}
	wipe(text, sizeof(text));
	if (!plain)
		secret_wipe(ret);
	return plain;
}

static void
refuse(struct window *w)
{
	w->refused = true;
	MessageBeep(MB_ICONWARNING);
	update_hint(w);
}

static void
close_window(struct window *w, enum window_end end)
{
	w->end = end;
	w->open = false;
	clear_field(w->entry);
	if (w->repeat != NULL)
		clear_field(w->repeat);
	DestroyWindow(w->self);
}

static void
take(struct window *w)
{
	struct secret again = { 0 };
	bool plain = read_field(w->entry, w->secret) && (w->repeat == NULL || read_field(w->repeat, &again));
	bool same = w->repeat == NULL || secret_equal(w->secret, &again);

	secret_wipe(&again);
	if (plain && same) {
		close_window(w, WINDOW_TAKEN);
		return;
	}
	secret_wipe(w->secret);
	clear_field(w->entry);
	if (w->repeat != NULL)
		clear_field(w->repeat);
	w->differs = plain;
	w->refused = !plain;
	update_hint(w);
	SetFocus(w->entry);
}

/* ---- what happens ---- */

/* A field: what is no ASCII does not get in, and takes along what was typed before it, of which nobody knows what it was meant to be. */
static LRESULT CALLBACK
field_does(HWND field, UINT message, WPARAM wparam, LPARAM lparam)
{
	struct window *w = shown;

	if (message == WM_CHAR && wparam > L'~') {
		clear_field(field);
		refuse(w);
		return 0;
	}
	if (message == WM_CHAR && wparam >= L' ' && w->differs) {
		w->differs = false;
		update_hint(w);
	}
	if (message == WM_KEYUP || message == WM_SETFOCUS)
		update_hint(w);
	return CallWindowProcW(w->field, field, message, wparam, lparam);
}

/* What was pasted. */
static void
check_field(struct window *w, HWND field)
{
	struct secret got = { 0 };

	if (!read_field(field, &got)) {
		clear_field(field);
		refuse(w);
	}
	secret_wipe(&got);
}

static void
look_at_asker(struct window *w)
{
	bool ready = false;

	if (os_wait(&w->asker, 1, 0, &ready))
		close_window(w, WINDOW_CANCELLED);
}

static void
command(struct window *w, WPARAM wparam, HWND from)
{
	if (LOWORD(wparam) == IDOK)
		take(w);
	else if (LOWORD(wparam) == IDCANCEL)
		close_window(w, WINDOW_CANCELLED);
	else if (HIWORD(wparam) == EN_CHANGE && w->open)
		check_field(w, from);
}

static LRESULT CALLBACK
window_does(HWND self, UINT message, WPARAM wparam, LPARAM lparam)
{
	struct window *w = shown;

	switch (message) {
	case WM_COMMAND:
		command(w, wparam, (HWND)lparam);
		return 0;
	case WM_TIMER:
		look_at_asker(w);
		return 0;
	case WM_CLOSE:
		close_window(w, WINDOW_CANCELLED);
		return 0;
	case WM_SETFOCUS:
		SetFocus(w->entry);
		return 0;
	case WM_CTLCOLORSTATIC:
		if ((HWND)lparam == w->hint)
			SetTextColor((HDC)wparam, FAULT_RED);
		SetBkMode((HDC)wparam, TRANSPARENT);
		return (LRESULT)GetSysColorBrush(COLOR_WINDOW);
	case DM_GETDEFID: /* Enter is "OK" */
		return MAKELONG(IDOK, DC_HASDEFID);
	default:
		return DefWindowProcW(self, message, wparam, lparam);
	}
}

/* ---- how it looks ---- */

static int
scaled(const struct window *w, int measure)
{
	return MulDiv(measure, (int)w->dpi, 96);
}

static HWND
add(struct window *w, const wchar_t *class, const char *text, DWORD style, int id, RECT place)
{
	wchar_t out[TEXT_MAX];
	HWND control = CreateWindowExW(wcscmp(class, L"EDIT") == 0 ? WS_EX_CLIENTEDGE : 0, class, wide(text, out), WS_CHILD | WS_VISIBLE | style, place.left,
	    place.top, place.right - place.left, place.bottom - place.top, w->self, (HMENU)(INT_PTR)id, GetModuleHandleW(NULL), NULL);

	if (control != NULL)
		SendMessageW(control, WM_SETFONT, (WPARAM)w->font, TRUE);
	return control;
}

static HWND
add_field(struct window *w, int id, RECT place)
{
	HWND field = add(w, L"EDIT", "", WS_TABSTOP | ES_PASSWORD | ES_AUTOHSCROLL, id, place);

	if (field == NULL)
		return NULL;
	SendMessageW(field, EM_SETLIMITTEXT, SECRET_MAX, 0);
	/* no input method for this field; those that work by themselves are met in field_does() */
	ImmAssociateContext(field, NULL);
	w->field = (WNDPROC)SetWindowLongPtrW(field, GWLP_WNDPROC, (LONG_PTR)field_does);
	return field;
}

/* Height of a text that is broken at the window's width. */
static int
height_of(struct window *w, const char *text, int width)
{
	RECT r = { 0, 0, width, 0 };
	HDC dc = GetDC(w->self);
	HGDIOBJ before = SelectObject(dc, w->font);
	wchar_t out[TEXT_MAX];

	DrawTextW(dc, wide(text, out), -1, &r, DT_CALCRECT | DT_WORDBREAK | DT_NOPREFIX);
	SelectObject(dc, before);
	ReleaseDC(w->self, dc);
	return r.bottom;
}

/* A row of the given height below the others; *at moves on. */
static RECT
row(const struct window *w, int *at, int height, int gap)
{
	RECT r = { scaled(w, MARGIN), *at, scaled(w, WIDTH - MARGIN), *at + height };

	*at = r.bottom + scaled(w, gap);
	return r;
}

static bool
fill(struct window *w)
{
	const struct window_texts *t = w->texts;
	int at = scaled(w, MARGIN), text = height_of(w, t->description, scaled(w, WIDTH - 2 * MARGIN));
	RECT buttons, ok, client = { 0, 0, scaled(w, WIDTH), 0 };
	HWND described, confirm, cancel;

	described = add(w, L"STATIC", t->description, SS_NOPREFIX, WINDOW_DESCRIPTION, row(w, &at, text, 12));
	add(w, L"STATIC", t->label, SS_NOPREFIX, -1, row(w, &at, scaled(w, LINE), 2));
	w->entry = add_field(w, WINDOW_ENTRY, row(w, &at, scaled(w, FIELD), 10));
	if (t->repeat[0] != '\0') {
		add(w, L"STATIC", t->repeat, SS_NOPREFIX, -1, row(w, &at, scaled(w, LINE), 2));
		w->repeat = add_field(w, WINDOW_REPEAT, row(w, &at, scaled(w, FIELD), 10));
	}
	w->hint = add(w, L"STATIC", "", SS_NOPREFIX, WINDOW_HINT, row(w, &at, 2 * scaled(w, LINE), 8));
	buttons = row(w, &at, scaled(w, BUTTON_HIGH), MARGIN);
	ok = buttons;
	ok.right = buttons.right - scaled(w, BUTTON_LONG + 10);
	ok.left = ok.right - scaled(w, BUTTON_LONG);
	buttons.left = buttons.right - scaled(w, BUTTON_LONG);
	confirm = add(w, L"BUTTON", t->ok, WS_TABSTOP | BS_DEFPUSHBUTTON, IDOK, ok);
	cancel = add(w, L"BUTTON", t->cancel, WS_TABSTOP, IDCANCEL, buttons);
	client.bottom = at;
	AdjustWindowRectEx(&client, (DWORD)GetWindowLongPtrW(w->self, GWL_STYLE), FALSE, (DWORD)GetWindowLongPtrW(w->self, GWL_EXSTYLE));
	SetWindowPos(w->self, HWND_TOPMOST, (GetSystemMetrics(SM_CXSCREEN) - (client.right - client.left)) / 2,
	    (GetSystemMetrics(SM_CYSCREEN) - (client.bottom - client.top)) / 3, client.right - client.left, client.bottom - client.top, 0);
	return described != NULL && w->entry != NULL && (w->repeat != NULL || t->repeat[0] == '\0') && w->hint != NULL && confirm != NULL && cancel != NULL;
}

static bool
open_window(struct window *w)
{
	WNDCLASSEXW class = { .cbSize = sizeof(class), .lpfnWndProc = window_does, .hInstance = GetModuleHandleW(NULL), .lpszClassName = L"" WINDOW_CLASS };
	NONCLIENTMETRICSW metrics = { .cbSize = sizeof(metrics) };
	wchar_t out[TEXT_MAX];

	class.hbrBackground = GetSysColorBrush(COLOR_WINDOW);
	class.hCursor = LoadCursorW(NULL, (LPCWSTR)IDC_ARROW);
	(void)RegisterClassExW(&class); /* the second window finds it registered */
	w->self = CreateWindowExW(WS_EX_CONTROLPARENT | WS_EX_TOPMOST | WS_EX_DLGMODALFRAME, L"" WINDOW_CLASS, wide(w->texts->title, out),
	    WS_CAPTION | WS_SYSMENU | WS_POPUP, 0, 0, 0, 0, NULL, NULL, GetModuleHandleW(NULL), NULL);
	if (w->self == NULL)
		return false;
	w->dpi = GetDpiForWindow(w->self);
	if (SystemParametersInfoForDpi(SPI_GETNONCLIENTMETRICS, sizeof(metrics), &metrics, 0, w->dpi))
		w->font = CreateFontIndirectW(&metrics.lfMessageFont);
	return fill(w);
}

/* Windows gives the foreground only to who has it or was given it; where it does not, the button in the task bar blinks until somebody comes. */
static void
come_to_front(struct window *w)
{
	FLASHWINFO flash = { .cbSize = sizeof(flash), .hwnd = w->self, .dwFlags = FLASHW_ALL | FLASHW_TIMERNOFG };

	ShowWindow(w->self, SW_SHOWNORMAL);
	if (!SetForegroundWindow(w->self) || GetForegroundWindow() != w->self)
		FlashWindowEx(&flash);
	SetFocus(w->entry);
	update_hint(w);
}

enum window_end
window_ask(const struct window_texts *texts, intptr_t asker, struct secret *ret)
{
	struct window w = { .texts = texts, .asker = asker, .secret = ret, .end = WINDOW_FAILED, .open = true };
	MSG message;

	shown = &w;
	if (open_window(&w)) {
		SetTimer(w.self, LOOK_TIMER, LOOK_MS, NULL);
		come_to_front(&w);
		while (w.open && GetMessageW(&message, NULL, 0, 0) > 0) {
			if (IsDialogMessageW(w.self, &message))
				continue;
			TranslateMessage(&message);
			DispatchMessageW(&message);
		}
	} else if (w.self != NULL) {
		DestroyWindow(w.self);
	}
	if (w.font != NULL)
		DeleteObject(w.font);
	return w.end;
}
