/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program starts with a session where Run has its command, unless somebody has switched it off where Windows shows such programs (the task manager, the settings): then StartupApproved has a value
 * of the same name, whose first byte is odd. All of it is this machine's: below a root there is none.
 */
#include "look.h"
#include "os_registry.h"

#include <stdio.h>
#include <string.h>

#define RUN	 PLACE_AUTOSTART_KEY "!" PLACE_AUTOSTART
#define APPROVED "SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Explorer\\StartupApproved\\Run"

/* Whether the command, the quoted path of a program, is of one that only the administrator can have put there. */
static bool
is_good(const char *command)
{
	const char *end = command[0] == '"' ? strchr(command + 1, '"') : NULL;
	char path[OS_PATH_MAX];

	return end != NULL && end[1] == '\0' && snprintf(path, sizeof(path), "%.*s", (int)(end - command - 1), command + 1) < (int)sizeof(path) && os_check_trusted(path) == ERR_OK;
}

static bool
is_off(const char *key)
{
	struct buf bytes = buf_new(64);
	uint32_t type;
	bool off = os_registry_read(key, PLACE_AUTOSTART, &type, &bytes) == ERR_OK && bytes.len != 0 && (bytes.data[0] & 1) != 0;

	buf_free(&bytes);
	return off;
}

void
look_at_autostart(struct look *l)
{
	static const char *const approved[] = { "HKLM\\" APPROVED, "HKCU\\" APPROVED };
	struct buf command = buf_new(OS_PATH_MAX);

	if (look_autostart(l) == NULL || l->order->root[0] != '\0')
		return;
	if (os_registry_read_text(PLACE_AUTOSTART_KEY, PLACE_AUTOSTART, &command) != ERR_OK || !is_good(buf_text(&command)))
		look_find(l, FOUND_AUTOSTART_MISSING, RUN);
	for (size_t i = 0; i < sizeof(approved) / sizeof(approved[0]); i++)
		if (is_off(approved[i]))
			look_find(l, FOUND_AUTOSTART_OFF, approved[i]);
	buf_free(&command);
}
