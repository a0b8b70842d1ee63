/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <stdio.h>
#include <string.h>

void
options_complain(enum err e, const char *detail)
{
	fprintf(stderr, "mokhoa-tms: %s%s%s: %s %s\n", err_name(e), detail != NULL ? ": " : "", detail != NULL ? detail : "", err_sentence(e, "vi"),
	    err_sentence(e, "en"));
}

static enum err
refuse(const char *name, const char *cause)
{
	char detail[128];

	snprintf(detail, sizeof(detail), "%.64s %s", name, cause);
	options_complain(ERR_USAGE, detail);
	return ERR_USAGE;
}

static const struct option_row *
find(const char *name, const struct option_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

static bool
is_missing(const struct option_row *row)
{
	return row->required && ((row->value != NULL && *row->value == NULL) || (row->list != NULL && row->list->count == 0));
}

/* All that there are, so that nobody has to look them up. */
static enum err
refuse_unknown(const char *name, const struct option_row *rows, size_t count)
{
	enum err e = refuse(name, "is not known");

	fputs("mokhoa-tms:", stderr);
	for (size_t i = 0; i < count; i++)
		fprintf(stderr, rows[i].required ? " %s" : " [%s]", rows[i].name);
	fputc('\n', stderr);
	return e;
}

static enum err
take(const struct option_row *row, const char *value)
{
	if (row->list == NULL) {
		if (*row->value != NULL)
			return refuse(row->name, "is given twice");
		*row->value = value;
		return ERR_OK;
	}
	if (row->list->count == row->list->room)
		return refuse(row->name, "is given too often");
	row->list->at[row->list->count++] = value;
	return ERR_OK;
}

enum err
options_read(int argc, char **argv, const struct option_row *rows, size_t count)
{
	for (int i = 0; i < argc; i++) {
		const struct option_row *row = find(argv[i], rows, count);
		if (row == NULL)
			return refuse_unknown(argv[i], rows, count);
		if (row->given != NULL) {
			*row->given = true;
			continue;
		}
		if (++i == argc)
			return refuse(row->name, "needs a value");
		if (take(row, argv[i]) != ERR_OK)
			return ERR_USAGE;
	}
	for (size_t i = 0; i < count; i++)
		if (is_missing(&rows[i]))
			return refuse(rows[i].name, "is missing");
	return ERR_OK;
}

int
options_verb(const struct option_verb *verbs, size_t count, const char *usage, int argc, char **argv)
{
	for (size_t i = 0; argc >= 1 && i < count; i++)
		if (strcmp(verbs[i].name, argv[0]) == 0)
			return verbs[i].run(argc - 1, argv + 1);
	options_complain(ERR_USAGE, usage);
	return 2;
}

enum err
options_config(const char *path, struct config **ret_config)
{
	char where[CONFIG_WHERE_SIZE];
	enum err e = config_load(path, ret_config, where);

	if (e != ERR_OK)
		options_complain(e, where);
	return e;
}

enum err
options_store(const char *config_file, struct store **ret_store)
{
	struct config *config = NULL;
	enum err e = options_config(config_file, &config);

	*ret_store = NULL;
	if (e != ERR_OK)
		return e;
	e = store_open(config->database, ret_store);
	if (e != ERR_OK)
		options_complain(e, config->database);
	config_free(config);
	return e;
}

int
options_refuse(const char *what, const char *cause)
{
	char detail[512];

	snprintf(detail, sizeof(detail), "%.300s: %s", what, cause);
	options_complain(ERR_USAGE, detail);
	return 2;
}

int
options_config_file(int argc, char **argv, const char **ret_config_file)
{
	const struct option_row options[] = { { .name = "--config", .value = ret_config_file, .required = true } };

	return options_read(argc, argv, options, 1) == ERR_OK ? 0 : 2;
}

int
options_run(const char *config_file, const char *about, enum err (*command)(struct store *s, const void *what), const void *what)
{
	struct store *s = NULL;
	enum err e = options_store(config_file, &s);

	if (e != ERR_OK)
		return 1;
	e = command(s, what);
	store_close(s);
	if (e != ERR_OK)
		options_complain(e, about);
	return e == ERR_OK ? 0 : 1;
}
