/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options: "--name value" and "--name" on a command line, each at most once unless its row says otherwise, and what is said when a command fails.
 */
#ifndef MOKHOA_OPTIONS_H
#define MOKHOA_OPTIONS_H

#include "config.h"
#include "err.h"
#include "store.h"

#include <stdbool.h>
#include <stddef.h>

/* What one may give several times. */
struct option_list {
	const char **at;
	size_t room; /* of at */
	size_t count;
};

/* One of value, list and given. */
struct option_row {
	const char *name;	  /* "--config" */
	const char **value;	  /* where a value goes */
	struct option_list *list; /* where several go, in their order */
	bool *given;		  /* where a switch goes */
	bool required;
};

/* ERR_USAGE, said on stderr with the option's name. Values are borrowed from argv. */
enum err options_read(int argc, char **argv, const struct option_row *rows, size_t count);

/* What a command is told to do: "add", "list". */
struct option_verb {
	const char *name;
	int (*run)(int argc, char **argv); /* what stands behind the verb; the exit status */
};

/* Runs the verb with which argv begins; usage is what is said where it is none of them. The exit status. */
int options_verb(const struct option_verb *verbs, size_t count, const char *usage, int argc, char **argv);

/* Loads the configuration; says on stderr what is wrong with it. */
enum err options_config(const char *path, struct config **ret_config);

/* The store of that configuration, which is the caller's; says on stderr what is wrong. *ret_store is NULL after an error. */
enum err options_store(const char *config_file, struct store **ret_store);

/* Says on stderr what failed, in both languages; detail (may be NULL) names the line, file or option. */
void options_complain(enum err e, const char *detail);

/* The same for an option whose value is wrong: what and why. 2, the status of a wrong use. */
int options_refuse(const char *what, const char *cause);

/* --config FILE and nothing else. 0, or 2 where it was complained about. */
int options_config_file(int argc, char **argv, const char **ret_config_file);

/* Opens the database, runs a command on it, and says what failed, about may be NULL: 0 or 1, the exit status. */
int options_run(const char *config_file, const char *about, enum err (*command)(struct store *s, const void *what), const void *what);

#endif
