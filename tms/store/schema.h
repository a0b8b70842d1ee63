/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema: the tables of the store in SQLite, as the list of steps by which they grew; private to the store's own files.
 */
#ifndef MOKHOA_SCHEMA_H
#define MOKHOA_SCHEMA_H

#include "err.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

struct store;

/* Brings the tables to the newest version; the number of steps taken so far is the file's user_version. */
enum err schema_migrate(struct store *s);

int64_t schema_newest(void);

/* The script that brings a database from a version to the next one: what a test makes old databases of. */
const char *schema_step(int64_t from);

/* The version of a file, which may be newer than this program; false where it holds none of our tables. */
bool schema_version(sqlite3 *db, int64_t *ret_version);

#endif
