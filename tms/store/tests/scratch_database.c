/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch_database.h"

#include "os.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef MOKHOA_POSTGRESQL
#include <libpq-fe.h>
#endif

static void
give_up(const char *what, const char *cause)
{
	fprintf(stderr, "%s: %s\n", what, cause);
	exit(1);
}

static bool
is_url(const char *where)
{
	return strncmp(where, "postgresql:", strlen("postgresql:")) == 0;
}

bool
scratch_is_postgresql(void)
{
	return getenv("MOKHOA_TEST_POSTGRESQL") != NULL;
}

#ifdef MOKHOA_POSTGRESQL

/* postgresql:///%s?host=FOLDER&user=USER */
static void
url_of(const char *database, char *ret, size_t size)
{
	const char *path = getenv("MOKHOA_TEST_POSTGRESQL");
	FILE *file = fopen(path, "r");
	char said[512] = "";
	char *mark;

	if (file == NULL || fgets(said, sizeof(said), file) == NULL)
		give_up(path, "no server of PostgreSQL was started");
	fclose(file);
	said[strcspn(said, "\n")] = '\0';
	mark = strstr(said, "%s");
	if (mark == NULL)
		give_up(path, "no %s");
	*mark = '\0';
	snprintf(ret, size, "%s%s%s", said, database, mark + 2);
}

static bool
run_there(const char *where, const char *sql)
{
	PGconn *connection = PQconnectdb(where);
	PGresult *result = PQexec(connection, sql);
	bool good = PQresultStatus(result) == PGRES_COMMAND_OK || PQresultStatus(result) == PGRES_TUPLES_OK;

	if (!good)
		fprintf(stderr, "%s", PQerrorMessage(connection));
	PQclear(result);
	PQfinish(connection);
	return good;
}

static void
run_at_server(const char *verb, const char *name, const char *how)
{
	char where[600];
	char sql[256];

	url_of("postgres", where, sizeof(where));
	snprintf(sql, sizeof(sql), "%s DATABASE %s %s", verb, name, how);
	if (!run_there(where, sql))
		give_up(where, sql);
}

/* template0 is UTF-8 whatever the server's locale is */
static void
new_there(char *ret_where, size_t size)
{
	unsigned char bytes[8];
	char name[40] = "test_";

	os_random(bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(name + strlen(name), 3, "%02x", bytes[i]);
	run_at_server("CREATE", name, "TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C' STRATEGY file_copy");
	url_of(name, ret_where, size);
}

static void
drop_there(const char *where)
{
	const char *name = strstr(where, "test_");
	char word[40];

	snprintf(word, sizeof(word), "%.*s", (int)strcspn(name, "?"), name);
	run_at_server("DROP", word, "WITH (FORCE)");
}

#else

static void
new_there(char *ret_where, size_t size)
{
	(void)ret_where;
	(void)size;
	give_up("MOKHOA_TEST_POSTGRESQL", "built without PostgreSQL");
}

static void
drop_there(const char *where)
{
	(void)where;
}

static bool
run_there(const char *where, const char *sql)
{
	(void)where;
	(void)sql;
	return false;
}

#endif

void
scratch_database_new(const char *folder, char *ret_where, size_t size)
{
	if (scratch_is_postgresql())
		new_there(ret_where, size);
	else
		snprintf(ret_where, size, "%s/tms.sqlite", folder);
}

void
scratch_database_drop(const char *where)
{
	if (is_url(where))
		drop_there(where);
	else
		unlink(where);
}

bool
scratch_database_run(const char *where, const char *sql)
{
	sqlite3 *db = NULL;
	bool good;

	if (is_url(where))
		return run_there(where, sql);
	good = sqlite3_open(where, &db) == SQLITE_OK && sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
	sqlite3_close(db);
	return good;
}
