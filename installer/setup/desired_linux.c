/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of the files in a policy folder Chromium takes each policy from the last file, by name, that has it. A list that another vendor has set is therefore added to
 * where it stands: a file of ours would hide his list, or be hidden by it.
 */
#include "desired_system.h"

#include "buf.h"
#include "json.h"
#include "os.h"
#include "os_shared.h"

#include <stdio.h>
#include <string.h>

#define POLICIES   "mokhoa.json" /* our file in a policy folder */
#define POLICY_MAX 1048576

void
desired_program(const struct desired_from *from, const char *name, char ret[OS_PATH_MAX])
{
	snprintf(ret, OS_PATH_MAX, "%s/%s", from->programs, name);
}

void
desired_add_manifest(const struct desired_from *from, const struct place *place, const char *text, json_t *pieces)
{
	char path[OS_PATH_MAX];

	(void)from;
	snprintf(path, sizeof(path), "%s/" PLACE_HOST_NAME ".json", place->host);
	desired_add(pieces, json_pack("{s:s, s:s}", "file", path, "text", text));
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
	is_read = os_shared_read(path, &b) == ERR_OK;
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

enum err
desired_add_item(const struct desired_from *from, const struct place *place, const char *policy, const char *item, json_t *pieces, char *where)
{
	struct search s = { .from = from, .folder = place->policies, .policy = policy, .where = where };
	char path[OS_PATH_MAX];
	enum err e;

	snprintf(path, sizeof(path), "%s%s", from->root, place->policies);
	e = os_list(path, look_into, &s);
	if (e == ERR_OK)
		e = s.error;
	if (e != ERR_OK)
		return e;
	if (s.found[0] == '\0')
		snprintf(s.found, sizeof(s.found), "%s/" POLICIES, place->policies);
	desired_add(pieces, json_pack("{s:s, s:[s], s:s}", "file", s.found, "path", policy, "item", item));
	return ERR_OK;
}

/* ---- policies of Firefox: one file ---- */

enum err
desired_add_extension(const struct desired_from *from, const struct place *place, const struct profile_forced *forced, json_t *pieces, char *where)
{
	(void)from;
	(void)where;
	desired_add_extension_to(place->policies, forced, pieces);
	return ERR_OK;
}

enum err
desired_add_domain(const struct desired_from *from, const struct place *place, const char *host, json_t *pieces, char *where)
{
	(void)from;
	(void)where;
	desired_add_domain_to(place->policies, host, pieces);
	return ERR_OK;
}

/* ---- autostart ---- */

void
desired_add_autostart(const struct desired_from *from, json_t *pieces)
{
	desired_add(pieces, json_pack("{s:s, s:o}", "file", PLACE_AUTOSTART_FILE, "text",
				json_sprintf("[Desktop Entry]\nType=Application\nName=Mokhoa\nExec=\"%s/mokhoa-websocket\"\nNoDisplay=true\nX-GNOME-Autostart-enabled=true\n", from->programs)));
}
