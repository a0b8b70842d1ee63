/* SPDX-License-Identifier: Apache-2.0 */
/* What a restore makes of requests and tokens: what people had decided waits for them again, what was released is not released twice. */
#include "admin_backup.h"
#include "anchor.h"
#include "backup.h"

#include "check.h"
#include "inventory.h"
#include "json.h"
#include "os.h"
#include "restore_world.h"
#include "seen.h"
#include "text.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct machine_report completed = { .result = "completed", .rotated = true, .proof_mechanism = "" };

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

	restore_world_import(w, 1);
	CHECK(machine_create(m) == ERR_OK && machine_approve(m) == ERR_OK);
	machine_mail(m, 900);
	CHECK(machine_verb(m, "status") == ERR_OK);
	backup = restore_world_backup(w);
	r = restore_world_restore(w, backup);
	CHECK(r.requests.pending == 1 && r.requests.unknown == 0 && r.tokens[STORE_RESTORED_AS_IT_WAS] == 1);
	CHECK(world_state(w, m->number) == STATE_PENDING && shows(w, m->number, "restore"));
	CHECK(machine_release(m) == ERR_REQUEST_NOT_APPROVED);
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

	restore_world_import(w, 1);
	CHECK(machine_to_release(m) == ERR_OK);
	backup = restore_world_backup(w);
	CHECK(machine_grant(m, 0) == ERR_OK);
	so_pin = m->next;
	CHECK(machine_done(m, &completed) == ERR_OK);
	r = restore_world_restore(w, backup);
	CHECK(r.tokens[STORE_RESTORED_NEWER] == 1 && r.requests.unknown == 1 && world_state(w, m->number) == STATE_UNKNOWN);
	CHECK(world_token(w, &m->token).state == STORE_UNVERIFIED && world_token(w, &m->token).restored == w->now && world_token(w, &m->token).failures == 1);
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

/* Its report comes after the restore: as true as before, though the grant is one that the backup does not have. Both candidates stay, and the next unlock finds out. */
static void
test_report_of_a_lost_grant(void)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	struct store_token t;
	const char *backup;

	restore_world_import(w, 1);
	CHECK(machine_to_release(m) == ERR_OK);
	backup = restore_world_backup(w);
	CHECK(machine_grant(m, 0) == ERR_OK);
	restore_world_restore(w, backup);
	CHECK(world_state(w, m->number) == STATE_UNKNOWN);
	CHECK(machine_done(m, &completed) == ERR_OK && world_state(w, m->number) == STATE_COMPLETED);
	t = world_token(w, &m->token);
	CHECK(t.active != 0 && t.next != 0);
	machine_free(m);
	world_free(w);
}

/* Releases are in no line: of the two that a token has one counts as made, but for a type that has one alone. */
static void
test_releases_that_nobody_knows(unsigned so_tries)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	struct store_type type = { .policy = { .family = FAMILY_SO_PIN, .pin_characters = CHARACTERS_ANY }, .rotation = true, .key_characters = CHARACTERS_ANY, .so_tries = so_tries, .created = 1 };
	unsigned before = so_tries == CALL_ONE_RELEASE_TRIES ? 0 : 1;
	const char *backup;

	text_copy(type.manufacturer, sizeof(type.manufacturer), m->token.manufacturer);
	CHECK(store_type_put(w->scratch.store, &type) == ERR_OK);
	restore_world_import(w, 1);
	backup = restore_world_backup(w);
	CHECK(machine_to_release(m) == ERR_OK && world_token(w, &m->token).failures == 1);
	restore_world_restore(w, backup);
	CHECK(world_token(w, &m->token).failures == before && world_token(w, &m->token).state != STORE_SUSPECT);
	machine_free(m);
	m = machine_new(w, 1, MACHINE_OWN);
	CHECK(machine_to_release(m) == ERR_OK && world_token(w, &m->token).failures == before + 1);
	machine_free(m);
	m = machine_new(w, 1, MACHINE_OWN);
	CHECK(machine_create(m) == ERR_OK && machine_approve(m) == ERR_ESCROW_SUSPECT);
	machine_free(m);
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

	restore_world_import(w, 1);
	CHECK(machine_to_release(m) == ERR_OK);
	backup = restore_world_backup(w);
	r = restore_world_restore(w, backup);
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

	restore_world_import(w, 1);
	CHECK(store_token_mark(w->scratch.store, world_token(w, &name).id, STORE_SUSPECT) == ERR_OK);
	backup = restore_world_backup(w);
	restore_world_restore(w, backup);
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

	restore_world_import(w, 1);
	CHECK(machine_to_release(m) == ERR_OK);
	first = m->candidates[0];
	backup = restore_world_backup(w);
	CHECK(machine_grant(m, 0) == ERR_OK);
	/* the database forgets the grant, the log does not; then it is made anew, with another SO PIN */
	restore_world_restore(w, backup);
	CHECK(machine_to_release(next) == ERR_OK && next->candidate_count == 2);
	active = secret_equal(&next->candidates[0], &first) ? 0 : 1;
	CHECK(secret_equal(&next->candidates[active], &first) && machine_grant(next, active) == ERR_OK && secret_equal(&next->next, &m->next));
	machine_free(m);
	machine_free(next);
	world_free(w);
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

	restore_world_import(w, 1);
	CHECK(machine_to_release(m) == ERR_OK && (!rotated || machine_grant(m, 0) == ERR_OK));
	CHECK(store_request_transition(w->scratch.store, m->number, STATE_RELEASED, STATE_UNKNOWN, w->now) == ERR_OK);
	restore_world_replace(w, 1, "8F8F8F8F8F8F8F8F");
	if (early)
		backup = restore_world_backup(w);
	CHECK(machine_done(m, rotated ? &completed : &unrotated) == ERR_OK);
	before = world_token(w, &m->token);
	CHECK(before.next != 0);
	if (!early)
		backup = restore_world_backup(w);
	r = restore_world_restore(w, backup);
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

	restore_world_import(w, 1);
	CHECK(machine_to_release(m) == ERR_OK && machine_grant(m, 0) == ERR_OK);
	if (granted)
		CHECK(store_request_transition(w->scratch.store, m->number, STATE_RELEASED, STATE_UNKNOWN, w->now) == ERR_OK);
	else
		CHECK(machine_done(m, &completed) == ERR_OK);
	restore_world_replace(w, 1, "8F8F8F8F8F8F8F8F");
	if (proved) {
		CHECK(machine_to_release(late) == ERR_OK);
		CHECK(store_request_transition(w->scratch.store, late->number, STATE_RELEASED, STATE_UNKNOWN, w->now) == ERR_OK);
	} else {
		backup = restore_world_backup(w);
	}
	restore_world_by_two(w, 1, op_admin_token_reinstate, json_pack("{s:s}", "reason", "x"));
	if (proved) {
		backup = restore_world_backup(w);
		CHECK(machine_done(late, &unrotated) == ERR_OK);
	}
	before = world_token(w, &m->token);
	CHECK((before.next != 0) == (granted || proved));
	r = restore_world_restore(w, backup);
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

	restore_world_import(w, 1);
	CHECK(machine_create(m) == ERR_OK && anchor_write(w->service, w->scratch.store, w->now, &seq[0]) == ERR_OK);
	backup = restore_world_backup(w);
	CHECK(machine_approve(m) == ERR_OK && anchor_write(w->service, w->scratch.store, w->now, &seq[1]) == ERR_OK && seq[1] > seq[0]);
	store_close(w->scratch.store);
	world_vault_stop(w);
	text_time(w->now, moment);
	snprintf(kept, sizeof(kept), "%s.before-%s", w->config.database, moment);
	CHECK(os_write_private(kept, "", 0) == ERR_OK);
	CHECK(backup_restore(&w->config, backup, 0, w->now, &r, kept) == ERR_FILE_EXISTS && kept[0] == '\0');
	list = anchors(w);
	CHECK(list.count == 2 && !list.at[1].excused);
	anchor_list_free(&list);
	w->now++;
	CHECK(backup_restore(&w->config, backup, 0, w->now, &r, kept) == ERR_OK && kept[0] != '\0');
	list = anchors(w);
	CHECK(list.count == 3 && !list.at[0].excused && list.at[1].excused && list.at[2].seq == seq[0] && list.at[2].lost == seq[1]);
	anchor_list_free(&list);
	CHECK(store_open(w->scratch.path, &w->scratch.store) == ERR_OK);
	world_vault_start(w);
	machine_free(m);
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

/* A server that ends does not wait for the end of a long backup, and leaves nothing of it. */
static void
test_stopped(void)
{
	struct world *w = world_new();
	atomic_bool stop = true;
	char file[300];
	char part[310];
	struct stat st;

	snprintf(file, sizeof(file), "%s/stopped.sqlite", w->scratch.folder);
	snprintf(part, sizeof(part), "%s.part", file);
	CHECK(backup_make(w->scratch.store, file, &stop) == ERR_FILE_FAILED);
	CHECK(stat(file, &st) != 0 && stat(part, &st) != 0);
	stop = false;
	CHECK(backup_make(w->scratch.store, file, &stop) == ERR_OK && stat(file, &st) == 0 && unlink(file) == 0);
	world_free(w);
}

int
main(void)
{
	test_approved_waits_again();
	test_released_and_gone_on();
	test_report_of_a_lost_grant();
	test_releases_that_nobody_knows(0);
	test_releases_that_nobody_knows(CALL_ONE_RELEASE_TRIES);
	test_releases_that_nobody_knows(CALL_ONE_RELEASE_TRIES + 1);
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
	test_backup_of_a_server();
	test_stopped();
	return CHECK_DONE();
}
