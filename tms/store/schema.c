/* SPDX-License-Identifier: Apache-2.0 */
#include "schema.h"

#include "chain.h"
#include "database.h"
#include "log.h"
#include "postgres_sql.h"

/*
 * One script a version, append only: what was released is never edited. Each sets the version itself in its last line, because PRAGMA takes no bound value. In the words
 * of SQLite, which postgres_script() says to PostgreSQL; a step that it cannot say has a second form in schema_postgresql.c.
 */
static const char *const steps[] = {
	"CREATE TABLE person ("
	" id INTEGER PRIMARY KEY,"
	" fingerprint BLOB NOT NULL UNIQUE CHECK (length(fingerprint) = 32),"
	" name TEXT NOT NULL,"
	" role TEXT NOT NULL,"
	" created INTEGER NOT NULL"
	") STRICT;"

	"CREATE TABLE token ("
	" id INTEGER PRIMARY KEY,"
	" manufacturer TEXT NOT NULL,"
	" model TEXT NOT NULL,"
	" serial TEXT NOT NULL,"
	" customer TEXT NOT NULL,"
	" email TEXT NOT NULL,"
	" certificate_serial TEXT NOT NULL,"
	" state TEXT NOT NULL,"
	" active INTEGER REFERENCES escrow (id),"
	" next INTEGER REFERENCES escrow (id),"
	" failures INTEGER NOT NULL DEFAULT 0,"
	" release INTEGER REFERENCES request (number),"
	" created INTEGER NOT NULL,"
	" UNIQUE (serial, manufacturer, model)"
	") STRICT;"

	"CREATE TABLE escrow ("
	" id INTEGER PRIMARY KEY,"
	" token INTEGER NOT NULL REFERENCES token (id),"
	" version INTEGER NOT NULL,"
	" sealed BLOB NOT NULL,"
	" created INTEGER NOT NULL,"
	" retired INTEGER NOT NULL DEFAULT 0"
	") STRICT;"
	"CREATE INDEX escrow_token ON escrow (token);"

	"CREATE TABLE request ("
	" number INTEGER PRIMARY KEY AUTOINCREMENT,"
	" id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),"
	" create_hash BLOB NOT NULL UNIQUE CHECK (length(create_hash) = 32),"
	" manufacturer TEXT NOT NULL,"
	" model TEXT NOT NULL,"
	" serial TEXT NOT NULL,"
	" certificate BLOB NOT NULL,"
	" certificate_serial TEXT NOT NULL,"
	" customer TEXT NOT NULL,"
	" email TEXT NOT NULL,"
	" reason TEXT NOT NULL,"
	" language TEXT NOT NULL,"
	" host_kem_pk BLOB NOT NULL,"
	" host_sig_pk BLOB NOT NULL,"
	" address TEXT NOT NULL,"
	" state TEXT NOT NULL,"
	" identified INTEGER NOT NULL,"
	" created INTEGER NOT NULL,"
	" changed INTEGER NOT NULL,"
	" decided INTEGER NOT NULL DEFAULT 0,"
	" decider INTEGER REFERENCES person (id),"
	" expires INTEGER NOT NULL,"
	" counter INTEGER NOT NULL DEFAULT 0,"
	" attempts INTEGER NOT NULL DEFAULT 0,"
	" trying INTEGER NOT NULL DEFAULT 0,"
	" note TEXT NOT NULL DEFAULT ''"
	") STRICT;"
	"CREATE INDEX request_state ON request (state, number);"
	"CREATE INDEX request_token ON request (serial, manufacturer, model, state);"
	"CREATE INDEX request_address ON request (address) WHERE state = 'unidentified';"
	"CREATE INDEX request_expires ON request (expires) WHERE state IN ('pending', 'unidentified', 'approved');"
	"CREATE INDEX request_released ON request (changed) WHERE state = 'released';"

	"CREATE TABLE approval ("
	" number INTEGER PRIMARY KEY REFERENCES request (number),"
	" id BLOB NOT NULL CHECK (length(id) = 16),"
	" how TEXT NOT NULL,"
	" reference TEXT NOT NULL,"
	" email TEXT NOT NULL,"
	" email_reason TEXT NOT NULL,"
	" first INTEGER NOT NULL REFERENCES person (id),"
	" second INTEGER REFERENCES person (id),"
	" created INTEGER NOT NULL"
	") STRICT;"

	"CREATE TABLE release ("
	" number INTEGER PRIMARY KEY REFERENCES request (number),"
	" h BLOB NOT NULL,"
	" nonce BLOB NOT NULL,"
	" first INTEGER NOT NULL REFERENCES escrow (id),"
	" second INTEGER REFERENCES escrow (id),"
	" enc BLOB NOT NULL,"
	" ciphertext BLOB NOT NULL,"
	" created INTEGER NOT NULL"
	") STRICT;"

	"CREATE TABLE granted ("
	" number INTEGER PRIMARY KEY REFERENCES release (number),"
	" active INTEGER NOT NULL,"
	" next INTEGER NOT NULL REFERENCES escrow (id),"
	" enc BLOB NOT NULL,"
	" ciphertext BLOB NOT NULL,"
	" created INTEGER NOT NULL"
	") STRICT;"

	"CREATE TABLE done ("
	" number INTEGER PRIMARY KEY REFERENCES request (number),"
	" result TEXT NOT NULL,"
	" stage TEXT NOT NULL,"
	" cryptoki INTEGER NOT NULL,"
	" error TEXT NOT NULL,"
	" rotated INTEGER NOT NULL,"
	" proof TEXT NOT NULL,"
	" created INTEGER NOT NULL"
	") STRICT;"

	"CREATE TABLE code ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" number INTEGER NOT NULL REFERENCES request (number),"
	" public_key BLOB NOT NULL CHECK (length(public_key) = 32),"
	" created INTEGER NOT NULL,"
	" expires INTEGER NOT NULL"
	") STRICT;"
	"CREATE INDEX code_request ON code (number);"

	"CREATE TABLE outbox ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" number INTEGER NOT NULL REFERENCES request (number),"
	" kind TEXT NOT NULL,"
	" recipient TEXT NOT NULL,"
	" state TEXT NOT NULL,"
	" tries INTEGER NOT NULL DEFAULT 0,"
	" due INTEGER NOT NULL,"
	" created INTEGER NOT NULL,"
	" error TEXT NOT NULL DEFAULT ''"
	") STRICT;"
	"CREATE INDEX outbox_due ON outbox (due) WHERE state IN ('queued', 'sending');"
	"CREATE INDEX outbox_request ON outbox (number, kind);"

	"CREATE TABLE audit ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" created INTEGER NOT NULL,"
	" who TEXT NOT NULL,"
	" what TEXT NOT NULL,"
	" number INTEGER NOT NULL DEFAULT 0,"
	" detail TEXT NOT NULL"
	") STRICT;"
	"CREATE INDEX audit_request ON audit (number);"
	"CREATE TRIGGER audit_kept BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit rows are only added'); END;"
	"CREATE TRIGGER audit_there BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit rows are only added'); END;"
	"PRAGMA user_version = 1;",

	"CREATE TABLE vendor ("
	" id INTEGER PRIMARY KEY,"
	" name TEXT NOT NULL UNIQUE,"
	" created INTEGER NOT NULL"
	") STRICT;"

	"CREATE TABLE module ("
	" id INTEGER PRIMARY KEY,"
	" vendor INTEGER NOT NULL REFERENCES vendor (id),"
	" system TEXT NOT NULL,"
	" name TEXT NOT NULL,"
	" path TEXT NOT NULL,"
	" parameters TEXT NOT NULL,"
	" UNIQUE (vendor, system, path)"
	") STRICT;"

	"CREATE TABLE type ("
	" id INTEGER PRIMARY KEY,"
	" name TEXT NOT NULL,"
	" vendor INTEGER REFERENCES vendor (id),"
	" manufacturer TEXT NOT NULL,"
	" model TEXT NOT NULL,"
	" family TEXT NOT NULL,"
	" rotation INTEGER NOT NULL,"
	" flags_reliable INTEGER NOT NULL,"
	" pin_min INTEGER NOT NULL,"
	" pin_max INTEGER NOT NULL,"
	" pin_characters TEXT NOT NULL,"
	" key_length INTEGER NOT NULL,"
	" key_characters TEXT NOT NULL,"
	" created INTEGER NOT NULL,"
	" UNIQUE (manufacturer, model)"
	") STRICT;"

	"ALTER TABLE release ADD COLUMN family TEXT NOT NULL DEFAULT 'so_pin';"
	"ALTER TABLE release ADD COLUMN rotation INTEGER NOT NULL DEFAULT 1;"
	"ALTER TABLE token ADD COLUMN exposed INTEGER NOT NULL DEFAULT 0;"
	"PRAGMA user_version = 2;",

	"CREATE TABLE agency ("
	" id TEXT PRIMARY KEY,"
	" name TEXT NOT NULL,"
	" origins TEXT NOT NULL," /* between blanks */
	" created INTEGER NOT NULL"
	") STRICT;"
	"PRAGMA user_version = 3;",

	"CREATE TABLE notice ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT," /* never used again: audit rows name it */
	" severity TEXT NOT NULL CHECK (severity IN ('info', 'warning')),"
	" title_vi TEXT NOT NULL,"
	" text_vi TEXT NOT NULL,"
	" title_en TEXT NOT NULL,"
	" text_en TEXT NOT NULL,"
	" starts INTEGER NOT NULL,"
	" ends INTEGER NOT NULL," /* 0: does not */
	" created INTEGER NOT NULL"
	") STRICT;"
	"PRAGMA user_version = 4;",

	"ALTER TABLE escrow ADD COLUMN shared INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE escrow ADD COLUMN key TEXT NOT NULL DEFAULT '';" /* of the vault: none has said so far */
	"CREATE INDEX escrow_shared ON escrow (id) WHERE shared = 1;"
	/* what opens an SO PIN for somebody, and what was said about too many of them */
	"CREATE INDEX audit_opened ON audit (created) WHERE what IN ('release', 'export');"
	"CREATE INDEX audit_alarm ON audit (created) WHERE what = 'alarm';"
	"PRAGMA user_version = 5;",

	"ALTER TABLE token ADD COLUMN restored INTEGER NOT NULL DEFAULT 0;"
	"PRAGMA user_version = 6;",

	"ALTER TABLE token ADD COLUMN life TEXT NOT NULL DEFAULT 'active' CHECK (life IN ('active', 'lost', 'retired'));"
	"CREATE INDEX token_state ON token (state);"
	"CREATE INDEX token_life ON token (life) WHERE life <> 'active';"
	"CREATE INDEX token_manufacturer ON token (manufacturer);"
	"CREATE INDEX token_model ON token (manufacturer, model);"
	/* the words of a token's texts, folded before they come here (fold.h) */
	"CREATE VIRTUAL TABLE token_search USING fts5 (customer, email, content = '', prefix = '1 2', columnsize = 0, tokenize = 'unicode61 remove_diacritics 0');"
	"INSERT INTO token_search (rowid, customer, email) SELECT id, folded(customer), folded(email) FROM token;"

	"ALTER TABLE audit ADD COLUMN token INTEGER NOT NULL DEFAULT 0;"
	"CREATE INDEX audit_token ON audit (token) WHERE token <> 0;"

	"CREATE TABLE proposal ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT," /* never used again: audit rows name it */
	" token INTEGER NOT NULL REFERENCES token (id),"
	" kind TEXT NOT NULL CHECK (kind IN ('replace', 'cure', 'restore')),"
	" version INTEGER NOT NULL,"
	" sealed BLOB NOT NULL," /* of replace, as long as it waits */
	" compared TEXT NOT NULL,"
	" active INTEGER NOT NULL," /* what the token was when it was proposed */
	" next INTEGER NOT NULL,"
	" life TEXT NOT NULL,"
	" reason TEXT NOT NULL,"
	" proposer INTEGER NOT NULL REFERENCES person (id),"
	" created INTEGER NOT NULL,"
	" expires INTEGER NOT NULL,"
	" state TEXT NOT NULL DEFAULT 'open',"
	" decider INTEGER REFERENCES person (id),"
	" decided INTEGER NOT NULL DEFAULT 0,"
	" note TEXT NOT NULL DEFAULT ''"
	") STRICT;"
	"CREATE UNIQUE INDEX proposal_open ON proposal (token) WHERE state = 'open';"
	"CREATE INDEX proposal_token ON proposal (token);"
	"PRAGMA user_version = 7;",

	"CREATE INDEX request_changed ON request (changed);"
	"CREATE INDEX outbox_waiting ON outbox (id) WHERE kind = 'waiting';"
	"PRAGMA user_version = 8;",

	/* one agency each, or none (empty); of a request, that of its token, which it follows */
	"ALTER TABLE person ADD COLUMN agency TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE token ADD COLUMN agency TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE request ADD COLUMN agency TEXT NOT NULL DEFAULT '';"
	"CREATE INDEX token_agency ON token (agency, id) WHERE agency <> '';"
	"CREATE INDEX request_agency ON request (agency, number) WHERE agency <> '';"
	"CREATE INDEX request_agency_changed ON request (agency, changed) WHERE agency <> '';"
	"CREATE TABLE agency_domain ("
	" domain TEXT PRIMARY KEY,"
	" agency TEXT NOT NULL REFERENCES agency (id)"
	") STRICT;"
	"CREATE INDEX agency_domain_agency ON agency_domain (agency);"
	"ALTER TABLE agency ADD COLUMN second_approver INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE type ADD COLUMN second_approver INTEGER NOT NULL DEFAULT 0;"

	/* person.fingerprint is the one with which somebody was added first; which of them open the desk stands here */
	"CREATE TABLE person_certificate ("
	" fingerprint BLOB PRIMARY KEY CHECK (length(fingerprint) = 32),"
	" person INTEGER NOT NULL REFERENCES person (id),"
	" not_after INTEGER NOT NULL," /* 0: was not written down */
	" created INTEGER NOT NULL,"
	" retired INTEGER NOT NULL DEFAULT 0"
	") STRICT;"
	"CREATE INDEX person_certificate_person ON person_certificate (person);"
	"INSERT INTO person_certificate (fingerprint, person, not_after, created) SELECT fingerprint, id, 0, created FROM person;"
	"PRAGMA user_version = 9;",

	/* words are one text a row, and the index is of that (words.h); dates and states of the list are read from indexes alone */
	"DROP TABLE token_search;"
	"CREATE TABLE token_search ("
	" id INTEGER PRIMARY KEY,"
	" words TEXT NOT NULL"
	") STRICT;"
	"CREATE VIRTUAL TABLE token_index USING fts5 (words, content = '', prefix = '2 3', columnsize = 0, tokenize = 'unicode61 remove_diacritics 0');"
	"INSERT INTO token_search (id, words) SELECT id, words(customer, email, '', '') FROM token;"
	"INSERT INTO token_index (rowid, words) SELECT id, words FROM token_search;"

	"CREATE TABLE request_search ("
	" number INTEGER PRIMARY KEY,"
	" words TEXT NOT NULL"
	") STRICT;"
	"CREATE VIRTUAL TABLE request_index USING fts5 (words, content = '', prefix = '2 3', columnsize = 0, tokenize = 'unicode61 remove_diacritics 0');"
	"INSERT INTO request_search (number, words) SELECT number, words(customer, email, serial, certificate_serial) FROM request;"
	"INSERT INTO request_index (rowid, words) SELECT number, words FROM request_search;"
	"CREATE INDEX request_created ON request (created, number);"
	"DROP INDEX request_state;"
	"CREATE INDEX request_state ON request (state, number, created);"
	"PRAGMA user_version = 10;",

	/* the chain (chain.h): what was there before is put aside and sealed in the same transaction */
	"DROP TRIGGER audit_kept;"
	"DROP TRIGGER audit_there;"
	"DROP INDEX audit_request;"
	"DROP INDEX audit_opened;"
	"DROP INDEX audit_alarm;"
	"DROP INDEX audit_token;"
	"ALTER TABLE audit RENAME TO audit_unsealed;"
	"CREATE TABLE audit ("
	" id INTEGER PRIMARY KEY," /* its place, without a gap */
	" created INTEGER NOT NULL,"
	" who TEXT NOT NULL,"
	" person INTEGER NOT NULL,"
	" what TEXT NOT NULL,"
	" number INTEGER NOT NULL,"
	" token INTEGER NOT NULL,"
	" detail TEXT NOT NULL,"
	" note BLOB NOT NULL," /* hash of the note, or empty */
	" prev BLOB NOT NULL CHECK (length(prev) = 32),"
	" hash BLOB NOT NULL CHECK (length(hash) = 32)"
	") STRICT;"
	"CREATE INDEX audit_request ON audit (number);"
	"CREATE INDEX audit_token ON audit (token) WHERE token <> 0;"
	"CREATE INDEX audit_opened ON audit (created) WHERE what IN ('release', 'export');"
	"CREATE INDEX audit_alarm ON audit (created) WHERE what = 'alarm';"
	"CREATE INDEX audit_view ON audit (person, number, token, created) WHERE what = 'view';"
	"CREATE INDEX audit_erase ON audit (created) WHERE what = 'erase';"
	"CREATE TABLE audit_note ("
	" id INTEGER PRIMARY KEY REFERENCES audit (id),"
	" created INTEGER NOT NULL," /* the row's */
	" salt BLOB NOT NULL CHECK (length(salt) = 16),"
	" actor TEXT NOT NULL,"
	" text TEXT NOT NULL"
	") STRICT;"
	"CREATE INDEX audit_note_created ON audit_note (created);"
	"CREATE TABLE audit_head (" /* one row: who changes it has the next place */
	" id INTEGER PRIMARY KEY CHECK (id = 1),"
	" seq INTEGER NOT NULL,"
	" hash BLOB NOT NULL CHECK (length(hash) = 32)"
	") STRICT;"
	"INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, x'0000000000000000000000000000000000000000000000000000000000000000');"
	"CREATE TRIGGER audit_kept BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit rows are only added'); END;"
	"CREATE TRIGGER audit_there BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit rows are only added'); END;"
	"CREATE TRIGGER audit_said BEFORE UPDATE ON audit_note BEGIN SELECT RAISE(ABORT, 'notes are only added and erased'); END;"
	"ALTER TABLE request ADD COLUMN erased INTEGER NOT NULL DEFAULT 0;"
	"CREATE INDEX request_kept ON request (changed) WHERE erased = 0;"
	"PRAGMA user_version = 11;",

	/* what statistics.c counts, in its order; days are Vietnam's */
	"CREATE INDEX request_report ON request (((created + 25200) / 86400), agency, state, manufacturer, model);"
	"CREATE INDEX request_waits ON request (((created + 25200) / 86400), ((decided - created) / 60), agency) WHERE decided > 0 AND state <> 'refused';"
	"PRAGMA user_version = 12;",

	"CREATE TABLE enrolment ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT," /* never used again: audit rows name it */
	" name TEXT NOT NULL,"
	" role TEXT NOT NULL,"
	" agency TEXT NOT NULL,"
	" fingerprint BLOB NOT NULL,"
	" not_after INTEGER NOT NULL,"
	" reason TEXT NOT NULL,"
	" proposer INTEGER NOT NULL REFERENCES person (id),"
	" created INTEGER NOT NULL,"
	" expires INTEGER NOT NULL,"
	" state TEXT NOT NULL DEFAULT 'open',"
	" decider INTEGER REFERENCES person (id),"
	" decided INTEGER NOT NULL DEFAULT 0,"
	" note TEXT NOT NULL DEFAULT ''"
	") STRICT;"
	"CREATE INDEX enrolment_open ON enrolment (id) WHERE state = 'open';"
	"PRAGMA user_version = 13;",

	"ALTER TABLE type ADD COLUMN so_tries INTEGER NOT NULL DEFAULT 0;" /* of the types that are there nobody has said it */
	"PRAGMA user_version = 14;",

	/* what was given up, but for what had nothing to say any more */
	"CREATE INDEX outbox_failed ON outbox (id) WHERE state = 'failed' AND error <> 'state_wrong';"
	"PRAGMA user_version = 15;",

	/* nothing in SQLite: PostgreSQL's index of words is in parts */
	"PRAGMA user_version = 16;",

	/* one kind more; SQLite changes no CHECK of a table that is there */
	"ALTER TABLE proposal RENAME TO proposal_before;"
	"DROP INDEX proposal_open;"
	"DROP INDEX proposal_token;"
	"CREATE TABLE proposal ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" token INTEGER NOT NULL REFERENCES token (id),"
	" kind TEXT NOT NULL CHECK (kind IN ('replace', 'cure', 'restore', 'reinstate')),"
	" version INTEGER NOT NULL,"
	" sealed BLOB NOT NULL,"
	" compared TEXT NOT NULL,"
	" active INTEGER NOT NULL,"
	" next INTEGER NOT NULL,"
	" life TEXT NOT NULL,"
	" reason TEXT NOT NULL,"
	" proposer INTEGER NOT NULL REFERENCES person (id),"
	" created INTEGER NOT NULL,"
	" expires INTEGER NOT NULL,"
	" state TEXT NOT NULL DEFAULT 'open',"
	" decider INTEGER REFERENCES person (id),"
	" decided INTEGER NOT NULL DEFAULT 0,"
	" note TEXT NOT NULL DEFAULT ''"
	") STRICT;"
	"INSERT INTO proposal (id, token, kind, version, sealed, compared, active, next, life, reason, proposer, created, expires, state, decider, decided, note)"
	" SELECT id, token, kind, version, sealed, compared, active, next, life, reason, proposer, created, expires, state, decider, decided, note FROM proposal_before;"
	/* no number is used again, whatever has become of its row */
	"UPDATE sqlite_sequence SET seq = (SELECT max(seq) FROM sqlite_sequence WHERE name IN ('proposal', 'proposal_before')) WHERE name = 'proposal';"
	"DROP TABLE proposal_before;"
	"CREATE UNIQUE INDEX proposal_open ON proposal (token) WHERE state = 'open';"
	"CREATE INDEX proposal_token ON proposal (token);"
	"PRAGMA user_version = 17;",

	/* nothing in SQLite, which counts along an index of expressions as it is */
	"PRAGMA user_version = 18;",

	"ALTER TABLE token ADD COLUMN rotation_tries INTEGER NOT NULL DEFAULT 0;"
	"UPDATE token SET rotation_tries = 1 WHERE next IS NOT NULL;"
	"PRAGMA user_version = 19;",

	/* by what the log is known that the tokens' lines are in: at most one row */
	"CREATE TABLE escrow_log (mark TEXT NOT NULL) STRICT;"
	"PRAGMA user_version = 20;",

	/* each word stands there with the number of its row's part, so that the newest rows can be asked alone (row_search.h); so short are a part's lists that beginnings want no index */
	"DROP TABLE request_index;"
	"CREATE VIRTUAL TABLE request_index USING fts5 (words, content = '', columnsize = 0, tokenize = 'unicode61 remove_diacritics 0');"
	"INSERT INTO request_index (rowid, words) SELECT number, replace(words, ' ', ' ' || (number >> 17)) FROM request_search;"
	"PRAGMA user_version = 21;",
};

#define SEALED_SINCE 11 /* the version with which the audit became a chain */

#define STEP_COUNT ((int64_t)(sizeof(steps) / sizeof(steps[0])))

int64_t
schema_newest(void)
{
	return STEP_COUNT;
}

const char *
schema_step(int64_t from)
{
	return steps[from];
}

static enum err
run_postgresql(struct store *s, int64_t version)
{
	struct buf sql = buf_new(POSTGRES_SQL_MAX);
	const char *own = schema_postgresql_step(version);
	enum err e;

	postgres_script(own != NULL ? own : steps[version], &sql);
	e = buf_error(&sql);
	if (e == ERR_OK)
		e = s->database->script(s, (const char *)sql.data);
	buf_free(&sql);
	return e;
}

/* One step, which sets the version. */
static enum err
take_step(struct store *s, int64_t version, int64_t *ret_version)
{
	enum err e = s->database == &database_sqlite ? s->database->script(s, steps[version]) : run_postgresql(s, version);

	if (e == ERR_OK)
		e = s->database->version(s, ret_version);
	return e == ERR_OK && *ret_version <= version ? ERR_STORE_FAILED : e;
}

enum err
schema_migrate(struct store *s)
{
	int64_t version = 0;
	bool seals;
	enum err e = s->database->version(s, &version);

	if (e == ERR_OK && version == STEP_COUNT)
		return ERR_OK;
	if (e == ERR_OK)
		e = store_begin(s);
	/* again inside: another process may have been faster */
	if (e == ERR_OK)
		e = s->database->version(s, &version);
	if (e == ERR_OK && (version < 0 || version > STEP_COUNT)) {
		log_error("store", "version=%lld known=%lld cause=written by another version", (long long)version, (long long)STEP_COUNT);
		e = ERR_STORE_FAILED;
	}
	seals = version < SEALED_SINCE;
	while (e == ERR_OK && version < STEP_COUNT)
		e = take_step(s, version, &version);
	if (e == ERR_OK && seals)
		e = chain_seal_old(s);
	if (e == ERR_OK)
		e = store_commit(s);
	if (e != ERR_OK)
		store_rollback(s);
	return e;
}
