/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scratch_database: a database that nobody else has: a file, or one of the server of PostgreSQL that tests/postgres has started, where
 * MOKHOA_TEST_POSTGRESQL names the file with that server's URL. Ends the test where it cannot be made.
 */
#ifndef MOKHOA_SCRATCH_DATABASE_H
#define MOKHOA_SCRATCH_DATABASE_H

#include <stdbool.h>
#include <stddef.h>

/* Whether this run of the test is the one on PostgreSQL. */
bool scratch_is_postgresql(void);

/* Where a new one is, for store_open(): a file in that folder, which is there, or a URL. */
void scratch_database_new(const char *folder, char *ret_where, size_t size);
void scratch_database_drop(const char *where);

/* What the store itself never does to its database, done behind its back; false where the database refuses. */
bool scratch_database_run(const char *where, const char *sql);

#endif
