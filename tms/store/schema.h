/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema: the tables of the store, as the list of steps by which they grew; private to the store's own files.
 */
#ifndef MOKHOA_SCHEMA_H
#define MOKHOA_SCHEMA_H

#include "err.h"

#include <stdint.h>

struct store;

/* Brings the tables to the newest version; the number of steps taken so far is kept in the database. */
enum err schema_migrate(struct store *s);

int64_t schema_newest(void);

/* The script that brings a database from a version to the next one: what a test makes old databases of. */
const char *schema_step(int64_t from);

/* PostgreSQL's own form of that script, NULL where it has none; the first one makes the tables as they are behind SCHEMA_POSTGRESQL_FIRST steps. */
#define SCHEMA_POSTGRESQL_FIRST 8
const char *schema_postgresql_step(int64_t from);

#endif
