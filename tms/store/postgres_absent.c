/* SPDX-License-Identifier: Apache-2.0 */
/* Where the program was built without libpq: a database of PostgreSQL does not open. */
#include "database.h"
#include "log.h"

static enum err
open_database(struct store *s, const char *where)
{
	(void)s;
	(void)where;
	log_error("store", "cause=this program was built without PostgreSQL (MOKHOA_POSTGRESQL)");
	return ERR_DATABASE_UNSUPPORTED;
}

static void
close_database(struct store *s)
{
	(void)s;
}

const struct database database_postgresql = { .open = open_database, .close = close_database };
