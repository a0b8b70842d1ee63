/* SPDX-License-Identifier: Apache-2.0 */
/* Unlocks whose vault has its key in an HSM: release, grant and done as ever; a roll from the file into the HSM and back between them; an HSM that goes and comes. */
#define _GNU_SOURCE /* memmem */
#include "check.h"
#include "keyfile.h"
#include "keyring.h"
#include "os.h"
#include "soft_hsm.h"
#include "text.h"
#include "transcript.h"
#include "vault_client.h"
#include "world.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_MS 60000
#define SHADOW_LEN  (1ul << 30)

static struct soft_hsm soft;

/* A world whose vault knows an HSM; its key is in the file. */
static struct world *
new_world(void)
{
	struct world *w = world_new();

	w->config.vault.hsm = soft.config;
	world_vault_stop(w);
	world_vault_start(w);
	return w;
}

static struct keyring_key
make_in_hsm(const struct world *w)
{
	struct keyring_key key = { .in_hsm = false };
	char line[VAULT_LINE_SIZE] = "";

	CHECK(vault_make(w->config.vault.socket, NULL, line) == ERR_OK);
	CHECK(keyring_key_from_line(line, strlen(line), &key) && key.in_hsm);
	return key;
}

static struct keyring_key
key_of_file(const struct world *w)
{
	struct keyring_key key = { .in_hsm = false };

	key_kem_private(w->vault_key, key.sk);
	return key;
}

/* The keys of the vault from now on, the newest first, and its id. */
static void
write_ring(struct world *w, const struct keyring_key *newest, const struct keyring_key *older, char ret_id[KEYRING_ID_LEN + 1])
{
	struct keyring ring = { .keys = { *newest }, .count = 1 };
	unsigned char pk[KEY_KEM_PK_LEN];

	if (older != NULL)
		ring.keys[ring.count++] = *older;
	CHECK(keyring_write(w->config.vault.private_key, &ring, w->config.vault.private_key) == ERR_OK && keyring_public(&ring, 0, pk, ret_id) == ERR_OK);
	unlink(w->config.vault.public_key);
	CHECK(keyfile_write(w->config.vault.public_key, pk, sizeof(pk)) == ERR_OK);
	keyring_wipe(&ring);
}

static struct machine *
ready(struct world *w, unsigned token)
{
	struct machine *m = machine_new(w, token, MACHINE_OWN);

	CHECK(machine_create(m) == ERR_OK && machine_approve(m) == ERR_OK && machine_verb(m, "status") == ERR_OK);
	machine_mail(m, 900);
	return m;
}

/* From nothing to the end, and which key the token's new SO PIN is sealed to. */
static void
unlock(struct world *w, unsigned token, const char *key)
{
	struct machine_report done = { .result = "completed", .rotated = true, .proof_mechanism = "" };
	struct machine *m = ready(w, token);
	struct store_escrow row;

	CHECK(machine_release(m) == ERR_OK && m->candidate_count == 1);
	CHECK(machine_grant(m, 0) == ERR_OK && m->next.len == m->candidates[0].len);
	CHECK(machine_done(m, &done) == ERR_OK);
	CHECK_TEXT(m->state, "completed");
	CHECK(store_escrow_by_id(w->scratch.store, world_token(w, &m->token).active, &row) == ERR_OK);
	CHECK_TEXT(row.key, key);
	machine_free(m);
}

/* File, HSM, file; every unlock opens what the one before it has sealed, and the vault is started anew in between. */
static void
test_there_and_back(void)
{
	struct world *w = new_world();
	struct keyring_key file = key_of_file(w);
	struct keyring_key hsm = make_in_hsm(w);
	char file_id[KEYRING_ID_LEN + 1] = "", hsm_id[KEYRING_ID_LEN + 1] = "";

	world_import(w, 1, "khach@example.vn");
	write_ring(w, &file, NULL, file_id);
	unlock(w, 1, file_id);
	write_ring(w, &hsm, &file, hsm_id);
	unlock(w, 1, hsm_id);
	unlock(w, 1, hsm_id);
	/* what the HSM has sealed needs the file no more, before and behind a restart */
	write_ring(w, &hsm, NULL, hsm_id);
	unlock(w, 1, hsm_id);
	world_vault_stop(w);
	world_vault_start(w);
	unlock(w, 1, hsm_id);
	write_ring(w, &file, &hsm, file_id);
	unlock(w, 1, file_id);
	write_ring(w, &file, NULL, file_id);
	unlock(w, 1, file_id);
	CHECK(strcmp(file_id, hsm_id) != 0);
	wipe(&file, sizeof(file));
	world_free(w);
}

/* Rolled between release and grant, in either direction: the machine does not notice. */
static void
test_roll_under_way(void)
{
	struct world *w = new_world();
	struct keyring_key file = key_of_file(w);
	struct keyring_key hsm = make_in_hsm(w);
	char id[KEYRING_ID_LEN + 1] = "";

	for (unsigned token = 1; token <= 2; token++) {
		struct machine_report done = { .result = "completed", .rotated = true, .proof_mechanism = "" };
		struct machine *m;
		world_import(w, token, "khach@example.vn");
		m = ready(w, token);
		CHECK(machine_release(m) == ERR_OK);
		write_ring(w, token == 1 ? &hsm : &file, token == 1 ? &file : &hsm, id);
		CHECK(machine_grant(m, 0) == ERR_OK && machine_done(m, &done) == ERR_OK);
		machine_free(m);
	}
	wipe(&file, sizeof(file));
	world_free(w);
}

/* Nobody at the HSM: the customer reads that the vault does not answer, no attempt is lost, and all goes on where it stood. */
static void
test_unplugged(void)
{
	struct world *w = new_world();
	struct keyring_key hsm = make_in_hsm(w);
	struct keyring_key file = key_of_file(w);
	struct machine_report done = { .result = "completed", .rotated = true, .proof_mechanism = "" };
	char id[KEYRING_ID_LEN + 1] = "";
	uint64_t end = os_now_ms() + PATIENCE_MS;
	struct machine *m;
	enum err e;

	world_import(w, 1, "khach@example.vn");
	write_ring(w, &hsm, &file, id);
	unlock(w, 1, id);
	write_ring(w, &hsm, NULL, id);
	m = ready(w, 1);
	world_vault_stop(w);
	soft_hsm_unplug(&soft, true);
	world_vault_start(w);
	for (int i = 0; i < 7; i++)
		CHECK(machine_release(m) == ERR_VAULT_UNREACHABLE);
	soft_hsm_unplug(&soft, false);
	do {
		os_sleep_ms(200);
		e = machine_release(m);
	} while (e == ERR_VAULT_UNREACHABLE && os_now_ms() < end);
	CHECK(e == ERR_OK && m->candidate_count == 1);
	CHECK(machine_grant(m, 0) == ERR_OK && machine_done(m, &done) == ERR_OK);
	CHECK_TEXT(m->state, "completed");
	machine_free(m);
	wipe(&file, sizeof(file));
	world_free(w);
}

/* ---- what the HSM's process holds ---- */

/* The vault's one child. */
static pid_t
process_of_hsm(const struct world *w)
{
	char path[64];
	long child = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/task/%ld/children", (long)w->vault, (long)w->vault);
	f = fopen(path, "r");
	CHECK(f != NULL && fscanf(f, "%ld", &child) == 1);
	if (f != NULL)
		fclose(f);
	return (pid_t)child;
}

/* It is nothing but a number any more, for its parent to ask for. */
static bool
is_dead(pid_t process)
{
	char path[64], state = 'Z';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)process);
	f = fopen(path, "r");
	if (f != NULL && fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = '?';
	if (f != NULL)
		fclose(f);
	return state == 'Z' || state == 'X';
}

/* How often the bytes stand in memory that a process can write to; -1 where it cannot be read. */
static int
count_in_memory(pid_t process, const void *bytes, size_t len)
{
	char path[64], line[512], perms[8];
	unsigned long from, to;
	int count = 0;
	FILE *maps;
	int mem;

	snprintf(path, sizeof(path), "/proc/%ld/maps", (long)process);
	maps = fopen(path, "r");
	snprintf(path, sizeof(path), "/proc/%ld/mem", (long)process);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	while (maps != NULL && mem >= 0 && fgets(line, sizeof(line), maps) != NULL) {
		char *copy;
		/* a sanitizer's shadow is terabytes, and no copy of anything */
		if (sscanf(line, "%lx-%lx %7s", &from, &to, perms) != 3 || perms[1] != 'w' || to - from > SHADOW_LEN)
			continue;
		copy = malloc(to - from);
		if (copy != NULL && pread(mem, copy, to - from, (off_t)from) == (ssize_t)(to - from))
			for (char *at = memmem(copy, to - from, bytes, len); at != NULL; at = memmem(at + 1, (size_t)(copy + (to - from) - at - 1), bytes, len))
				count++;
		free(copy);
	}
	if (maps == NULL || mem < 0)
		count = -1;
	if (maps != NULL)
		fclose(maps);
	if (mem >= 0)
		close(mem);
	return count;
}

/* Its process dies; a row that a key of the file opens is open already when it is started anew for the second one. */
static void
test_nothing_open_in_the_process(void)
{
	struct world *w = new_world();
	struct keyring_key hsm = make_in_hsm(w);
	struct keyring_key file = key_of_file(w);
	static const struct token_name token = { "CardContact", "SmartCard-HSM", "DENK0100001" };
	static const unsigned char h[KEY_HASH_LEN] = { 1 }, nonce[TRANSCRIPT_ID_LEN] = { 2 };
	struct key_kem *machine = key_kem_new();
	struct vault_row rows[2] = { { .version = 1 }, { .version = 2 } };
	struct vault_answer answer;
	struct secret so_pin = { 0 };
	uint64_t end = os_now_ms() + PATIENCE_MS;
	unsigned char pk[KEY_KEM_PK_LEN], random[8];
	char id[KEYRING_ID_LEN + 1] = "", digits[2 * sizeof(random) + 1];
	pid_t before, after;

	write_ring(w, &hsm, &file, id);
	/* nobody but this test and whoever opens the row has it: the vault was forked before it was made */
	os_random(random, sizeof(random));
	text_hex(random, sizeof(random), digits);
	CHECK(secret_set(&so_pin, digits, strlen(digits)));
	key_kem_public(w->vault_key, pk);
	CHECK(transcript_seal_escrow(pk, &token, 1, &so_pin, rows[0].sealed) == ERR_OK);
	CHECK(transcript_seal_escrow(hsm.pk, &token, 2, &so_pin, rows[1].sealed) == ERR_OK);
	key_kem_public(machine, pk);
	CHECK(vault_reseal(w->config.vault.socket, &token, &rows[1], 1, pk, h, nonce, &answer) == ERR_OK);
	CHECK(count_in_memory(getpid(), so_pin.bytes, so_pin.len) > 0);
	before = process_of_hsm(w);
	CHECK(before > 0 && kill(before, SIGKILL) == 0);
	/* on a loaded machine either takes its time, and the vault waits for neither */
	while (!is_dead(before) && os_now_ms() < end)
		os_sleep_ms(10);
	while (vault_reseal(w->config.vault.socket, &token, rows, 2, pk, h, nonce, &answer) != ERR_OK && os_now_ms() < end)
		os_sleep_ms(200);
	CHECK(os_now_ms() < end);
	after = process_of_hsm(w);
	CHECK(after > 0 && after != before);
	CHECK(count_in_memory(after, so_pin.bytes, so_pin.len) == 0);
	/* and in the vault it is open no longer than it is needed */
	CHECK(count_in_memory(w->vault, so_pin.bytes, so_pin.len) == 0);
	key_kem_free(machine);
	secret_wipe(&so_pin);
	wipe(&file, sizeof(file));
	world_free(w);
}

int
main(void)
{
	if (!soft_hsm_new(&soft))
		return 77;
	test_there_and_back();
	test_roll_under_way();
	test_unplugged();
	test_nothing_open_in_the_process();
	soft_hsm_free(&soft);
	return CHECK_DONE();
}
