/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include "fold.h"
#include "log.h"
#include "os.h"
#include "query.h"
#include "schema.h"
#include "text.h"

#include <stdlib.h>

#define BUSY_MS 5000 /* how long a writer waits for another's commit */

/* SQLite's own wait grows to 100 ms a step, which is many commits: this one looks every millisecond. */
static int
wait_for_writer(void *context, int waited)
{
	(void)context;
	if (waited >= BUSY_MS)
		return 0;
	os_sleep_ms(1);
	return 1;
}

/* What every connection needs to keep the promises of store.h. FULL: a commit is on the disk when it returns. */
static enum err
set_up(struct store *s)
{
	enum err e;

	sqlite3_busy_handler(s->db, wait_for_writer, NULL);
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	e = fold_register(s->db) == SQLITE_OK ? ERR_OK : ERR_STORE_FAILED;
	if (e == ERR_OK)
		e = query_exec(s, "PRAGMA journal_mode = WAL");
	if (e == ERR_OK)
		e = query_exec(s, "PRAGMA synchronous = FULL");
	if (e == ERR_OK)
		e = query_exec(s, "PRAGMA foreign_keys = ON");
	if (e == ERR_OK)
		e = schema_migrate(s);
	return e;
}

enum err
store_open(const char *path, struct store **ret_store)
{
	struct store *s = calloc(1, sizeof(*s));
	enum err e;
	int code;

	if (s == NULL)
		return ERR_NO_MEMORY;
	code = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, NULL);
	if (code != SQLITE_OK) {
		log_error("store", "path=%s cause=%s", path, sqlite3_errstr(code));
		store_close(s);
		return ERR_STORE_FAILED;
	}
	e = set_up(s);
	if (e != ERR_OK) {
		store_close(s);
		return e;
	}
	*ret_store = s;
	return ERR_OK;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	for (int i = 0; i < QUERY_KEPT; i++)
		sqlite3_finalize(s->kept[i].stmt);
	sqlite3_close(s->db);
	free(s);
}

bool
store_scope(struct store *s, const char *agency)
{
	return text_copy(s->scope, sizeof(s->scope), agency);
}

int64_t
store_version(void)
{
	return schema_newest();
}

enum err
store_begin(struct store *s)
{
	return query_exec(s, "BEGIN IMMEDIATE");
}

enum err
store_begin_reading(struct store *s)
{
	return query_exec(s, "BEGIN");
}

enum err
store_commit(struct store *s)
{
	return query_exec(s, "COMMIT");
}

void
store_rollback(struct store *s)
{
	if (!sqlite3_get_autocommit(s->db))
		query_exec(s, "ROLLBACK");
}

enum err
store_end(struct store *s, enum err e)
{
	if (e == ERR_OK)
		e = store_commit(s);
	if (e != ERR_OK)
		store_rollback(s);
	return e;
}
