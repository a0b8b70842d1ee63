/* SPDX-License-Identifier: Apache-2.0 */
#include "desired.h"

#include "desired_system.h"
#include "json.h"
#include "merge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- adding ---- */

void
desired_add(json_t *pieces, json_t *piece)
{
	size_t i;
	const json_t *other;

	json_array_foreach(pieces, i, other)
	{
		if (json_equal(other, piece)) {
			json_decref(piece);
			return;
		}
	}
	(void)json_array_append_new(pieces, piece);
}

static bool
takes_part(const struct desired_from *from, const struct profile *p)
{
	return from->without == NULL || strcmp(from->without, p->name) != 0;
}

/* ---- programs ---- */

/* Who may write what a browser starts decides for every user of the machine. Below another root it is not this machine that is told, and nothing need lie there yet. */
static enum err
check_host(const struct desired_from *from, char *where)
{
	char path[OS_PATH_MAX];
	enum err e;

	if (from->root[0] != '\0')
		return ERR_OK;
	desired_program(from, "mokhoa-host", path);
	e = os_check_trusted(path);
	if (e != ERR_OK)
		snprintf(where, PROFILE_WHERE_MAX, "%.300s: %s", path, e == ERR_FILE_MISSING ? "is not there" : "others than the administrator can write it, or a folder above it");
	return e == ERR_OK || e == ERR_FILE_MISSING ? e : ERR_PROFILE_UNSAFE;
}

/* ---- manifests ---- */

/* The callers are the extensions of all profiles; without any there is no manifest. */
static void
add_manifest(const struct desired_from *from, const struct place *place, json_t *pieces)
{
	char path[OS_PATH_MAX];
	json_t *callers = json_array();
	json_t *manifest;
	char *text;

	for (size_t i = 0; i < profile_count(from->profiles); i++) {
		const struct profile *p = profile_at(from->profiles, i);
		for (size_t j = 0; takes_part(from, p) && j < p->extension_count; j++)
			if (place_takes(place, p->extensions[j]))
				desired_add(callers, json_string(p->extensions[j]));
	}
	desired_program(from, "mokhoa-host", path);
	manifest = json_pack("{s:s, s:s, s:s, s:s, s:O}",
	    "name", PLACE_HOST_NAME,
	    "description", "Mokhoa",
	    "path", path,
	    "type", "stdio",
	    place->firefox ? "allowed_extensions" : "allowed_origins", callers);
	text = merge_text(manifest);
	if (json_array_size(callers) != 0)
		desired_add_manifest(from, place, text, pieces);
	free(text);
	json_decref(manifest);
	json_decref(callers);
}

/* ---- policies ---- */

static enum err
add_chromium(const struct desired_from *from, const struct profile *p, const struct place *place, json_t *pieces, char *where)
{
	char item[PROFILE_WHERE_MAX + PLACE_ID_LEN + 2];
	char id[PLACE_ID_LEN + 1];
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < p->forced_count; i++) {
		if (!profile_forces_in(&p->forced[i], place) || !place_chromium_id(p->forced[i].id, id))
			continue;
		snprintf(item, sizeof(item), "%s;%s", id, p->forced[i].update_url);
		e = desired_add_item(from, place, "ExtensionInstallForcelist", item, pieces, where);
	}
	for (size_t i = 0; e == ERR_OK && p->loopback && i < p->origin_count; i++)
		e = desired_add_item(from, place, "LoopbackNetworkAllowedForUrls", p->origins[i], pieces, where);
	return e;
}

void
desired_add_extension_to(const char *file, const struct profile_forced *forced, json_t *pieces)
{
	desired_add(pieces, json_pack("{s:s, s:[s, s, s], s:{s:s, s:s}}", "file", file,
				"path", "policies", "ExtensionSettings", forced->id,
				"value", "installation_mode", "force_installed", "install_url", forced->update_url));
}

void
desired_add_domain_to(const char *file, const char *host, json_t *pieces)
{
	desired_add(pieces, json_pack("{s:s, s:[s, s, s], s:s}", "file", file, "path", "policies", "LocalNetworkAccess", "SkipDomains", "item", host));
}

/* SkipDomains has names of hosts. */
static enum err
add_firefox(const struct desired_from *from, const struct profile *p, const struct place *place, json_t *pieces, char *where)
{
	enum err e = ERR_OK;
	char host[PROFILE_HOST_MAX];

	for (size_t i = 0; e == ERR_OK && i < p->forced_count; i++)
		if (profile_forces_in(&p->forced[i], place))
			e = desired_add_extension(from, place, &p->forced[i], pieces, where);
	for (size_t i = 0; e == ERR_OK && p->loopback && i < p->origin_count; i++) {
		profile_origin_host(p->origins[i], host);
		e = desired_add_domain(from, place, host, pieces, where);
	}
	return e;
}

static enum err
add_profile(const struct desired_from *from, const struct profile *p, json_t *pieces, char *where)
{
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < place_count(); i++) {
		const struct place *place = place_at(i);
		if (place->policies == NULL)
			continue;
		e = (place->firefox ? add_firefox : add_chromium)(from, p, place, pieces, where);
	}
	if (p->autostart)
		desired_add_autostart(from, pieces);
	return e;
}

enum err
desired_make(const struct desired_from *from, json_t **ret_pieces, char *where)
{
	size_t count = from->profiles != NULL ? profile_count(from->profiles) : 0;
	json_t *pieces = json_array();
	enum err e = pieces != NULL ? ERR_OK : ERR_NO_MEMORY;

	if (e == ERR_OK && count != 0)
		e = check_host(from, where);
	for (size_t i = 0; e == ERR_OK && count != 0 && i < place_count(); i++)
		add_manifest(from, place_at(i), pieces);
	for (size_t i = 0; e == ERR_OK && i < count; i++)
		if (takes_part(from, profile_at(from->profiles, i)))
			e = add_profile(from, profile_at(from->profiles, i), pieces, where);
	if (e != ERR_OK) {
		json_decref(pieces);
		return e;
	}
	*ret_pieces = pieces;
	return ERR_OK;
}
