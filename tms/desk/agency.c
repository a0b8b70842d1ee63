/* SPDX-License-Identifier: Apache-2.0 */
/* agency: whose pages may show the unlock page in a frame. Takes effect with the next page that is loaded; nothing is restarted. */
#include "desk.h"

#include "options.h"
#include "os.h"
#include "store.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

#define ORIGINS_MAX 8 /* of one agency */

/* ---- the commands ---- */

static enum err
audit(struct store *s, const char *what, const char *id, const char *origins)
{
	struct store_audit a = { .created = os_time(), .who = "desk", .what = "agency" };

	snprintf(a.detail, sizeof(a.detail), "%s=%s origins=%.900s", what, id, origins);
	return store_audit_add(s, &a);
}

static enum err
add(struct store *s, const struct store_agency *a, bool replace)
{
	enum err e = store_begin(s);

	if (e == ERR_OK)
		e = store_agency_put(s, a, replace);
	if (e == ERR_OK)
		e = audit(s, "add", a->id, a->origins);
	e = store_end(s, e);
	if (e == ERR_OK)
		printf("agency=%s origins=%s\n", a->id, a->origins);
	return e;
}

static enum err
remove_one(struct store *s, const char *id)
{
	enum err e = store_begin(s);

	if (e == ERR_OK)
		e = store_agency_remove(s, id);
	if (e == ERR_OK)
		e = audit(s, "remove", id, "");
	return store_end(s, e);
}

static void
print(const struct store_agency *a, void *context)
{
	(void)context;
	printf("agency=%s origins=%s name=%s\n", a->id, a->origins, a->name);
}

/* ---- what was asked for ---- */

/* 0, or 2 where it was complained about. http: an http origin of this very machine will do, which only tests have. */
static int
read_origins(const struct option_list *list, bool http, struct store_agency *ret)
{
	size_t len = 0;

	for (size_t i = 0; i < list->count; i++) {
		const char *origin = list->at[i];
		if (!text_is_origin(origin, strlen(origin)) || (!http && strncmp(origin, "https://", strlen("https://")) != 0))
			return options_refuse(origin, "must be an origin as a browser writes it, https://host or https://host:port, without a path or a wildcard");
		len += (size_t)snprintf(ret->origins + len, sizeof(ret->origins) - len, "%s%s", i != 0 ? " " : "", origin);
		if (len >= sizeof(ret->origins))
			return options_refuse("--origin", "all of them together are too long");
	}
	return 0;
}

static int
read_id(int *argc, char ***argv, const char **ret_id)
{
	if (*argc < 1 || !store_agency_id_ok((*argv)[0]))
		return options_refuse(*argc < 1 ? "ID" : (*argv)[0], "must be 1 to 32 small letters, digits and hyphens");
	*ret_id = (*argv)[0];
	*argc -= 1;
	*argv += 1;
	return 0;
}

static enum err
run_add(struct store *s, const void *what)
{
	return add(s, what, false);
}

static enum err
run_replace(struct store *s, const void *what)
{
	return add(s, what, true);
}

static enum err
run_remove(struct store *s, const void *what)
{
	return remove_one(s, what);
}

static enum err
run_list(struct store *s, const void *what)
{
	(void)what;
	return store_agency_list(s, print, NULL);
}

static int
command_add(int argc, char **argv)
{
	const char *given[ORIGINS_MAX];
	struct option_list origins = { .at = given, .room = ORIGINS_MAX };
	struct store_agency a = { .created = os_time() };
	const char *config_file = NULL;
	const char *name = NULL;
	const char *id = NULL;
	bool replace = false;
	bool http = false;
	const struct option_row options[] = {
		{ .name = "--config", .value = &config_file, .required = true },
		{ .name = "--name", .value = &name, .required = true },
		{ .name = "--origin", .list = &origins, .required = true },
		{ .name = "--replace", .given = &replace },
		{ .name = "--http-loopback", .given = &http },
	};

	if (read_id(&argc, &argv, &id) != 0 || options_read(argc, argv, options, sizeof(options) / sizeof(options[0])) != ERR_OK)
		return 2;
	text_copy(a.id, sizeof(a.id), id);
	if (name[0] == '\0' || !text_is_showable(name, strlen(name)) || !text_copy(a.name, sizeof(a.name), name))
		return options_refuse("--name", "must have 1 to 256 bytes and no control characters");
	if (read_origins(&origins, http, &a) != 0)
		return 2;
	return options_run(config_file, id, replace ? run_replace : run_add, &a);
}

static int
command_list(int argc, char **argv)
{
	const char *config_file = NULL;

	return options_config_file(argc, argv, &config_file) == 0 ? options_run(config_file, NULL, run_list, NULL) : 2;
}

static int
command_remove(int argc, char **argv)
{
	const char *config_file = NULL;
	const char *id = NULL;

	return read_id(&argc, &argv, &id) == 0 && options_config_file(argc, argv, &config_file) == 0 ? options_run(config_file, id, run_remove, id) : 2;
}

static const struct option_verb verbs[] = { { "add", command_add }, { "list", command_list }, { "remove", command_remove } };

int
desk_agency(int argc, char **argv)
{
	return options_verb(verbs, sizeof(verbs) / sizeof(verbs[0]), "agency: add, list or remove", argc, argv);
}
