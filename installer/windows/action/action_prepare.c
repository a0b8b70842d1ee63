/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders for each kind of installation. A profile is written at an installation and an upgrade only: a repair is done for anybody who asks, elevated, with the properties that he gives.
 */
#include "action.h"

#include <stdlib.h>
#include <wchar.h>

#define ORDERS_MAX 32768 /* characters; a command line has at most 32767 */

struct orders {
	wchar_t text[ORDERS_MAX];
	size_t len;
	bool failed; /* no room, or a character that ends a line */
};

static const struct {
	const wchar_t *property;
	const wchar_t *option;
	bool is_file;
} options[] = {
	{ L"PROFILE", L"--from", true },
	{ L"PROFILENAME", L"--name", false },
	{ L"TMS", L"--tms", false },
	{ L"TMSKEY", L"--tms-key", false },
	{ L"TLS", L"--tls", false },
	{ L"TLSCA", L"--tls-ca", true },
	{ L"TLSPIN", L"--tls-pin", false },
	{ L"PORTAL", L"--portal", false },
	{ L"EXTENSION", L"--extension", false },
	{ L"MODULE", L"--module", false },
	{ L"PROXY", L"--proxy", false },
	{ L"HOTLINE", L"--hotline", false },
	{ L"LANGUAGES", L"--language", false },
	{ L"AUTOSTART", L"--autostart", false },
	{ L"POLICIES", L"--policies", false },
};

static void
add(struct orders *o, const wchar_t *text)
{
	size_t len = wcslen(text);

	if (o->len + len >= ORDERS_MAX || wcspbrk(text, L"\r\n") != NULL) {
		o->failed = true;
		return;
	}
	wmemcpy(o->text + o->len, text, len + 1);
	o->len += len;
}

/* As the C library of the other side takes it apart: backslashes before a quotation mark are doubled, and none other. */
static void
add_argument(struct orders *o, const wchar_t *argument)
{
	wchar_t one[2] = L"";
	size_t slashes = 0;

	add(o, L" \"");
	for (const wchar_t *at = argument; *at != L'\0'; at++) {
		if (*at == L'"')
			for (size_t i = 0; i <= slashes; i++)
				add(o, L"\\");
		slashes = *at == L'\\' ? slashes + 1 : 0;
		one[0] = *at;
		add(o, one);
	}
	for (; slashes != 0; slashes--)
		add(o, L"\\");
	add(o, L"\"");
}

/* Begins an order to mokhoa-setup; words are as a command line has them. */
static void
begin(struct orders *o, wchar_t kind, const wchar_t *folder, const wchar_t *words)
{
	wchar_t head[3] = { kind, L'"', L'\0' };

	if (o->len != 0 && o->len + 1 < ORDERS_MAX)
		o->text[o->len++] = L'\n';
	add(o, head);
	add(o, folder);
	add(o, L"mokhoa-setup.exe\" ");
	add(o, words);
}

/* The installer runs elsewhere than who gave the name of a file. */
static void
add_file(MSIHANDLE session, struct orders *o, const wchar_t *name)
{
	wchar_t *folder = action_property(session, L"CURRENTDIRECTORY");
	bool is_whole = name[0] == L'\\' || (name[0] != L'\0' && name[1] == L':') || folder == NULL || folder[0] == L'\0';
	size_t len = wcslen(name) + (is_whole ? 0 : wcslen(folder) + 1);
	wchar_t *whole = calloc(len + 1, sizeof(*whole));

	if (whole == NULL)
		o->failed = true;
	else {
		if (!is_whole) {
			wcscpy(whole, folder);
			wcscat(whole, L"\\");
		}
		wcscat(whole, name);
		add_argument(o, whole);
	}
	free(whole);
	free(folder);
}

/* False where no property says anything of a profile. */
static bool
add_profile(MSIHANDLE session, struct orders *o, const wchar_t *folder)
{
	bool is_said = false, has_file = false;

	begin(o, L'!', folder, L"profile --install --undoable --again");
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		wchar_t *value = action_property(session, options[i].property);
		if (value != NULL && value[0] != L'\0') {
			is_said = true;
			has_file = has_file || i == 0;
			add(o, L" ");
			add(o, options[i].option);
			if (options[i].is_file)
				add_file(session, o, value);
			else
				add_argument(o, value);
		}
		free(value);
	}
	/* a profile that is made of properties has our window; one that is a file names its own */
	if (!has_file) {
		wchar_t prompt[MAX_PATH + 32] = L"";
		if (wcslen(folder) < MAX_PATH)
			wcscat(wcscpy(prompt, folder), L"mokhoa-prompt.exe");
		add(o, L" --prompt");
		add_argument(o, prompt);
	}
	return is_said;
}

static bool
has(MSIHANDLE session, const wchar_t *property)
{
	wchar_t *value = action_property(session, property);
	bool is_there = value != NULL && value[0] != L'\0';

	free(value);
	return is_there;
}

static bool
set(MSIHANDLE session, const wchar_t *action, const struct orders *o)
{
	return !o->failed && MsiSetPropertyW(session, action, o->text) == ERROR_SUCCESS;
}

/* What is configured, and how it is undone when the installation fails afterwards. */
static bool
prepare_configure(MSIHANDLE session, const wchar_t *folder, struct orders *o, struct orders *back)
{
	if (has(session, L"Installed")) {
		begin(o, L'!', folder, L"repair");
	} else {
		struct orders *profile = calloc(1, sizeof(*profile));
		bool is_said;
		if (profile == NULL)
			return false;
		is_said = add_profile(session, profile, folder);
		o->failed = profile->failed;
		if (is_said) {
			wmemcpy(o->text, profile->text, profile->len + 1);
			o->len = profile->len;
		}
		free(profile);
		begin(o, L'!', folder, L"register");
		if (!has(session, L"WIX_UPGRADE_DETECTED"))
			begin(back, L'?', folder, L"unregister");
		begin(back, L'?', folder, L"profile --undo");
		if (has(session, L"WIX_UPGRADE_DETECTED"))
			begin(back, L'?', folder, L"repair");
	}
	return set(session, L"Configure", o) && set(session, L"ConfigureBack", back);
}

static bool
prepare_removal(MSIHANDLE session, const wchar_t *folder, struct orders *o, struct orders *back)
{
	begin(o, L'?', folder, L"unregister");
	begin(o, L'?', folder, L"profile --withdraw --undoable");
	begin(back, L'?', folder, L"profile --undo");
	begin(back, L'?', folder, L"register");
	return set(session, L"TakeBack", o) && set(session, L"TakeBackBack", back);
}

static bool
prepare_forget(MSIHANDLE session, const wchar_t *folder, bool removal, struct orders *o)
{
	add(o, removal ? L"!" : L"-");
	add(o, folder);
	return set(session, L"Forget", o);
}

ACTION
MokhoaPrepare(MSIHANDLE session)
{
	struct orders *o = calloc(3, sizeof(*o));
	wchar_t *folder = action_property(session, L"ProgramsFolder");
	wchar_t *remove = action_property(session, L"REMOVE");
	bool removal = remove != NULL && wcscmp(remove, L"ALL") == 0;
	bool done = o != NULL && folder != NULL && (removal ? prepare_removal : prepare_configure)(session, folder, &o[0], &o[1]) &&
		    prepare_forget(session, folder, removal, &o[2]) &&
		    (!action_is_succeeded(session) || MsiSetPropertyW(session, L"Succeeded", L"1") == ERROR_SUCCESS);

	free(o);
	free(folder);
	free(remove);
	if (done)
		return ERROR_SUCCESS;
	action_say(session, INSTALLMESSAGE_ERROR, L"mokhoa: the properties are too long, or a line break is in one");
	return ERROR_INSTALL_FAILURE;
}
