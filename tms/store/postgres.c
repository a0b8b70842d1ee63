/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL: one database for any number of servers, on any number of machines.
 *
 * The right to write. store_begin() takes one lock of the database for its transaction (pg_advisory_xact_lock), and so does every statement that changes
 * something outside of one; whoever has it is alone in writing, as in SQLite. The other way, serializable transactions that are begun anew when they
 * collide, would keep the store's rows as well, but not what else happens inside: a line of the escrow log is written and synced there, and its lines must
 * stand in the order of the commits; with the lock they do, and no operation has to be able to run twice. What it costs is one commit at a time, a few
 * thousand a second on one machine and several hundred with a synchronous standby; a country's desk needs some ten. Readers wait for nobody. The lock ends
 * with its transaction, whichever way that ends, and a server that dies loses it with its connection.
 *
 * A connection that is lost takes its transaction with it: everything until store_rollback() fails, and the statement behind that finds the connection made
 * again. Whether a commit under way was made is not known then, and ERR_STORE_FAILED says so; every operation may be asked again.
 */
#include "database.h"
#include "log.h"
#include "postgres_sql.h"
#include "words.h"

#include <assert.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUES_MAX  96		   /* of one statement: the words of a question twice, and what else was said (request_list.c) */
#define VALUE_BYTES 1048576	   /* all of them together */
#define RIGHT	    "7238529"	   /* the number of the lock: "mo" and a version of what it means */
#define WAIT_MS	    "5000"	   /* how long a writer waits for another's commit */
#define LOCK_NAME   "mokhoa_right" /* the prepared statement that takes it */
#define NAME_SIZE   20		   /* of a prepared statement and a NUL: mokhoa_ and a number */

/* Of src/include/catalog/pg_type.dat, where they never change. */
enum type {
	TYPE_BOOL = 16,
	TYPE_BYTEA = 17,
	TYPE_INT8 = 20,
	TYPE_INT2 = 21,
	TYPE_INT4 = 23,
	TYPE_TEXT = 25
};

static_assert(VALUES_MAX >= WORDS_ASKED_MAX + WORDS_CHOSEN_MAX + 16, "a question of the most words has room");

struct postgres {
	PGconn *connection;
	bool began; /* a transaction that is neither committed nor taken back, even where its connection is gone */
	const char *kept[QUERY_KEPT];
	bool prepared[QUERY_KEPT];
};

/* A query's own part. */
struct statement {
	int slot; /* of kept, or -1 */
	Oid types[VALUES_MAX];
	int lens[VALUES_MAX];
	size_t offsets[VALUES_MAX];
	struct buf values;
	PGresult *result;
	int row;
};

/* ---- what went wrong ---- */

/* Only the primary message: the detail quotes rows. */
static void
log_result(const PGconn *connection, const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *cause = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	if (cause == NULL)
		cause = PQerrorMessage(connection);
	log_error("store", "sqlstate=%s cause=%.*s", state != NULL ? state : "", (int)strcspn(cause, "\n"), cause);
}

static bool
is_good(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

/* Takes the result. */
static bool
take(const PGconn *connection, PGresult *result)
{
	bool good = is_good(result);

	if (!good)
		log_result(connection, result);
	PQclear(result);
	return good;
}

/* ---- the connection ---- */

static void
say_nothing(void *context, const PGresult *result)
{
	(void)context;
	(void)result;
}

/* One value of one row, or false. */
static bool
ask(PGconn *connection, const char *sql, char *ret, size_t size)
{
	PGresult *result = PQexec(connection, sql);
	bool good = is_good(result) && PQntuples(result) == 1;

	if (good)
		snprintf(ret, size, "%s", PQgetvalue(result, 0, 0));
	else
		log_result(connection, result);
	PQclear(result);
	return good;
}

/*
 * What every connection needs to keep the promises of store.h: what is committed is on the disk, and text is UTF-8. And what is right for statements that read a page: a
 * plan for the values at hand, and no compiler (jit), which takes a fifth of a second for one that runs for two thousandths.
 */
static bool
set_up(struct postgres *c)
{
	static const char settings[] =
	    "SELECT set_config('lock_timeout', '" WAIT_MS "', false), set_config('plan_cache_mode', 'force_custom_plan', false), set_config('jit', 'off', false),"
	    " set_config('default_transaction_isolation', 'read committed', false), set_config('standard_conforming_strings', 'on', false),"
	    " set_config('synchronous_commit', CASE WHEN current_setting('synchronous_commit') = 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false)";
	char said[64];

	memset(c->prepared, 0, sizeof(c->prepared));
	PQsetNoticeReceiver(c->connection, say_nothing, NULL);
	if (!take(c->connection, PQexec(c->connection, settings)))
		return false;
	if (!take(c->connection, PQprepare(c->connection, LOCK_NAME, "SELECT pg_advisory_xact_lock(" RIGHT ")", 0, NULL)))
		return false;
	if (!ask(c->connection, "SELECT current_setting('server_encoding') || ' ' || current_setting('fsync') || ' ' || current_setting('full_page_writes')", said, sizeof(said)))
		return false;
	if (strcmp(said, "UTF8 on on") == 0)
		return true;
	log_error("store", "server_encoding, fsync, full_page_writes=%s cause=must be UTF8 on on", said);
	return false;
}

/* A server that has closed it while nobody asked is noticed here and not by the statement: behind its last words, which are read first, the connection ends. */
static bool
is_connected(struct postgres *c)
{
	for (int i = 0; i < 2; i++)
		if (PQstatus(c->connection) != CONNECTION_OK || PQconsumeInput(c->connection) != 1)
			return false;
	return PQstatus(c->connection) == CONNECTION_OK;
}

/* The connection, made again where it was lost; false inside a transaction that was lost with it. */
static bool
connect_again(struct postgres *c)
{
	if (is_connected(c))
		return true;
	if (c->began)
		return false;
	log_info("store", "cause=the connection to PostgreSQL was lost, and is made again");
	PQreset(c->connection);
	if (PQstatus(c->connection) == CONNECTION_OK)
		return set_up(c);
	log_result(c->connection, NULL);
	return false;
}

static enum err
open_database(struct store *s, const char *where)
{
	/* what the URL says comes behind these and is taken instead; a server that does not answer is gone after some ten seconds */
	static const char *const names[] = { "connect_timeout", "keepalives_idle", "tcp_user_timeout", "client_encoding", "application_name", "dbname", NULL };
	const char *const values[] = { "5", "10", "10000", "UTF8", "mokhoa-tms", where, NULL };
	struct postgres *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return ERR_NO_MEMORY;
	s->connection = c;
	c->connection = PQconnectdbParams(names, values, 1);
	if (PQstatus(c->connection) == CONNECTION_OK)
		return set_up(c) ? ERR_OK : ERR_STORE_FAILED;
	log_result(c->connection, NULL);
	return ERR_STORE_FAILED;
}

static void
close_database(struct store *s)
{
	struct postgres *c = s->connection;

	if (c != NULL)
		PQfinish(c->connection);
	free(c);
}

/* ---- transactions ---- */

static enum err
begin_with(struct store *s, const char *sql)
{
	struct postgres *c = s->connection;

	if (c->began) {
		log_error("store", "cause=a transaction is open already");
		return ERR_STORE_FAILED;
	}
	if (!connect_again(c))
		return ERR_STORE_FAILED;
	c->began = take(c->connection, PQexec(c->connection, sql));
	if (!c->began && PQstatus(c->connection) == CONNECTION_OK && PQtransactionStatus(c->connection) != PQTRANS_IDLE)
		PQclear(PQexec(c->connection, "ROLLBACK"));
	return c->began ? ERR_OK : ERR_STORE_FAILED;
}

/* Read committed: each statement sees what was committed before it, and with the right to write nobody commits in between. */
static enum err
begin(struct store *s)
{
	return begin_with(s, "BEGIN; SELECT pg_advisory_xact_lock(" RIGHT ")");
}

static enum err
begin_reading(struct store *s)
{
	return begin_with(s, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
}

/* A COMMIT of what has failed in between answers ROLLBACK, and no error. */
static enum err
commit(struct store *s)
{
	struct postgres *c = s->connection;
	PGresult *result;
	bool done;

	if (!c->began || !is_connected(c)) {
		log_error("store", "cause=%s", c->began ? "the transaction was lost with its connection" : "no transaction is open");
		return ERR_STORE_FAILED;
	}
	result = PQexec(c->connection, "COMMIT");
	done = is_good(result) && strcmp(PQcmdStatus(result), "COMMIT") == 0;
	if (!done && is_good(result))
		log_error("store", "cause=a statement of the transaction has failed");
	else if (!done)
		log_result(c->connection, result);
	c->began = !done && PQtransactionStatus(c->connection) != PQTRANS_IDLE;
	PQclear(result);
	return done ? ERR_OK : ERR_STORE_FAILED;
}

static void
rollback(struct store *s)
{
	struct postgres *c = s->connection;

	if (c->began && PQstatus(c->connection) == CONNECTION_OK)
		PQclear(PQexec(c->connection, "ROLLBACK"));
	c->began = false;
}

static bool
in_transaction(struct store *s)
{
	return ((struct postgres *)s->connection)->began;
}

/* ---- statements ---- */

static void
fail(struct query *q, const char *cause)
{
	log_error("store", "cause=%s", cause);
	q->failed = true;
}

static int
slot_of(struct postgres *c, const char *sql)
{
	for (int i = 0; i < QUERY_KEPT; i++) {
		if (c->kept[i] == NULL)
			c->kept[i] = sql;
		if (c->kept[i] == sql)
			return i;
	}
	return -1;
}

static void
prepare(struct query *q, bool keep)
{
	struct postgres *c = q->store->connection;
	struct statement *t = calloc(1, sizeof(*t));

	q->statement = t;
	if (t == NULL) {
		fail(q, "no memory");
		return;
	}
	t->slot = keep ? slot_of(c, q->sql) : -1;
	t->values = buf_new(VALUE_BYTES);
	t->row = -1;
	if (!connect_again(c))
		fail(q, c->began ? "the transaction was lost with its connection" : "PostgreSQL does not answer");
}

static void
add_value(struct query *q, enum type type, const void *bytes, size_t len)
{
	struct statement *t = q->statement;

	if (q->bound >= VALUES_MAX) {
		fail(q, "too many values");
		return;
	}
	t->types[q->bound] = type;
	t->lens[q->bound] = (int)len;
	t->offsets[q->bound] = t->values.len;
	buf_add(&t->values, bytes, len);
}

static void
bind_int(struct query *q, int64_t value)
{
	unsigned char bytes[sizeof(value)];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)((uint64_t)value >> (8 * (sizeof(bytes) - 1 - i)));
	add_value(q, TYPE_INT8, bytes, sizeof(bytes));
}

static void
bind_text(struct query *q, const char *text)
{
	add_value(q, TYPE_TEXT, text, strlen(text));
}

static void
bind_bytes(struct query *q, const void *bytes, size_t len)
{
	add_value(q, TYPE_BYTEA, bytes, len);
}

static void
name_of(int slot, char ret[NAME_SIZE])
{
	ret[0] = '\0';
	if (slot >= 0)
		snprintf(ret, NAME_SIZE, "mokhoa_%d", slot);
}

/* Parsed by the server, under its name or without one, with the types of the values that are bound. */
static bool
parse(struct query *q)
{
	struct postgres *c = q->store->connection;
	struct statement *t = q->statement;
	struct buf sql = buf_new(POSTGRES_SQL_MAX);
	char name[NAME_SIZE];
	bool good;

	if (t->slot >= 0 && c->prepared[t->slot])
		return true;
	name_of(t->slot, name);
	postgres_statement(q->sql, &sql);
	good = buf_error(&sql) == ERR_OK && take(c->connection, PQprepare(c->connection, name, (const char *)sql.data, q->bound, t->types));
	if (good && t->slot >= 0)
		c->prepared[t->slot] = true;
	buf_free(&sql);
	return good;
}

static PGresult *
run_prepared(PGconn *connection, const char *name, int count, const char *const *values, const int *lens, const int *formats)
{
	return PQexecPrepared(connection, name, count, values, lens, formats, 1);
}

/* The result of the next statement in the line, without what ends it. */
static PGresult *
next_result(PGconn *connection)
{
	PGresult *result = PQgetResult(connection);
	PGresult *more;

	while ((more = PQgetResult(connection)) != NULL)
		PQclear(more);
	return result;
}

/* Behind the lock, both in one transaction that ends with them, in one round trip. */
static PGresult *
run_alone(PGconn *connection, const char *name, int count, const char *const *values, const int *lens, const int *formats)
{
	PGresult *lock = NULL;
	PGresult *result = NULL;

	if (PQenterPipelineMode(connection) == 0)
		return NULL;
	if (PQsendQueryPrepared(connection, LOCK_NAME, 0, NULL, NULL, NULL, 1) == 1 &&
	    PQsendQueryPrepared(connection, name, count, values, lens, formats, 1) == 1 && PQpipelineSync(connection) == 1) {
		lock = next_result(connection);
		result = next_result(connection);
		/* why the second was not run is what the first says */
		if (lock != NULL && !is_good(lock)) {
			PQclear(result);
			result = lock;
			lock = NULL;
		}
		PQclear(lock);
		/* a failure may come with the end, which is the commit */
		lock = PQgetResult(connection);
		if (PQresultStatus(lock) != PGRES_PIPELINE_SYNC && is_good(result)) {
			PQclear(result);
			result = lock;
			lock = NULL;
		}
		PQclear(lock);
		while (PQstatus(connection) == CONNECTION_OK && (lock = PQgetResult(connection)) != NULL)
			PQclear(lock);
	}
	if (PQexitPipelineMode(connection) == 0)
		log_error("store", "cause=%s", PQerrorMessage(connection));
	return result;
}

static void
run(struct query *q)
{
	struct postgres *c = q->store->connection;
	struct statement *t = q->statement;
	const char *values[VALUES_MAX];
	int formats[VALUES_MAX];
	char name[NAME_SIZE];
	bool alone = !c->began && postgres_writes(q->sql);

	t->row = 0;
	if (buf_error(&t->values) != ERR_OK || buf_text(&t->values) == NULL) {
		fail(q, "no memory");
		return;
	}
	for (int i = 0; i < q->bound; i++) {
		values[i] = (const char *)t->values.data + t->offsets[i];
		formats[i] = 1;
	}
	q->failed = !parse(q);
	if (q->failed)
		return;
	name_of(t->slot, name);
	t->result = (alone ? run_alone : run_prepared)(c->connection, name, q->bound, values, t->lens, formats);
	q->failed = !is_good(t->result);
	if (q->failed)
		log_result(c->connection, t->result);
}

static bool
row(struct query *q)
{
	struct statement *t = q->statement;

	if (t->row < 0)
		run(q);
	else
		t->row++;
	return !q->failed && t->row < PQntuples(t->result);
}

static int64_t
get_int(struct query *q, int column)
{
	const struct statement *t = q->statement;
	const unsigned char *bytes = (const unsigned char *)PQgetvalue(t->result, t->row, column);
	int len = PQgetlength(t->result, t->row, column);
	Oid type = PQftype(t->result, column);
	uint64_t value;

	if (PQgetisnull(t->result, t->row, column))
		return 0;
	if (type != TYPE_BOOL && type != TYPE_INT2 && type != TYPE_INT4 && type != TYPE_INT8) {
		log_error("store", "column=%d type=%u cause=no whole number", column, (unsigned)type);
		q->failed = true;
		return 0;
	}
	/* two's complement, the sign in the first byte */
	value = len > 0 && (bytes[0] & 0x80) != 0 ? UINT64_MAX : 0;
	for (int i = 0; i < len; i++)
		value = value << 8 | bytes[i];
	return (int64_t)value;
}

static const void *
get_bytes(struct query *q, int column, size_t *ret_len)
{
	const struct statement *t = q->statement;

	*ret_len = (size_t)PQgetlength(t->result, t->row, column);
	return PQgetvalue(t->result, t->row, column);
}

static int
changed(struct query *q)
{
	const struct statement *t = q->statement;

	return (int)strtol(PQcmdTuples(t->result), NULL, 10);
}

static void
end(struct query *q)
{
	struct statement *t = q->statement;

	if (t == NULL)
		return;
	PQclear(t->result);
	buf_free(&t->values);
	free(t);
}

/* ---- the version of its tables ---- */

static enum err
version(struct store *s, int64_t *ret_version)
{
	struct query q = query_new(s, "SELECT to_regclass('schema_version') IS NOT NULL");
	bool there = query_row(&q) && query_get_int(&q) != 0;
	enum err e = query_end(&q);

	*ret_version = 0;
	if (e != ERR_OK || !there)
		return e;
	q = query_new(s, "SELECT version FROM schema_version");
	return query_number(&q, ret_version);
}

static enum err
script(struct store *s, const char *sql)
{
	struct postgres *c = s->connection;

	return take(c->connection, PQexec(c->connection, sql)) ? ERR_OK : ERR_STORE_FAILED;
}

const struct database database_postgresql = {
	.open = open_database,
	.close = close_database,
	.begin = begin,
	.begin_reading = begin_reading,
	.commit = commit,
	.rollback = rollback,
	.in_transaction = in_transaction,
	.version = version,
	.script = script,
	.prepare = prepare,
	.bind_int = bind_int,
	.bind_text = bind_text,
	.bind_bytes = bind_bytes,
	.row = row,
	.get_int = get_int,
	.get_bytes = get_bytes,
	.changed = changed,
	.end = end,
};
