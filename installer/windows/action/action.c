/* SPDX-License-Identifier: Apache-2.0 */
#include "action.h"

#include <stdlib.h>
#include <wchar.h>

void
action_say(MSIHANDLE session, INSTALLMESSAGE kind, const wchar_t *text)
{
	MSIHANDLE record = MsiCreateRecord(1);

	/* the text is a field and no template: brackets in it mean nothing */
	MsiRecordSetStringW(record, 0, L"[1]");
	MsiRecordSetStringW(record, 1, text);
	MsiProcessMessage(session, kind, record);
	MsiCloseHandle(record);
}

wchar_t *
action_property(MSIHANDLE session, const wchar_t *name)
{
	wchar_t none[1];
	wchar_t *value;
	DWORD len = 0;

	if (MsiGetPropertyW(session, name, none, &len) != ERROR_MORE_DATA)
		return NULL;
	len++;
	value = calloc(len, sizeof(*value));
	if (value != NULL && MsiGetPropertyW(session, name, value, &len) != ERROR_SUCCESS) {
		free(value);
		value = NULL;
	}
	return value;
}

wchar_t *
action_wide(const char *text, size_t len)
{
	int room = len != 0 ? MultiByteToWideChar(CP_UTF8, 0, text, (int)len, NULL, 0) : 0;
	wchar_t *wide = calloc((size_t)room + 1, sizeof(*wide));

	if (wide != NULL && room != 0)
		(void)MultiByteToWideChar(CP_UTF8, 0, text, (int)len, wide, room);
	return wide;
}
