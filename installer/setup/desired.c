/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of the files in a policy folder Chromium takes each policy from the last file, by name, that has it. A list that another vendor has set is therefore added to
 * where it stands: a file of ours would hide his list, or be hidden by it.
 */
#include "desired.h"

#include "buf.h"
#include "disk.h"
#include "json.h"
#include "merge.h"
#include "os.h"
#include "places.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANIFEST   "mokhoa.host.json"
#define POLICIES   "mokhoa.json" /* our file in a policy folder */
#define AUTOSTART  "/etc/xdg/autostart/mokhoa-websocket.desktop"
#define CHROMIUM   "chrome-extension://"
#define ID_LEN	   32 /* letters of an extension of Chromium's family */
#define POLICY_MAX 1048576

/* ---- adding ---- */

/* Takes piece; the same thing wanted by two profiles is one. */
static void
add(json_t *pieces, json_t *piece)
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

/* ---- manifests ---- */

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
			if ((strncmp(p->extensions[j], CHROMIUM, strlen(CHROMIUM)) != 0) == place->firefox)
				add(callers, json_string(p->extensions[j]));
	}
	snprintf(path, sizeof(path), "%s/mokhoa-host", from->programs);
	manifest = json_pack("{s:s, s:s, s:s, s:s, s:O}",
	    "name", "mokhoa.host",
	    "description", "Mokhoa",
	    "path", path,
	    "type", "stdio",
	    place->firefox ? "allowed_extensions" : "allowed_origins", callers);
	text = merge_text(manifest);
	snprintf(path, sizeof(path), "%s/" MANIFEST, place->host);
	if (json_array_size(callers) != 0)
		add(pieces, json_pack("{s:s, s:o}", "file", path, "text", json_string(text)));
	free(text);
	json_decref(manifest);
	json_decref(callers);
}

/* ---- policies of Chromium's family ---- */

struct search {
	const struct desired_from *from;
	const char *folder;
	const char *policy;
	char found[OS_PATH_MAX]; /* the last file of others that has it, without root; "" */
	enum err error;
	char *where;
};

static void
look_into(const char *name, void *context)
{
	struct search *s = context;
	char path[OS_PATH_MAX], quoted[80], cause[160];
	struct buf b;
	json_t *document = NULL;
	bool is_read;

	if (strcmp(name, POLICIES) == 0 || s->error != ERR_OK)
		return;
	b = buf_new(POLICY_MAX);
	snprintf(path, sizeof(path), "%s%s/%s", s->from->root, s->folder, name);
	snprintf(quoted, sizeof(quoted), "\"%s\"", s->policy);
	is_read = disk_read(path, &b) == ERR_OK;
	if (!is_read || json_load(b.data, b.len, &document, cause) != ERR_OK) {
		/* Chromium may be able to read it all the same: it admits comments */
		if (!is_read || strstr(buf_text(&b), quoted) != NULL) {
			snprintf(s->where, PROFILE_WHERE_MAX, "%.400s", path);
			s->error = ERR_FILE_FAILED;
		}
	} else if (json_object_get(document, s->policy) != NULL) {
		snprintf(s->found, sizeof(s->found), "%s", path + strlen(s->from->root));
	}
	json_decref(document);
	buf_free(&b);
}

static enum err
add_item(const struct desired_from *from, const char *folder, const char *policy, const char *item, json_t *pieces, char *where)
{
	struct search s = { .from = from, .folder = folder, .policy = policy, .where = where };
	char path[OS_PATH_MAX];
	enum err e;

	snprintf(path, sizeof(path), "%s%s", from->root, folder);
	e = os_list(path, look_into, &s);
	if (e == ERR_OK)
		e = s.error;
	if (e != ERR_OK)
		return e == ERR_JOURNAL_FAILED ? ERR_FILE_FAILED : e;
	if (s.found[0] == '\0')
		snprintf(s.found, sizeof(s.found), "%s/" POLICIES, folder);
	add(pieces, json_pack("{s:s, s:[s], s:s}", "file", s.found, "path", policy, "item", item));
	return ERR_OK;
}

static bool
is_for(const struct profile_forced *forced, const struct place *place)
{
	if ((strncmp(forced->id, CHROMIUM, strlen(CHROMIUM)) != 0) != place->firefox)
		return false;
	for (size_t i = 0; i < forced->browser_count; i++)
		if (strcmp(forced->browsers[i], place->browser) == 0)
			return true;
	return forced->browser_count == 0;
}

static enum err
add_chromium(const struct desired_from *from, const struct profile *p, const struct place *place, json_t *pieces, char *where)
{
	char item[PROFILE_WHERE_MAX + ID_LEN + 2];
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < p->forced_count; i++) {
		if (!is_for(&p->forced[i], place))
			continue;
		snprintf(item, sizeof(item), "%.*s;%s", ID_LEN, p->forced[i].id + strlen(CHROMIUM), p->forced[i].update_url);
		e = add_item(from, place->policies, "ExtensionInstallForcelist", item, pieces, where);
	}
	for (size_t i = 0; e == ERR_OK && p->loopback && i < p->origin_count; i++)
		e = add_item(from, place->policies, "LoopbackNetworkAllowedForUrls", p->origins[i], pieces, where);
	return e;
}

/* ---- policies of Firefox ---- */

static void
add_firefox(const struct profile *p, const struct place *place, json_t *pieces)
{
	for (size_t i = 0; i < p->forced_count; i++)
		if (is_for(&p->forced[i], place))
			add(pieces, json_pack("{s:s, s:[s, s, s], s:{s:s, s:s}}", "file", place->policies,
					"path", "policies", "ExtensionSettings", p->forced[i].id,
					"value", "installation_mode", "force_installed", "install_url", p->forced[i].update_url));
	for (size_t i = 0; p->loopback && i < p->origin_count; i++) {
		/* SkipDomains has names of hosts */
		const char *name = strstr(p->origins[i], "://") + 3;
		add(pieces, json_pack("{s:s, s:[s, s, s], s:s%}", "file", place->policies,
				"path", "policies", "LocalNetworkAccess", "SkipDomains", "item", name, strcspn(name, ":")));
	}
}

static void
add_autostart(const struct desired_from *from, json_t *pieces)
{
	add(pieces, json_pack("{s:s, s:o}", "file", AUTOSTART, "text",
			json_sprintf("[Desktop Entry]\nType=Application\nName=Mokhoa\nExec=\"%s/mokhoa-websocket\"\nNoDisplay=true\nX-GNOME-Autostart-enabled=true\n", from->programs)));
}

static enum err
add_profile(const struct desired_from *from, const struct profile *p, json_t *pieces, char *where)
{
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < place_count(); i++) {
		const struct place *place = place_at(i);
		if (place->policies == NULL)
			continue;
		if (place->firefox)
			add_firefox(p, place, pieces);
		else
			e = add_chromium(from, p, place, pieces, where);
	}
	if (p->autostart)
		add_autostart(from, pieces);
	return e;
}

enum err
desired_make(const struct desired_from *from, json_t **ret_pieces, char *where)
{
	json_t *pieces = json_array();
	enum err e = pieces != NULL ? ERR_OK : ERR_NO_MEMORY;

	for (size_t i = 0; e == ERR_OK && from->profiles != NULL && i < place_count(); i++)
		add_manifest(from, place_at(i), pieces);
	for (size_t i = 0; e == ERR_OK && from->profiles != NULL && i < profile_count(from->profiles); i++)
		if (takes_part(from, profile_at(from->profiles, i)))
			e = add_profile(from, profile_at(from->profiles, i), pieces, where);
	if (e != ERR_OK) {
		json_decref(pieces);
		return e;
	}
	*ret_pieces = pieces;
	return ERR_OK;
}
