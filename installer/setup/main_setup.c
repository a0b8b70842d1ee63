/* SPDX-License-Identifier: Apache-2.0 */
/* mokhoa-setup: writes what the browsers of this machine need to find mokhoa-host, and takes back exactly that (reconcile.h). README.md says what goes where. */
#include "desired.h"
#include "json.h"
#include "log.h"
#include "merge.h"
#include "os.h"
#include "profile_command.h"
#include "reconcile.h"
#include "medium.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum status {
	STATUS_DONE = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
	STATUS_DIFFERS = 3
};

struct order {
	const char *verb;
	const char *root;
	const char *programs;
	const char *profile; /* NULL: all of them */
	bool dry;
	bool json;
};

static const char usage[] =
    "mokhoa-setup register | repair | status | unregister [--profile NAME] [--root DIR] [--programs DIR] [--dry-run] [--json]\n"
    "mokhoa-setup profile [--name NAME] [--from FILE] [--tms URL] [--tms-key KEY] [--tls-ca FILE | --tls system] [--tls-pin PIN] [--portal ORIGIN] [--extension ID[=UPDATE_URL]]\n"
    "    [--module NAME=PATH] [--prompt PATH] [--proxy PROXY] [--hotline TEXT] [--language vi|en] [--autostart on|off] [--policies on|off]\n"
    "    [--again] [--out FILE | --install [--undoable] | --withdraw [--undoable] | --undo] [--root DIR]\n"
    "\n"
    "Ghi những gì trình duyệt cần để tìm thấy mokhoa-host theo các hồ sơ trong profiles.d; unregister lấy lại đúng những gì đã ghi.\n"
    "Writes what browsers need to find mokhoa-host, as the profiles in profiles.d say; unregister takes back exactly what was written.\n"
    "0 done, 1 failed, 2 usage, 3 status or --dry-run: there is something to do\n";

static bool
in_english(void)
{
	const char *names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i]);
		if (value != NULL && value[0] != '\0')
			return strncmp(value, "en", 2) == 0;
	}
	return false;
}

static int
complain(enum err e, const char *detail)
{
	const char *lang = in_english() ? "en" : "vi";

	fprintf(stderr, "mokhoa-setup: %s (%d)%s%s\n%s %s\n", err_name(e), err_number(e), detail[0] != '\0' ? ": " : "", detail, err_sentence(e, lang), err_hint(e, lang));
	return e == ERR_USAGE ? STATUS_USAGE : STATUS_FAILED;
}

static bool
read_order(int argc, char *argv[], struct order *o)
{
	static const char *const verbs[] = { "register", "repair", "status", "unregister" };
	bool known = false;

	if (argc < 2)
		return false;
	o->verb = argv[1];
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		known = known || strcmp(o->verb, verbs[i]) == 0;
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--dry-run") == 0)
			o->dry = true;
		else if (strcmp(argv[i], "--json") == 0)
			o->json = true;
		else if (i + 1 == argc)
			return false;
		else if (strcmp(argv[i], "--root") == 0)
			o->root = argv[++i];
		else if (strcmp(argv[i], "--programs") == 0)
			o->programs = argv[++i];
		else if (strcmp(argv[i], "--profile") == 0)
			o->profile = argv[++i];
		else
			return false;
	}
	return known && (o->root[0] == '\0' || medium_takes_root(o->root)) && (o->programs == NULL || os_path_is_plain(o->programs)) &&
	       (o->profile == NULL || strcmp(o->verb, "unregister") == 0);
}

static void
print_acts(const struct order *o, const json_t *acts)
{
	static const char *const words[][3] = {
		{ "write", "ghi", "wrote" },
		{ "remove", "xóa", "removed" },
		{ "keep", "giữ nguyên (của phần mềm khác)", "kept, somebody else's" },
	};
	size_t i;
	const json_t *act;

	if (o->json) {
		char *text = merge_text(acts);
		fputs(text != NULL ? text : "", stdout);
		free(text);
		return;
	}
	json_array_foreach(acts, i, act)
	{
		const char *name = json_string_value(json_object_get(act, "act"));
		for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++)
			if (strcmp(words[w][0], name) == 0)
				printf("%s: %s\n", words[w][in_english() ? 2 : 1], json_string_value(json_object_get(act, "file")));
	}
	if (json_array_size(acts) == 0)
		puts(in_english() ? "nothing to do" : "không có gì phải làm");
}

static bool
has_work(const json_t *acts)
{
	size_t i;
	const json_t *act;

	json_array_foreach(acts, i, act)
	{
		if (strcmp(json_string_value(json_object_get(act, "act")), "keep") != 0)
			return true;
	}
	return false;
}

/* The profiles below root; none at all is as good as an empty folder. */
static enum err
load_profiles(const struct order *o, struct profile_set **ret_set, char *where)
{
	char folder[OS_PATH_MAX];
	enum err e;

	*ret_set = NULL;
	if (strcmp(o->verb, "unregister") == 0 && o->profile == NULL)
		return ERR_OK;
	snprintf(folder, sizeof(folder), "%s%s", o->root, profile_folder());
	e = profile_load_all(folder, ret_set, where);
	return e == ERR_PROFILE_MISSING ? ERR_OK : e;
}

static enum err
run(const struct order *o, const char *programs, json_t **ret_acts, char *where)
{
	struct profile_set *set;
	json_t *pieces = NULL;
	enum err e = load_profiles(o, &set, where);

	if (e != ERR_OK)
		return e;
	e = desired_make(&(struct desired_from){ .profiles = set, .without = o->profile, .programs = programs, .root = o->root }, &pieces, where);
	if (e == ERR_OK)
		e = reconcile(o->root, pieces, o->dry, ret_acts, where);
	json_decref(pieces);
	profile_set_free(set);
	return e;
}

int
main(int argc, char *argv[])
{
	struct order o = { .root = "" };
	char programs[OS_PATH_MAX], where[PROFILE_WHERE_MAX] = "";
	json_t *acts = NULL;
	bool work;
	enum err e;

	os_harden();
	json_open();
	log_open("mokhoa-setup");
	if (argc > 1 && strcmp(argv[1], "profile") == 0) {
		e = profile_command(argv + 2, where);
		if (e == ERR_USAGE)
			fputs(usage, stderr);
		return e != ERR_OK ? complain(e, where) : STATUS_DONE;
	}
	if (!read_order(argc, argv, &o)) {
		fputs(usage, stderr);
		return complain(ERR_USAGE, "");
	}
	if (o.programs == NULL && os_program_dir(programs) != ERR_OK)
		return complain(ERR_FILE_MISSING, "");
	o.dry = o.dry || strcmp(o.verb, "status") == 0;
	e = run(&o, o.programs != NULL ? o.programs : programs, &acts, where);
	if (e != ERR_OK)
		return complain(e, where);
	print_acts(&o, acts);
	work = has_work(acts);
	json_decref(acts);
	return o.dry && work ? STATUS_DIFFERS : STATUS_DONE;
}
