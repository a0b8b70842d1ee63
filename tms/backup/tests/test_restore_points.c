/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_restore_points UNLOCKS RESTORES: a history of unlocks by machines that die at any stage, with backups at any moment, each of them restored some
 * time later, and the history goes on in the restored world. After every restore the SO PIN that each token really has is one of its candidates.
 *
 * The token is what a card is: it takes a new SO PIN for the right old one, counts wrong ones, and has the one or the other whenever its machine dies. A
 * machine that sleeps before its call to the card may wake up at any later time, after a restore, too.
 *
 * On SQLite a backup is our own and put back as `mokhoa-tms restore FILE` does. On PostgreSQL it is what its own tools make of it, pg_dump and pg_restore, and the escrow log makes it
 * good as with `mokhoa-tms restore --replay-only`.
 */
#include "backup.h"

#include "check.h"
#include "escrow_log.h"
#include "scratch_database.h"
#include "world.h"

#include <glob.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define TOKENS	 8
#define SLEEPERS 6
#define BACKUPS	 4 /* that are kept at a time */

struct token {
	struct token_name name;
	struct secret so_pin; /* as the card has it */
	unsigned wrong;	      /* tries in the unlock that is under way */
	unsigned most_wrong;  /* in any unlock */
};

/* A machine that was granted a rotation and has not called the card yet. */
struct sleeper {
	bool asleep;
	unsigned token;
	struct secret old, next;
};

struct history {
	struct world *w;
	struct token tokens[TOKENS];
	struct sleeper sleepers[SLEEPERS];
	char backups[BACKUPS][400];
	bool taken[BACKUPS];
	unsigned unlocked, died, refused, restored, moved, made, imported;
	uint64_t seed;
};

/* The same history for the same seed. */
static unsigned
draw(struct history *h, unsigned below)
{
	h->seed = h->seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)((h->seed >> 33) % below);
}

/* ---- the card ---- */

static bool
card_takes(struct token *t, const struct secret *old, const struct secret *next)
{
	if (!secret_equal(&t->so_pin, old)) {
		t->wrong++;
		return false;
	}
	t->so_pin = *next;
	return true;
}

static void
sleep_on(struct history *h, unsigned token, const struct secret *old, const struct secret *next)
{
	struct sleeper *s = &h->sleepers[draw(h, SLEEPERS)];

	*s = (struct sleeper){ .asleep = true, .token = token, .old = *old, .next = *next };
}

/* Its wrong try is of an unlock that is long over. A token is in one machine: no other has the one that is being unlocked. */
static void
wake_one(struct history *h, unsigned unlocked)
{
	struct sleeper *s = &h->sleepers[draw(h, SLEEPERS)];
	struct token *t = &h->tokens[s->token];

	if (s->token == unlocked)
		return;
	if (s->asleep && secret_equal(&t->so_pin, &s->old))
		t->so_pin = s->next;
	s->asleep = false;
}

/* ---- backups and restores ---- */

/* Runs that program of PostgreSQL, the newest that is there; its arguments end with NULL. */
static bool
run_tool(const char *name, const char *const *arguments)
{
	char pattern[100];
	char *argv[8] = { 0 };
	int status = 1;
	glob_t found;
	pid_t pid;

	snprintf(pattern, sizeof(pattern), "/usr/lib/postgresql/*/bin/%s", name);
	if (glob(pattern, 0, NULL, &found) != 0)
		return false;
	argv[0] = found.gl_pathv[found.gl_pathc - 1];
	for (size_t i = 0; arguments[i] != NULL && i + 2 < sizeof(argv) / sizeof(argv[0]); i++)
		argv[i + 1] = (char *)(uintptr_t)arguments[i];
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		execv(argv[0], argv);
		_exit(127);
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
	globfree(&found);
	return status == 0;
}

static bool
make_backup(struct history *h, const char *file)
{
	char to[440];

	if (!scratch_is_postgresql())
		return backup_make(h->w->scratch.store, file, NULL) == ERR_OK;
	snprintf(to, sizeof(to), "--file=%s", file);
	return run_tool("pg_dump", (const char *const[]){ "--format=custom", to, h->w->scratch.path, NULL });
}

/* With nobody at the database. */
static void
put_back(struct world *w, const char *file, struct backup_replayed *ret)
{
	char to[640];
	char kept[BACKUP_KEPT_SIZE];

	if (scratch_is_postgresql()) {
		snprintf(to, sizeof(to), "--dbname=%s", w->scratch.path);
		CHECK(run_tool("pg_restore", (const char *const[]){ "--clean", "--if-exists", "--single-transaction", to, file, NULL }));
		CHECK(backup_replay_only(&w->config, 0, w->now, ret) == ERR_OK);
		return;
	}
	CHECK(backup_restore(&w->config, file, 0, w->now, ret, kept) == ERR_OK);
	CHECK(access(kept, R_OK) == 0);
	unlink(kept);
}

static void
take_backup(struct history *h)
{
	unsigned i = draw(h, BACKUPS);

	snprintf(h->backups[i], sizeof(h->backups[i]), "%s/backup-%u", h->w->scratch.folder, i);
	unlink(h->backups[i]);
	h->taken[i] = CHECK(make_backup(h, h->backups[i]));
}

static bool
is_candidate(const struct history *h, const struct token *t)
{
	struct store_candidates c;
	struct secret so_pin = { 0 };
	bool found = false;

	if (!CHECK(store_candidates_of(h->w->scratch.store, &t->name, &c) == ERR_OK))
		return false;
	for (size_t i = 0; i < c.count; i++) {
		CHECK(transcript_open_escrow(h->w->vault_key, &t->name, c.rows[i].version, c.rows[i].sealed, &so_pin) == ERR_OK);
		found = found || secret_equal(&so_pin, &t->so_pin);
	}
	return found;
}

static bool
check_all(const struct history *h)
{
	bool all = true;

	for (unsigned n = 0; n < h->imported; n++)
		if (!CHECK(is_candidate(h, &h->tokens[n])))
			all = false;
	return all;
}

static void
restore(struct history *h)
{
	struct world *w = h->w;
	struct backup_replayed r = { .log = { 0 } };
	unsigned i = draw(h, BACKUPS);

	while (!h->taken[i])
		i = (i + 1) % BACKUPS;
	store_close(w->scratch.store);
	w->scratch.store = NULL;
	world_vault_stop(w);
	w->now += 5;
	put_back(w, h->backups[i], &r);
	CHECK(r.log.damaged == 0);
	CHECK(store_open(w->scratch.path, &w->scratch.store) == ERR_OK);
	world_vault_start(w);
	h->moved += (unsigned)r.tokens[STORE_RESTORED_NEWER];
	h->made += (unsigned)r.tokens[STORE_RESTORED_MADE];
	h->restored += check_all(h);
}

/* ---- an unlock ---- */

static void
import_one(struct history *h)
{
	unsigned n = h->imported++;
	struct token *t = &h->tokens[n];

	t->name = scratch_token(n).name;
	CHECK(secret_set(&t->so_pin, WORLD_SO_PIN, strlen(WORLD_SO_PIN)));
	world_import(h->w, n, "khach@example.vn");
	CHECK(escrow_log_append(&h->w->config, h->w->scratch.store, &t->name, 0, h->w->now) == ERR_OK);
}

/* Which candidate the card takes. */
static bool
find_active(struct token *t, const struct machine *m, unsigned *ret_active)
{
	for (unsigned i = 0; i < m->candidate_count; i++) {
		if (secret_equal(&t->so_pin, &m->candidates[i])) {
			*ret_active = i;
			return true;
		}
		t->wrong++;
	}
	return false;
}

/* In the middle of an unlock of a token anything else may happen: a backup, an older machine that wakes up. */
static void
meanwhile(struct history *h, unsigned unlocked, bool backs_up)
{
	h->w->now++;
	if (backs_up && draw(h, 3) == 0)
		take_backup(h);
	if (draw(h, 8) == 0)
		wake_one(h, unlocked);
}

/* Two that died in a row: the server approves no third, and people look into it. */
static void
look_into(struct history *h, const struct token *t)
{
	struct store_token row = world_token(h->w, &t->name);

	CHECK(row.state == STORE_SUSPECT);
	CHECK(store_token_mark(h->w->scratch.store, row.id, STORE_UNVERIFIED) == ERR_OK);
	CHECK(store_token_proved(h->w->scratch.store, row.id, true, 0, h->w->now) == ERR_OK);
	h->refused++;
}

/* dies: at which stage, 0 to 4; 5 and above: not at all. */
static void
unlock(struct history *h, unsigned n, unsigned dies, bool backs_up)
{
	static const struct machine_report done = { .result = "completed", .rotated = true, .proof_mechanism = "" };
	struct token *t = &h->tokens[n];
	struct machine *m = machine_new(h->w, n, MACHINE_OWN);
	unsigned active = 0;
	bool known;

	t->wrong = 0;
	CHECK(machine_create(m) == ERR_OK);
	if (machine_approve(m) != ERR_OK) {
		look_into(h, t);
		goto out;
	}
	machine_mail(m, 900);
	meanwhile(h, n, backs_up);
	CHECK(machine_verb(m, "status") == ERR_OK);
	if (dies == 0)
		goto out;
	CHECK(machine_release(m) == ERR_OK);
	meanwhile(h, n, backs_up);
	known = find_active(t, m, &active);
	CHECK(known);
	if (dies == 1 || !known || machine_grant(m, active) != ERR_OK)
		goto out;
	if (dies == 2)
		sleep_on(h, n, &m->candidates[active], &m->next);
	meanwhile(h, n, backs_up);
	if (dies == 2 || !card_takes(t, &m->candidates[active], &m->next) || dies == 3)
		goto out;
	meanwhile(h, n, backs_up);
	if (dies == 4)
		goto out;
	CHECK(machine_done(m, &done) == ERR_OK);
	h->unlocked++;
out:
	h->died += dies < 5;
	if (t->wrong > t->most_wrong)
		t->most_wrong = t->wrong;
	machine_free(m);
}

int
main(int argc, char **argv)
{
	unsigned unlocks = argc > 1 ? (unsigned)atoi(argv[1]) : 60;
	unsigned restores = argc > 2 ? (unsigned)atoi(argv[2]) : 20;
	struct history *h = calloc(1, sizeof(*h));
	unsigned most_wrong = 0;

	if (h == NULL || unlocks == 0 || restores == 0)
		return 1;
	h->seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 5;
	h->w = world_new();
	h->w->config.vault.rows_per_hour = 1000000;
	h->w->config.postgresql = scratch_is_postgresql() ? h->w->scratch.path : NULL;
	world_vault_stop(h->w);
	world_vault_start(h->w);
	import_one(h);
	take_backup(h);
	for (unsigned i = 0, next = 1; i < unlocks; i++) {
		if (h->imported < TOKENS && draw(h, 6) == 0)
			import_one(h);
		unlock(h, draw(h, h->imported), draw(h, 12), true);
		/* restores stand evenly in the history, each after an unlock that was left at any stage */
		for (; next <= restores && next * unlocks <= (i + 1) * restores; next++)
			restore(h);
	}
	/* whatever it has been through, each token is unlocked in the end */
	for (unsigned n = 0; n < h->imported; n++) {
		unlock(h, n, 9, false);
		unlock(h, n, 9, false);
		most_wrong = h->tokens[n].most_wrong > most_wrong ? h->tokens[n].most_wrong : most_wrong;
	}
	CHECK(check_all(h) && most_wrong <= 1);
	printf("unlocks=%u completed=%u died=%u refused=%u restores=%u of %u moved=%u made=%u most_wrong_tries=%u\n", unlocks, h->unlocked, h->died, h->refused,
	    h->restored, restores, h->moved, h->made, most_wrong);
	CHECK(h->restored == restores && h->moved != 0 && h->made != 0);
	world_free(h->w);
	free(h);
	return CHECK_DONE();
}
