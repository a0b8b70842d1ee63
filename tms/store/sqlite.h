/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite: what the store's own files do with SQLite beyond what both databases do: its connection and the version of a file, for copies of it.
 */
#ifndef MOKHOA_SQLITE_H
#define MOKHOA_SQLITE_H

#include "query.h"

#include <sqlite3.h>

/* The connection of a store that is a file, NULL for another one. */
sqlite3 *sqlite_of(const struct store *s);

/* The version of a file, which may be newer than this program; false where it holds none of our tables. */
bool sqlite_version(sqlite3 *db, int64_t *ret_version);

#endif
