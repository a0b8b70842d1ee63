/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, transactions, people, tokens and their sealed rows, audit. */
#include "chain.h"
#include "check.h"
#include "scratch.h"
#include "scratch_database.h"

#include <stdlib.h>
#include <unistd.h>

static bool
behind_its_back(const struct scratch *s, const char *sql)
{
	return scratch_database_run(s->path, sql);
}

static void
test_open(void)
{
	struct scratch s = scratch_new();
	struct store *other = NULL;

	CHECK(store_open(s.path, &other) == ERR_OK);
	store_close(other);
	other = NULL;
	CHECK(store_open("/nonexistent/folder/tms.sqlite", &other) == ERR_STORE_FAILED && other == NULL);
	CHECK(behind_its_back(&s, scratch_is_postgresql() ? "UPDATE schema_version SET version = 99" : "PRAGMA user_version = 99"));
	CHECK(store_open(s.path, &other) == ERR_STORE_FAILED && other == NULL);
	scratch_free(&s);
	store_close(NULL);
}

static void
test_transactions(void)
{
	struct scratch s = scratch_new();
	struct store_person p = scratch_person(1, STORE_APPROVER);
	struct store_person read;
	struct store *other = NULL;
	int64_t id = 0;

	CHECK(store_begin(s.store) == ERR_OK);
	CHECK(store_person_put(s.store, &p, &id) == ERR_OK);
	CHECK(store_open(s.path, &other) == ERR_OK);
	CHECK(store_person_by_id(other, id, &read) == ERR_ADMIN_UNKNOWN); /* not before the commit */
	store_rollback(s.store);
	CHECK(store_person_by_id(s.store, id, &read) == ERR_ADMIN_UNKNOWN);
	CHECK(store_begin(s.store) == ERR_OK);
	CHECK(store_begin(s.store) == ERR_STORE_FAILED); /* they do not nest */
	CHECK(store_person_put(s.store, &p, &id) == ERR_OK);
	CHECK(store_commit(s.store) == ERR_OK);
	CHECK(store_person_by_id(other, id, &read) == ERR_OK);
	CHECK(store_commit(s.store) == ERR_STORE_FAILED); /* nothing is open */
	store_rollback(s.store);			  /* and this is harmless */
	store_close(other);
	scratch_free(&s);
}

static void
test_people(void)
{
	struct scratch s = scratch_new();
	struct store_person p = scratch_person(1, STORE_APPROVER);
	struct store_person read;
	int64_t first = 0;
	int64_t again = 0;

	for (int role = 0; role < STORE_ROLE_COUNT; role++)
		CHECK(store_role_from_name(store_role_name((enum store_role)role)) == (enum store_role)role);
	CHECK(store_role_from_name("root") == STORE_ROLE_COUNT);
	CHECK_TEXT(store_role_name(STORE_ROLE_COUNT), "");
	CHECK(store_person_by_fingerprint(s.store, p.fingerprint, &read) == ERR_ADMIN_UNKNOWN);
	CHECK(store_person_put(s.store, &p, &first) == ERR_OK);
	CHECK(store_person_by_fingerprint(s.store, p.fingerprint, &read) == ERR_OK);
	CHECK(read.id == first && read.role == STORE_APPROVER && read.created == SCRATCH_NOW);
	CHECK(memcmp(read.fingerprint, p.fingerprint, sizeof(p.fingerprint)) == 0);
	CHECK_TEXT(read.name, p.name);
	p.role = STORE_AUDITOR;
	CHECK(store_person_put(s.store, &p, &again) == ERR_OK && again == first);
	CHECK(store_person_by_id(s.store, first, &read) == ERR_OK && read.role == STORE_AUDITOR);
	scratch_free(&s);
}

static void
see_agency(const struct store_agency *a, void *context)
{
	char *seen = context;

	strcat(seen, a->id);
	strcat(seen, " ");
}

static void
test_agencies(void)
{
	struct scratch s = scratch_new();
	struct store_agency a = { .id = "an-khang", .name = "Đại lý An Khang", .origins = "https://an.example https://b.example:8443", .created = SCRATCH_NOW };
	struct store_agency read = { .id = "" };
	char seen[100] = "";
	const char *const good[] = { "a", "0", "an-khang", "a-", "abcdefghijklmnopqrstuvwxyz012345" };
	const char *const bad[] = { "", "-a", "A", "a b", "a/b", "a\"b", "..", "đ", "abcdefghijklmnopqrstuvwxyz0123456" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CHECK(store_agency_id_ok(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!store_agency_id_ok(bad[i]));
	CHECK(store_agency_by_id(s.store, a.id, &read) == ERR_AGENCY_UNKNOWN);
	CHECK(store_agency_put(s.store, &a, false) == ERR_OK);
	CHECK(store_agency_by_id(s.store, a.id, &read) == ERR_OK && read.created == SCRATCH_NOW);
	CHECK_TEXT(read.name, a.name);
	CHECK_TEXT(read.origins, a.origins);
	strcpy(a.origins, "https://c.example");
	a.created++;
	CHECK(store_agency_put(s.store, &a, false) == ERR_AGENCY_EXISTS);
	CHECK(store_agency_by_id(s.store, a.id, &read) == ERR_OK);
	CHECK_TEXT(read.origins, "https://an.example https://b.example:8443"); /* not overwritten */
	CHECK(store_agency_put(s.store, &a, true) == ERR_OK);
	CHECK(store_agency_by_id(s.store, a.id, &read) == ERR_OK && read.created == SCRATCH_NOW);
	CHECK_TEXT(read.origins, a.origins);
	strcpy(a.id, "aa");
	CHECK(store_agency_put(s.store, &a, false) == ERR_OK);
	CHECK(store_agency_list(s.store, see_agency, seen) == ERR_OK);
	CHECK_TEXT(seen, "aa an-khang ");
	CHECK(store_agency_remove(s.store, "aa") == ERR_OK && store_agency_remove(s.store, "aa") == ERR_AGENCY_UNKNOWN);
	CHECK(store_agency_by_id(s.store, "aa", &read) == ERR_AGENCY_UNKNOWN);
	scratch_free(&s);
}

static void
see_notice(const struct store_notice *n, void *context)
{
	char *seen = context;

	sprintf(seen + strlen(seen), "%lld:%s ", (long long)n->id, store_severity_name(n->severity));
}

static void
see_due(struct scratch *s, int64_t now, unsigned max, const char *want)
{
	char seen[200] = "";

	CHECK(store_notice_due(s->store, now, max, see_notice, seen) == ERR_OK);
	CHECK_TEXT(seen, want);
}

static void
copy_notice(const struct store_notice *n, void *context)
{
	*(struct store_notice *)context = *n;
}

static void
test_notices(void)
{
	struct scratch s = scratch_new();
	struct store_notice n = { .severity = STORE_WARNING, .title_vi = "Bảo trì", .text_vi = "Đêm nay.", .title_en = "Maintenance", .text_en = "Tonight.", .created = SCRATCH_NOW };
	struct store_notice read = { .id = 0 };
	char seen[200] = "";
	int64_t id = 0;

	CHECK(store_severity_from_name("info") == STORE_INFO && store_severity_from_name("warning") == STORE_WARNING);
	CHECK(store_severity_from_name("") == STORE_SEVERITY_COUNT && store_severity_from_name("Info") == STORE_SEVERITY_COUNT);
	CHECK_TEXT(store_severity_name(STORE_SEVERITY_COUNT), "");
	CHECK(store_notice_remove(s.store, 1) == ERR_NOTICE_UNKNOWN);
	see_due(&s, SCRATCH_NOW, 8, "");
	n.starts = SCRATCH_NOW;
	n.ends = SCRATCH_NOW + 10;
	CHECK(store_notice_add(s.store, &n, &id) == ERR_OK && id == 1);
	CHECK(store_notice_due(s.store, SCRATCH_NOW, 8, copy_notice, &read) == ERR_OK);
	n.id = 1;
	CHECK(memcmp(&read.starts, &n.starts, 3 * sizeof(n.starts)) == 0 && read.id == 1 && read.severity == STORE_WARNING);
	CHECK_TEXT(read.title_vi, n.title_vi);
	CHECK_TEXT(read.text_vi, n.text_vi);
	CHECK_TEXT(read.title_en, n.title_en);
	CHECK_TEXT(read.text_en, n.text_en);
	see_due(&s, SCRATCH_NOW - 1, 8, "");
	see_due(&s, SCRATCH_NOW + 9, 8, "1:warning ");
	see_due(&s, SCRATCH_NOW + 10, 8, "");
	n.severity = STORE_INFO;
	n.starts = n.ends = 0;
	for (int64_t want = 2; want <= 3; want++)
		CHECK(store_notice_add(s.store, &n, &id) == ERR_OK && id == want);
	see_due(&s, 0, 8, "3:info 2:info ");
	see_due(&s, SCRATCH_NOW, 8, "1:warning 3:info 2:info ");
	see_due(&s, SCRATCH_NOW, 2, "1:warning 3:info ");
	CHECK(store_notice_remove(s.store, 3) == ERR_OK && store_notice_remove(s.store, 3) == ERR_NOTICE_UNKNOWN);
	CHECK(store_notice_add(s.store, &n, &id) == ERR_OK && id == 4); /* a number is never used again */
	CHECK(store_notice_list(s.store, see_notice, seen) == ERR_OK);
	CHECK_TEXT(seen, "1:warning 2:info 4:info ");
	CHECK(!behind_its_back(&s, "UPDATE notice SET severity = 'loud'"));
	scratch_free(&s);
}

static void
test_import(void)
{
	struct scratch s = scratch_new();
	struct store_token t = scratch_token(1);
	struct store_token read;
	struct store_escrow row;
	unsigned char sealed[TRANSCRIPT_ESCROW_ROW_LEN];
	int64_t id = 0;
	int64_t count = -1;

	memset(sealed, 0xab, sizeof(sealed));
	CHECK(store_token_by_name(s.store, &t.name, &read) == ERR_ESCROW_MISSING);
	CHECK(store_token_import(s.store, &t, 1, sealed, &id) == ERR_OK);
	CHECK(store_token_by_name(s.store, &t.name, &read) == ERR_OK);
	CHECK(read.id == id && read.state == STORE_UNVERIFIED && read.next == 0 && read.failures == 0 && read.release == 0);
	CHECK(token_name_equal(&read.name, &t.name));
	CHECK_TEXT(read.customer, t.customer);
	CHECK_TEXT(read.email, t.email);
	CHECK_TEXT(read.certificate_serial, t.certificate_serial);
	CHECK(store_escrow_by_id(s.store, read.active, &row) == ERR_OK);
	CHECK(row.token == id && row.version == 1 && row.retired == 0 && memcmp(row.sealed, sealed, sizeof(sealed)) == 0);
	CHECK(store_escrow_by_id(s.store, read.active + 100, &row) == ERR_ESCROW_MISSING);
	memset(sealed, 0xcd, sizeof(sealed));
	CHECK(store_token_import(s.store, &t, 1, sealed, &id) == ERR_TOKEN_IMPORTED);
	CHECK(store_escrow_by_id(s.store, read.active, &row) == ERR_OK && row.sealed[0] == 0xab); /* not overwritten */
	t = scratch_token(1);
	strcpy(t.name.model, "another model"); /* the same serial by another model is another token */
	CHECK(store_begin(s.store) == ERR_OK);
	CHECK(store_token_import(s.store, &t, 1, sealed, &id) == ERR_OK);
	CHECK(store_token_import(s.store, &t, 1, sealed, &id) == ERR_TOKEN_IMPORTED);
	CHECK(store_commit(s.store) == ERR_OK);
	CHECK(store_token_count(s.store, &count) == ERR_OK && count == 2);
	scratch_free(&s);
}

/* Released, granted, rotated; then released and granted from the second candidate. */
static void
test_rotation(void)
{
	struct scratch s = scratch_new();
	struct store_token t = scratch_token(1);
	struct store_request r = scratch_request(1);
	struct store_escrow next = { .version = 2, .created = SCRATCH_NOW };
	struct store_escrow row;
	int64_t id = 0;
	int64_t number = 0;
	int64_t first;
	int64_t second = 0;

	memset(next.sealed, 0x77, sizeof(next.sealed));
	CHECK(store_token_import(s.store, &t, 1, next.sealed, &id) == ERR_OK);
	CHECK(store_request_insert(s.store, &r, "", 0, &number) == ERR_OK);
	CHECK(store_token_released(s.store, id, number, SCRATCH_NOW - 2) == ERR_OK);
	CHECK(store_token_released(s.store, id, number, SCRATCH_NOW - 1) == ERR_OK);
	CHECK(store_token_by_name(s.store, &t.name, &t) == ERR_OK && t.failures == 2 && t.release == number && t.exposed == SCRATCH_NOW - 2);
	first = t.active;
	next.token = id;
	CHECK(store_escrow_insert(s.store, &next, &second) == ERR_OK);
	CHECK(store_token_granted(s.store, id, first, second, SCRATCH_NOW + 1) == ERR_OK);
	CHECK(store_token_by_name(s.store, &t.name, &t) == ERR_OK && t.failures == 0 && t.active == first && t.next == second && t.rotation_tries == 1);
	CHECK(store_escrow_by_id(s.store, first, &row) == ERR_OK && row.retired == 0);
	CHECK(store_token_rotated(s.store, id, second, SCRATCH_NOW + 2) == ERR_OK);
	CHECK(store_token_by_name(s.store, &t.name, &t) == ERR_OK && t.active == second && t.next == 0);
	CHECK(store_escrow_by_id(s.store, first, &row) == ERR_OK && row.retired == SCRATCH_NOW + 2);
	CHECK(store_token_mark(s.store, id, STORE_SUSPECT) == ERR_OK);
	CHECK(store_token_by_name(s.store, &t.name, &t) == ERR_OK && t.state == STORE_SUSPECT);
	CHECK(store_token_released(s.store, id, number, SCRATCH_NOW) == ERR_OK && store_token_proved(s.store, id, true, 0, SCRATCH_NOW) == ERR_OK);
	CHECK(store_token_by_name(s.store, &t.name, &t) == ERR_OK && t.state == STORE_VERIFIED && t.failures == 0 && t.rotation_tries == 0 && t.exposed == 0);
	CHECK_TEXT(store_token_state_name(STORE_VERIFIED), "verified");
	CHECK_TEXT(store_token_state_name(STORE_TOKEN_STATE_COUNT), "");
	CHECK(behind_its_back(&s, "UPDATE token SET state = 'of tomorrow'"));
	CHECK(store_token_by_name(s.store, &t.name, &t) == ERR_OK && t.state == STORE_SUSPECT); /* an unknown word releases nothing */
	scratch_free(&s);
}

/* A row is sealed to another key as it is then: it has become a candidate, or is none any more, since it was read. */
static void
test_rewrap(void)
{
	struct scratch s = scratch_new();
	struct store_token t = scratch_token(1);
	struct store_escrow next = { .version = 2, .created = SCRATCH_NOW };
	struct store_sealed rows[3];
	unsigned char sealed[TRANSCRIPT_ESCROW_ROW_LEN];
	struct store_escrow row;
	size_t count = 0;
	bool candidate = false;

	memset(next.sealed, 0x77, sizeof(next.sealed));
	memset(sealed, 0x55, sizeof(sealed));
	CHECK(store_token_import(s.store, &t, 1, sealed, &next.token) == ERR_OK && store_token_by_name(s.store, &t.name, &t) == ERR_OK);
	CHECK(store_escrow_insert(s.store, &next, &next.id) == ERR_OK && store_token_granted(s.store, t.id, t.active, next.id, SCRATCH_NOW) == ERR_OK);
	CHECK(store_token_rotated(s.store, t.id, next.id, SCRATCH_NOW + 1) == ERR_OK);
	CHECK(store_escrow_walk(s.store, 0, "new", rows, 3, &count) == ERR_OK && count == 2 && !rows[0].candidate && rows[1].candidate);
	CHECK(behind_its_back(&s, "UPDATE escrow SET retired = CASE retired WHEN 0 THEN 1 ELSE 0 END"));
	memset(sealed, 0x99, sizeof(sealed));
	CHECK(store_escrow_rewrap(s.store, &rows[0], sealed, "new", &candidate) == ERR_OK && candidate);
	CHECK(store_escrow_rewrap(s.store, &rows[1], sealed, "new", &candidate) == ERR_OK && !candidate);
	CHECK(store_escrow_rewrap(s.store, &rows[0], sealed, "newer", &candidate) == ERR_OK && !candidate); /* another one was quicker */
	CHECK(store_escrow_by_id(s.store, rows[0].id, &row) == ERR_OK && memcmp(row.sealed, sealed, sizeof(sealed)) == 0);
	CHECK(store_escrow_walk(s.store, 0, "new", rows, 3, &count) == ERR_OK && count == 0);
	scratch_free(&s);
}

static void
count_type(const struct store_type *t, void *context)
{
	CHECK(t->id != 0);
	(*(unsigned *)context)++;
}

static void
count_module(const struct store_module *m, void *context)
{
	CHECK_TEXT(m->path, "/usr/lib/hang.so");
	(*(unsigned *)context)++;
}

struct seen {
	unsigned count;
	int64_t last;
	char what[32];
	char who[STORE_PERSON_SIZE];
};

static void
see(const struct store_audit *row, void *context)
{
	struct seen *seen = context;

	seen->count++;
	CHECK(row->id > seen->last);
	seen->last = row->id;
	strcpy(seen->what, row->what);
	strcpy(seen->who, row->who);
}

static void
test_audit(void)
{
	struct scratch s = scratch_new();
	struct store_audit row = { .created = SCRATCH_NOW, .who = "tms", .what = "expire", .number = 7, .detail = "from=pending" };
	struct seen seen = { 0 };

	CHECK(store_audit_add(s.store, &row) == ERR_OK);
	strcpy(row.what, "release");
	CHECK(store_audit_add(s.store, &row) == ERR_OK);
	row.number = 0;
	CHECK(store_audit_add(s.store, &row) == ERR_OK);
	CHECK(store_audit_list(s.store, 7, see, &seen) == ERR_OK && seen.count == 2);
	CHECK_TEXT(seen.what, "release");
	CHECK(!behind_its_back(&s, "UPDATE audit SET who = 'nobody'"));
	CHECK(!behind_its_back(&s, "DELETE FROM audit"));
	seen = (struct seen){ 0 };
	CHECK(store_audit_list(s.store, 0, see, &seen) == ERR_OK && seen.count == 1);
	scratch_free(&s);
}

/* The row of the model comes before that of the manufacturer; what nobody has said anything of is what it always was. */
static void
test_types(void)
{
	struct scratch s = scratch_new();
	const struct token_name one = { "Maker", "A", "1" };
	const struct token_name other = { "Maker", "B", "1" };
	const struct token_name stranger = { "Nobody", "A", "1" };
	struct store_module m = { "Hãng", "linux", "hang", "/usr/lib/hang.so", "" };
	struct store_type t = { .name = "every model", .manufacturer = "Maker", .rotation = true, .created = SCRATCH_NOW };
	struct store_type read;
	unsigned count = 0;

	t.policy.family = FAMILY_SO_PIN;
	CHECK(store_type_put(s.store, &t) == ERR_OK);
	t = (struct store_type){ .name = "one model", .vendor = "Hãng", .manufacturer = "Maker", .model = "A", .key_length = 8, .key_characters = CHARACTERS_DIGITS, .so_tries = 3 };
	t.policy = (struct token_policy){ FAMILY_PUK, 6, 8, CHARACTERS_ALPHANUMERIC, true };
	CHECK(store_type_put(s.store, &t) == ERR_VENDOR_UNKNOWN); /* no such vendor */
	CHECK(store_module_put(s.store, &m, SCRATCH_NOW) == ERR_OK && store_module_put(s.store, &m, SCRATCH_NOW) == ERR_OK);
	CHECK(store_type_put(s.store, &t) == ERR_OK);
	CHECK(store_type_of(s.store, &one, &read) == ERR_OK && read.policy.family == FAMILY_PUK && read.policy.pin_min == 6 && read.policy.pin_max == 8);
	CHECK(read.policy.pin_characters == CHARACTERS_ALPHANUMERIC && read.policy.flags_reliable && !read.rotation && read.key_length == 8 && read.key_characters == CHARACTERS_DIGITS);
	CHECK_TEXT(read.vendor, "Hãng");
	CHECK(read.so_tries == 3);
	CHECK(store_type_of(s.store, &other, &read) == ERR_OK && read.policy.family == FAMILY_SO_PIN && read.rotation && read.id != 0 && read.so_tries == 0);
	CHECK(store_type_of(s.store, &stranger, &read) == ERR_OK && read.id == 0 && read.policy.family == FAMILY_SO_PIN && read.rotation && !read.policy.flags_reliable);
	t.policy.family = FAMILY_NONE;
	t.so_tries = 255;
	CHECK(store_type_put(s.store, &t) == ERR_OK); /* in place of what was said before */
	CHECK(store_type_of(s.store, &one, &read) == ERR_OK && read.policy.family == FAMILY_NONE && read.so_tries == 255);
	CHECK(behind_its_back(&s, "UPDATE type SET family = 'of tomorrow', pin_characters = 'emoji', so_tries = 256"));
	CHECK(store_type_of(s.store, &one, &read) == ERR_OK && read.policy.family == FAMILY_NONE && read.policy.pin_characters == CHARACTERS_DIGITS && read.so_tries == 3);
	CHECK(store_type_list(s.store, count_type, &count) == ERR_OK && count == 2);
	count = 0;
	CHECK(store_module_list(s.store, count_module, &count) == ERR_OK && count == 1);
	scratch_free(&s);
}

/* What was there before the chain: the words of a row are in it, and what was typed, and the name of nobody who is known, beside it. */
static void
test_sealed(struct scratch *s)
{
	static const char *const who[] = { "host", "person", "person", "tms" };
	static const char *const details[] = { "state=pending", "from=pending to=approved how=form", "error=phrase_mismatch", "rows=3" };
	static const char *const notes[] = { "reason=locked address=192.0.2.1", "reference=name=x email=a@b.vn", "", "" };
	static const char *const shown[] = { "host", "An", "Ai đó", "tms" };
	struct chain_row row;
	struct seen seen = { 0 };
	bool found = false;

	for (int64_t i = 0; i < 4; i++) {
		CHECK(chain_at(s->store, i + 1, &row, &found) == ERR_OK && found);
		CHECK_TEXT(row.row.who, who[i]);
		CHECK_TEXT(row.row.detail, details[i]);
		CHECK_TEXT(row.note.text, notes[i]);
		CHECK_TEXT(row.note.actor, i == 2 ? "Ai đó" : "");
		CHECK((row.row.person != 0) == (i == 1));
	}
	CHECK_TEXT(row.row.what, "seal");
	CHECK(store_audit_list(s->store, 7, see, &seen) == ERR_OK && seen.count == 3);
	CHECK_TEXT(seen.who, shown[2]);
}

/* A file of the first version, with a request that was released under it, is brought to this one. */
static void
test_migration(void)
{
	struct scratch s = scratch_new();
	struct store_token t = scratch_token(1);
	struct store_request r = scratch_request(1);
	struct store_release given = { .nonce = { 1 }, .answer.ciphertext_len = 7 };
	struct store_release read;
	const unsigned char sealed[TRANSCRIPT_ESCROW_ROW_LEN] = { 4 };
	int64_t id = 0;

	CHECK(store_token_import(s.store, &t, 1, sealed, &id) == ERR_OK && store_request_insert(s.store, &r, "", 0, &given.number) == ERR_OK);
	CHECK(store_token_by_name(s.store, &t.name, &t) == ERR_OK);
	given.candidates[0] = t.active;
	CHECK(store_release_insert(s.store, &given) == ERR_OK);
	store_close(s.store);
	s.store = NULL;
	CHECK(behind_its_back(&s,
	    "DROP INDEX request_report; DROP INDEX request_waits; DROP TABLE enrolment; DROP TABLE person_certificate; DROP TABLE agency_domain; DROP INDEX token_agency; DROP INDEX request_agency; DROP INDEX request_agency_changed; ALTER TABLE person DROP COLUMN agency;"
	    "ALTER TABLE token DROP COLUMN agency; ALTER TABLE request DROP COLUMN agency;"
	    "DROP TABLE request_search; DROP TABLE request_index; DROP INDEX request_created; DROP TABLE token_index; DROP TABLE proposal; DROP TABLE token_search; DROP INDEX token_life; DROP INDEX token_state; DROP INDEX token_manufacturer;"
	    "DROP INDEX token_model; DROP INDEX request_changed; DROP INDEX outbox_waiting; DROP INDEX outbox_failed; ALTER TABLE token DROP COLUMN life;"
	    "ALTER TABLE token DROP COLUMN rotation_tries; ALTER TABLE token DROP COLUMN restored; ALTER TABLE token DROP COLUMN exposed; ALTER TABLE release DROP COLUMN family; ALTER TABLE release DROP COLUMN rotation;"
	    "DROP INDEX escrow_shared; ALTER TABLE escrow DROP COLUMN shared; ALTER TABLE escrow DROP COLUMN key;"
	    "DROP INDEX request_kept; ALTER TABLE request DROP COLUMN erased; DROP TABLE audit_note; DROP TABLE audit_head; DROP TABLE audit;"
	    "CREATE TABLE audit (id INTEGER PRIMARY KEY AUTOINCREMENT, created INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, number INTEGER NOT NULL DEFAULT 0,"
	    " detail TEXT NOT NULL) STRICT; CREATE INDEX audit_request ON audit (number);"
	    "CREATE TRIGGER audit_kept BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, ''); END; CREATE TRIGGER audit_there BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, ''); END;"
	    "INSERT INTO person (fingerprint, name, role, created) VALUES (randomblob(32), 'An', 'approver', 1);"
	    "INSERT INTO audit (id, created, who, what, number, detail) VALUES (3, 5, 'host', 'create', 7, 'state=pending reason=locked address=192.0.2.1'),"
	    " (4, 6, 'An', 'approve', 7, 'from=pending to=approved how=form reference=name=x email=a@b.vn'), (9, 7, 'Ai đó', 'phrase', 7, 'error=phrase_mismatch');"
	    "DROP TABLE type; DROP TABLE module; DROP TABLE vendor; DROP TABLE agency; DROP TABLE notice; DROP TABLE escrow_log; PRAGMA user_version = 1"));
	CHECK(store_open(s.path, &s.store) == ERR_OK);
	test_sealed(&s);
	CHECK(store_release_of(s.store, given.number, &read) == ERR_OK && read.family == FAMILY_SO_PIN && read.rotation && read.candidates[0] == t.active);
	CHECK(read.answer.ciphertext_len == 7);
	CHECK(store_token_by_name(s.store, &t.name, &t) == ERR_OK && t.exposed == 0);
	CHECK(store_token_proved(s.store, t.id, false, 0, SCRATCH_NOW) == ERR_OK);
	CHECK(store_token_by_name(s.store, &t.name, &t) == ERR_OK && t.exposed == SCRATCH_NOW);
	CHECK(store_token_proved(s.store, t.id, true, 0, SCRATCH_NOW + 1) == ERR_OK);
	CHECK(store_token_by_name(s.store, &t.name, &t) == ERR_OK && t.exposed == 0);
	scratch_free(&s);
}

int
main(void)
{
	test_open();
	test_transactions();
	test_people();
	test_agencies();
	test_notices();
	test_import();
	test_rotation();
	test_rewrap();
	test_audit();
	test_types();
	/* no database of PostgreSQL is older than its first tables */
	if (!scratch_is_postgresql())
		test_migration();
	return CHECK_DONE();
}
