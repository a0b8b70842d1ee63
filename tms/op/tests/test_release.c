/* SPDX-License-Identifier: Apache-2.0 */
/* Release and grant: who gets the candidates, how often one may try, and which SO PIN the server knows afterwards. */
#include "check.h"
#include "keyring.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool
is_so_pin(const struct secret *s, const char *want)
{
	return s->len == strlen(want) && memcmp(s->bytes, want, s->len) == 0;
}

static void
test_release(void)
{
	struct world *w = world_new();
	struct machine *m;
	unsigned char nonce[TRANSCRIPT_ID_LEN];

	world_import(w, 1, "khach@example.vn");
	m = machine_approved(w, 1);
	CHECK(machine_release(m) == ERR_OK);
	CHECK(m->candidate_count == 1 && is_so_pin(&m->candidates[0], WORLD_SO_PIN));
	CHECK(world_state(w, m->number) == STATE_RELEASED && world_token(w, &m->token).failures == 1 && world_token(w, &m->token).release == m->number);
	memcpy(nonce, m->nonce, sizeof(nonce));
	CHECK(machine_release(m) == ERR_OK && memcmp(nonce, m->nonce, sizeof(nonce)) == 0); /* the same answer */
	CHECK(world_token(w, &m->token).failures == 1);
	CHECK(machine_verb(m, "cancel") == ERR_STATE_WRONG);
	CHECK(machine_verb(m, "resend") == ERR_STATE_WRONG);
	CHECK(world_audits(w, m->number, "release") == 1);
	machine_free(m);
	world_free(w);
}

/* A code without the machine that asked is worth nothing, and costs no try. */
static void
test_mail_thief(void)
{
	struct world *w = world_new();
	struct machine *m;
	struct key_sig *own;
	struct store_request r;

	world_import(w, 1, "khach@example.vn");
	m = machine_approved(w, 1);
	own = m->sig;
	m->sig = key_sig_new();
	CHECK(machine_release(m) == ERR_SIGNATURE_REFUSED);
	key_sig_free(m->sig);
	m->sig = own;
	m->approval[0] ^= 1;
	CHECK(machine_release(m) == ERR_SIGNATURE_REFUSED); /* an approval that was never given */
	m->approval[0] ^= 1;
	CHECK(store_request_by_number(w->scratch.store, m->number, &r) == ERR_OK && r.attempts == 0);
	CHECK(machine_release(m) == ERR_OK);
	machine_free(m);
	world_free(w);
}

static void
test_wrong_code(void)
{
	struct world *w = world_new();
	struct machine *m;
	struct key_sig *right;

	world_import(w, 1, "khach@example.vn");
	m = machine_approved(w, 1);
	right = m->code;
	m->code = key_sig_new();
	for (int left = 4; left >= 1; left--)
		CHECK(machine_release(m) == ERR_CODE_WRONG && w->tries_left == left);
	CHECK(world_state(w, m->number) == STATE_APPROVED);
	CHECK(machine_release(m) == ERR_REQUEST_LOCKED_OUT);
	CHECK(world_state(w, m->number) == STATE_LOCKED_OUT && world_audits(w, m->number, "code") == 5);
	key_sig_free(m->code);
	m->code = right;
	CHECK(machine_release(m) == ERR_REQUEST_LOCKED_OUT); /* not even with the right one */
	CHECK(world_token(w, &m->token).failures == 0);
	machine_free(m);
	world_free(w);
}

/* What was released is given again to whoever has the code of the mail, however often the machine died and however late, and to nobody else. */
static void
test_again_with_the_code(void)
{
	struct world *w = world_new();
	struct machine *m;
	struct key_sig *right;
	struct store_request r;
	unsigned char nonce[TRANSCRIPT_ID_LEN];

	world_import(w, 1, "khach@example.vn");
	m = machine_approved(w, 1);
	CHECK(machine_release(m) == ERR_OK);
	memcpy(nonce, m->nonce, sizeof(nonce));
	w->now += 900; /* the code has run out, but it has opened this once */
	right = m->code;
	m->code = key_sig_new();
	for (int left = 4; left >= 3; left--)
		CHECK(machine_release(m) == ERR_CODE_WRONG && w->tries_left == left);
	key_sig_free(m->code);
	m->code = right;
	for (int i = 0; i < 7; i++) /* a right one is no failed try */
		CHECK(machine_release(m) == ERR_OK && memcmp(nonce, m->nonce, sizeof(nonce)) == 0);
	CHECK(store_request_by_number(w->scratch.store, m->number, &r) == ERR_OK && r.attempts == 2 && r.trying == 0);
	CHECK(world_token(w, &m->token).failures == 1);
	machine_free(m);
	world_free(w);
}

/* Wrong codes after the release end the request as they do before it, in either of its states. */
static void
test_locked_out_after_release(bool unknown)
{
	struct world *w = world_new();
	struct machine *m;
	struct key_sig *right;
	struct store_code codes[STORE_CODES_MAX];
	size_t count = 1;

	world_import(w, 1, "khach@example.vn");
	m = machine_approved(w, 1);
	CHECK(machine_release(m) == ERR_OK);
	if (unknown)
		CHECK(store_request_transition(w->scratch.store, m->number, STATE_RELEASED, STATE_UNKNOWN, w->now) == ERR_OK);
	right = m->code;
	m->code = key_sig_new();
	for (int left = 4; left >= 1; left--)
		CHECK(machine_release(m) == ERR_CODE_WRONG && w->tries_left == left);
	CHECK(world_state(w, m->number) == (unknown ? STATE_UNKNOWN : STATE_RELEASED));
	CHECK(machine_release(m) == ERR_REQUEST_LOCKED_OUT);
	CHECK(world_state(w, m->number) == STATE_LOCKED_OUT && world_audits(w, m->number, "code") == 5);
	key_sig_free(m->code);
	m->code = right;
	CHECK(machine_release(m) == ERR_REQUEST_LOCKED_OUT);
	CHECK(machine_grant(m, 0) == ERR_STATE_WRONG);
	CHECK(store_code_list(w->scratch.store, m->number, codes, &count) == ERR_OK && count == 0);
	machine_free(m);
	world_free(w);
}

/* A code that had run out before the release does not come to life by it. */
static void
test_older_code(void)
{
	struct world *w = world_new();
	struct machine *m;
	struct key_sig *old;
	struct key_sig *fresh;

	world_import(w, 1, "khach@example.vn");
	m = machine_approved(w, 1);
	w->now += 900;
	old = m->code;
	m->code = NULL;
	machine_mail(m, 900);
	CHECK(machine_release(m) == ERR_OK);
	fresh = m->code;
	m->code = old;
	CHECK(machine_release(m) == ERR_CODE_EXPIRED);
	m->code = fresh;
	CHECK(machine_release(m) == ERR_OK);
	key_sig_free(old);
	machine_free(m);
	world_free(w);
}

/* A server that died between counting the last try and checking it gives no sixth. */
static void
test_counted_before_checked(void)
{
	struct world *w = world_new();
	struct machine *m;

	world_import(w, 1, "khach@example.vn");
	m = machine_approved(w, 1);
	for (int i = 0; i < 5; i++) {
		CHECK(store_request_begin_try(w->scratch.store, m->number, w->now, 15) == ERR_OK);
		CHECK(machine_release(m) == ERR_BUSY); /* as long as the other attempt may still be alive */
		w->now += 15;
	}
	CHECK(machine_release(m) == ERR_REQUEST_LOCKED_OUT && world_state(w, m->number) == STATE_LOCKED_OUT);
	machine_free(m);
	world_free(w);
}

static void
test_codes(void)
{
	struct world *w = world_new();
	struct machine *m;
	struct key_sig *old;

	world_import(w, 1, "khach@example.vn");
	m = machine_approved(w, 1);
	w->now += 899;
	old = m->code;
	m->code = NULL;
	machine_mail(m, 900); /* a second mail: both codes work */
	key_sig_free(m->code);
	m->code = old;
	w->now += 1;
	CHECK(machine_release(m) == ERR_CODE_EXPIRED && w->tries_left == -1);
	machine_mail(m, 900);
	CHECK(machine_release(m) == ERR_OK);
	machine_free(m);
	world_free(w);
}

static void
test_not_approved(void)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);

	world_import(w, 1, "khach@example.vn");
	CHECK(machine_create(m) == ERR_OK);
	m->code = key_sig_new();
	CHECK(machine_release(m) == ERR_REQUEST_NOT_APPROVED);
	CHECK(machine_grant(m, 0) == ERR_SIGNATURE_REFUSED); /* there is no h yet */
	CHECK(machine_verb(m, "cancel") == ERR_OK);
	CHECK(machine_release(m) == ERR_REQUEST_CANCELLED);
	machine_free(m);
	world_free(w);
}

static void
test_vault_away(void)
{
	struct world *w = world_new();
	struct machine *m;
	struct store_request r;

	world_import(w, 1, "khach@example.vn");
	m = machine_approved(w, 1);
	world_vault_stop(w);
	for (int i = 0; i < 7; i++) /* more often than wrong codes are allowed */
		CHECK(machine_release(m) == ERR_VAULT_UNREACHABLE);
	CHECK(store_request_by_number(w->scratch.store, m->number, &r) == ERR_OK && r.attempts == 0 && r.state == STATE_APPROVED);
	world_vault_start(w);
	CHECK(machine_release(m) == ERR_OK);
	world_vault_stop(w);
	CHECK(machine_grant(m, 0) == ERR_VAULT_UNREACHABLE);
	CHECK(world_token(w, &m->token).failures == 1 && world_token(w, &m->token).next == 0);
	machine_free(m);
	world_free(w);
}

/* A server that died in the middle of an attempt keeps nobody: not when its time is over, and not when the clock was put back since. */
static void
test_dead_attempt(void)
{
	struct world *w = world_new();
	struct machine *m;

	world_import(w, 1, "khach@example.vn");
	m = machine_approved(w, 1);
	CHECK(store_request_begin_try(w->scratch.store, m->number, w->now, 15) == ERR_OK);
	CHECK(machine_release(m) == ERR_BUSY);
	w->now -= 3600;
	CHECK(machine_release(m) == ERR_OK);
	machine_free(m);
	world_free(w);
}

static void
test_grant(void)
{
	struct world *w = world_new();
	struct machine *m;
	struct secret next;
	struct store_token token;
	struct store_escrow row;
	char line[1024] = "";
	FILE *f;

	world_import(w, 1, "khach@example.vn");
	m = machine_approved(w, 1);
	CHECK(machine_release(m) == ERR_OK);
	CHECK(machine_grant(m, 1) == ERR_INVALID_PARAMS); /* there was only one candidate */
	CHECK(machine_grant(m, 0) == ERR_OK);
	next = m->next;
	CHECK(next.len == strlen(WORLD_SO_PIN) && !is_so_pin(&next, WORLD_SO_PIN));
	CHECK(machine_grant(m, 0) == ERR_OK && secret_equal(&next, &m->next)); /* the same answer */
	CHECK(machine_grant(m, 1) == ERR_STATE_WRONG);
	token = world_token(w, &m->token);
	CHECK(token.failures == 0 && token.next != 0);
	CHECK(store_escrow_by_id(w->scratch.store, token.next, &row) == ERR_OK && row.version == 2);
	CHECK(transcript_open_escrow(w->vault_key, &m->token, 2, row.sealed, &next) == ERR_OK && secret_equal(&next, &m->next));
	f = fopen(w->config.escrow_log, "r");
	if (CHECK(f != NULL)) {
		CHECK(fgets(line, sizeof(line), f) != NULL && strstr(line, "\"version\":2") != NULL && strstr(line, m->token.serial) != NULL);
		CHECK(fgets(line, sizeof(line), f) == NULL); /* one line for one grant */
		fclose(f);
	}
	machine_free(m);
	world_free(w);
}

/* What cannot be logged on the other device is not granted. */
static void
test_log_away(void)
{
	struct world *w = world_new();
	struct machine *m;
	const char *log = w->config.escrow_log;

	world_import(w, 1, "khach@example.vn");
	m = machine_approved(w, 1);
	CHECK(machine_release(m) == ERR_OK);
	w->config.escrow_log = "/nonexistent/escrow.log";
	CHECK(machine_grant(m, 0) == ERR_ESCROW_LOG_FAILED);
	CHECK(world_token(w, &m->token).next == 0 && world_token(w, &m->token).failures == 1);
	w->config.escrow_log = log;
	CHECK(machine_grant(m, 0) == ERR_OK);
	machine_free(m);
	world_free(w);
}

/* A line that a crash cut short takes nothing of the next one with it. */
static void
test_log_cut_short(void)
{
	static const char piece[] = "{\"time\":1700000000,\"requ";
	struct world *w = world_new();
	struct machine *m;
	json_t *entry;
	char line[1024] = "";
	FILE *f = fopen(w->config.escrow_log, "w");

	if (!CHECK(f != NULL && fputs(piece, f) >= 0 && fclose(f) == 0))
		exit(1);
	world_import(w, 1, "khach@example.vn");
	m = machine_approved(w, 1);
	CHECK(machine_release(m) == ERR_OK && machine_grant(m, 0) == ERR_OK);
	f = fopen(w->config.escrow_log, "r");
	if (CHECK(f != NULL)) {
		CHECK(fgets(line, sizeof(line), f) != NULL && strncmp(line, piece, strlen(piece)) == 0 && line[strlen(piece)] == '\n');
		CHECK(fgets(line, sizeof(line), f) != NULL);
		entry = json_loads(line, JSON_DISABLE_EOF_CHECK, NULL); /* its sum stands behind it */
		CHECK(json_integer_value(json_object_get(entry, "request")) == m->number);
		json_decref(entry);
		CHECK(fgets(line, sizeof(line), f) == NULL);
		fclose(f);
	}
	machine_free(m);
	world_free(w);
}

/* A session that died between rotation and report: the next one gets both, and says which one it was. */
static void
test_two_candidates(void)
{
	struct world *w = world_new();
	struct machine *dead;
	struct machine *m;
	struct store_token token;

	world_import(w, 1, "khach@example.vn");
	dead = machine_approved(w, 1);
	CHECK(machine_release(dead) == ERR_OK && machine_grant(dead, 0) == ERR_OK);
	m = machine_approved(w, 1);
	CHECK(machine_release(m) == ERR_OK && m->candidate_count == 2);
	CHECK(secret_equal(&m->candidates[0], &dead->next) && is_so_pin(&m->candidates[1], WORLD_SO_PIN));
	/* the dead one wakes up: what it was granted is not given out again, because it may soon be no candidate any more */
	CHECK(machine_grant(dead, 0) == ERR_STATE_WRONG);
	CHECK(machine_release(dead) == ERR_STATE_WRONG);
	token = world_token(w, &m->token);
	CHECK(machine_grant(m, 0) == ERR_OK);
	CHECK(world_token(w, &m->token).active == token.next && world_token(w, &m->token).next != token.next);
	machine_free(dead);
	machine_free(m);
	world_free(w);
}

/* Only the newest release of a token may rotate it. */
static void
test_older_release(void)
{
	struct world *w = world_new();
	struct machine *older;
	struct machine *newer;

	world_import(w, 1, "khach@example.vn");
	older = machine_approved(w, 1);
	CHECK(machine_release(older) == ERR_OK);
	newer = machine_approved(w, 1);
	CHECK(machine_release(newer) == ERR_OK);
	CHECK(machine_grant(older, 0) == ERR_STATE_WRONG);
	/* its candidates would cost the card a try each: it has none any more, and its machine learns that it may let go of its keys */
	CHECK(machine_release(older) == ERR_STATE_WRONG);
	CHECK(machine_verb(older, "status") == ERR_OK);
	CHECK_TEXT(older->state, "failed");
	CHECK(world_audits(w, older->number, "give_up") == 1);
	CHECK(machine_release(newer) == ERR_OK);
	CHECK(machine_grant(newer, 0) == ERR_OK);
	machine_free(older);
	machine_free(newer);
	world_free(w);
}

/* A row that is not what the vault sealed for this token. */
static void
test_swapped_row(void)
{
	struct world *w = world_new();
	struct machine *m;
	struct store_token other = scratch_token(9);
	struct store_escrow row;
	int64_t id;

	world_import(w, 1, "khach@example.vn");
	m = machine_approved(w, 1);
	CHECK(store_escrow_by_id(w->scratch.store, world_token(w, &m->token).active, &row) == ERR_OK);
	memcpy(m->token.serial, other.name.serial, sizeof(other.name.serial));
	strcpy(other.email, "khach@example.vn");
	CHECK(store_token_import(w->scratch.store, &other, 1, row.sealed, &id) == ERR_OK);
	machine_free(m);
	m = machine_new(w, 9, MACHINE_NONE);
	CHECK(machine_create(m) == ERR_OK && machine_approve(m) == ERR_OK);
	machine_mail(m, 900);
	CHECK(machine_verb(m, "status") == ERR_OK);
	CHECK(machine_release(m) == ERR_VAULT_REFUSED);
	machine_free(m);
	world_free(w);
}

/* A value that other tokens have, too, is rotated whatever its type says, and the token must be until that is done. */
static void
test_shared(void)
{
	struct world *w = world_new();
	struct store_type t = { .name = "loại", .policy = { .family = FAMILY_SO_PIN }, .rotation = false, .created = w->now };
	struct machine_report failed = { .result = "failed", .proof_mechanism = "" };
	struct machine_report rotated = { .result = "completed", .rotated = true, .proof_mechanism = "" };
	struct machine *m;
	struct store_token token;
	struct store_escrow row;
	int64_t shared = 0;
	int64_t count = 0;
	bool must = true;

	world_import(w, 1, "khach@example.vn");
	world_import(w, 2, "khach@example.vn");
	m = machine_approved(w, 1);
	token = world_token(w, &m->token);
	memcpy(t.manufacturer, m->token.manufacturer, sizeof(t.manufacturer));
	CHECK(store_type_put(w->scratch.store, &t) == ERR_OK);
	CHECK(store_token_describe(w->scratch.store, token.id, true, "0123456789abcdef") == ERR_OK);
	CHECK(store_token_must_rotate(w->scratch.store, &token, &must) == ERR_OK && !must);
	CHECK(store_token_count_shared(w->scratch.store, &shared, &count) == ERR_OK && shared == 1 && count == 0);
	CHECK(machine_release(m) == ERR_OK && m->rotation);
	CHECK(machine_done(m, &failed) == ERR_OK);
	CHECK(world_audits(w, m->number, "must_rotate") == 1);
	machine_free(m);
	/* it failed: the value is out, and the token must be rotated */
	token = world_token(w, &token.name);
	CHECK(store_token_must_rotate(w->scratch.store, &token, &must) == ERR_OK && must);
	CHECK(store_token_count_shared(w->scratch.store, &shared, &count) == ERR_OK && shared == 1 && count == 1);
	m = machine_approved(w, 1);
	CHECK(machine_release(m) == ERR_OK && m->rotation && machine_grant(m, 0) == ERR_OK);
	CHECK(machine_done(m, &rotated) == ERR_OK);
	CHECK(world_audits(w, m->number, "must_rotate") == 0);
	token = world_token(w, &token.name);
	CHECK(store_token_must_rotate(w->scratch.store, &token, &must) == ERR_OK && !must);
	CHECK(store_token_count_shared(w->scratch.store, &shared, &count) == ERR_OK && shared == 0 && count == 0);
	CHECK(store_escrow_by_id(w->scratch.store, token.active, &row) == ERR_OK && !row.shared && strlen(row.key) == 16);
	machine_free(m);
	/* one of that type which shares nothing stays what it is */
	m = machine_approved(w, 2);
	CHECK(machine_release(m) == ERR_OK && !m->rotation);
	machine_free(m);
	world_free(w);
}

/* The vault's key is rolled between release and grant: neither machine nor server notices. */
static void
test_roll(void)
{
	struct world *w = world_new();
	struct machine_report done = { .result = "completed", .rotated = true, .proof_mechanism = "" };
	struct keyring ring = { .count = 2 };
	struct key_kem *fresh = key_kem_new();
	unsigned char pk[KEY_KEM_PK_LEN];
	char id[KEYRING_ID_LEN + 1] = "";
	struct machine *m;
	struct store_escrow row;

	world_import(w, 1, "khach@example.vn");
	m = machine_approved(w, 1);
	CHECK(machine_release(m) == ERR_OK);
	key_kem_private(fresh, ring.keys[0].sk);
	key_kem_private(w->vault_key, ring.keys[1].sk);
	CHECK(keyring_write(w->config.vault.private_key, &ring, w->config.vault.private_key) == ERR_OK && keyring_public(&ring, 0, pk, id) == ERR_OK);
	CHECK(machine_grant(m, 0) == ERR_OK && machine_done(m, &done) == ERR_OK);
	CHECK(store_escrow_by_id(w->scratch.store, world_token(w, &m->token).active, &row) == ERR_OK);
	CHECK_TEXT(row.key, id);
	machine_free(m);
	/* the old key is gone, and the next unlock needs it no more */
	ring.count = 1;
	CHECK(keyring_write(w->config.vault.private_key, &ring, w->config.vault.private_key) == ERR_OK);
	m = machine_approved(w, 1);
	CHECK(machine_release(m) == ERR_OK && m->candidate_count == 1);
	machine_free(m);
	key_kem_free(fresh);
	keyring_wipe(&ring);
	world_free(w);
}

int
main(void)
{
	test_release();
	test_shared();
	test_roll();
	test_mail_thief();
	test_wrong_code();
	test_again_with_the_code();
	test_locked_out_after_release(false);
	test_locked_out_after_release(true);
	test_older_code();
	test_counted_before_checked();
	test_codes();
	test_not_approved();
	test_vault_away();
	test_dead_attempt();
	test_grant();
	test_log_away();
	test_log_cut_short();
	test_two_candidates();
	test_older_release();
	test_swapped_row();
	return CHECK_DONE();
}
