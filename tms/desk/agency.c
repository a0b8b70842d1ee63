/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agency: whose pages may show the unlock page in a frame, and whose customers they bring. Takes effect with the next page that is loaded and the next line that is imported; nothing is
 * restarted.
 */
#include "desk.h"

#include "detail.h"
#include "options.h"
#include "os.h"
#include "store.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

#define ORIGINS_MAX 8 /* of one agency */
#define DOMAINS_MAX 32

/* ---- the commands ---- */

static enum err
audit(struct store *s, const char *what, const struct store_agency *agency)
{
	struct store_audit a = { .created = os_time(), .who = "desk", .what = "agency" };
	size_t said = 0;
	enum err e = ERR_OK;

	while (e == ERR_OK && detail_agency(what, agency, &said, a.detail))
		e = store_audit_add(s, &a);
	return e;
}

static void
say(const struct store_agency *a)
{
	printf("agency=%s origins=%s%s%s%s", a->id, a->origins, a->domains[0] != '\0' ? " domains=" : "", a->domains, a->second_approver ? " second_approver=yes" : "");
}

static void
print(const struct store_agency *a, void *context)
{
	(void)context;
	say(a);
	printf(" name=%s\n", a->name);
}

/* What was asked for. Nothing that is not named goes with a replacement: an agency that gets another page keeps its domains, and who approves for it. */
struct adding {
	struct store_agency agency;
	bool one_approver;
	bool no_domain;
	bool replace;
};

static enum err
keep(struct store *s, const struct adding *w, struct store_agency *a)
{
	struct store_agency was;
	enum err e = store_agency_by_id(s, a->id, &was);

	/* one that is not there yet is added */
	if (e != ERR_OK)
		return e == ERR_AGENCY_UNKNOWN ? ERR_OK : e;
	if (!w->one_approver)
		a->second_approver = a->second_approver || was.second_approver;
	if (!w->no_domain && a->domains[0] == '\0')
		text_copy(a->domains, sizeof(a->domains), was.domains);
	return ERR_OK;
}

static enum err
run_add(struct store *s, const void *what)
{
	const struct adding *w = what;
	struct store_agency a = w->agency;
	enum err e = store_begin(s);

	if (e == ERR_OK && w->replace)
		e = keep(s, w, &a);
	if (e == ERR_OK)
		e = store_agency_put(s, &a, w->replace);
	if (e == ERR_OK)
		e = audit(s, "add", &a);
	e = store_end(s, e);
	if (e != ERR_OK)
		return e;
	say(&a);
	printf("\n");
	return ERR_OK;
}

static enum err
remove_one(struct store *s, const char *id)
{
	struct store_agency a = { .origins = "" };
	enum err e = store_begin(s);

	text_copy(a.id, sizeof(a.id), id);
	if (e == ERR_OK)
		e = store_agency_remove(s, id);
	if (e == ERR_OK)
		e = audit(s, "remove", &a);
	return store_end(s, e);
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
read_domains(const struct option_list *list, struct store_agency *ret)
{
	size_t len = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (!store_domain_ok(list->at[i]))
			return options_refuse(list->at[i], "must be what stands behind the @ of a mail address, in small letters");
		len += (size_t)snprintf(ret->domains + len, sizeof(ret->domains) - len, "%s%s", i != 0 ? " " : "", list->at[i]);
		if (len >= sizeof(ret->domains))
			return options_refuse("--mail-domain", "all of them together are too long");
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
	const char *domains_given[DOMAINS_MAX];
	struct option_list origins = { .at = given, .room = ORIGINS_MAX };
	struct option_list domains = { .at = domains_given, .room = DOMAINS_MAX };
	struct adding w = { .agency = { .created = os_time() } };
	const char *config_file = NULL;
	const char *name = NULL;
	const char *id = NULL;
	bool http = false;
	const struct option_row options[] = {
		{ .name = "--config", .value = &config_file, .required = true },
		{ .name = "--name", .value = &name, .required = true },
		{ .name = "--origin", .list = &origins, .required = true },
		{ .name = "--mail-domain", .list = &domains },
		{ .name = "--no-mail-domain", .given = &w.no_domain },
		{ .name = "--second-approver", .given = &w.agency.second_approver },
		{ .name = "--one-approver", .given = &w.one_approver },
		{ .name = "--replace", .given = &w.replace },
		{ .name = "--http-loopback", .given = &http },
	};

	if (read_id(&argc, &argv, &id) != 0 || options_read(argc, argv, options, sizeof(options) / sizeof(options[0])) != ERR_OK)
		return 2;
	text_copy(w.agency.id, sizeof(w.agency.id), id);
	if (name[0] == '\0' || !text_is_showable(name, strlen(name)) || !text_copy(w.agency.name, sizeof(w.agency.name), name))
		return options_refuse("--name", "must have 1 to 256 bytes and no control characters");
	if (w.one_approver && w.agency.second_approver)
		return options_refuse("--one-approver", "is the opposite of --second-approver");
	if (w.no_domain && domains.count != 0)
		return options_refuse("--no-mail-domain", "is the opposite of --mail-domain");
	if (read_origins(&origins, http, &w.agency) != 0 || read_domains(&domains, &w.agency) != 0)
		return 2;
	return options_run(config_file, id, run_add, &w);
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
