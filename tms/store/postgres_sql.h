/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_sql: the store's SQL as PostgreSQL takes it. Private to the store's own files.
 */
#ifndef MOKHOA_POSTGRES_SQL_H
#define MOKHOA_POSTGRES_SQL_H

#include "buf.h"

#include <stdbool.h>

#define POSTGRES_SQL_MAX 65536

/*
 * A statement: "?" and "?1" become "$1", what names an index for SQLite (INDEXED BY, NOT INDEXED) goes, instr() is strpos(). What stands in quotes stays as it is. The text is the
 * buffer's; buf_error() tells.
 */
void postgres_statement(const char *sql, struct buf *ret);

/* Statements that make tables: the types of SQLite become those that keep the same (INTEGER has 64 bits, TEXT is compared by its bytes). */
void postgres_script(const char *sql, struct buf *ret);

/* Whether a statement changes anything, by its first word. */
bool postgres_writes(const char *sql);

#endif
