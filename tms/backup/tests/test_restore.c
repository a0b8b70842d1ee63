/* SPDX-License-Identifier: Apache-2.0 */
/* What a restore makes of requests and tokens: what people had decided waits for them again, what was released is not released twice. */
#include "admin_backup.h"
#include "anchor.h"
#include "backup.h"

#include "check.h"
#include "escrow_log.h"
#include "inventory.h"
#include "json.h"
#include "os.h"
#include "seen.h"
#include "text.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct machine_report completed = { .result = "completed", .rotated = true, .proof_mechanism = "" };

static void
import(struct world *w, unsigned n)
{
	struct token_name name = scratch_token(n).name;

	world_import(w, n, "khach@example.vn");
	CHECK(escrow_log_append(&w->config, w->scratch.store, &name, 0, w->now) == ERR_OK);
}

static const char *
take_backup(struct world *w)
{
	static char path[400];

	snprintf(path, sizeof(path), "%s/backup.sqlite", w->scratch.folder);
	CHECK(backup_make(w->scratch.store, path) == ERR_OK);
	return path;
}

static struct backup_replayed
restore(struct world *w, const char *backup)
{
	struct backup_replayed r = { .log = { 0 } };
	char kept[BACKUP_KEPT_SIZE];

	CHECK(backup_restore(&w->config, backup, false, w->now, &r, kept) == ERR_DATA_IN_USE); /* the vault runs, and we have the store open */
	store_close(w->scratch.store);
	world_vault_stop(w);
	w->now += 60;
	CHECK(backup_restore(&w->config, backup, false, w->now, &r, kept) == ERR_OK);
	CHECK(store_open(w->scratch.path, &w->scratch.store) == ERR_OK);
	world_vault_start(w);
	return r;
}

/* The history of a request has the word. */
static bool
shows(struct world *w, int64_t number, const char *what)
{
	json_t *one = NULL;
	json_t *entry;
	size_t i;
	bool found = false;

	CHECK(world_desk(w, 0, op_admin_detail, number, NULL, &one) == ERR_OK);
	json_array_foreach(json_object_get(one, "history"), i, entry) found = found || strcmp(json_string_value(json_object_get(entry, "event")), what) == 0;
	json_decref(one);
	return found;
}

/* An approval may have been taken back since, and its code may be in other hands: it is given again by people, with another code. */
static void
test_approved_waits_again(void)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	struct store_outbox mail;
	struct backup_replayed r;
	const char *backup;
	bool found = true;

	import(w, 1);
	CHECK(machine_create(m) == ERR_OK && machine_approve(m) == ERR_OK);
	machine_mail(m, 900);
	CHECK(machine_verb(m, "status") == ERR_OK);
	backup = take_backup(w);
	r = restore(w, backup);
	CHECK(r.requests.pending == 1 && r.requests.unknown == 0 && r.tokens[STORE_RESTORED_AS_IT_WAS] == 1);
	CHECK(world_state(w, m->number) == STATE_PENDING && shows(w, m->number, "restore"));
	CHECK(machine_release(m) == ERR_REQUEST_NOT_APPROVED || world_token(w, &m->token).release == 0);
	CHECK(machine_verb(m, "status") == ERR_OK);
	CHECK_TEXT(m->state, "pending");
	CHECK(store_outbox_claim(w->scratch.store, w->now + 1000, w->now + 2000, &mail, &found) == ERR_OK && !found);
	CHECK(machine_approve(m) == ERR_OK && machine_verb(m, "status") == ERR_OK);
	CHECK(machine_release(m) == ERR_CODE_WRONG); /* the code of before */
	machine_mail(m, 900);
	CHECK(machine_release(m) == ERR_OK && machine_grant(m, 0) == ERR_OK && machine_done(m, &completed) == ERR_OK);
	machine_free(m);
	world_free(w);
}

/* Released before the backup, rotated after it: what was given then is not given again, and the next request has the right candidates. */
static void
test_released_and_gone_on(void)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	struct machine *next = machine_new(w, 1, MACHINE_OWN);
	struct secret so_pin;
	struct backup_replayed r;
	const char *backup;

	import(w, 1);
	CHECK(machine_to_release(m) == ERR_OK);
	backup = take_backup(w);
	CHECK(machine_grant(m, 0) == ERR_OK);
	so_pin = m->next;
	CHECK(machine_done(m, &completed) == ERR_OK);
	r = restore(w, backup);
	CHECK(r.tokens[STORE_RESTORED_NEWER] == 1 && r.requests.unknown == 1 && world_state(w, m->number) == STATE_UNKNOWN);
	CHECK(world_token(w, &m->token).state == STORE_UNVERIFIED && world_token(w, &m->token).restored == w->now && world_token(w, &m->token).failures == 0);
	CHECK(machine_grant(m, 0) == ERR_STATE_WRONG);
	CHECK(machine_release(m) == ERR_STATE_WRONG && world_state(w, m->number) == STATE_FAILED);
	CHECK(machine_to_release(next) == ERR_OK && next->number > m->number + 50 && next->candidate_count == 2);
	CHECK(secret_equal(&next->candidates[1], &so_pin) || secret_equal(&next->candidates[0], &so_pin));
	CHECK(shows(w, next->number, "restored"));
	CHECK(machine_grant(next, secret_equal(&next->candidates[0], &so_pin) ? 0 : 1) == ERR_OK && machine_done(next, &completed) == ERR_OK);
	CHECK(world_token(w, &m->token).state == STORE_VERIFIED && world_token(w, &m->token).restored == 0);
	machine_free(m);
	machine_free(next);
	world_free(w);
}

/* Released before the backup and not gone on: the machine goes on after the restore. */
static void
test_released_and_waiting(void)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	struct backup_replayed r;
	const char *backup;

	import(w, 1);
	CHECK(machine_to_release(m) == ERR_OK);
	backup = take_backup(w);
	r = restore(w, backup);
	CHECK(r.tokens[STORE_RESTORED_AS_IT_WAS] == 1 && world_state(w, m->number) == STATE_RELEASED);
	CHECK(machine_release(m) == ERR_OK && machine_grant(m, 0) == ERR_OK && machine_done(m, &completed) == ERR_OK);
	CHECK_TEXT(m->state, "completed");
	machine_free(m);
	world_free(w);
}

/* Suspect is what people look into; only a newer line, which a token has after they did, ends it. */
static void
test_suspect_stays(void)
{
	struct world *w = world_new();
	struct token_name name = scratch_token(1).name;
	const char *backup;

	import(w, 1);
	CHECK(store_token_mark(w->scratch.store, world_token(w, &name).id, STORE_SUSPECT) == ERR_OK);
	backup = take_backup(w);
	restore(w, backup);
	CHECK(world_token(w, &name).state == STORE_SUSPECT && world_token(w, &name).restored == 0);
	world_free(w);
}

/* A change that was logged and not committed: its line is one candidate too many, and the one that was proved is there. */
static void
test_line_without_commit(void)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	struct machine *next = machine_new(w, 1, MACHINE_OWN);
	struct secret first;
	const char *backup;
	unsigned active;

	import(w, 1);
	CHECK(machine_to_release(m) == ERR_OK);
	first = m->candidates[0];
	backup = take_backup(w);
	CHECK(machine_grant(m, 0) == ERR_OK);
	/* the database forgets the grant, the log does not; then it is made anew, with another SO PIN */
	restore(w, backup);
	CHECK(machine_to_release(next) == ERR_OK && next->candidate_count == 2);
	active = secret_equal(&next->candidates[0], &first) ? 0 : 1;
	CHECK(secret_equal(&next->candidates[active], &first) && machine_grant(next, active) == ERR_OK && secret_equal(&next->next, &m->next));
	machine_free(m);
	machine_free(next);
	world_free(w);
}

static void
by_two(struct world *w, unsigned n, enum err (*op)(struct call *c, json_t **ret_answer), json_t *body)
{
	struct store_token t = scratch_token(n);
	struct store_proposal p;
	json_t *answer = NULL;

	w->now += 60;
	t = world_token(w, &t.name);
	CHECK(world_desk(w, 0, op, t.id, body, &answer) == ERR_OK);
	json_decref(answer);
	CHECK(store_proposal_open_of(w->scratch.store, t.id, &p) == ERR_OK);
	CHECK(world_desk(w, 1, op_admin_proposal_confirm, p.id, json_object(), &answer) == ERR_OK);
	json_decref(answer);
}

/* Another value, by two people. */
static void
replace(struct world *w, unsigned n, const char *text)
{
	struct token_name name = scratch_token(n).name;
	unsigned char row[TRANSCRIPT_ESCROW_ROW_LEN];
	unsigned char pk[KEY_KEM_PK_LEN];
	struct secret so_pin = { 0 };

	key_kem_public(w->vault_key, pk);
	CHECK(secret_set(&so_pin, text, strlen(text)) && transcript_seal_escrow(pk, &name, 1, &so_pin, row) == ERR_OK);
	by_two(w, n, op_admin_token_replace, json_pack("{s:o, s:s}", "sealed", json_b64(row, sizeof(row)), "reason", "x"));
	secret_wipe(&so_pin);
}

/*
 * A row that was retired is a candidate again after the backup, by a machine's report: the backup has all rows of the line, and not what the line says of them. One that was
 * taken after the report stays as it was.
 */
static void
test_candidate_again(bool rotated, bool early)
{
	static const struct machine_report unrotated = { .result = "completed", .proof_mechanism = "", .stage = "granting", .error = "tms_unreachable" };
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	struct backup_replayed r;
	struct store_token before, after;
	const char *backup = NULL;

	import(w, 1);
	CHECK(machine_to_release(m) == ERR_OK && (!rotated || machine_grant(m, 0) == ERR_OK));
	CHECK(store_request_transition(w->scratch.store, m->number, STATE_RELEASED, STATE_UNKNOWN, w->now) == ERR_OK);
	replace(w, 1, "8F8F8F8F8F8F8F8F");
	if (early)
		backup = take_backup(w);
	CHECK(machine_done(m, rotated ? &completed : &unrotated) == ERR_OK);
	before = world_token(w, &m->token);
	CHECK(before.next != 0);
	if (!early)
		backup = take_backup(w);
	r = restore(w, backup);
	after = world_token(w, &m->token);
	CHECK(after.active == before.active && after.next == before.next);
	CHECK(r.tokens[early ? STORE_RESTORED_NEWER : STORE_RESTORED_AS_IT_WAS] == 1);
	machine_free(m);
	world_free(w);
}

/*
 * What two people have put back after the backup, which has every row of it: the value before, or both of a rotation that may have been made. The backup has the value that
 * was wrong; and where a machine has proved that one after all, it has the one that was put back.
 */
static void
test_reinstated(bool granted, bool proved)
{
	static const struct machine_report unrotated = { .result = "completed", .proof_mechanism = "", .stage = "granting", .error = "tms_unreachable" };
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	struct machine *late = machine_new(w, 1, MACHINE_OWN);
	struct store_token before, after;
	struct backup_replayed r;
	const char *backup = NULL;

	import(w, 1);
	CHECK(machine_to_release(m) == ERR_OK && machine_grant(m, 0) == ERR_OK);
	if (granted)
		CHECK(store_request_transition(w->scratch.store, m->number, STATE_RELEASED, STATE_UNKNOWN, w->now) == ERR_OK);
	else
		CHECK(machine_done(m, &completed) == ERR_OK);
	replace(w, 1, "8F8F8F8F8F8F8F8F");
	if (proved) {
		CHECK(machine_to_release(late) == ERR_OK);
		CHECK(store_request_transition(w->scratch.store, late->number, STATE_RELEASED, STATE_UNKNOWN, w->now) == ERR_OK);
	} else {
		backup = take_backup(w);
	}
	by_two(w, 1, op_admin_token_reinstate, json_pack("{s:s}", "reason", "x"));
	if (proved) {
		backup = take_backup(w);
		CHECK(machine_done(late, &unrotated) == ERR_OK);
	}
	before = world_token(w, &m->token);
	CHECK((before.next != 0) == (granted || proved));
	r = restore(w, backup);
	after = world_token(w, &m->token);
	CHECK(after.active == before.active && after.next == before.next);
	CHECK(r.tokens[STORE_RESTORED_NEWER] == 1);
	machine_free(late);
	machine_free(m);
	world_free(w);
}

static struct anchor_list
anchors(struct world *w)
{
	struct anchor_list list;

	CHECK(anchor_read(w->config.audit_anchor, (const unsigned char(*)[KEY_SIG_PK_LEN])w->tms_pk, 1, &list) == ERR_OK);
	return list;
}

/* One that fails at its last step has taken nothing back of what was anchored: the old data stay, with all that was anchored of them. */
static void
test_failed_takes_nothing_back(void)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	struct backup_replayed r;
	struct anchor_list list;
	const char *backup;
	char kept[BACKUP_KEPT_SIZE];
	char moment[TEXT_TIME_LEN + 1];
	int64_t seq[2];

	import(w, 1);
	CHECK(machine_create(m) == ERR_OK && anchor_write(w->service, w->scratch.store, w->now, &seq[0]) == ERR_OK);
	backup = take_backup(w);
	CHECK(machine_approve(m) == ERR_OK && anchor_write(w->service, w->scratch.store, w->now, &seq[1]) == ERR_OK && seq[1] > seq[0]);
	store_close(w->scratch.store);
	world_vault_stop(w);
	text_time(w->now, moment);
	snprintf(kept, sizeof(kept), "%s.before-%s", w->config.database, moment);
	CHECK(os_write_private(kept, "", 0) == ERR_OK);
	CHECK(backup_restore(&w->config, backup, false, w->now, &r, kept) == ERR_FILE_EXISTS && kept[0] == '\0');
	list = anchors(w);
	CHECK(list.count == 2 && !list.at[1].excused);
	anchor_list_free(&list);
	w->now++;
	CHECK(backup_restore(&w->config, backup, false, w->now, &r, kept) == ERR_OK && kept[0] != '\0');
	list = anchors(w);
	CHECK(list.count == 3 && !list.at[0].excused && list.at[1].excused && list.at[2].seq == seq[0] && list.at[2].lost == seq[1]);
	anchor_list_free(&list);
	CHECK(store_open(w->scratch.path, &w->scratch.store) == ERR_OK);
	world_vault_start(w);
	machine_free(m);
	world_free(w);
}

/* Imported after the backup: the log does not say whose customer it is, the mail address does. */
static void
test_agency_of_a_made_token(void)
{
	struct world *w = world_new();
	struct store_agency agency = { .id = "dai-ly-1", .name = "Đại lý 1", .origins = "https://dai-ly.example", .domains = "example.vn", .second_approver = true };
	struct backup_replayed r;
	struct token_name name[2] = { scratch_token(1).name, scratch_token(2).name };
	const char *backup;

	CHECK(store_begin(w->scratch.store) == ERR_OK && store_end(w->scratch.store, store_agency_put(w->scratch.store, &agency, false)) == ERR_OK);
	backup = take_backup(w);
	import(w, 1);
	world_import(w, 2, "khach@elsewhere.example");
	CHECK(escrow_log_append(&w->config, w->scratch.store, &name[1], 0, w->now) == ERR_OK);
	r = restore(w, backup);
	CHECK(r.tokens[STORE_RESTORED_MADE] == 2);
	CHECK_TEXT(world_token(w, &name[0]).agency, "dai-ly-1");
	CHECK_TEXT(world_token(w, &name[1]).agency, "");
	world_free(w);
}

/* ---- whose line it is ---- */

/* Takes the last line of the log away and puts another in its place: the same with another address, and with a sum that fits. */
static void
forge_last(const struct world *w, const char *from, const char *to)
{
	unsigned char hash[KEY_HASH_LEN];
	char text[8 * ESCROW_LOG_LINE_MAX] = "";
	char sum[17];
	FILE *f = fopen(w->config.escrow_log, "r");
	char *line, *at;
	size_t len = f != NULL ? fread(text, 1, sizeof(text) - 1, f) : 0;

	CHECK(f != NULL && fclose(f) == 0 && len > 0 && text[len - 1] == '\n');
	text[len - 1] = '\0';
	line = strrchr(text, '\n') != NULL ? strrchr(text, '\n') + 1 : text;
	at = strstr(line, from);
	CHECK(at != NULL && strlen(from) == strlen(to));
	memcpy(at, to, strlen(to));
	at = strrchr(line, ' ');
	CHECK(key_hash(line, (size_t)(at - line), hash) == ERR_OK);
	text_hex(hash, 8, sum);
	memcpy(at + 1, sum, 16);
	text[len - 1] = '\n';
	f = fopen(w->config.escrow_log, "w");
	CHECK(f != NULL && fwrite(text, 1, len, f) == len && fclose(f) == 0);
}

/*
 * A token that the backup does not have: the server's own line says where its codes go, and one that somebody else has written does not. Its first approval
 * takes an address that a person types, and a second person.
 */
static void
test_whose_line(bool forged)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	const char *backup = take_backup(w);
	struct backup_replayed r;
	struct store_token t;
	struct store_escrow row = { .id = 0 };

	import(w, 1);
	if (forged)
		forge_last(w, "khach@example.vn", "ketla@example.vn");
	r = restore(w, backup);
	CHECK(r.log.whole == 1 && r.log.damaged == 0 && r.tokens[STORE_RESTORED_MADE] == 1 && r.unproved == (forged ? 1 : 0));
	t = world_token(w, &m->token);
	CHECK_TEXT(t.email, forged ? "" : "khach@example.vn");
	CHECK_TEXT(t.certificate_serial, forged ? "" : "1001");
	CHECK(store_escrow_by_id(w->scratch.store, t.active, &row) == ERR_OK && row.shared == forged);
	w->config.second_approver = CONFIG_SECOND_ADDRESS;
	/* with neither address nor number on record, no certificate is the token's */
	CHECK(machine_create(m) == ERR_OK && world_state(w, m->number) == (forged ? STATE_UNIDENTIFIED : STATE_PENDING));
	CHECK(machine_approve(m) == (forged ? ERR_MAIL_ADDRESS : ERR_OK));
	machine_free(m);
	world_free(w);
}

/* Of a token that is on record, a line of anybody still says what its SO PIN may be, and the record stays. */
static void
test_whose_line_of_a_known_token(void)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	struct backup_replayed r;
	const char *backup;

	import(w, 1);
	backup = take_backup(w);
	CHECK(machine_to_release(m) == ERR_OK && machine_grant(m, 0) == ERR_OK);
	forge_last(w, "khach@example.vn", "ketla@example.vn");
	r = restore(w, backup);
	CHECK(r.tokens[STORE_RESTORED_NEWER] == 1 && r.unproved == 0);
	CHECK_TEXT(world_token(w, &m->token).email, "khach@example.vn");
	CHECK(world_token(w, &m->token).next != 0);
	machine_free(m);
	world_free(w);
}

/* What other tokens have, too, is known to be so after a restore: the next unlock rotates, whatever the type says. */
static void
test_shared_stays_shared(bool shared)
{
	struct world *w = world_new();
	const char *backup = take_backup(w);
	struct token_name name = scratch_token(1).name;
	struct store_escrow row = { .id = 0 };
	struct backup_replayed r;

	world_import(w, 1, "khach@example.vn");
	CHECK(store_token_describe(w->scratch.store, world_token(w, &name).id, shared, "") == ERR_OK);
	CHECK(escrow_log_append(&w->config, w->scratch.store, &name, 0, w->now) == ERR_OK);
	r = restore(w, backup);
	CHECK(r.tokens[STORE_RESTORED_MADE] == 1);
	CHECK(store_escrow_by_id(w->scratch.store, world_token(w, &name).active, &row) == ERR_OK && row.shared == shared);
	world_free(w);
}

/* A server of PostgreSQL makes no backups: who asks for one, or for the list, is told so, and not a thread. */
static void
test_backup_of_a_server(void)
{
	struct world *w = world_new();
	json_t *nothing = json_object();
	json_t *answer = NULL;

	w->config.backups = w->scratch.folder;
	CHECK(world_desk(w, 0, op_admin_backups, 0, NULL, &answer) == ERR_OK);
	json_decref(answer);
	answer = NULL;
	w->config.postgresql = "postgresql://mokhoa@database.example/mokhoa";
	CHECK(world_desk(w, 0, op_admin_backups, 0, NULL, &answer) == ERR_DATABASE_SERVER);
	CHECK(world_desk(w, 0, op_admin_backup, 0, json_incref(nothing), &answer) == ERR_DATABASE_SERVER);
	w->config.backups = NULL;
	CHECK(world_desk(w, 0, op_admin_backup, 0, json_incref(nothing), &answer) == ERR_DATABASE_SERVER);
	w->config.postgresql = NULL;
	CHECK(world_desk(w, 0, op_admin_backup, 0, json_incref(nothing), &answer) == ERR_BACKUPS_OFF);
	json_decref(nothing);
	world_free(w);
}

int
main(void)
{
	test_approved_waits_again();
	test_released_and_gone_on();
	test_released_and_waiting();
	test_suspect_stays();
	test_line_without_commit();
	test_candidate_again(true, true);
	test_candidate_again(false, true);
	test_candidate_again(true, false);
	test_candidate_again(false, false);
	test_reinstated(false, false);
	test_reinstated(true, false);
	test_reinstated(false, true);
	test_failed_takes_nothing_back();
	test_agency_of_a_made_token();
	test_whose_line(false);
	test_whose_line(true);
	test_whose_line_of_a_known_token();
	test_shared_stays_shared(false);
	test_shared_stays_shared(true);
	test_backup_of_a_server();
	return CHECK_DONE();
}
