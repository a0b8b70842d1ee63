/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include "database.h"
#include "log.h"
#include "schema.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

bool
database_is_url(const char *where)
{
	return strncmp(where, "postgresql://", strlen("postgresql://")) == 0;
}

enum err
store_open(const char *where, struct store **ret_store)
{
	struct store *s = calloc(1, sizeof(*s));
	enum err e;

	if (s == NULL)
		return ERR_NO_MEMORY;
	s->database = database_is_url(where) ? &database_postgresql : &database_sqlite;
	e = s->database->open(s, where);
	if (e == ERR_OK)
		e = schema_migrate(s);
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
	s->database->close(s);
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
	return s->database->begin(s);
}

enum err
store_begin_reading(struct store *s)
{
	return s->database->begin_reading(s);
}

enum err
store_commit(struct store *s)
{
	return s->database->commit(s);
}

void
store_rollback(struct store *s)
{
	s->database->rollback(s);
}

bool
store_in_transaction(struct store *s)
{
	return s->database->in_transaction(s);
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
