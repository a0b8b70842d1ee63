/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What browsers read on Windows.
 *
 * The registry names a manifest twice: Chromium and Firefox look into the view of 32 bits first, so that an entry there which somebody left behind would hide ours, and a browser that
 * looks into the other one alone finds it, too. Policies have one place, which both views share.
 *
 * Firefox takes what stands in a key below its policies together with the value of the same name, or in its place, as older versions do: so what we add goes where the others' is.
 */
#include "desired_system.h"

#include "os_registry.h"

#include <stdio.h>
#include <string.h>

#define HIVE_LEN 5 /* "HKLM\" */
#define SOFTWARE "HKLM\\SOFTWARE\\"
#define RUN	 SOFTWARE "Microsoft\\Windows\\CurrentVersion\\Run!mokhoa-websocket"

/* Who may start what a browser starts decides for every user of the machine. */
enum err
desired_check(const struct desired_from *from, char *where)
{
	char path[OS_PATH_MAX];
	enum err e;

	desired_program(from, "mokhoa-host", path);
	e = os_check_trusted(path);
	if (e != ERR_OK)
		snprintf(where, PROFILE_WHERE_MAX, "%.300s: %s", path, e == ERR_FILE_MISSING ? "is not there" : "others than the administrator can write it, or a folder above it");
	return e == ERR_OK || e == ERR_FILE_MISSING ? e : ERR_PROFILE_UNSAFE;
}

void
desired_program(const struct desired_from *from, const char *name, char ret[OS_PATH_MAX])
{
	snprintf(ret, OS_PATH_MAX, "%s\\%s.exe", from->programs, name);
}

/* ---- manifests ---- */

static void
add_value(json_t *pieces, const char *head, const char *key, const char *text)
{
	desired_add(pieces, json_pack("{s:o, s:s}", "file", json_sprintf("%s%s\\" PLACE_HOST_NAME "!", head, key), "text", text));
}

void
desired_add_manifest(const struct desired_from *from, const struct place *place, const char *text, json_t *pieces)
{
	const char *key = place->host + strlen(SOFTWARE);
	char path[OS_PATH_MAX];

	snprintf(path, sizeof(path), "%s\\manifests\\%s.json", from->programs, place->firefox ? "firefox" : "chromium");
	desired_add(pieces, json_pack("{s:s, s:s}", "file", path, "text", text));
	add_value(pieces, SOFTWARE, key, path);
	add_value(pieces, SOFTWARE "WOW6432Node\\", key, path);
}

/* ---- policies of Chromium's family ---- */

enum err
desired_add_item(const struct desired_from *from, const struct place *place, const char *policy, const char *item, json_t *pieces, char *where)
{
	(void)from;
	(void)where;
	desired_add(pieces, json_pack("{s:o, s:[], s:s}", "file", json_sprintf("%s\\%s!*", place->policies, policy), "path", "item", item));
	return ERR_OK;
}

/* ---- policies of Firefox ---- */

static bool
has_key(const struct place *place, const char *below)
{
	char key[OS_PATH_MAX];

	snprintf(key, sizeof(key), "%s\\%s", place->policies + HIVE_LEN, below);
	return os_registry_has_key(key);
}

static bool
has_value(const struct place *place, const char *below, const char *name)
{
	struct buf b = buf_new(0);
	char key[OS_PATH_MAX];
	uint32_t type;
	enum err e;

	snprintf(key, sizeof(key), "%s%s", place->policies + HIVE_LEN, below);
	e = os_registry_read(key, name, &type, &b);
	buf_free(&b);
	return e != ERR_FILE_MISSING;
}

enum err
desired_add_extension(const struct desired_from *from, const struct place *place, const struct profile_forced *forced, json_t *pieces, char *where)
{
	const char *const settings[][2] = { { "installation_mode", "force_installed" }, { "install_url", forced->update_url } };

	(void)from;
	(void)where;
	if (!has_key(place, "ExtensionSettings")) {
		desired_add(pieces, json_pack("{s:o, s:[s], s:{s:s, s:s}}", "file", json_sprintf("%s!ExtensionSettings", place->policies),
					"path", forced->id, "value", "installation_mode", "force_installed", "install_url", forced->update_url));
		return ERR_OK;
	}
	for (size_t i = 0; i < 2; i++)
		desired_add(pieces, json_pack("{s:o, s:[s], s:s}", "file", json_sprintf("%s\\ExtensionSettings\\%s!*", place->policies, forced->id),
					"path", settings[i][0], "value", settings[i][1]));
	return ERR_OK;
}

enum err
desired_add_domain(const struct desired_from *from, const struct place *place, const char *host, json_t *pieces, char *where)
{
	(void)from;
	if (has_value(place, "\\LocalNetworkAccess", "SkipDomains")) {
		snprintf(where, PROFILE_WHERE_MAX, "%s\\LocalNetworkAccess!SkipDomains: is a value where a list has to be; nothing was changed", place->policies);
		return ERR_FILE_FAILED;
	}
	if (!has_key(place, "LocalNetworkAccess") && has_value(place, "", "LocalNetworkAccess"))
		desired_add(pieces, json_pack("{s:o, s:[s], s:s}", "file", json_sprintf("%s!LocalNetworkAccess", place->policies), "path", "SkipDomains", "item", host));
	else
		desired_add(pieces, json_pack("{s:o, s:[], s:s}", "file", json_sprintf("%s\\LocalNetworkAccess\\SkipDomains!*", place->policies), "path", "item", host));
	return ERR_OK;
}

/* ---- autostart ---- */

void
desired_add_autostart(const struct desired_from *from, json_t *pieces)
{
	char path[OS_PATH_MAX];

	desired_program(from, "mokhoa-websocket", path);
	desired_add(pieces, json_pack("{s:s, s:o}", "file", RUN, "text", json_sprintf("\"%s\"", path)));
}
