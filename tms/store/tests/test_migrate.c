/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Databases of every version that ever was, made by the steps of that time and filled as the programs of that time did: each comes to the newest version with every
 * value that it had, and with the very tables that a new one has.
 */
#include "chain.h"
#include "check.h"
#include "schema.h"
#include "store.h"
#include "words.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TEXT_MAX 262144
#define NAME_MAX 64

/* A row that a program of that version, or a later one, could have written. */
struct row {
	int64_t since;
	const char *sql;
};

static const struct row rows[] = {
	{ 1, "INSERT INTO person (id, fingerprint, name, role, created) VALUES (1, zeroblob(32), 'Nguyễn Văn An', 'approver', 1700000000)" },
	{ 1, "INSERT INTO person (id, fingerprint, name, role, created) VALUES (2, randomblob(32), 'Trần Thị Bình', 'none', 1700000001)" },
	{ 1, "INSERT INTO token (id, manufacturer, model, serial, customer, email, certificate_serial, state, failures, created)"
	     " VALUES (7, 'Hãng', 'Kiểu', 'S7', 'CÔNG TY CỔ PHẦN Đặng Ước', 'uoc@khach.example', '5401C7', 'verified', 1, 1700000002)" },
	{ 1, "INSERT INTO escrow (id, token, version, sealed, created, retired) VALUES (3, 7, 1, randomblob(177), 1700000002, 1700000300)" },
	{ 1, "INSERT INTO escrow (id, token, version, sealed, created) VALUES (4, 7, 2, randomblob(177), 1700000300)" },
	{ 1, "INSERT INTO request (number, id, create_hash, manufacturer, model, serial, certificate, certificate_serial, customer, email, reason, language, host_kem_pk, host_sig_pk,"
	     " address, state, identified, created, changed, decided, decider, expires, counter, attempts, note) VALUES (58498, randomblob(16), randomblob(32), 'Hãng', 'Kiểu', 'S7',"
	     " randomblob(900), '5401C7', 'CÔNG TY CỔ PHẦN Đặng Ước', 'uoc@khach.example', 'locked', 'vi', randomblob(65), randomblob(32), '192.0.2.1', 'released', 1, 1700000100,"
	     " 1700000200, 1700000150, 1, 1700600000, 4, 2, 'Lý do')" },
	{ 1, "UPDATE token SET active = 4, next = NULL, release = 58498 WHERE id = 7" },
	{ 1, "INSERT INTO approval (number, id, how, reference, email, email_reason, first, second, created) VALUES (58498, randomblob(16), 'call_back', 'F-1', '', '', 1, 2, 1700000150)" },
	{ 1, "INSERT INTO release (number, h, nonce, first, second, enc, ciphertext, created) VALUES (58498, randomblob(32), randomblob(16), 3, NULL, randomblob(65), randomblob(272), 1700000200)" },
	{ 1, "INSERT INTO granted (number, active, next, enc, ciphertext, created) VALUES (58498, 0, 4, randomblob(65), randomblob(80), 1700000300)" },
	{ 1, "INSERT INTO done (number, result, stage, cryptoki, error, rotated, proof, created) VALUES (58498, 'completed', 'reporting', 0, 'ok', 1, 'verified', 1700000310)" },
	{ 1, "INSERT INTO code (id, number, public_key, created, expires) VALUES (11, 58498, randomblob(32), 1700000160, 1700086560)" },
	{ 1, "INSERT INTO outbox (id, number, kind, recipient, state, tries, due, created, error) VALUES (21, 58498, 'code', 'uoc@khach.example', 'queued', 2, 1700000400, 1700000155, 'mail_unreachable')" },
	{ 2, "INSERT INTO vendor (id, name, created) VALUES (1, 'Hãng', 1700000000)" },
	{ 2, "INSERT INTO module (id, vendor, system, name, path, parameters) VALUES (1, 1, 'windows', 'Mô-đun', 'C:\\x.dll', '')" },
	{ 2, "INSERT INTO type (id, name, vendor, manufacturer, model, family, rotation, flags_reliable, pin_min, pin_max, pin_characters, key_length, key_characters, created)"
	     " VALUES (1, 'Thẻ', 1, 'Hãng', 'Kiểu', 'puk', 0, 1, 4, 8, 'digits', 8, 'digits', 1700000000)" },
	{ 2, "UPDATE token SET exposed = 1700000310" },
	{ 2, "UPDATE release SET family = 'puk', rotation = 0" },
	{ 3, "INSERT INTO agency (id, name, origins, created) VALUES ('an-khang', 'Đại lý An Khang', 'https://a.example https://b.example', 1700000000)" },
	{ 4, "INSERT INTO notice (id, severity, title_vi, text_vi, title_en, text_en, starts, ends, created) VALUES (5, 'warning', 'Bảo trì', 'Tối nay', '', '', 1700000000, 0, 1700000000)" },
	{ 5, "UPDATE escrow SET shared = 1, key = '0123456789abcdef' WHERE id = 4" },
	{ 6, "UPDATE token SET restored = 1700000500" },
	{ 7, "UPDATE token SET life = 'lost'" },
	{ 7, "INSERT INTO proposal (id, token, kind, version, sealed, compared, active, next, life, reason, proposer, created, expires)"
	     " VALUES (2, 7, 'cure', 0, x'', '', 4, 0, 'lost', 'Khách tìm lại được', 1, 1700000600, 1700600600)" },
	{ 9, "UPDATE person SET agency = 'an-khang' WHERE id = 2" },
	{ 9, "INSERT INTO agency_domain (domain, agency) VALUES ('khach.example', 'an-khang')" },
	{ 9, "UPDATE agency SET second_approver = 1" },
	{ 11, "INSERT INTO audit (id, created, who, person, what, number, token, detail, note, prev, hash)"
	      " VALUES (1, 1700000150, 'person', 1, 'approve', 58498, 0, 'how=call_back', zeroblob(32), zeroblob(32), zeroblob(32))" },
	{ 11, "INSERT INTO audit_note (id, created, salt, actor, text) VALUES (1, 1700000150, zeroblob(16), '', 'reference=F-1')" },
	{ 11, "UPDATE audit_head SET seq = 1" },
	{ 11, "UPDATE request SET erased = 0" },
	{ 14, "UPDATE type SET so_tries = 3" },
	{ 19, "UPDATE token SET rotation_tries = 1" },
	{ 20, "INSERT INTO escrow_log (mark) VALUES ('0123456789abcdef')" },
};

/* Of the audit before it was a chain, whose rows are others since. */
#define CHAINED 11

static const struct row unchained[] = {
	{ 1, "INSERT INTO audit (id, created, who, what, number, detail) VALUES (31, 1700000150, 'Nguyễn Văn An', 'approve', 58498, 'how=call_back')" },
	{ 1, "INSERT INTO audit (id, created, who, what, number, detail) VALUES (32, 1700000200, 'host', 'release', 58498, 'candidates=1')" },
	{ 7, "INSERT INTO audit (id, created, who, what, token, detail) VALUES (33, 1700000600, 'Nguyễn Văn An', 'lost', 7, '')" },
};

/* ---- one database as a text ---- */

struct dump {
	char *text; /* TEXT_MAX */
	size_t len;
};

static void
add(struct dump *d, const char *text)
{
	size_t len = strlen(text);

	if (CHECK(d->len + len + 1 < TEXT_MAX)) {
		memcpy(d->text + d->len, text, len + 1);
		d->len += len;
	}
}

static int
add_row(void *context, int columns, char **values, char **names)
{
	(void)names;
	for (int i = 0; i < columns; i++) {
		add(context, values[i] != NULL ? values[i] : "NULL");
		add(context, i + 1 < columns ? "|" : "\n");
	}
	return 0;
}

static bool
run(sqlite3 *db, const char *sql, struct dump *d)
{
	char *cause = NULL;
	bool good = sqlite3_exec(db, sql, d != NULL ? add_row : NULL, d, &cause) == SQLITE_OK;

	if (!CHECK(good))
		printf("  %s: %s\n", sql, cause);
	sqlite3_free(cause);
	return good;
}

/* The statement that reads every column of every table of ours, in an order of its own, as a text. The audit's rows are others since they are a chain. */
static struct dump
statements_of(sqlite3 *db)
{
	struct dump d = { .text = calloc(1, TEXT_MAX) };

	run(db,
	    "SELECT 'SELECT ' || group_concat('quote(\"' || c.name || '\")', ' || \",\" || ') || ' FROM \"' || t.name || '\" ORDER BY rowid;'"
	    " FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name NOT LIKE '%\\_search%' ESCAPE '\\' AND t.name NOT LIKE '%\\_index%' ESCAPE '\\' AND t.name <> 'audit' GROUP BY t.name ORDER BY t.name",
	    &d);
	return d;
}

static struct dump
values_by(sqlite3 *db, const struct dump *statements)
{
	struct dump d = { .text = calloc(1, TEXT_MAX) };

	run(db, statements->text, &d);
	return d;
}

static struct dump
tables_of(sqlite3 *db)
{
	struct dump d = { .text = calloc(1, TEXT_MAX) };

	run(db, "SELECT type, name, tbl_name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name", &d);
	run(db, "SELECT t.name, c.name, c.type, c.\"notnull\", c.dflt_value, c.pk FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' ORDER BY t.name, c.name", &d);
	return d;
}

/* ---- the old ones ---- */

static sqlite3 *
open_raw(const char *path)
{
	sqlite3 *db = NULL;

	CHECK(sqlite3_open(path, &db) == SQLITE_OK && words_register(db) == SQLITE_OK);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 1, NULL);
	return db;
}

static void
make_old(const char *path, int64_t version)
{
	sqlite3 *db = open_raw(path);

	run(db, "PRAGMA foreign_keys = ON", NULL);
	for (int64_t i = 0; i < version; i++)
		run(db, schema_step(i), NULL);
	/* which the migration seals in the same transaction: there was nothing in it */
	if (version >= CHAINED)
		run(db, "DROP TABLE audit_unsealed", NULL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].since <= version)
			run(db, rows[i].sql, NULL);
	for (size_t i = 0; i < sizeof(unchained) / sizeof(unchained[0]) && version < CHAINED; i++)
		if (unchained[i].since <= version)
			run(db, unchained[i].sql, NULL);
	sqlite3_close(db);
}

static void
remove_database(const char *path)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	char name[256];

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", path, ends[i]);
		unlink(name);
	}
}

static void
bring_up_to_date(const char *path)
{
	struct store *s = NULL;

	CHECK(store_open(path, &s) == ERR_OK);
	store_close(s);
}

/* What means something to the program of today. */
static void
look_through_the_store(const char *path, int64_t version)
{
	const struct token_name name = { "Hãng", "Kiểu", "S7" };
	struct store *s = NULL;
	struct store_request r;
	struct store_token t;
	struct store_outbox mail;
	struct chain_row link;
	struct chain_head head;
	int64_t count = 0;
	bool found = false;

	if (!CHECK(store_open(path, &s) == ERR_OK))
		return;
	CHECK(store_request_by_number(s, 58498, &r) == ERR_OK && r.state == STATE_RELEASED && r.counter == 4 && r.attempts == 2 && strcmp(r.note, "Lý do") == 0);
	CHECK(store_token_by_name(s, &name, &t) == ERR_OK && t.active == 4 && t.next == 0 && t.failures == 1 && t.release == 58498 && t.state == STORE_VERIFIED);
	CHECK(t.life == (version >= 7 ? STORE_LOST : STORE_ACTIVE) && t.restored == (version >= 6 ? 1700000500 : 0) && t.exposed == (version >= 2 ? 1700000310 : 0) && t.rotation_tries == (version >= 19 ? 1 : 0));
	CHECK(store_audit_count(s, 58498, "approve", &count) == ERR_OK && count == 1);
	CHECK(chain_at(s, 1, &link, &found) == ERR_OK && found && link.row.person == 1 && link.row.created == 1700000150 && strcmp(link.row.detail, "how=call_back") == 0);
	CHECK(chain_head_of(s, &head) == ERR_OK && head.seq == (version >= CHAINED ? 1 : version >= 7 ? 4
												      : 3));
	CHECK(store_outbox_claim(s, 1700001000, 1700001300, &mail, &found) == ERR_OK && found && mail.id == 21 && mail.tries == 3 && mail.kind == STORE_MAIL_CODE);
	store_close(s);
}

static void
from(int64_t version, const char *folder, const struct dump *newest)
{
	char path[128];
	struct dump statements, before, after, tables;
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/of-%lld.sqlite", folder, (long long)version);
	make_old(path, version);
	db = open_raw(path);
	statements = statements_of(db);
	before = values_by(db, &statements);
	sqlite3_close(db);
	CHECK(before.len > 1000);
	bring_up_to_date(path);
	db = open_raw(path);
	after = values_by(db, &statements);
	tables = tables_of(db);
	run(db, "PRAGMA foreign_key_check", &after);
	sqlite3_close(db);
	if (!CHECK(strcmp(before.text, after.text) == 0) || !CHECK(strcmp(tables.text, newest->text) == 0))
		printf("  from version %lld\n", (long long)version);
	look_through_the_store(path, version);
	remove_database(path);
	free(statements.text);
	free(before.text);
	free(after.text);
	free(tables.text);
}

int
main(void)
{
	char folder[] = "/tmp/mokhoa-migrate-XXXXXX";
	char path[64];
	struct dump newest;
	sqlite3 *db;

	if (!CHECK(mkdtemp(folder) != NULL))
		return CHECK_DONE();
	snprintf(path, sizeof(path), "%s/new.sqlite", folder);
	bring_up_to_date(path);
	db = open_raw(path);
	newest = tables_of(db);
	sqlite3_close(db);
	for (int64_t version = 1; version <= schema_newest(); version++)
		from(version, folder, &newest);
	remove_database(path);
	CHECK(rmdir(folder) == 0);
	free(newest.text);
	return CHECK_DONE();
}
