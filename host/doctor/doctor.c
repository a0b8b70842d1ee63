/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor.h"

#include "json.h"
#include "look.h"

#include <stdio.h>
#include <string.h>

/* ---- what all parts use ---- */

void
look_find_as(struct look *l, enum finding f, enum finding_state state, const char *seen)
{
	if (json_array_append_new(l->findings, finding_json(f, state, seen, NULL)) != 0)
		l->failed = true;
}

void
look_find(struct look *l, enum finding f, const char *seen)
{
	look_find_as(l, f, finding_state(f), seen);
}

bool
look_below(const struct look *l, const char *path, char ret[OS_PATH_MAX])
{
	int len = snprintf(ret, OS_PATH_MAX, "%s%s", l->order->root, path);

	return len > 0 && len < OS_PATH_MAX;
}

enum err
look_trusted(const struct look *l, const char *path)
{
	char real[OS_PATH_MAX];

	return look_below(l, path, real) ? os_check_trusted(real) : ERR_FILE_MISSING;
}

enum err
look_read(const struct look *l, const char *path, bool trusted, json_t **ret)
{
	char real[OS_PATH_MAX];
	struct buf b = buf_new(LOOK_FILE_MAX);
	enum err e = ERR_FILE_MISSING;

	if (look_below(l, path, real))
		e = trusted ? os_read_trusted(real, &b) : os_read_file(real, &b);
	if (e == ERR_OK)
		e = json_load(b.data, b.len, ret, NULL);
	buf_free(&b);
	return e;
}

const struct profile *
look_profile(const struct look *l, size_t index)
{
	if (l->profiles == NULL)
		return NULL;
	if (l->order->profile == NULL)
		return index < profile_count(l->profiles) ? profile_at(l->profiles, index) : NULL;
	return index == 0 ? profile_by_name(l->profiles, l->order->profile) : NULL;
}

bool
look_wants_extension(const struct look *l)
{
	const struct profile *p;

	for (size_t i = 0; (p = look_profile(l, i)) != NULL; i++)
		if (p->extension_count != 0)
			return true;
	return false;
}

const struct profile *
look_autostart(const struct look *l)
{
	const struct profile *p = look_profile(l, 0);

	for (size_t i = 0; p != NULL && !p->autostart;)
		p = look_profile(l, ++i);
	return p;
}

bool
look_has(const json_t *array, const char *text)
{
	size_t i;
	json_t *one;

	json_array_foreach(array, i, one) if (json_is_string(one) && strcmp(json_string_value(one), text) == 0) return true;
	return false;
}

/* ---- profiles and the worker ---- */

static void
look_at_profile(struct look *l, const struct profile *p)
{
	size_t before = json_array_size(l->findings);

	for (size_t i = 0; i < p->module_count; i++) {
		enum err e = look_trusted(l, p->modules[i].path);

		if (e != ERR_OK)
			look_find(l, e == ERR_PROFILE_UNSAFE ? FOUND_MODULE_UNSAFE : FOUND_MODULE_MISSING, p->modules[i].path);
	}
	if (look_trusted(l, p->prompt) != ERR_OK)
		look_find(l, FOUND_PROMPT_MISSING, p->prompt);
	if (p->tls_ca != NULL && look_trusted(l, p->tls_ca) != ERR_OK)
		look_find(l, FOUND_TLS_CA_MISSING, p->tls_ca);
	if (json_array_size(l->findings) == before)
		look_find(l, FOUND_PROFILE_OK, p->name);
}

static void
look_at_profiles(struct look *l)
{
	char folder[OS_PATH_MAX], where[PROFILE_WHERE_MAX] = "";
	enum err e = look_below(l, l->order->profiles, folder) ? profile_load_all(folder, &l->profiles, where) : ERR_PROFILE_MISSING;
	const struct profile *p;

	if (e == ERR_PROFILE_MISSING)
		look_find(l, FOUND_PROFILE_MISSING, l->order->profiles);
	else if (e != ERR_OK)
		look_find(l, e == ERR_PROFILE_UNSAFE ? FOUND_PROFILE_UNSAFE : FOUND_PROFILE_INVALID, where);
	else if (look_profile(l, 0) == NULL)
		look_find(l, FOUND_PROFILE_UNKNOWN, l->order->profile);
	for (size_t i = 0; (p = look_profile(l, i)) != NULL; i++)
		look_at_profile(l, p);
}

/* The worker is named without an ending, which only some systems give to programs. */
static void
look_at_worker(struct look *l)
{
	char path[OS_PATH_MAX];
	bool good = look_trusted(l, l->order->worker) == ERR_OK ||
		    (snprintf(path, sizeof(path), "%s.exe", l->order->worker) < (int)sizeof(path) && look_trusted(l, path) == ERR_OK);

	look_find(l, good ? FOUND_WORKER_OK : FOUND_WORKER_MISSING, l->order->worker);
}

/* ---- browsers from elsewhere ---- */

static void
look_at_confined(struct look *l)
{
	static const char *const files[] = { "/var/lib/snapd/desktop/applications/firefox_firefox.desktop", "/var/lib/snapd/desktop/applications/chromium_chromium.desktop",
		"/var/lib/flatpak/exports/bin/org.mozilla.firefox", "/var/lib/flatpak/exports/bin/org.chromium.Chromium", "/var/lib/flatpak/exports/bin/com.google.Chrome" };
	char real[OS_PATH_MAX];
	int64_t age;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (look_below(l, files[i], real) && os_file_age(real, &age) == ERR_OK)
			look_find(l, FOUND_BROWSER_CONFINED, files[i]);
}

json_t *
doctor_look(const struct doctor_order *order, struct profile_set **ret_profiles)
{
	struct look l = { .order = order, .findings = json_array() };

	if (l.findings != NULL) {
		look_at_profiles(&l);
		look_at_worker(&l);
		look_at_manifests(&l);
		look_at_policies(&l);
		look_at_autostart(&l);
		look_at_confined(&l);
		if (order->root[0] == '\0')
			look_at_ports(&l);
	}
	if (!l.failed) {
		*ret_profiles = l.profiles;
		return l.findings;
	}
	profile_set_free(l.profiles);
	json_decref(l.findings);
	return NULL;
}
