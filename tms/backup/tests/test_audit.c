/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit chain: what somebody does to it who has the database and not the server's key is found, named by its row and its kind; what the server does itself (erasing, many
 * writers, a death between a commit and its anchor, a restore) is not taken for it.
 */
#include "anchor.h"
#include "audit_check.h"
#include "backup.h"
#include "check.h"
#include "erase.h"
#include "os.h"
#include "view.h"
#include "world.h"

#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROWS	    1000
#define ANCHOR_STEP 100
#define WRITERS	    8
#define WRITES	    100
#define KILLS	    20

static void
add_row(struct store *s, unsigned n, const char *note)
{
	struct store_audit a = { .created = SCRATCH_NOW + n, .who = "host", .number = n % 97, .token = n % 13 };

	snprintf(a.what, sizeof(a.what), "%s", n % 2 == 0 ? "approve" : "code");
	snprintf(a.detail, sizeof(a.detail), "n=%u", n);
	snprintf(a.note, sizeof(a.note), "%s", note);
	CHECK(store_audit_add(s, &a) == ERR_OK);
}

/* With a note at every third row, and an anchor at every hundredth. */
static void
fill(struct world *w, unsigned rows)
{
	char note[64];
	int64_t anchored;

	for (unsigned n = 1; n <= rows; n++) {
		if (n % ANCHOR_STEP == 1)
			CHECK(store_begin(w->scratch.store) == ERR_OK);
		snprintf(note, sizeof(note), "reference=số %u", n);
		add_row(w->scratch.store, n, n % 3 == 0 ? note : "");
		if (n % ANCHOR_STEP == 0 || n == rows)
			CHECK(store_commit(w->scratch.store) == ERR_OK);
		if (n % ANCHOR_STEP == 0)
			CHECK(anchor_write(w->service, w->scratch.store, w->now, &anchored) == ERR_OK && anchored >= (int64_t)n);
	}
}

static struct audit_check
look(struct world *w, int64_t from)
{
	struct audit_check c = { .fault = AUDIT_FAULT_COUNT };
	struct anchor_list anchors;

	CHECK(anchor_read(w->config.audit_anchor, (const unsigned char(*)[KEY_SIG_PK_LEN])w->tms_pk, 1, &anchors) == ERR_OK);
	CHECK(audit_check(w->scratch.store, &anchors, from, NULL, &c) == ERR_OK);
	anchor_list_free(&anchors);
	return c;
}

static bool
found(struct world *w, enum audit_fault fault, int64_t row)
{
	struct audit_check c = look(w, 1);
	bool right = c.fault == fault && c.row == row;

	if (!right)
		printf("  %s row=%lld other=%lld, expected %s row=%lld\n", audit_fault_name(c.fault), (long long)c.row, (long long)c.other, audit_fault_name(fault), (long long)row);
	return right;
}

/* ---- somebody who has the database ---- */

struct thief {
	struct world *world;
	sqlite3 *db;
};

/* One statement after the other; ?1 and ?2 are a and b. */
static void
run_sql(struct thief *t, const char *sql, int64_t a, int64_t b)
{
	sqlite3_stmt *stmt = NULL;
	int code = SQLITE_DONE;

	while (code == SQLITE_DONE && sql[strspn(sql, " ;")] != '\0') {
		code = sqlite3_prepare_v2(t->db, sql, -1, &stmt, &sql);
		if (code != SQLITE_OK)
			break;
		for (int i = 1; i <= sqlite3_bind_parameter_count(stmt); i++)
			sqlite3_bind_int64(stmt, i, i == 1 ? a : b);
		while (sqlite3_step(stmt) == SQLITE_ROW)
			;
		code = sqlite3_finalize(stmt) == SQLITE_OK ? SQLITE_DONE : SQLITE_ERROR;
	}
	if (!CHECK(code == SQLITE_DONE))
		printf("  %s\n", sqlite3_errmsg(t->db));
}

static struct thief
thief_new(struct world *w)
{
	struct thief t = { .world = w };

	CHECK(sqlite3_open(w->scratch.path, &t.db) == SQLITE_OK);
	sqlite3_busy_timeout(t.db, 5000);
	run_sql(&t, "PRAGMA synchronous = OFF; DROP TRIGGER audit_kept; DROP TRIGGER audit_there; DROP TRIGGER audit_said;", 0, 0);
	run_sql(&t, "CREATE TABLE audit_copy AS SELECT * FROM audit; CREATE TABLE note_copy AS SELECT * FROM audit_note; CREATE TABLE head_copy AS SELECT * FROM audit_head;", 0, 0);
	return t;
}

static void
thief_free(struct thief *t)
{
	sqlite3_close(t->db);
}

/* As it was. */
static void
put_back(struct thief *t)
{
	run_sql(t, "BEGIN; DELETE FROM audit_note; DELETE FROM audit; DELETE FROM audit_head; INSERT INTO audit SELECT * FROM audit_copy;"
		   " INSERT INTO audit_note SELECT * FROM note_copy; INSERT INTO audit_head SELECT * FROM head_copy; COMMIT;",
	    0, 0);
}

/* Every column in its turn; a row with a note has two more. */
static bool
flip(struct thief *t, int64_t row)
{
	static const char *const changes[] = {
		"UPDATE audit SET created = created + 1 WHERE id = ?1",
		"UPDATE audit SET who = 'tms' WHERE id = ?1",
		"UPDATE audit SET person = 1 WHERE id = ?1",
		"UPDATE audit SET what = 'refuse' WHERE id = ?1",
		"UPDATE audit SET number = number + 1 WHERE id = ?1",
		"UPDATE audit SET token = token + 1 WHERE id = ?1",
		"UPDATE audit SET detail = detail || '0' WHERE id = ?1",
		"UPDATE audit SET prev = zeroblob(32) WHERE id = ?1",
		"UPDATE audit SET hash = zeroblob(32) WHERE id = ?1",
		"UPDATE audit SET note = zeroblob(32) WHERE id = ?1",
		"UPDATE audit_note SET text = text || ' ' WHERE id = ?1",
		"UPDATE audit_note SET actor = 'An' WHERE id = ?1",
		"UPDATE audit_note SET salt = zeroblob(16) WHERE id = ?1",
		"DELETE FROM audit_note WHERE id = ?1",
	};
	bool noted = row % 3 == 0;
	size_t which = (size_t)row / 3 % (noted ? 14 : 10);

	/* the first row follows nothing, which is what a flipped prev would say of it */
	if (row == 1)
		which = 6;
	run_sql(t, changes[which], row, 0);
	return found(t->world, which < 10 ? AUDIT_CHANGED : which < 13 ? AUDIT_NOTE_CHANGED
								       : AUDIT_NOTE_MISSING,
	    row);
}

static void
renumber(struct thief *t, int64_t from, int64_t by)
{
	run_sql(t, "UPDATE audit SET id = -(id + ?1) WHERE id >= ?2", by, from);
	run_sql(t, "UPDATE audit SET id = -id WHERE id < 0", 0, 0);
	run_sql(t, "UPDATE audit_note SET id = -(id + ?1) WHERE id >= ?2", by, from);
	run_sql(t, "UPDATE audit_note SET id = -id WHERE id < 0", 0, 0);
	run_sql(t, "UPDATE audit_head SET seq = (SELECT max(id) FROM audit), hash = (SELECT hash FROM audit ORDER BY id DESC LIMIT 1)", 0, 0);
}

/* With a gap, and with the rows behind it moved up. */
static bool
take_out(struct thief *t, int64_t row)
{
	run_sql(t, "DELETE FROM audit_note WHERE id = ?1; DELETE FROM audit WHERE id = ?1", row, row);
	if (row % 2 == 0)
		renumber(t, row + 1, -1);
	return found(t->world, row < ROWS ? AUDIT_MISSING : AUDIT_CUT_OFF, row);
}

static bool
swap(struct thief *t, int64_t row)
{
	int64_t other = row < ROWS ? row + 1 + (row * 7919) % (ROWS - row) : row - 1;
	int64_t first = row < other ? row : other;

	run_sql(t, "UPDATE audit SET id = -id WHERE id IN (?1, ?2)", row, other);
	run_sql(t, "UPDATE audit SET id = ?1 WHERE id = -?2", other, row);
	run_sql(t, "UPDATE audit SET id = ?1 WHERE id = -?2", row, other);
	return found(t->world, AUDIT_SWAPPED, first);
}

/* A row that says something else, hashed as it should be behind the one before it or not at all. */
static void
forge(struct thief *t, int64_t seq, bool hashed)
{
	struct chain_row before = { .has_note = false };
	struct chain_row r = { .row = { .id = seq, .created = SCRATCH_NOW, .who = "host", .what = "approve", .detail = "forged" } };
	sqlite3_stmt *stmt = NULL;
	bool there = false;

	CHECK(chain_at(t->world->scratch.store, seq - 1, &before, &there) == ERR_OK);
	memcpy(r.prev, before.hash, sizeof(r.prev));
	if (hashed)
		CHECK(chain_hash(&r, seq, r.prev, r.hash) == ERR_OK);
	CHECK(sqlite3_prepare_v2(t->db, "INSERT INTO audit VALUES (?, ?, 'host', 0, 'approve', 0, 0, 'forged', x'', ?, ?)", -1, &stmt, NULL) == SQLITE_OK);
	sqlite3_bind_int64(stmt, 1, seq);
	sqlite3_bind_int64(stmt, 2, r.row.created);
	sqlite3_bind_blob(stmt, 3, r.prev, sizeof(r.prev), SQLITE_TRANSIENT);
	sqlite3_bind_blob(stmt, 4, r.hash, sizeof(r.hash), SQLITE_TRANSIENT);
	CHECK(sqlite3_step(stmt) == SQLITE_DONE);
	sqlite3_finalize(stmt);
}

static bool
put_in(struct thief *t, int64_t row)
{
	bool hashed = row % 2 == 1;

	renumber(t, row, 1);
	forge(t, row, hashed);
	/* at a place that was anchored it is the anchor that says so */
	if (hashed && row % ANCHOR_STEP == 0)
		return found(t->world, AUDIT_WRITTEN_ANEW, row - ANCHOR_STEP + 1);
	return found(t->world, AUDIT_INSERTED, row);
}

/* And the head of the chain says that it ends there. */
static bool
cut_off(struct thief *t, int64_t row)
{
	run_sql(t, "DELETE FROM audit_note WHERE id >= ?1; DELETE FROM audit WHERE id >= ?1", row, row);
	run_sql(t, "UPDATE audit_head SET seq = ?1 - 1, hash = coalesce((SELECT hash FROM audit ORDER BY id DESC LIMIT 1), zeroblob(32))", row, 0);
	return found(t->world, AUDIT_CUT_OFF, row);
}

static void
test_tampering(int64_t step)
{
	static bool (*const kinds[])(struct thief * t, int64_t row) = { flip, take_out, swap, put_in, cut_off };
	struct world *w = world_new();
	struct thief t;
	unsigned tried = 0;
	unsigned detected = 0;

	fill(w, ROWS);
	t = thief_new(w);
	CHECK(found(w, AUDIT_WHOLE, 0));
	for (int64_t row = 1; row <= ROWS; row += row + step > ROWS && row < ROWS ? ROWS - row : step)
		for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
			tried++;
			detected += CHECK(kinds[kind](&t, row)) ? 1 : 0;
			put_back(&t);
		}
	CHECK(found(w, AUDIT_WHOLE, 0));
	printf("tampered=%u detected=%u\n", tried, detected);
	thief_free(&t);
	world_free(w);
}

/* From a row on everything is hashed anew, the head with it: only the anchors know. */
static void
test_written_anew(void)
{
	struct world *w = world_new();
	struct thief t;
	sqlite3_stmt *stmt = NULL;
	struct chain_row r;
	unsigned char prev[KEY_HASH_LEN];
	bool there = false;

	fill(w, 300);
	t = thief_new(w);
	run_sql(&t, "UPDATE audit SET detail = 'another' WHERE id = 150", 0, 0);
	CHECK(chain_at(w->scratch.store, 149, &r, &there) == ERR_OK && there);
	memcpy(prev, r.hash, sizeof(prev));
	CHECK(sqlite3_prepare_v2(t.db, "UPDATE audit SET prev = ?, hash = ? WHERE id = ?", -1, &stmt, NULL) == SQLITE_OK);
	for (int64_t seq = 150; seq <= 300; seq++) {
		CHECK(chain_at(w->scratch.store, seq, &r, &there) == ERR_OK && there && chain_hash(&r, seq, prev, r.hash) == ERR_OK);
		sqlite3_bind_blob(stmt, 1, prev, sizeof(prev), SQLITE_TRANSIENT);
		sqlite3_bind_blob(stmt, 2, r.hash, sizeof(r.hash), SQLITE_TRANSIENT);
		sqlite3_bind_int64(stmt, 3, seq);
		CHECK(sqlite3_step(stmt) == SQLITE_DONE);
		sqlite3_reset(stmt);
		memcpy(prev, r.hash, sizeof(prev));
		/* the row alone: what follows tells */
		if (seq == 150)
			CHECK(found(w, AUDIT_WRITTEN_ANEW, 150));
	}
	sqlite3_finalize(stmt);
	renumber(&t, 301, 0);
	CHECK(found(w, AUDIT_WRITTEN_ANEW, 101));
	CHECK(look(w, 120).fault == AUDIT_WRITTEN_ANEW);
	put_back(&t);
	CHECK(found(w, AUDIT_WHOLE, 0) && look(w, 120).rows == 181);
	thief_free(&t);
	world_free(w);
}

/* A line that nobody signed, or that was signed by another server, holds nothing and is named; a piece of a line is a crash. */
static void
test_anchor_lines(void)
{
	struct world *w = world_new();
	struct key_sig *other = key_sig_new();
	struct service service = *w->service;
	struct audit_check c;
	int64_t anchored = 0;
	FILE *f;

	fill(w, 100);
	f = fopen(w->config.audit_anchor, "a");
	CHECK(f != NULL && fputs("{\"time\":1,\"se", f) >= 0);
	fclose(f);
	fill(w, 100);
	c = look(w, 1);
	CHECK(c.fault == AUDIT_WHOLE && c.rows == 200 && c.cut == 1 && c.anchors == 2 && c.anchored == 200);
	service.signing_key = other;
	CHECK(anchor_write(&service, w->scratch.store, w->now, &anchored) == ERR_OK && anchored == 200);
	CHECK(found(w, AUDIT_ANCHOR_REFUSED, 4));
	key_sig_free(other);
	w->config.audit_anchor = "/proc/nowhere/audit-anchor.log";
	CHECK(anchor_write(w->service, w->scratch.store, w->now, &anchored) == ERR_AUDIT_ANCHOR_FAILED);
	world_free(w);
}

/* ---- what the server does itself ---- */

struct writer {
	struct world *world;
	pthread_t thread;
	unsigned n;
};

static void *
run_writer(void *context)
{
	struct writer *me = context;
	struct store *s = NULL;
	int64_t anchored;

	CHECK(store_open(me->world->scratch.path, &s) == ERR_OK);
	for (unsigned i = 0; i < WRITES; i++) {
		add_row(s, me->n * WRITES + i, i % 2 == 0 ? "reason=vì sao" : "");
		if (i % 25 == 0)
			CHECK(anchor_write(me->world->service, s, me->world->now, &anchored) == ERR_OK);
	}
	store_close(s);
	return NULL;
}

static void
test_writers(void)
{
	struct world *w = world_new();
	struct writer writers[WRITERS];
	struct audit_check c;

	for (unsigned i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){ .world = w, .n = i };
		CHECK(pthread_create(&writers[i].thread, NULL, run_writer, &writers[i]) == 0);
	}
	for (unsigned i = 0; i < WRITERS; i++)
		pthread_join(writers[i].thread, NULL);
	c = look(w, 1);
	CHECK(c.fault == AUDIT_WHOLE && c.rows == WRITERS * WRITES && c.notes == WRITERS * WRITES / 2 && c.anchored > 0);
	world_free(w);
}

/* Writes rows and anchors until it is ended from outside. */
static void
write_for_ever(struct world *w)
{
	struct store *s = NULL;
	int64_t anchored;

	if (store_open(w->scratch.path, &s) != ERR_OK)
		_exit(1);
	for (unsigned n = 0;; n++) {
		add_row(s, n, "address=192.0.2.1");
		if (anchor_write(w->service, s, w->now, &anchored) != ERR_OK)
			_exit(1);
	}
}

/* Killed anywhere, between a commit and its anchor among it: nothing is said of that. */
static void
test_killed(void)
{
	struct world *w = world_new();
	struct audit_check c = { .rows = 0 };

	for (unsigned i = 0; i < KILLS; i++) {
		int64_t before = c.rows;
		pid_t child = fork();
		if (child == 0)
			write_for_ever(w);
		do {
			os_sleep_ms(1 + i % 5);
			c = look(w, 1);
		} while (c.fault == AUDIT_WHOLE && c.rows == before);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		c = look(w, 1);
		CHECK(c.fault == AUDIT_WHOLE);
	}
	world_free(w);
}

/* Rows behind the last anchor are there, and nothing is wrong; where they are gone with what was anchored, it is. */
static void
test_unanchored(void)
{
	struct world *w = world_new();
	struct thief t;

	fill(w, 100);
	add_row(w->scratch.store, ANCHOR_STEP + 1, "");
	CHECK(found(w, AUDIT_WHOLE, 0) && look(w, 1).anchored == ANCHOR_STEP);
	t = thief_new(w);
	CHECK(cut_off(&t, 100));
	thief_free(&t);
	world_free(w);
}

/* ---- erasing ---- */

/* Every state there is, one after the other. */
static enum state
ended(unsigned n)
{
	return (enum state)(n % STATE_COUNT);
}

/* Requests that ended, or did not, one a day; each has a row with a note. */
static void
fill_requests(struct world *w, unsigned count)
{
	struct store *s = w->scratch.store;

	for (unsigned n = 1; n <= count; n++) {
		struct store_request r = scratch_request(n);
		struct store_audit a = { .created = SCRATCH_NOW + n * 86400, .who = "host", .what = "create", .note = "address=192.0.2.1" };
		CHECK(store_request_insert(s, &r, "der", 3, &r.number) == ERR_OK);
		if (ended(n) != STATE_PENDING)
			CHECK(store_request_transition(s, r.number, STATE_PENDING, ended(n), a.created) == ERR_OK);
		a.number = r.number;
		CHECK(store_audit_add(s, &a) == ERR_OK);
	}
}

static void
check_erased(struct world *w, int64_t number, unsigned n, int64_t before)
{
	struct store_request r;
	unsigned char der[STORE_CERTIFICATE_MAX];
	json_t *one = NULL;
	size_t len = 0;
	bool gone = state_is_final(ended(n)) && SCRATCH_NOW + (int64_t)n * 86400 < before;

	CHECK(store_request_by_number(w->scratch.store, number, &r) == ERR_OK && store_request_certificate(w->scratch.store, number, der, &len) == ERR_OK);
	CHECK((r.customer[0] == '\0') == gone && (r.email[0] == '\0') == gone && (r.address[0] == '\0') == gone && (len == 0) == gone);
	CHECK(r.token.serial[0] != '\0' && r.state == ended(n));
	/* the desk is told since when, so that it need not be guessed from what is empty */
	CHECK((r.erased != 0) == gone && world_desk(w, 0, op_admin_detail, number, NULL, &one) == ERR_OK);
	CHECK(json_integer_value(json_object_get(one, "erased")) == r.erased);
	json_decref(one);
}

/* Whenever and however often it is erased, the chain is whole; a note that is missing for another reason is not taken for it. */
static void
test_erasing(void)
{
	const unsigned count = 64;
	struct world *w = world_new();
	struct store *s = w->scratch.store;
	struct erase_count all;
	struct erase_count now;
	struct thief t;

	fill_requests(w, count);
	for (unsigned day = 5; day <= count; day += 13) {
		int64_t before = SCRATCH_NOW + day * 86400;
		int64_t requests = 0;
		CHECK(erase_count(s, before, &all) == ERR_OK);
		do {
			CHECK(erase_run(s, "tms", before, w->now, 3, &now) == ERR_OK);
			CHECK(found(w, AUDIT_WHOLE, 0));
			requests += now.requests;
		} while (now.requests + now.notes != 0);
		CHECK(requests == all.requests);
		CHECK(erase_count(s, before, &all) == ERR_OK && all.requests == 0 && all.notes == 0 && all.proposals == 0);
		for (unsigned n = 1; n <= count; n++)
			check_erased(w, n, n, before);
	}
	CHECK(look(w, 1).erased > 0);
	t = thief_new(w);
	run_sql(&t, "DELETE FROM audit_note WHERE id = (SELECT max(id) FROM audit_note)", 0, 0);
	CHECK(look(w, 1).fault == AUDIT_NOTE_MISSING);
	thief_free(&t);
	world_free(w);
}

/* ---- a restore ---- */

/* What was anchored after the backup is taken back by a line that says so; what is missing for another reason is not. */
static void
test_restored(void)
{
	struct world *w = world_new();
	struct backup_replayed replayed;
	struct audit_check c;
	struct thief t;
	char backup[300];
	char kept[BACKUP_KEPT_SIZE];

	snprintf(backup, sizeof(backup), "%s/monday.sqlite", w->scratch.folder);
	fill(w, 250);
	CHECK(backup_make(w->scratch.store, backup, NULL) == ERR_OK);
	fill(w, 200);
	store_close(w->scratch.store);
	world_vault_stop(w);
	w->config.request_valid_s = 3600;
	CHECK(backup_restore(&w->config, backup, 0, w->now, &replayed, kept) == ERR_OK);
	CHECK(store_open(w->scratch.path, &w->scratch.store) == ERR_OK);
	world_vault_start(w);
	c = look(w, 1);
	CHECK(c.fault == AUDIT_WHOLE && c.restores == 1 && c.lost == 2 && c.anchored == 200 && c.rows >= 251);
	fill(w, 100);
	CHECK(found(w, AUDIT_WHOLE, 0));
	t = thief_new(w);
	CHECK(cut_off(&t, 200));
	thief_free(&t);
	world_free(w);
}

/* ---- views ---- */

static unsigned
views(struct world *w, int64_t *ret_rows)
{
	struct audit_check c = look(w, 1);

	*ret_rows = c.rows;
	return (unsigned)c.notes;
}

/* The same again within minutes is one row; another person, another thing, another search is one of its own. */
static void
test_views(void)
{
	struct world *w = world_new();
	struct call c = { .service = w->service, .store = w->scratch.store, .now = w->now, .address = "", .person = &w->people[0], .number = 7 };
	int64_t rows = 0;

	for (int i = 0; i < 20; i++)
		CHECK(view_note(&c, "admin.detail", VIEW_REQUEST) == ERR_OK);
	CHECK(views(w, &rows) == 0 && rows == 1);
	CHECK(view_note(&c, "admin.token", VIEW_TOKEN) == ERR_OK);
	c.number = 8;
	CHECK(view_note(&c, "admin.detail", VIEW_REQUEST) == ERR_OK);
	c.person = &w->people[1];
	CHECK(view_note(&c, "admin.detail", VIEW_REQUEST) == ERR_OK);
	CHECK(views(w, &rows) == 0 && rows == 4);
	c.now += 601;
	CHECK(view_note(&c, "admin.detail", VIEW_REQUEST) == ERR_OK);
	c.number = 0;
	c.query.customer = "Đặng";
	for (int i = 0; i < 20; i++)
		CHECK(view_note(&c, "admin.list", VIEW_OTHER) == ERR_OK);
	c.query.customer = "Trần";
	CHECK(view_note(&c, "admin.list", VIEW_OTHER) == ERR_OK);
	CHECK(views(w, &rows) == 2 && rows == 7);
	CHECK(world_audits(w, 8, "view") == 0); /* the history of a request is what was done */
	world_free(w);
}

int
main(int argc, char **argv)
{
	test_tampering(argc == 2 ? strtoll(argv[1], NULL, 10) : 1);
	test_written_anew();
	test_anchor_lines();
	test_writers();
	test_killed();
	test_unanchored();
	test_erasing();
	test_restored();
	test_views();
	return CHECK_DONE();
}
