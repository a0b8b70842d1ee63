/* SPDX-License-Identifier: Apache-2.0 */
/* What a restore takes from the lines of the escrow log: all values of the server's own, and little of a line that somebody else may have written. */
#include "backup.h"

#include "check.h"
#include "escrow_log.h"
#include "inventory.h"
#include "json.h"
#include "restore_world.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct machine_report completed = { .result = "completed", .rotated = true, .proof_mechanism = "" };

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
	backup = restore_world_backup(w);
	restore_world_import(w, 1);
	world_import(w, 2, "khach@elsewhere.example");
	CHECK(escrow_log_append(&w->config, w->scratch.store, &name[1], 0, w->now) == ERR_OK);
	r = restore_world_restore(w, backup);
	CHECK(r.tokens[STORE_RESTORED_MADE] == 2);
	CHECK_TEXT(world_token(w, &name[0]).agency, "dai-ly-1");
	CHECK_TEXT(world_token(w, &name[1]).agency, "");
	world_free(w);
}

/* ---- whose line it is ---- */

/* The log's first line alone, as another file. */
static void
first_line(const struct world *w, const char *to)
{
	char line[ESCROW_LOG_LINE_MAX + 2] = "";
	FILE *from = fopen(w->config.escrow_log, "r");
	FILE *f = fopen(to, "w");

	CHECK(from != NULL && f != NULL && fgets(line, sizeof(line), from) != NULL && fputs(line, f) >= 0);
	CHECK(from != NULL && fclose(from) == 0);
	CHECK(f != NULL && fclose(f) == 0);
}

/* Takes the last line of the log away and puts another in its place: the same with other words, and with a sum that fits. */
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
	CHECK(at != NULL && len + strlen(to) < sizeof(text));
	memmove(at + strlen(to), at + strlen(from), strlen(at + strlen(from)) + 1);
	memcpy(at, to, strlen(to));
	len = len - strlen(from) + strlen(to);
	at = strrchr(line, ' ');
	CHECK(key_hash(line, (size_t)(at - line), hash) == ERR_OK);
	text_hex(hash, 8, sum);
	memcpy(at + 1, sum, 16);
	text[len - 1] = '\n';
	f = fopen(w->config.escrow_log, "w");
	CHECK(f != NULL && fwrite(text, 1, len, f) == len && fclose(f) == 0);
}

/* Another sealed value in the place of that one. */
static void
forge_sealed(const struct world *w, const struct store_escrow *row)
{
	json_t *was = json_b64(row->sealed, sizeof(row->sealed));
	char *to = was != NULL ? strdup(json_string_value(was)) : NULL;

	if (CHECK(to != NULL)) {
		to[0] = to[0] == 'A' ? 'B' : 'A';
		forge_last(w, json_string_value(was), to);
	}
	free(to);
	json_decref(was);
}

/*
 * People have entered a wrong value after the backup, and the data are lost before anybody sees it: what the token has is in older lines of the log alone, and two people
 * reinstate it all the same, the newest first. made: the backup does not have the token either. A line that somebody else has
 * written adds none that they would have to step over.
 */
static void
test_kept_in_the_log_alone(bool made, bool forged)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	struct machine *next = machine_new(w, 1, MACHINE_OWN);
	struct backup_replayed r;
	struct store_escrow first = { .id = 0 };
	struct secret rotated;
	const char *backup = NULL;
	int64_t kept = 0;
	bool has = false;

	if (made)
		backup = restore_world_backup(w);
	restore_world_import(w, 1);
	if (!made)
		backup = restore_world_backup(w);
	CHECK(store_escrow_by_id(w->scratch.store, world_token(w, &m->token).active, &first) == ERR_OK);
	CHECK(machine_to_release(m) == ERR_OK && machine_grant(m, 0) == ERR_OK && machine_done(m, &completed) == ERR_OK);
	rotated = m->next;
	if (forged)
		forge_sealed(w, &first);
	w->now += 3600;
	restore_world_replace(w, 1, "8F8F8F8F8F8F8F8F");
	r = restore_world_restore(w, backup);
	CHECK(r.tokens[made ? STORE_RESTORED_MADE : STORE_RESTORED_NEWER] == 1);
	CHECK(store_escrow_kept(w->scratch.store, world_token(w, &m->token).id, &kept) == ERR_OK && kept == 2); /* the imported one and the rotated one */
	CHECK(machine_to_release(next) == ERR_OK && next->candidate_count == 1 && !secret_equal(&next->candidates[0], &rotated));
	CHECK(store_request_transition(w->scratch.store, next->number, STATE_RELEASED, STATE_UNKNOWN, w->now) == ERR_OK);
	restore_world_by_two(w, 1, op_admin_token_reinstate, json_pack("{s:s}", "reason", "x"));
	machine_free(next);
	next = machine_new(w, 1, MACHINE_OWN);
	CHECK(machine_to_release(next) == ERR_OK);
	for (size_t i = 0; i < next->candidate_count; i++)
		has = has || secret_equal(&next->candidates[i], &rotated);
	CHECK(has);
	machine_free(m);
	machine_free(next);
	world_free(w);
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
	const char *backup = restore_world_backup(w);
	struct backup_replayed r;
	struct store_token t;
	struct store_escrow row = { .id = 0 };

	restore_world_import(w, 1);
	if (forged)
		forge_last(w, "khach@example.vn", "ketla@example.vn");
	r = restore_world_restore(w, backup);
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

	restore_world_import(w, 1);
	backup = restore_world_backup(w);
	CHECK(machine_to_release(m) == ERR_OK && machine_grant(m, 0) == ERR_OK);
	forge_last(w, "khach@example.vn", "ketla@example.vn");
	r = restore_world_restore(w, backup);
	CHECK(r.tokens[STORE_RESTORED_NEWER] == 1 && r.unproved == 0);
	CHECK_TEXT(world_token(w, &m->token).email, "khach@example.vn");
	CHECK(world_token(w, &m->token).next != 0);
	machine_free(m);
	world_free(w);
}

/* Whose customer a token is that is made of somebody else's line: nobody's. */
static void
test_agency_of_a_forged_line(void)
{
	struct world *w = world_new();
	struct store_agency agency = { .id = "dai-ly-1", .name = "Đại lý 1", .origins = "https://dai-ly.example", .domains = "example.vn" };
	struct token_name name = scratch_token(1).name;
	const char *backup;

	CHECK(store_begin(w->scratch.store) == ERR_OK && store_end(w->scratch.store, store_agency_put(w->scratch.store, &agency, false)) == ERR_OK);
	backup = restore_world_backup(w);
	restore_world_import(w, 1);
	forge_last(w, "khach@example.vn", "ketla@example.vn");
	CHECK(restore_world_restore(w, backup).unproved == 1);
	CHECK_TEXT(world_token(w, &name).agency, "");
	world_free(w);
}

/* A number far above all others is believed of the server's own line alone; of anybody's it would be the end of all numbers. */
static void
test_number_of_a_forged_line(void)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	struct machine *next = machine_new(w, 1, MACHINE_OWN);
	char was[48], far[48];
	const char *backup;

	restore_world_import(w, 1);
	CHECK(machine_to_release(m) == ERR_OK);
	backup = restore_world_backup(w);
	CHECK(machine_grant(m, 0) == ERR_OK);
	snprintf(was, sizeof(was), "\"request\":%lld", (long long)m->number);
	snprintf(far, sizeof(far), "\"request\":%lld", (long long)INT64_MAX);
	forge_last(w, was, far);
	CHECK(restore_world_restore(w, backup).log.highest < m->number + 1);
	CHECK(machine_to_release(next) == ERR_OK && next->number > m->number && next->number < m->number + 1000);
	machine_free(m);
	machine_free(next);
	world_free(w);
}

/* A line that could not be written behind a commit is one that the check of the log misses. */
static void
test_missing(void)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	struct backup_log log = { 0 };
	char kept[400];

	restore_world_import(w, 1);
	CHECK(machine_to_release(m) == ERR_OK && machine_grant(m, 0) == ERR_OK);
	CHECK(backup_read_log(w->scratch.store, w->config.escrow_log, &log) == ERR_OK && log.whole == 2 && log.tokens == 1 && log.missing == 0);
	CHECK(machine_done(m, &completed) == ERR_OK);
	store_close(w->scratch.store);
	CHECK(store_open(w->scratch.path, &w->scratch.store) == ERR_OK);
	CHECK(backup_read_log(w->scratch.store, w->config.escrow_log, &log) == ERR_OK && log.missing == 0);
	store_close(w->scratch.store);
	CHECK(store_open(w->scratch.path, &w->scratch.store) == ERR_OK);
	snprintf(kept, sizeof(kept), "%s.first", w->config.escrow_log);
	first_line(w, kept);
	CHECK(backup_read_log(w->scratch.store, kept, &log) == ERR_OK && log.whole == 1 && log.missing == 1);
	machine_free(m);
	world_free(w);
}

/* What other tokens have, too, is known to be so after a restore: the next unlock rotates, whatever the type says. */
static void
test_shared_stays_shared(bool shared)
{
	struct world *w = world_new();
	const char *backup = restore_world_backup(w);
	struct token_name name = scratch_token(1).name;
	struct store_escrow row = { .id = 0 };
	struct backup_replayed r;

	world_import(w, 1, "khach@example.vn");
	CHECK(store_token_describe(w->scratch.store, world_token(w, &name).id, shared, "") == ERR_OK);
	CHECK(escrow_log_append(&w->config, w->scratch.store, &name, 0, w->now) == ERR_OK);
	r = restore_world_restore(w, backup);
	CHECK(r.tokens[STORE_RESTORED_MADE] == 1);
	CHECK(store_escrow_by_id(w->scratch.store, world_token(w, &name).active, &row) == ERR_OK && row.shared == shared);
	world_free(w);
}

int
main(void)
{
	test_kept_in_the_log_alone(false, false);
	test_kept_in_the_log_alone(true, false);
	test_kept_in_the_log_alone(false, true);
	test_agency_of_a_made_token();
	test_whose_line(false);
	test_whose_line(true);
	test_whose_line_of_a_known_token();
	test_missing();
	test_agency_of_a_forged_line();
	test_number_of_a_forged_line();
	test_shared_stays_shared(false);
	test_shared_stays_shared(true);
	return CHECK_DONE();
}
