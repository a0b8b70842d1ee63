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

#include "firefox_windows.h"
#include "medium.h"
#include "os_registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HIVE_LEN 5 /* "HKLM\" */
#define SOFTWARE "HKLM\\SOFTWARE\\"
#define RUN	 PLACE_AUTOSTART_KEY "!" PLACE_AUTOSTART

/* policies of Firefox */
#define EXTENSIONS "ExtensionSettings"
#define LOCAL	   "LocalNetworkAccess"
#define SKIP	   LOCAL "\\SkipDomains"
#define POLICY_MAX 4194304

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

static void
key_below(const struct place *place, const char *below, char ret[OS_PATH_MAX])
{
	snprintf(ret, OS_PATH_MAX, "%s%s%s", place->policies + HIVE_LEN, below[0] != '\0' ? "\\" : "", below);
}

static bool
has_key(const struct place *place, const char *below)
{
	char key[OS_PATH_MAX];

	key_below(place, below, key);
	return os_registry_has_key(key);
}

static bool
has_value(const struct place *place, const char *below, const char *name)
{
	struct buf b = buf_new(0);
	char key[OS_PATH_MAX];
	uint32_t type;
	enum err e;

	key_below(place, below, key);
	e = os_registry_read(key, name, &type, &b);
	buf_free(&b);
	return e != ERR_FILE_MISSING;
}

/* Whether some profile, also one that is to be left out, may have had that name written. */
static bool
may_be_ours(const struct desired_from *from, const char *name)
{
	char host[PROFILE_HOST_MAX];

	for (size_t i = 0; i < profile_count(from->profiles); i++) {
		const struct profile *p = profile_at(from->profiles, i);
		for (size_t j = 0; j < p->forced_count; j++)
			if (strcmp(p->forced[j].id, name) == 0)
				return true;
		for (size_t j = 0; j < p->origin_count; j++) {
			profile_origin_host(p->origins[j], host);
			if (strcmp(host, name) == 0)
				return true;
		}
	}
	return false;
}

/* Whether what is in that place of the registry has a member (of a value) or a text (of a list) that no profile wants. */
static bool
has_others(const struct desired_from *from, const char *place)
{
	struct buf b = buf_new(POLICY_MAX);
	bool is_there = medium_read(place, &b) == ERR_OK, others = is_there;
	char *text = is_there ? medium_text(place, buf_text(&b)) : NULL;
	json_t *document = text != NULL ? json_loads(text, 0, NULL) : NULL;
	const char *name;
	json_t *value;

	if (json_is_object(document))
		others = false;
	json_object_foreach(document, name, value) others = others || !may_be_ours(from, json_is_string(value) ? json_string_value(value) : name);
	json_decref(document);
	free(text);
	buf_free(&b);
	return others;
}

/* Whether the policy has to go into files: somebody has it there and nobody but us in the registry. */
static bool
goes_into_files(const struct desired_from *from, const struct place *place, const char *policy, struct firefox_files *ret)
{
	char at[OS_PATH_MAX];
	bool settings = strcmp(policy, EXTENSIONS) == 0;

	firefox_find(ret);
	if (!firefox_has(ret, policy))
		return false;
	snprintf(at, sizeof(at), "%s!" EXTENSIONS, place->policies);
	if (settings)
		return !has_key(place, EXTENSIONS) && !has_others(from, at);
	if (has_value(place, "", LOCAL))
		return false;
	snprintf(at, sizeof(at), "%s\\" LOCAL "!*", place->policies);
	if (has_others(from, at))
		return false;
	snprintf(at, sizeof(at), "%s\\" SKIP "!*", place->policies);
	return !has_others(from, at);
}

enum err
desired_add_extension(const struct desired_from *from, const struct place *place, const struct profile_forced *forced, json_t *pieces, char *where)
{
	const char *const settings[][2] = { { "installation_mode", "force_installed" }, { "install_url", forced->update_url } };
	struct firefox_files files;

	(void)where;
	if (goes_into_files(from, place, EXTENSIONS, &files)) {
		for (size_t i = 0; i < files.count; i++)
			desired_add_extension_to(files.at[i], forced, pieces);
	} else if (!has_key(place, EXTENSIONS)) {
		desired_add(pieces, json_pack("{s:o, s:[s], s:{s:s, s:s}}", "file", json_sprintf("%s!" EXTENSIONS, place->policies),
					"path", forced->id, "value", settings[0][0], settings[0][1], settings[1][0], settings[1][1]));
	} else {
		for (size_t i = 0; i < 2; i++)
			desired_add(pieces, json_pack("{s:o, s:[s], s:s}", "file", json_sprintf("%s\\" EXTENSIONS "\\%s!*", place->policies, forced->id),
						"path", settings[i][0], "value", settings[i][1]));
	}
	return ERR_OK;
}

enum err
desired_add_domain(const struct desired_from *from, const struct place *place, const char *host, json_t *pieces, char *where)
{
	struct firefox_files files;

	if (has_value(place, LOCAL, "SkipDomains")) {
		snprintf(where, PROFILE_WHERE_MAX, "%s\\" LOCAL "!SkipDomains: is a value where a list has to be; nothing was changed", place->policies);
		return ERR_FILE_FAILED;
	}
	if (goes_into_files(from, place, LOCAL, &files)) {
		for (size_t i = 0; i < files.count; i++)
			desired_add_domain_to(files.at[i], host, pieces);
	} else if (!has_key(place, LOCAL) && has_value(place, "", LOCAL)) {
		desired_add(pieces, json_pack("{s:o, s:[s], s:s}", "file", json_sprintf("%s!" LOCAL, place->policies), "path", "SkipDomains", "item", host));
	} else {
		desired_add(pieces, json_pack("{s:o, s:[], s:s}", "file", json_sprintf("%s\\" SKIP "!*", place->policies), "path", "item", host));
	}
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
