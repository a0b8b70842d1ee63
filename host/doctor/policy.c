/* SPDX-License-Identifier: Apache-2.0 */
/* Policies of the browsers, and which of them stand between a page and the host. policy_posix.c and policy_windows.c read them. */
#include "look.h"

#include <string.h>

void
policies_free(struct policies *p)
{
	json_decref(p->all);
	json_decref(p->from);
	*p = (struct policies){ 0 };
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

/* ---- what profiles have asked for ---- */

/* Whether it installs the extension without a question. */
static bool
forces(const json_t *policy, const char *id)
{
	const char *mode = mode_of(json_object_get(policy, "ExtensionSettings"), id);

	if (mode != NULL)
		return strcmp(mode, "force_installed") == 0 || strcmp(mode, "normal_installed") == 0;
	return has_id(json_object_get(policy, "ExtensionInstallForcelist"), id);
}

static bool
lacks_extension(const struct profile *p, const struct place *place, const json_t *policy)
{
	for (size_t i = 0; i < p->forced_count; i++) {
		char id[PLACE_ID_LEN + 1];

		if (profile_forces_in(&p->forced[i], place) && !forces(policy, place_chromium_id(p->forced[i].id, id) ? id : p->forced[i].id))
			return true;
	}
	return false;
}

/* Firefox has names of hosts, Chromium's family addresses. */
static bool
lacks_loopback(const struct profile *p, const struct place *place, const json_t *policy)
{
	const json_t *hosts = json_object_get(json_object_get(policy, "LocalNetworkAccess"), "SkipDomains");

	for (size_t i = 0; p->loopback && i < p->origin_count; i++) {
		char host[PROFILE_HOST_MAX];

		profile_origin_host(p->origins[i], host);
		if (place->firefox ? !look_has(hosts, host)
				   : !names_origin(json_object_get(policy, "LoopbackNetworkAllowedForUrls"), p->origins[i]) &&
					 !names_origin(json_object_get(policy, "LocalNetworkAccessAllowedForUrls"), p->origins[i]))
			return true;
	}
	return false;
}

static bool
lacks_something(const struct look *l, const struct place *place, const json_t *policy)
{
	const struct profile *p;

	for (size_t i = 0; (p = look_profile(l, i)) != NULL; i++)
		if (lacks_extension(p, place, policy) || lacks_loopback(p, place, policy))
			return true;
	return false;
}

/* ---- all of it ---- */

#define NAMES_MAX 4

/* Tells what the policies of these names do, and where the first of them is from that is there. */
static void
tell(struct look *l, enum finding f, const struct policies *p, const struct place *place, const char *const names[NAMES_MAX])
{
	const char *seen = NULL;

	for (size_t i = 0; i < NAMES_MAX && names[i] != NULL && seen == NULL; i++)
		seen = json_string_value(json_object_get(p->from, names[i]));
	look_find(l, f, seen != NULL ? seen : place->policies);
}

static void
judge(struct look *l, const struct place *place, const struct policies *p)
{
	static const char *const of_host[NAMES_MAX] = { "NativeMessagingBlocklist" };
	static const char *const of_extension[NAMES_MAX] = { "ExtensionSettings", "ExtensionInstallBlocklist" };
	static const char *const of_loopback[NAMES_MAX] = { "LoopbackNetworkBlockedForUrls", "LocalNetworkAccessBlockedForUrls", "LocalNetworkAccess" };
	static const char *const of_proxy[NAMES_MAX] = { "ProxySettings", "ProxyBypassList", "Preferences" };
	size_t before = json_array_size(l->findings);

	if (blocks_host(p->all))
		tell(l, FOUND_POLICY_HOST, p, place, of_host);
	if (!lets_extension_in(l, place, p->all))
		tell(l, FOUND_POLICY_EXTENSION, p, place, of_extension);
	if (blocks_loopback(l, place, p->all))
		tell(l, FOUND_POLICY_LOOPBACK, p, place, of_loopback);
	if (catches_loopback(p->all))
		tell(l, FOUND_POLICY_PROXY, p, place, of_proxy);
	if (json_array_size(l->findings) == before && lacks_something(l, place, p->all))
		look_find(l, FOUND_POLICY_ABSENT, place->policies);
	if (json_array_size(l->findings) == before && json_object_size(p->all) != 0)
		look_find(l, FOUND_POLICY_OK, place->policies);
}

void
look_at_policies(struct look *l)
{
	for (size_t i = 0; i < place_count(); i++) {
		struct policies p;

		if (place_at(i)->policies == NULL)
			continue;
		for (size_t k = 0; policies_read(l, place_at(i), k, &p); k++) {
			judge(l, place_at(i), &p);
			policies_free(&p);
		}
		policies_free(&p);
	}
}
