/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor.h"

#include "json.h"
#include "os.h"
#include "places.h"
#include "profile.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define FILE_MAX  65536 /* bytes of a manifest or a policy */
#define HOST_NAME "mokhoa.host"
#define CHROMIUM  "chrome-extension://"

enum state {
	OK,
	WARNING,
	UNKNOWN,
	BROKEN
}; /* the worst is the greatest */

static const char *const state_names[] = { "ok", "warning", "unknown", "broken" };

enum finding {
#define FINDING(symbol, id, state, vi, en, remedy_vi, remedy_en) symbol,
#include "finding.def"
#undef FINDING
};

struct text {
	const char *id;
	enum state state;
	const char *vi, *en, *remedy_vi, *remedy_en;
};

static const struct text texts[] = {
#define FINDING(symbol, id, state, vi, en, remedy_vi, remedy_en) { id, state, vi, en, remedy_vi, remedy_en },
#include "finding.def"
#undef FINDING
};

/* One examination. */
struct look {
	const struct doctor_order *order;
	struct profile_set *profiles;
	json_t *findings;
	enum state worst;
	bool failed;	     /* no memory */
	size_t manifests;    /* that were seen */
	size_t folders;	     /* where they were looked for */
	const char *folder;  /* of policies, while it is read */
	bool blocked_host;   /* by policies of that folder */
	bool allowed_host;   /* by name, which is stronger */
	bool blocked_every;  /* extension */
	json_t *allowed_ids; /* extensions that are allowed or forced in spite of it */
};

static void
find(struct look *l, enum finding f, const char *seen)
{
	const struct text *t = &texts[f];
	json_t *one = json_pack("{s:s, s:s, s:s, s:{s:s, s:s}, s:{s:s, s:s}}", "id", t->id, "state", state_names[t->state], "seen", seen, "sentence", "vi", t->vi, "en",
	    t->en, "remedy", "vi", t->remedy_vi, "en", t->remedy_en);

	if (one == NULL || json_array_append_new(l->findings, one) != 0)
		l->failed = true;
	if (t->state > l->worst)
		l->worst = t->state;
}

/* Where a path of the machine lies below the root; false where it is too long. */
static bool
below_root(const struct look *l, const char *path, char ret[OS_PATH_MAX])
{
	int len = snprintf(ret, OS_PATH_MAX, "%s%s", l->order->root, path);

	return len > 0 && len < OS_PATH_MAX;
}

static enum err
check_trusted(const struct look *l, const char *path)
{
	char real[OS_PATH_MAX];

	return below_root(l, path, real) ? os_check_trusted(real) : ERR_FILE_MISSING;
}

static void
look_at_profile(struct look *l, const struct profile *p)
{
	for (size_t i = 0; i < p->module_count; i++) {
		enum err e = check_trusted(l, p->modules[i].path);

		if (e != ERR_OK)
			find(l, e == ERR_PROFILE_UNSAFE ? MODULE_UNSAFE : MODULE_MISSING, p->modules[i].path);
	}
	if (check_trusted(l, p->prompt) != ERR_OK)
		find(l, PROMPT_MISSING, p->prompt);
	if (p->tls_ca != NULL && check_trusted(l, p->tls_ca) != ERR_OK)
		find(l, TLS_CA_MISSING, p->tls_ca);
}

static bool
is_chosen(const struct look *l, const struct profile *p)
{
	return l->order->profile == NULL || strcmp(p->name, l->order->profile) == 0;
}

static void
look_at_profiles(struct look *l)
{
	char folder[OS_PATH_MAX], where[PROFILE_WHERE_MAX] = "";
	enum err e = below_root(l, l->order->profiles, folder) ? profile_load_all(folder, &l->profiles, where) : ERR_PROFILE_MISSING;

	if (e == ERR_PROFILE_MISSING)
		find(l, PROFILE_MISSING, l->order->profiles);
	else if (e != ERR_OK)
		find(l, e == ERR_PROFILE_UNSAFE ? PROFILE_UNSAFE : PROFILE_INVALID, where);
	else if (l->order->profile != NULL && profile_by_name(l->profiles, l->order->profile) == NULL)
		find(l, PROFILE_UNKNOWN, l->order->profile);
	if (e != ERR_OK)
		return;
	for (size_t i = 0; i < profile_count(l->profiles); i++)
		if (is_chosen(l, profile_at(l->profiles, i)))
			look_at_profile(l, profile_at(l->profiles, i));
}

static bool
has_text(const json_t *array, const char *text)
{
	size_t i;
	json_t *one;

	json_array_foreach(array, i, one) if (json_is_string(one) && strcmp(json_string_value(one), text) == 0) return true;
	return false;
}

/* Extensions of Chromium and of Firefox stand in one list of the profile; each manifest has its own kind. */
static bool
is_kind(const char *extension, bool firefox)
{
	return (strncmp(extension, CHROMIUM, strlen(CHROMIUM)) != 0) == firefox;
}

/* Whether each profile that has extensions of this kind finds one of them in the manifest. */
static bool
has_callers(const struct look *l, const json_t *manifest, bool firefox)
{
	const json_t *callers = json_object_get(manifest, firefox ? "allowed_extensions" : "allowed_origins");

	for (size_t i = 0; l->profiles != NULL && i < profile_count(l->profiles); i++) {
		const struct profile *p = profile_at(l->profiles, i);
		bool wanted = false, found = false;

		for (size_t k = 0; is_chosen(l, p) && k < p->extension_count; k++) {
			if (!is_kind(p->extensions[k], firefox))
				continue;
			wanted = true;
			found = found || has_text(callers, p->extensions[k]);
		}
		if (wanted && !found)
			return false;
	}
	return true;
}

static void
look_at_manifest(struct look *l, const struct place *place)
{
	char path[OS_PATH_MAX], real[OS_PATH_MAX];
	const char *name, *type, *program;
	struct buf b = buf_new(FILE_MAX);
	json_t *manifest = NULL;
	enum err e;

	if (snprintf(path, sizeof(path), "%s/%s.json", place->host, HOST_NAME) >= (int)sizeof(path) || !below_root(l, path, real))
		return;
	l->folders++;
	e = os_read_trusted(real, &b);
	if (e != ERR_FILE_MISSING)
		l->manifests++;
	if (e == ERR_OK)
		e = json_load(b.data, b.len, &manifest, NULL);
	buf_free(&b);
	if (e == ERR_PROFILE_UNSAFE)
		find(l, MANIFEST_UNSAFE, path);
	else if (e != ERR_OK && e != ERR_FILE_MISSING)
		find(l, MANIFEST_INVALID, path);
	if (e != ERR_OK)
		return;
	name = json_string_value(json_object_get(manifest, "name"));
	type = json_string_value(json_object_get(manifest, "type"));
	program = json_string_value(json_object_get(manifest, "path"));
	if (name == NULL || strcmp(name, HOST_NAME) != 0 || type == NULL || strcmp(type, "stdio") != 0 || program == NULL)
		find(l, MANIFEST_INVALID, path);
	else if (check_trusted(l, program) != ERR_OK)
		find(l, MANIFEST_PROGRAM, program);
	else if (!has_callers(l, manifest, place->firefox))
		find(l, MANIFEST_CALLER, path);
	json_decref(manifest);
}

/* Several browsers look into one folder, which is looked at once. */
static bool
is_first(size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (strcmp(place_at(i)->host, place_at(index)->host) == 0)
			return false;
	return true;
}

static bool
wants_extension(const struct look *l)
{
	for (size_t i = 0; l->profiles != NULL && i < profile_count(l->profiles); i++)
		if (is_chosen(l, profile_at(l->profiles, i)) && profile_at(l->profiles, i)->extension_count != 0)
			return true;
	return false;
}

static void
look_at_manifests(struct look *l)
{
	for (size_t i = 0; i < place_count(); i++)
		if (place_at(i)->host[0] == '/' && is_first(i)) /* and no key of a registry */
			look_at_manifest(l, place_at(i));
	if (l->folders != 0 && l->manifests == 0 && wants_extension(l))
		find(l, MANIFEST_MISSING, HOST_NAME ".json");
}

/* An id of a policy, as it is: "ID" or, where it is forced, "ID;URL". */
static void
allow_ids(struct look *l, const json_t *array)
{
	size_t i;
	json_t *one;

	json_array_foreach(array, i, one)
	{
		const char *text = json_string_value(one);

		if (text != NULL && json_array_append_new(l->allowed_ids, json_stringn(text, strcspn(text, ";"))) != 0)
			l->failed = true;
	}
}

/* os_list: one policy file. All files of a folder are one policy. */
static void
read_policy(const char *name, void *context)
{
	struct look *l = context;
	char path[OS_PATH_MAX], real[OS_PATH_MAX];
	struct buf b = buf_new(FILE_MAX);
	json_t *policy = NULL;
	const json_t *blocked;

	if (snprintf(path, sizeof(path), "%s/%s", l->folder, name) >= (int)sizeof(path) || !below_root(l, path, real))
		return;
	if (os_read_file(real, &b) != ERR_OK || json_load(b.data, b.len, &policy, NULL) != ERR_OK) {
		find(l, POLICY_INVALID, path);
		buf_free(&b);
		return;
	}
	buf_free(&b);
	blocked = json_object_get(policy, "NativeMessagingBlocklist");
	l->blocked_host = l->blocked_host || has_text(blocked, "*") || has_text(blocked, HOST_NAME);
	l->allowed_host = l->allowed_host || has_text(json_object_get(policy, "NativeMessagingAllowlist"), HOST_NAME);
	l->blocked_every = l->blocked_every || has_text(json_object_get(policy, "ExtensionInstallBlocklist"), "*");
	allow_ids(l, json_object_get(policy, "ExtensionInstallAllowlist"));
	allow_ids(l, json_object_get(policy, "ExtensionInstallForcelist"));
	json_decref(policy);
}

/* Whether each profile that has extensions of Chromium's kind has one that the policy lets in. */
static bool
lets_extension_in(const struct look *l)
{
	for (size_t i = 0; l->profiles != NULL && i < profile_count(l->profiles); i++) {
		const struct profile *p = profile_at(l->profiles, i);
		bool wanted = false, found = false;

		for (size_t k = 0; is_chosen(l, p) && k < p->extension_count; k++) {
			char id[64];

			if (!is_kind(p->extensions[k], false))
				continue;
			wanted = true;
			snprintf(id, sizeof(id), "%.60s", p->extensions[k] + strlen(CHROMIUM));
			id[strcspn(id, "/")] = '\0';
			found = found || has_text(l->allowed_ids, id);
		}
		if (wanted && !found)
			return false;
	}
	return true;
}

static void
look_at_policies(struct look *l)
{
	for (size_t i = 0; i < place_count(); i++) {
		const struct place *place = place_at(i);
		char real[OS_PATH_MAX];

		/* what Firefox reads is one file, and none of its policies is about native messaging */
		if (place->policies == NULL || place->policies[0] != '/' || place->firefox || !below_root(l, place->policies, real))
			continue;
		l->folder = place->policies;
		l->blocked_host = l->allowed_host = l->blocked_every = false;
		json_array_clear(l->allowed_ids);
		if (os_list(real, read_policy, l) != ERR_OK)
			find(l, POLICY_INVALID, place->policies);
		if (l->blocked_host && !l->allowed_host)
			find(l, POLICY_HOST, place->policies);
		if (l->blocked_every && !lets_extension_in(l))
			find(l, POLICY_EXTENSION, place->policies);
	}
}

static void
look_at_confined(struct look *l)
{
	static const char *const files[] = { "/var/lib/snapd/desktop/applications/firefox_firefox.desktop", "/var/lib/snapd/desktop/applications/chromium_chromium.desktop",
		"/var/lib/flatpak/exports/bin/org.mozilla.firefox", "/var/lib/flatpak/exports/bin/org.chromium.Chromium", "/var/lib/flatpak/exports/bin/com.google.Chrome" };
	char real[OS_PATH_MAX];
	int64_t age;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (below_root(l, files[i], real) && os_file_age(real, &age) == ERR_OK)
			find(l, BROWSER_CONFINED, files[i]);
}

/* The worker is named without an ending, which only some systems give to programs. */
static void
look_at_worker(struct look *l)
{
	char path[OS_PATH_MAX];

	if (check_trusted(l, l->order->worker) == ERR_OK)
		return;
	if (snprintf(path, sizeof(path), "%s.exe", l->order->worker) >= (int)sizeof(path) || check_trusted(l, path) != ERR_OK)
		find(l, WORKER_MISSING, l->order->worker);
}

json_t *
doctor_look(const struct doctor_order *order)
{
	struct look l = { .order = order, .findings = json_array(), .allowed_ids = json_array() };
	json_t *report = NULL;

	if (l.findings != NULL && l.allowed_ids != NULL) {
		look_at_profiles(&l);
		look_at_worker(&l);
		look_at_manifests(&l);
		look_at_policies(&l);
		look_at_confined(&l);
		if (!l.failed)
			report = json_pack("{s:s, s:O}", "state", state_names[l.worst], "findings", l.findings);
	}
	profile_set_free(l.profiles);
	json_decref(l.allowed_ids);
	json_decref(l.findings);
	return report;
}
