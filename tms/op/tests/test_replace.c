/* SPDX-License-Identifier: Apache-2.0 */
/* Another SO PIN by two people, and what a machine says that was released one before. */
#include "by_two.h"

#include "check.h"
#include "escrow_log.h"
#include "inventory.h"

#include <stdio.h>
#include <string.h>

/* The last two whole lines of the escrow log, the older first. */
static void
last_lines(const struct world *w, struct escrow_log_line ret_lines[2])
{
	struct escrow_log_reader *r = NULL;
	struct escrow_log_line line;
	enum escrow_log_kind kind;
	int64_t at;

	memset(ret_lines, 0, 2 * sizeof(*ret_lines));
	CHECK(escrow_log_open(w->config.escrow_log, &r) == ERR_OK);
	while (escrow_log_next(r, &kind, &line, &at)) {
		if (kind != ESCROW_LOG_WHOLE)
			continue;
		ret_lines[0] = ret_lines[1];
		ret_lines[1] = line;
	}
	escrow_log_close(r);
}

static void
test_replace(void)
{
	struct world *w = world_new();
	struct machine *m;
	struct store_escrow row;
	struct store_proposal p;
	struct store_token t;
	struct escrow_log_line logged[2];
	int64_t before, proposal, kept = 0;
	unsigned lines;

	world_import(w, 1, "khach@example.vn");
	make_suspect(w, 1);
	before = token_of(w, 1).active;
	lines = log_lines(w);
	CHECK(propose_replace(w, 0, 1, OTHER_SO_PIN) == ERR_OK);
	proposal = waiting(w, 1);
	CHECK(token_of(w, 1).active == before && log_lines(w) == lines);
	CHECK(confirm(w, 0, proposal) == ERR_SECOND_PERSON && token_of(w, 1).active == before);
	CHECK(confirm(w, 1, proposal) == ERR_OK && log_lines(w) == lines + 2);
	t = token_of(w, 1);
	CHECK(t.active != before && t.next == 0 && t.state == STORE_UNVERIFIED && t.failures == 0);
	last_lines(w, logged);
	/* before the commit both, after it what was entered: had it failed, the old one would still be in the token's last line */
	CHECK(logged[0].candidates.count == 2 && logged[1].candidates.count == 1);
	CHECK(store_escrow_by_id(w->scratch.store, before, &row) == ERR_OK && row.retired == w->now);
	CHECK(memcmp(logged[0].candidates.rows[0].sealed, row.sealed, sizeof(row.sealed)) == 0);
	CHECK(store_escrow_by_id(w->scratch.store, t.active, &row) == ERR_OK && row.retired == 0);
	CHECK(memcmp(logged[0].candidates.rows[1].sealed, row.sealed, sizeof(row.sealed)) == 0);
	CHECK(memcmp(logged[1].candidates.rows[0].sealed, row.sealed, sizeof(row.sealed)) == 0);
	CHECK(store_escrow_kept(w->scratch.store, t.id, &kept) == ERR_OK && kept == 1);
	CHECK(store_proposal_by_id(w->scratch.store, proposal, &p) == ERR_OK && p.state == STORE_PROPOSAL_CONFIRMED && p.sealed[0] == 0);
	CHECK(confirm(w, 1, proposal) == ERR_PROPOSAL_CLOSED && log_lines(w) == lines + 2);
	/* the customer's machine is given what two people have entered, and nothing else */
	m = approved(w, 1);
	CHECK(machine_release(m) == ERR_OK && m->candidate_count == 1 && is_other(&m->candidates[0]));
	CHECK(machine_grant(m, 0) == ERR_OK);
	machine_free(m);
	world_free(w);
}

/* The vault opens what is to be the only candidate before anybody can confirm it, and says whether it is the value on record. */
static void
test_what_the_vault_says(void)
{
	struct world *w = world_new();
	struct store_proposal p;
	json_t *body;
	int64_t id;

	world_import(w, 1, "khach@example.vn");
	id = token_of(w, 1).id;
	/* of another token: a table that was cut wrongly */
	CHECK(seal(w, 2, OTHER_SO_PIN, &body) == ERR_OK);
	CHECK(desk(w, 0, op_admin_token_replace, id, body) == ERR_VAULT_REFUSED);
	CHECK(propose_replace(w, 0, 1, WORLD_SO_PIN) == ERR_OK);
	CHECK(store_proposal_by_id(w->scratch.store, waiting(w, 1), &p) == ERR_OK);
	CHECK_TEXT(p.compared, "same");
	CHECK(desk(w, 0, op_admin_proposal_reject, p.id, reason()) == ERR_OK && propose_replace(w, 0, 1, OTHER_SO_PIN) == ERR_OK);
	CHECK(store_proposal_by_id(w->scratch.store, waiting(w, 1), &p) == ERR_OK);
	CHECK_TEXT(p.compared, "other");
	world_vault_stop(w);
	CHECK(confirm(w, 1, p.id) == ERR_VAULT_UNREACHABLE && token_of(w, 1).active == p.active);
	world_vault_start(w);
	CHECK(confirm(w, 1, p.id) == ERR_OK && token_of(w, 1).active != p.active);
	world_free(w);
}

/* The value that is on record already takes no successor away that a sleeping machine may still set. */
static void
test_same_value(void)
{
	struct world *w = world_new();
	struct machine *m;
	struct store_token granted, t;
	unsigned lines;

	world_import(w, 1, "khach@example.vn");
	m = approved(w, 1);
	CHECK(machine_release(m) == ERR_OK && machine_grant(m, 0) == ERR_OK);
	CHECK(store_request_transition(w->scratch.store, m->number, STATE_RELEASED, STATE_UNKNOWN, w->now) == ERR_OK);
	granted = token_of(w, 1);
	lines = log_lines(w);
	CHECK(store_token_mark(w->scratch.store, granted.id, STORE_SUSPECT) == ERR_OK);
	CHECK(propose_replace(w, 0, 1, WORLD_SO_PIN) == ERR_OK && confirm(w, 1, waiting(w, 1)) == ERR_OK);
	t = token_of(w, 1);
	CHECK(t.active == granted.active && t.next == granted.next && t.state == STORE_UNVERIFIED && t.failures == 0 && log_lines(w) == lines);
	CHECK(machine_grant(m, 0) == ERR_OK);
	machine_free(m);
	world_free(w);
}

/* A machine that has the candidates in hand is waited for. */
static void
test_under_way(void)
{
	struct world *w = world_new();
	struct machine *m;

	world_import(w, 1, "khach@example.vn");
	m = approved(w, 1);
	CHECK(propose_replace(w, 0, 1, OTHER_SO_PIN) == ERR_OK);
	CHECK(machine_release(m) == ERR_OK);
	CHECK(confirm(w, 1, waiting(w, 1)) == ERR_TOKEN_UNDER_WAY);
	CHECK(machine_grant(m, 0) == ERR_OK);
	CHECK(confirm(w, 1, waiting(w, 1)) == ERR_PROPOSAL_STALE);
	CHECK(desk(w, 0, op_admin_proposal_reject, waiting(w, 1), reason()) == ERR_OK);
	CHECK(propose_replace(w, 0, 1, OTHER_SO_PIN) == ERR_TOKEN_UNDER_WAY);
	CHECK(store_request_transition(w->scratch.store, m->number, STATE_RELEASED, STATE_UNKNOWN, w->now) == ERR_OK);
	CHECK(propose_replace(w, 0, 1, OTHER_SO_PIN) == ERR_OK && confirm(w, 1, waiting(w, 1)) == ERR_OK);
	machine_free(m);
	world_free(w);
}

/* ---- a machine that comes back after people have entered another value: what it has proved and what they say are both candidates ---- */

static void
lose(struct world *w, const struct machine *m)
{
	CHECK(store_request_transition(w->scratch.store, m->number, STATE_RELEASED, STATE_UNKNOWN, w->now) == ERR_OK);
}

static int64_t
replaced(struct world *w, unsigned n, const char *so_pin)
{
	CHECK(propose_replace(w, 0, n, so_pin) == ERR_OK && confirm(w, 1, waiting(w, n)) == ERR_OK);
	CHECK(token_of(w, n).next == 0);
	return token_of(w, n).active;
}

/* Of a machine that was granted a row or not, what its report makes of the token. */
static void
test_report_after_replace(void)
{
	static const struct {
		bool grants;
		struct machine_report report;
		bool next; /* the next one stands beside what was entered, else the one that was released */
	} cells[] = {
		{ false, { .result = "completed", .proof_mechanism = "", .stage = "granting", .error = "tms_unreachable" }, false },
		{ true, { .result = "completed", .proof_mechanism = "", .stage = "rotating", .error = "token_failed" }, false },
		{ true, { .result = "completed", .proof_mechanism = "", .stage = "rotating", .cryptoki = 0xa1, .error = "token_failed" }, false },
		{ true, { .result = "completed", .proof_mechanism = "", .stage = "rotating", .error = "ok" }, true },
		{ true, { .result = "completed", .proof_mechanism = "", .stage = "rotating", .error = "timeout", .silent = true }, true },
		{ true, { .result = "completed", .proof_mechanism = "", .stage = "rotating", .error = "module_failed", .silent = true }, true },
		{ true, { .result = "completed", .proof_mechanism = "", .stage = "rotating", .error = "module_failed", .cryptoki = 0x30 }, false },
		{ true, { .result = "completed", .proof_mechanism = "", .stage = "rotating", .error = "token_removed", .cryptoki = 0x32 }, true },
		{ true, { .result = "completed", .proof_mechanism = "", .stage = "rotating", .error = "token_removed", .silent = true }, false },
		{ true, { .result = "completed", .proof_mechanism = "", .stage = "proving_rotation", .error = "token_so_refused" }, false },
		{ true, { .result = "completed", .proof_mechanism = "", .stage = "proving_rotation", .error = "token_removed" }, true },
		{ true, { .result = "completed", .proof_mechanism = "", .rotated = true }, true },
	};
	struct world *w = world_new();

	for (unsigned i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
		unsigned n = i + 1;
		struct machine *m;
		struct store_token before, after;
		struct store_escrow row;
		struct escrow_log_line logged[2];
		int64_t entered;
		unsigned lines;

		world_import(w, n, "khach@example.vn");
		m = approved(w, n);
		CHECK(machine_release(m) == ERR_OK && (!cells[i].grants || machine_grant(m, 0) == ERR_OK));
		lose(w, m);
		before = token_of(w, n);
		entered = replaced(w, n, OTHER_SO_PIN);
		lines = log_lines(w);
		CHECK(machine_done(m, &cells[i].report) == ERR_OK);
		after = token_of(w, n);
		if (!CHECK(after.active == (cells[i].next ? before.next : before.active) && after.next == entered))
			printf("  cell %u: active=%lld next=%lld entered=%lld\n", i, (long long)after.active, (long long)after.next, (long long)entered);
		CHECK(after.state == STORE_UNVERIFIED && after.failures == 0);
		CHECK(store_escrow_by_id(w->scratch.store, after.active, &row) == ERR_OK && row.retired == 0);
		CHECK(store_escrow_by_id(w->scratch.store, entered, &row) == ERR_OK && row.retired == 0);
		CHECK(log_lines(w) == lines + 1);
		last_lines(w, logged);
		CHECK(logged[1].candidates.count == 2 && logged[1].candidates.rows[0].version == (cells[i].next ? 2 : 1) && logged[1].candidates.rows[1].version == 1);
		machine_free(m);
	}
	world_free(w);
}

/* One that failed has proved nothing. */
static void
test_failure_after_replace(void)
{
	static const struct machine_report failed = { .result = "failed", .proof_mechanism = "" };
	struct world *w = world_new();
	struct machine *m;
	int64_t entered;

	world_import(w, 1, "khach@example.vn");
	m = approved(w, 1);
	CHECK(machine_release(m) == ERR_OK);
	lose(w, m);
	entered = replaced(w, 1, OTHER_SO_PIN);
	CHECK(machine_done(m, &failed) == ERR_OK && token_of(w, 1).active == entered && token_of(w, 1).next == 0);
	machine_free(m);
	world_free(w);
}

/* Nobody is granted, or given again, a next SO PIN after a value that is no candidate any more: it would be none itself. */
static void
test_grant_after_replace(void)
{
	static const struct machine_report unrotated = { .result = "completed", .proof_mechanism = "", .stage = "granting", .error = "state_wrong" };
	struct world *w = world_new();

	for (unsigned n = 1; n <= 2; n++) {
		struct machine *m;
		int64_t released, entered;
		unsigned lines;

		world_import(w, n, "khach@example.vn");
		released = token_of(w, n).active;
		m = approved(w, n);
		CHECK(machine_release(m) == ERR_OK && (n == 1 || machine_grant(m, 0) == ERR_OK));
		lose(w, m);
		entered = replaced(w, n, OTHER_SO_PIN);
		lines = log_lines(w);
		CHECK(machine_release(m) == ERR_OK); /* it may show that people were wrong */
		CHECK(machine_grant(m, 0) == ERR_STATE_WRONG);
		CHECK(token_of(w, n).active == entered && token_of(w, n).next == 0 && log_lines(w) == lines);
		CHECK(machine_done(m, &unrotated) == ERR_OK);
		CHECK(token_of(w, n).active == released && token_of(w, n).next == entered && log_lines(w) == lines + 1);
		machine_free(m);
	}
	world_free(w);
}

/* Whichever of the two a later machine proves, its own successor is drawn: neither is the other's. */
static void
test_unlock_after_both(void)
{
	static const struct machine_report unrotated = { .result = "completed", .proof_mechanism = "", .stage = "granting", .error = "tms_unreachable" };
	static const struct machine_report rotated = { .result = "completed", .rotated = true, .proof_mechanism = "" };
	struct world *w = world_new();

	for (unsigned n = 1; n <= 2; n++) {
		struct machine *m;
		struct store_token both, granted;
		struct store_escrow row;

		world_import(w, n, "khach@example.vn");
		m = approved(w, n);
		CHECK(machine_release(m) == ERR_OK);
		lose(w, m);
		replaced(w, n, OTHER_SO_PIN);
		CHECK(machine_done(m, &unrotated) == ERR_OK);
		machine_free(m);
		both = token_of(w, n);
		m = approved(w, n);
		CHECK(machine_release(m) == ERR_OK && m->candidate_count == 2 && !is_other(&m->candidates[0]) && is_other(&m->candidates[1]));
		CHECK(machine_grant(m, n - 1) == ERR_OK && !is_other(&m->next));
		granted = token_of(w, n);
		CHECK(granted.active == (n == 1 ? both.active : both.next) && granted.next != both.active && granted.next != both.next);
		CHECK(store_escrow_by_id(w->scratch.store, n == 1 ? both.next : both.active, &row) == ERR_OK && row.retired == w->now);
		CHECK(machine_done(m, &rotated) == ERR_OK && token_of(w, n).active == granted.next && token_of(w, n).next == 0);
		machine_free(m);
	}
	world_free(w);
}

/* ---- the way back: what was on record before ---- */

static void
reinstate(struct world *w, unsigned n, int64_t active, int64_t next)
{
	struct store_token t;

	w->now += 60;
	CHECK(desk(w, 0, op_admin_token_reinstate, token_of(w, n).id, reason()) == ERR_OK && confirm(w, 1, waiting(w, n)) == ERR_OK);
	t = token_of(w, n);
	if (!CHECK(t.active == active && t.next == next && t.state == STORE_UNVERIFIED && t.failures == 0))
		printf("  active=%lld next=%lld, not %lld %lld\n", (long long)t.active, (long long)t.next, (long long)active, (long long)next);
}

static void
test_reinstate(void)
{
	static const struct machine_report rotated = { .result = "completed", .rotated = true, .proof_mechanism = "" };
	struct world *w = world_new();
	struct machine *m;
	struct store_escrow row;
	struct store_proposal p;
	struct escrow_log_line logged[2];
	int64_t before, entered, id;
	unsigned lines;

	world_import(w, 1, "khach@example.vn");
	id = token_of(w, 1).id;
	before = token_of(w, 1).active;
	/* nothing is kept */
	CHECK(desk(w, 0, op_admin_token_reinstate, id, reason()) == ERR_TOKEN_LIFE_WRONG);
	entered = replaced(w, 1, OTHER_SO_PIN);
	make_suspect(w, 1);
	lines = log_lines(w);
	w->now += 60;
	CHECK(desk(w, 0, op_admin_token_reinstate, id, reason()) == ERR_OK && token_of(w, 1).active == entered);
	CHECK(store_proposal_by_id(w->scratch.store, waiting(w, 1), &p) == ERR_OK && p.kind == STORE_REINSTATE);
	CHECK_TEXT(p.compared, "other");
	CHECK(confirm(w, 0, p.id) == ERR_SECOND_PERSON && token_of(w, 1).active == entered && log_lines(w) == lines);
	world_vault_stop(w);
	CHECK(confirm(w, 1, p.id) == ERR_VAULT_UNREACHABLE && token_of(w, 1).active == entered);
	world_vault_start(w);
	CHECK(confirm(w, 1, p.id) == ERR_OK && log_lines(w) == lines + 2);
	CHECK(token_of(w, 1).active == before && token_of(w, 1).next == 0 && token_of(w, 1).state == STORE_UNVERIFIED && token_of(w, 1).failures == 0);
	CHECK(store_escrow_by_id(w->scratch.store, entered, &row) == ERR_OK && row.retired == w->now);
	last_lines(w, logged);
	CHECK(logged[0].candidates.count == 2 && memcmp(logged[0].candidates.rows[0].sealed, row.sealed, sizeof(row.sealed)) == 0);
	CHECK(store_escrow_by_id(w->scratch.store, before, &row) == ERR_OK && row.retired == 0);
	CHECK(memcmp(logged[0].candidates.rows[1].sealed, row.sealed, sizeof(row.sealed)) == 0);
	CHECK(logged[1].candidates.count == 1 && memcmp(logged[1].candidates.rows[0].sealed, row.sealed, sizeof(row.sealed)) == 0);
	m = approved(w, 1);
	CHECK(machine_release(m) == ERR_OK && m->candidate_count == 1 && !is_other(&m->candidates[0]));
	/* not while a machine has the candidates in hand */
	CHECK(desk(w, 0, op_admin_token_reinstate, id, reason()) == ERR_TOKEN_UNDER_WAY);
	CHECK(machine_grant(m, 0) == ERR_OK && machine_done(m, &rotated) == ERR_OK && token_of(w, 1).state == STORE_VERIFIED);
	machine_free(m);
	world_free(w);
}

/* However many values were wrong, every one that was ever on record is reached. */
static void
test_reinstate_each(void)
{
	struct world *w = world_new();
	int64_t first, second, third;

	world_import(w, 1, "khach@example.vn");
	first = token_of(w, 1).active;
	w->now += 60;
	second = replaced(w, 1, OTHER_SO_PIN);
	w->now += 60;
	third = replaced(w, 1, "7E7E7E7E7E7E7E7E");
	reinstate(w, 1, second, 0);
	reinstate(w, 1, first, 0);
	reinstate(w, 1, third, 0);
	reinstate(w, 1, second, 0);
	world_free(w);
}

/* The two of a rotation that may have been made or not were replaced in one moment, and come back together: the machine that sleeps over it goes on as if nothing had been. */
static void
test_reinstate_both(void)
{
	static const struct machine_report reports[] = {
		{ .result = "completed", .rotated = true, .proof_mechanism = "" },
		{ .result = "completed", .proof_mechanism = "", .stage = "rotating", .error = "token_failed" },
	};
	struct world *w = world_new();

	for (unsigned n = 1; n <= 2; n++) {
		struct machine *m;
		struct store_token granted, t;

		world_import(w, n, "khach@example.vn");
		m = approved(w, n);
		CHECK(machine_release(m) == ERR_OK && machine_grant(m, 0) == ERR_OK);
		lose(w, m);
		granted = token_of(w, n);
		replaced(w, n, OTHER_SO_PIN);
		CHECK(machine_grant(m, 0) == ERR_STATE_WRONG);
		reinstate(w, n, granted.active, granted.next);
		CHECK(machine_grant(m, 0) == ERR_OK && machine_done(m, &reports[n - 1]) == ERR_OK);
		t = token_of(w, n);
		CHECK(n == 1 ? t.active == granted.next && t.next == 0 : t.active == granted.active && t.next == granted.next);
		machine_free(m);
	}
	world_free(w);
}

/* What was reinstated and was once made after another value is not the successor of the one that a late machine proves: none of its own would be drawn. */
static void
test_report_after_reinstate(void)
{
	static const struct machine_report rotated = { .result = "completed", .rotated = true, .proof_mechanism = "" };
	static const struct machine_report unrotated = { .result = "completed", .proof_mechanism = "", .stage = "granting", .error = "tms_unreachable" };
	struct world *w = world_new();
	struct machine *m;
	struct store_token both;
	int64_t before, entered;
	bool made = true;

	world_import(w, 1, "khach@example.vn");
	m = approved(w, 1);
	CHECK(machine_release(m) == ERR_OK && machine_grant(m, 0) == ERR_OK && machine_done(m, &rotated) == ERR_OK);
	machine_free(m);
	before = token_of(w, 1).active;
	w->now += 60;
	entered = replaced(w, 1, OTHER_SO_PIN);
	m = approved(w, 1);
	CHECK(machine_release(m) == ERR_OK);
	lose(w, m);
	reinstate(w, 1, before, 0);
	CHECK(machine_done(m, &unrotated) == ERR_OK);
	machine_free(m);
	both = token_of(w, 1);
	CHECK(both.active == entered && both.next == before);
	CHECK(store_token_has_successor(w->scratch.store, &both, &made) == ERR_OK && !made);
	m = approved(w, 1);
	CHECK(machine_release(m) == ERR_OK && machine_grant(m, 0) == ERR_OK && token_of(w, 1).next != before && token_of(w, 1).next != 0);
	machine_free(m);
	world_free(w);
}

int
main(void)
{
	test_replace();
	test_what_the_vault_says();
	test_same_value();
	test_under_way();
	test_report_after_replace();
	test_failure_after_replace();
	test_grant_after_replace();
	test_unlock_after_both();
	test_reinstate();
	test_reinstate_each();
	test_reinstate_both();
	test_report_after_reinstate();
	return CHECK_DONE();
}
