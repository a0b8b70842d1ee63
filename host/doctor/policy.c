/* SPDX-License-Identifier: Apache-2.0 */
/* Policies of the browsers, and which of them stand between a page and the host. */
#include "look.h"

#include <stdio.h>
#include <string.h>

/* ---- reading ---- */

struct reading {
	struct look *look;
	const char *folder;
	json_t *all;
};

/* os_list: one policy file of a folder. */
static void
read_file(const char *name, void *context)
{
	struct reading *r = context;
	char path[OS_PATH_MAX];
	json_t *policy = NULL;

	if (snprintf(path, sizeof(path), "%s/%s", r->folder, name) >= (int)sizeof(path))
		return;
	if (look_read(r->look, path, false, &policy) != ERR_OK)
		look_find(r->look, FOUND_POLICY_INVALID, path);
	else if (json_object_update(r->all, policy) != 0)
		r->look->failed = true;
	json_decref(policy);
}

/* Firefox has one file, with everything below "policies". */
static void
read_firefox(struct reading *r)
{
	json_t *file = NULL;
	enum err e = look_read(r->look, r->folder, false, &file);

	if (e != ERR_OK && e != ERR_FILE_MISSING)
		look_find(r->look, FOUND_POLICY_INVALID, r->folder);
	else if (e == ERR_OK)
		(void)json_object_update(r->all, json_object_get(file, "policies"));
	json_decref(file);
}

json_t *
policy_read(struct look *l, const struct place *place)
{
	struct reading r = { .look = l, .folder = place->policies, .all = json_object() };
	char real[OS_PATH_MAX];

	if (r.all == NULL || place->policies == NULL || place->policies[0] != '/')
		return r.all;
	if (place->firefox)
		read_firefox(&r);
	else if (!look_below(l, place->policies, real) || os_list(real, read_file, &r) != ERR_OK)
		look_find(l, FOUND_POLICY_INVALID, place->policies);
	return r.all;
}

/* ---- extensions ---- */

static const char *
mode_of(const json_t *settings, const char *id)
{
	return json_string_value(json_object_get(json_object_get(settings, id), "installation_mode"));
}

static bool
is_blocked_mode(const char *mode)
{
	return mode != NULL && (strcmp(mode, "blocked") == 0 || strcmp(mode, "removed") == 0);
}

/* An id of a policy, as it is: "ID" or, where it is forced, "ID;URL". */
static bool
has_id(const json_t *array, const char *id)
{
	size_t i, len = strlen(id);
	json_t *one;

	json_array_foreach(array, i, one)
	{
		const char *text = json_string_value(one);

		if (text != NULL && strncmp(text, id, len) == 0 && (text[len] == '\0' || text[len] == ';'))
			return true;
	}
	return false;
}

/* ExtensionSettings is the same in both families; what it says of one extension outweighs what it says of all. */
static bool
is_let_in(const json_t *policy, const char *id)
{
	const json_t *settings = json_object_get(policy, "ExtensionSettings"), *blocked = json_object_get(policy, "ExtensionInstallBlocklist");
	const char *mode = mode_of(settings, id);

	if (mode != NULL)
		return !is_blocked_mode(mode);
	if (has_id(json_object_get(policy, "ExtensionInstallForcelist"), id) || has_id(json_object_get(policy, "ExtensionInstallAllowlist"), id))
		return true;
	return !has_id(blocked, id) && !has_id(blocked, "*") && !is_blocked_mode(mode_of(settings, "*"));
}

/* Whether each profile that has extensions of the browser's kind has one that the policy lets in. */
static bool
lets_extension_in(const struct look *l, const struct place *place, const json_t *policy)
{
	const struct profile *p;

	for (size_t i = 0; (p = look_profile(l, i)) != NULL; i++) {
		bool wanted = false, found = false;

		for (size_t k = 0; k < p->extension_count; k++) {
			char id[PLACE_ID_LEN + 1];

			if (!place_takes(place, p->extensions[k]))
				continue;
			wanted = true;
			if (place->firefox)
				found = found || is_let_in(policy, p->extensions[k]);
			else
				found = found || (place_chromium_id(p->extensions[k], id) && is_let_in(policy, id));
		}
		if (wanted && !found)
			return false;
	}
	return true;
}

static bool
blocks_host(const json_t *policy)
{
	const json_t *blocked = json_object_get(policy, "NativeMessagingBlocklist");

	return (look_has(blocked, "*") || look_has(blocked, PLACE_HOST_NAME)) && !look_has(json_object_get(policy, "NativeMessagingAllowlist"), PLACE_HOST_NAME);
}

/* ---- mokhoa-websocket ---- */

/* Of the patterns that policies take for addresses the plain ones: the origin itself, its host and its host behind https://, and "*". */
static bool
names_origin(const json_t *array, const char *origin)
{
	const char *host = strstr(origin, "://");

	return look_has(array, "*") || look_has(array, origin) || (host != NULL && look_has(array, host + 3));
}

static bool
has_origin(const struct look *l, const json_t *array)
{
	const struct profile *p;

	for (size_t i = 0; (p = look_profile(l, i)) != NULL; i++)
		for (size_t k = 0; k < p->origin_count; k++)
			if (names_origin(array, p->origins[k]))
				return true;
	return false;
}

static bool
blocks_loopback(const struct look *l, const struct place *place, const json_t *policy)
{
	const json_t *local = json_object_get(policy, "LocalNetworkAccess");

	if (place->firefox) /* it asks, unless it is told not to: then it refuses */
		return json_is_true(json_object_get(local, "Enabled")) && json_is_false(json_object_get(local, "EnablePrompting")) && !has_origin(l, json_object_get(local, "SkipDomains"));
	return has_origin(l, json_object_get(policy, "LoopbackNetworkBlockedForUrls")) || has_origin(l, json_object_get(policy, "LocalNetworkAccessBlockedForUrls"));
}

/* Browsers leave the machine's own address out of every proxy unless they are told otherwise. */
static bool
catches_loopback(const json_t *policy)
{
	const json_t *hijack = json_object_get(json_object_get(policy, "Preferences"), "network.proxy.allow_hijacking_localhost");
	const char *old = json_string_value(json_object_get(policy, "ProxyBypassList"));
	const char *now = json_string_value(json_object_get(json_object_get(policy, "ProxySettings"), "ProxyBypassList"));

	return (old != NULL && strstr(old, "<-loopback>") != NULL) || (now != NULL && strstr(now, "<-loopback>") != NULL) || json_is_true(hijack) ||
	       json_is_true(json_object_get(hijack, "Value"));
}

/* ---- all of it ---- */

static void
judge(struct look *l, const struct place *place, const json_t *policy)
{
	size_t before = json_array_size(l->findings);

	if (blocks_host(policy))
		look_find(l, FOUND_POLICY_HOST, place->policies);
	if (!lets_extension_in(l, place, policy))
		look_find(l, FOUND_POLICY_EXTENSION, place->policies);
	if (blocks_loopback(l, place, policy))
		look_find(l, FOUND_POLICY_LOOPBACK, place->policies);
	if (catches_loopback(policy))
		look_find(l, FOUND_POLICY_PROXY, place->policies);
	if (json_array_size(l->findings) == before && json_object_size(policy) != 0)
		look_find(l, FOUND_POLICY_OK, place->policies);
}

void
look_at_policies(struct look *l)
{
	for (size_t i = 0; i < place_count(); i++) {
		json_t *policy = policy_read(l, place_at(i));

		if (policy == NULL)
			l->failed = true;
		else
			judge(l, place_at(i), policy);
		json_decref(policy);
	}
}
