/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vendor: vendors and their PKCS#11 modules as a table (`vendor add` reads what `vendor list` writes), and as what goes into the profile of the
 * clients of one system.
 */
#include "desk.h"

#include "detail.h"
#include "json.h"
#include "options.h"
#include "os.h"
#include "rows.h"
#include "text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum column {
	VENDOR,
	SYSTEM,
	NAME,
	PATH,
	PARAMETERS, /* may be missing */
	COLUMN_COUNT
};

static const char *const names[COLUMN_COUNT] = { "vendor", "system", "name", "path", "parameters" };

struct vendor_desk {
	struct store *store;
	struct buf out;
	const char *system; /* whose modules are meant */
	json_t *modules;
	int64_t now;
};

static enum err
add_row(const char *const *f, void *context, const char **ret_cause)
{
	struct vendor_desk *d = context;
	struct store_audit a = { .created = d->now, .who = "desk", .what = "vendor" };
	struct store_module m;
	enum err e;

	if (f[VENDOR][0] == '\0' || f[NAME][0] == '\0' || !text_copy(m.vendor, sizeof(m.vendor), f[VENDOR]) || !text_copy(m.name, sizeof(m.name), f[NAME]))
		*ret_cause = "vendor or name is empty or longer than 64 bytes";
	else if (!store_module_system_ok(f[SYSTEM]) || !text_copy(m.system, sizeof(m.system), f[SYSTEM]))
		*ret_cause = "a system that is none of linux, windows, macos";
	else if (!store_module_path_ok(f[SYSTEM], f[PATH]) || !text_copy(m.path, sizeof(m.path), f[PATH]))
		*ret_cause = "a path that is not absolute on that system, or longer than 1024 bytes";
	else if (!text_copy(m.parameters, sizeof(m.parameters), f[PARAMETERS]))
		*ret_cause = "parameters longer than 1024 bytes";
	if (*ret_cause != NULL)
		return ERR_CSV_INVALID;
	detail_module(&m, a.detail);
	e = store_begin(d->store);
	if (e != ERR_OK)
		return e;
	e = store_module_put(d->store, &m, d->now);
	if (e == ERR_OK)
		e = store_audit_add(d->store, &a);
	return store_end(d->store, e);
}

static enum err
add(struct vendor_desk *d)
{
	const struct columns columns = { .names = names, .count = COLUMN_COUNT, .needed = PARAMETERS, .missing = "a column is missing: vendor, system, name and path are needed" };
	unsigned taken;
	enum err e = rows_run(&columns, add_row, d, &taken);

	printf("modules=%u\n", taken);
	return e;
}

static void
print_row(const struct store_module *m, void *context)
{
	struct vendor_desk *d = context;
	const char *const fields[COLUMN_COUNT] = { m->vendor, m->system, m->name, m->path, m->parameters };

	columns_write(&d->out, fields, COLUMN_COUNT);
}

static enum err
list(struct vendor_desk *d)
{
	columns_write(&d->out, names, COLUMN_COUNT);
	return rows_print(store_module_list(d->store, print_row, d), &d->out);
}

static void
add_module(const struct store_module *m, void *context)
{
	struct vendor_desk *d = context;

	if (strcmp(m->system, d->system) == 0)
		(void)json_array_append_new(d->modules, json_pack("{s:s, s:s, s:s*}", "name", m->name, "path", m->path,
							    "parameters", m->parameters[0] != '\0' ? m->parameters : NULL));
}

/* "modules" of a profile, for whoever writes one (host/README.md). */
static enum err
modules(struct vendor_desk *d)
{
	enum err e;

	d->modules = json_array();
	e = store_module_list(d->store, add_module, d);
	if (e == ERR_OK)
		e = json_dump(d->modules, &d->out);
	buf_add_text(&d->out, "\n");
	json_decref(d->modules);
	return rows_print(e, &d->out);
}

static int
run(int argc, char **argv, enum err (*command)(struct vendor_desk *d))
{
	const char *config_file = NULL;
	struct vendor_desk d = { .out = buf_new((size_t)1 << 20), .now = os_time() };
	const struct option_row options[] = {
		{ .name = "--config", .value = &config_file, .required = true },
		{ .name = "--system", .value = &d.system },
	};
	enum err e;

	if (options_read(argc, argv, options, 2) != ERR_OK)
		return 2;
	if ((command == modules) != (d.system != NULL) || (d.system != NULL && !store_module_system_ok(d.system))) {
		options_complain(ERR_USAGE, "--system linux, windows or macos, with vendor modules alone");
		return 2;
	}
	e = options_store(config_file, &d.store);
	if (e == ERR_OK)
		e = command(&d);
	store_close(d.store);
	buf_free(&d.out);
	return e == ERR_OK ? 0 : 1;
}

static int
command_add(int argc, char **argv)
{
	return run(argc, argv, add);
}

static int
command_list(int argc, char **argv)
{
	return run(argc, argv, list);
}

static int
command_modules(int argc, char **argv)
{
	return run(argc, argv, modules);
}

static const struct option_verb verbs[] = { { "add", command_add }, { "list", command_list }, { "modules", command_modules } };

int
desk_vendor(int argc, char **argv)
{
	return options_verb(verbs, sizeof(verbs) / sizeof(verbs[0]), "vendor add, vendor list, vendor modules", argc, argv);
}
