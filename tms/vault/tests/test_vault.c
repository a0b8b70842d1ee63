/* SPDX-License-Identifier: Apache-2.0 */
/* A vault in a process of its own, asked through its socket as the server asks it, and by those who should not. */
#define _GNU_SOURCE
#include "check.h"
#include "seen.h"

#include "config.h"
#include "frame.h"
#include "json.h"
#include "keyfile.h"
#include "keyring.h"
#include "log.h"
#include "os.h"
#include "vault.h"
#include "vault_client.h"
#include "vault_wire.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SO_PIN "3537363231383830"

static const struct vault_format as_before = { .characters = CHARACTERS_ANY };

static char folder[64];
static char socket_path[96];
static char key_path[96];
static char hour_path[112];
static struct key_kem *vault_key;
static struct key_kem *host_key;
static unsigned char vault_pk[KEY_KEM_PK_LEN];
static unsigned char host_pk[KEY_KEM_PK_LEN];
static const struct token_name token = { "CardContact", "SmartCard-HSM", "DENK0100001" };
static const unsigned char h[KEY_HASH_LEN] = { 9, 8, 7 };
static const unsigned char nonce[TRANSCRIPT_ID_LEN] = { 1, 2, 3 };

/* ---- the vault's process ---- */

static pid_t
start_vault(unsigned rows_per_hour, unsigned compares_per_hour, const char *client)
{
	struct config c = { .vault = { .socket = socket_path, .private_key = key_path, .client = client, .rows_per_hour = rows_per_hour, .compares_per_hour = compares_per_hour } };
	pid_t pid = fork();
	struct stat st;

	if (pid == 0)
		_exit(vault_main(&c));
	for (int i = 0; i < 500 && stat(socket_path, &st) != 0; i++)
		os_sleep_ms(10);
	return pid;
}

/* What it has counted stays. */
static int
kill_vault(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	unlink(socket_path);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int
end_vault(pid_t pid)
{
	int status = kill_vault(pid);

	unlink(hour_path);
	return status;
}

static intptr_t
dial(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, socket_path, strlen(socket_path) + 1);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	os_close(fd);
	return -1;
}

/* ---- what a customer's machine does with the answers ---- */

static struct vault_row
sealed(const char *pin, uint64_t version)
{
	struct vault_row row = { .version = version };
	struct secret s = { 0 };

	secret_set(&s, pin, strlen(pin));
	CHECK(transcript_seal_escrow(vault_pk, &token, version, &s, row.sealed) == ERR_OK);
	return row;
}

static size_t
opened_release(const struct vault_answer *a, struct secret candidates[2])
{
	unsigned char plain[TRANSCRIPT_SEALED_LEN];
	unsigned char got_nonce[TRANSCRIPT_ID_LEN];
	size_t count = 0;

	CHECK(hpke_open(host_key, a->enc, h, sizeof(h), NULL, 0, a->ciphertext, sizeof(a->ciphertext), plain) == ERR_OK);
	CHECK(transcript_unpack_release(plain, got_nonce, candidates, &count) == ERR_OK);
	CHECK(memcmp(got_nonce, nonce, sizeof(nonce)) == 0);
	return count;
}

static struct secret
opened_grant(const struct vault_answer *a)
{
	struct buf info = buf_new(TRANSCRIPT_MAX);
	unsigned char plain[TRANSCRIPT_SEALED_LEN];
	struct secret next = { 0 };

	transcript_grant_info(&info, h);
	CHECK(hpke_open(host_key, a->enc, info.data, info.len, NULL, 0, a->ciphertext, sizeof(a->ciphertext), plain) == ERR_OK);
	CHECK(transcript_unpack_grant(plain, &next) == ERR_OK);
	buf_free(&info);
	return next;
}

/* ---- the tests ---- */

static void
test_reseal(void)
{
	struct vault_row rows[2] = { sealed(SO_PIN, 1), sealed("87654321", 2) };
	struct secret candidates[2] = { 0 };
	struct vault_answer answer;

	CHECK(vault_reseal(socket_path, &token, rows, 1, host_pk, h, nonce, &answer) == ERR_OK);
	CHECK(opened_release(&answer, candidates) == 1);
	CHECK(candidates[0].len == 16 && memcmp(candidates[0].bytes, SO_PIN, 16) == 0);
	CHECK(vault_reseal(socket_path, &token, rows, 2, host_pk, h, nonce, &answer) == ERR_OK);
	CHECK(opened_release(&answer, candidates) == 2);
	CHECK(candidates[1].len == 8 && memcmp(candidates[1].bytes, "87654321", 8) == 0);
	CHECK(vault_reseal(socket_path, &token, rows, 0, host_pk, h, nonce, &answer) == ERR_VAULT_REFUSED);
}

static void
test_renew(void)
{
	struct vault_row row = sealed(SO_PIN, 41);
	struct vault_row next_row = { 0 };
	struct vault_answer answer;
	struct secret next, kept = { 0 };

	CHECK(vault_renew(socket_path, &token, &row, &as_before, host_pk, h, &next_row, &answer) == ERR_OK);
	next = opened_grant(&answer);
	CHECK(next.len == 16 && memcmp(next.bytes, SO_PIN, 16) != 0);
	CHECK(strspn((const char *)next.bytes, "0123456789") >= 16);
	CHECK(next_row.version == 42);
	CHECK(transcript_open_escrow(vault_key, &token, 42, next_row.sealed, &kept) == ERR_OK);
	CHECK(secret_equal(&kept, &next));
	CHECK(transcript_open_escrow(vault_key, &token, 41, next_row.sealed, &kept) == ERR_SEALED_INVALID);
}

static void
test_regrant(void)
{
	struct vault_row row = sealed(SO_PIN, 42);
	struct vault_answer answer;
	struct secret next;

	CHECK(vault_regrant(socket_path, &token, &row, host_pk, h, &answer) == ERR_OK);
	next = opened_grant(&answer);
	CHECK(next.len == 16 && memcmp(next.bytes, SO_PIN, 16) == 0);
	row.version = 41;
	CHECK(vault_regrant(socket_path, &token, &row, host_pk, h, &answer) == ERR_SEALED_INVALID);
}

static void
test_what_does_not_open(void)
{
	struct vault_row row = sealed(SO_PIN, 1);
	struct vault_row next_row;
	struct vault_answer answer;
	struct token_name other = token;
	unsigned char no_point[KEY_KEM_PK_LEN] = { 4 };

	CHECK(vault_reseal(socket_path, &token, &row, 1, no_point, h, nonce, &answer) == ERR_VAULT_REFUSED);
	other.serial[0] = 'X';
	CHECK(vault_reseal(socket_path, &other, &row, 1, host_pk, h, nonce, &answer) == ERR_SEALED_INVALID);
	row.version = 2;
	CHECK(vault_reseal(socket_path, &token, &row, 1, host_pk, h, nonce, &answer) == ERR_SEALED_INVALID);
	CHECK(vault_renew(socket_path, &token, &row, &as_before, host_pk, h, &next_row, &answer) == ERR_SEALED_INVALID);
	row.version = 1;
	row.sealed[100] ^= 1;
	CHECK(vault_reseal(socket_path, &token, &row, 1, host_pk, h, nonce, &answer) == ERR_SEALED_INVALID);
	row = sealed(SO_PIN, INT64_MAX);
	CHECK(vault_renew(socket_path, &token, &row, &as_before, host_pk, h, &next_row, &answer) == ERR_VAULT_REFUSED);
	row = sealed("tab\there", 1);
	CHECK(vault_renew(socket_path, &token, &row, &as_before, host_pk, h, &next_row, &answer) == ERR_VAULT_REFUSED);
}

/* The error's name that the vault answers to these bytes; "" where it closes without a word. */
static void
name_of_answer(const void *bytes, size_t len, char ret[64])
{
	struct frame_reader reader = frame_reader_new(VAULT_FRAME_MAX);
	intptr_t fd = dial();
	const unsigned char *answer;
	uint32_t answer_len;
	json_t *json = NULL;
	const char *name = "";

	CHECK(os_write_all(fd, bytes, len));
	shutdown((int)fd, SHUT_WR);
	if (frame_read(&reader, fd, os_now_ms() + 8000, &answer, &answer_len) == ERR_OK && json_load(answer, answer_len, &json, NULL) == ERR_OK)
		CHECK(json_unpack(json, "{s:{s:{s:s}}}", "error", "data", "name", &name) == 0);
	snprintf(ret, 64, "%s", name);
	json_decref(json);
	frame_reader_free(&reader);
	os_close(fd);
}

static void
test_garbage(void)
{
	char name[64];
	unsigned char bytes[16] = { 0 };
	uint32_t huge = VAULT_FRAME_MAX + 1;
	uint32_t ten = 10;

	name_of_answer(bytes, sizeof(bytes), name); /* length 0 */
	CHECK_TEXT(name, "frame_too_large");
	memcpy(bytes, &huge, sizeof(huge));
	name_of_answer(bytes, sizeof(bytes), name);
	CHECK_TEXT(name, "frame_too_large");
	memcpy(bytes, &ten, sizeof(ten));
	memcpy(bytes + 4, "{\"verb\":1}", 10);
	name_of_answer(bytes, 14, name);
	CHECK_TEXT(name, "invalid_request");
	memcpy(bytes + 4, "notjson!!!", 10);
	name_of_answer(bytes, 14, name);
	CHECK_TEXT(name, "parse_error");
	name_of_answer(bytes, 13, name); /* cut off */
	CHECK_TEXT(name, "");
	name_of_answer(bytes, 0, name);
	CHECK_TEXT(name, "");
}

/* Peers that say nothing, or half of something, hold nobody up, and are sent away. */
static void
test_silent_peers(void)
{
	struct vault_row row = sealed(SO_PIN, 1);
	struct vault_answer answer;
	intptr_t silent[40];
	uint64_t began = os_now_ms();
	bool ready;
	char byte;

	for (size_t i = 0; i < 14; i++) {
		silent[i] = dial();
		CHECK(os_write_all(silent[i], "\x20", i % 2));
	}
	CHECK(vault_reseal(socket_path, &token, &row, 1, host_pk, h, nonce, &answer) == ERR_OK);
	CHECK(os_now_ms() - began < 2000);
	/* more than there are places: those wait until the first are sent away */
	for (size_t i = 14; i < 40; i++)
		silent[i] = dial();
	CHECK(vault_reseal(socket_path, &token, &row, 1, host_pk, h, nonce, &answer) == ERR_OK);
	CHECK(os_now_ms() - began < 9000);
	CHECK(os_wait(silent, 1, 100, &ready) && os_read(silent[0], &byte, 1) == 0);
	for (size_t i = 0; i < 40; i++)
		os_close(silent[i]);
}

static void
test_limit(void)
{
	pid_t pid = start_vault(3, 2, NULL);
	struct vault_row rows[2] = { sealed(SO_PIN, 1), sealed(SO_PIN, 2) };
	struct vault_row next;
	struct vault_answer answer;

	CHECK(vault_reseal(socket_path, &token, rows, 2, host_pk, h, nonce, &answer) == ERR_OK);
	CHECK(vault_reseal(socket_path, &token, rows, 2, host_pk, h, nonce, &answer) == ERR_VAULT_LIMIT);
	CHECK(vault_renew(socket_path, &token, rows, &as_before, host_pk, h, &next, &answer) == ERR_OK);
	CHECK(vault_renew(socket_path, &token, rows, &as_before, host_pk, h, &next, &answer) == ERR_VAULT_LIMIT);
	CHECK(end_vault(pid) == -1);
}

/* A vault that was killed and started has counted what the one before it has done. */
static void
test_limit_outlives_the_vault(void)
{
	struct vault_row rows[2] = { sealed(SO_PIN, 1), sealed(SO_PIN, 2) };
	struct vault_answer answer;
	bool equal = false;
	pid_t pid = start_vault(3, 2, NULL);

	CHECK(vault_reseal(socket_path, &token, rows, 2, host_pk, h, nonce, &answer) == ERR_OK);
	CHECK(vault_compare(socket_path, &token, rows, &equal) == ERR_OK);
	kill_vault(pid);
	pid = start_vault(3, 2, NULL);
	CHECK(vault_reseal(socket_path, &token, rows, 2, host_pk, h, nonce, &answer) == ERR_VAULT_LIMIT);
	CHECK(vault_reseal(socket_path, &token, rows, 1, host_pk, h, nonce, &answer) == ERR_OK);
	CHECK(vault_compare(socket_path, &token, rows, &equal) == ERR_OK);
	CHECK(vault_compare(socket_path, &token, rows, &equal) == ERR_VAULT_LIMIT);
	kill_vault(pid);
	/* one that cannot be read is no reason to stand still; a count that cannot be kept is one to open nothing */
	CHECK(keyfile_write(hour_path, "x", 1) == ERR_OK);
	pid = start_vault(3, 2, NULL);
	CHECK(vault_reseal(socket_path, &token, rows, 1, host_pk, h, nonce, &answer) == ERR_OK);
	unlink(hour_path);
	CHECK(mkdir(hour_path, 0700) == 0);
	CHECK(vault_reseal(socket_path, &token, rows, 1, host_pk, h, nonce, &answer) == ERR_VAULT_REFUSED);
	rmdir(hour_path);
	CHECK(end_vault(pid) == -1);
}

static void
test_compare(void)
{
	struct vault_row rows[2] = { sealed(SO_PIN, 1), sealed(SO_PIN, 9) };
	struct token_name other = token;
	bool equal = false;

	CHECK(vault_compare(socket_path, &token, rows, &equal) == ERR_OK && equal);
	rows[1] = sealed("3537363231383831", 1);
	CHECK(vault_compare(socket_path, &token, rows, &equal) == ERR_OK && !equal);
	rows[1] = sealed("353736323138383", 1);
	CHECK(vault_compare(socket_path, &token, rows, &equal) == ERR_OK && !equal);
	/* rows of two tokens are never compared */
	other.serial[0] = 'X';
	CHECK(vault_compare(socket_path, &other, rows, &equal) == ERR_SEALED_INVALID);
	rows[1].version = 2;
	CHECK(vault_compare(socket_path, &token, rows, &equal) == ERR_SEALED_INVALID);
}

static void
test_compare_limit(void)
{
	pid_t pid = start_vault(3, 2, NULL);
	struct vault_row rows[2] = { sealed(SO_PIN, 1), sealed(SO_PIN, 2) };
	struct vault_answer answer;
	bool equal = false;

	for (int i = 0; i < 2; i++)
		CHECK(vault_compare(socket_path, &token, rows, &equal) == ERR_OK && equal);
	equal = false;
	CHECK(vault_compare(socket_path, &token, rows, &equal) == ERR_VAULT_LIMIT && !equal);
	/* neither takes from the other */
	CHECK(vault_reseal(socket_path, &token, rows, 2, host_pk, h, nonce, &answer) == ERR_OK);
	CHECK(end_vault(pid) == -1);
}

/* The keys of the vault as they are from now on, the newest first. */
static void
write_ring(const struct key_kem *newest, const struct key_kem *older)
{
	struct keyring ring = { .count = older != NULL ? 2 : 1 };

	key_kem_private(newest, ring.keys[0].sk);
	if (older != NULL)
		key_kem_private(older, ring.keys[1].sk);
	CHECK(keyring_write(key_path, &ring, key_path) == ERR_OK);
	keyring_wipe(&ring);
}

/* The vault goes on while its key is rolled: nobody starts it anew. */
static void
test_roll(void)
{
	struct key_kem *fresh = key_kem_new();
	unsigned char fresh_pk[KEY_KEM_PK_LEN];
	struct vault_row old = sealed(SO_PIN, 5);
	struct vault_row next = { .version = 0 };
	struct vault_row again = { .version = 0 };
	struct vault_keys keys;
	struct vault_answer answer;
	struct secret value = { 0 };
	char id[KEYRING_ID_LEN + 1] = "";

	key_kem_public(fresh, fresh_pk);
	CHECK(keyring_id(fresh_pk, id) == ERR_OK);
	CHECK(vault_keys(socket_path, &keys) == ERR_OK && keys.count == 1 && strcmp(keys.ids[0], id) != 0);
	write_ring(fresh, vault_key);
	CHECK(vault_keys(socket_path, &keys) == ERR_OK && keys.count == 2);
	CHECK_TEXT(keys.ids[0], id);
	/* what was sealed before opens, what is sealed now is sealed to the new one */
	CHECK(vault_reseal(socket_path, &token, &old, 1, host_pk, h, nonce, &answer) == ERR_OK);
	CHECK(vault_renew(socket_path, &token, &old, &as_before, host_pk, h, &next, &answer) == ERR_OK);
	CHECK_TEXT(next.key, id);
	CHECK(transcript_open_escrow(fresh, &token, 6, next.sealed, &value) == ERR_OK);
	CHECK(vault_rewrap(socket_path, &token, &old, &again) == ERR_OK && again.version == 5);
	CHECK_TEXT(again.key, id);
	CHECK(transcript_open_escrow(fresh, &token, 5, again.sealed, &value) == ERR_OK && value.len == 16 && memcmp(value.bytes, SO_PIN, 16) == 0);
	CHECK(transcript_open_escrow(vault_key, &token, 5, again.sealed, &value) == ERR_SEALED_INVALID);
	again.sealed[80] ^= 1;
	CHECK(vault_rewrap(socket_path, &token, &again, &next) == ERR_SEALED_INVALID);
	again.sealed[80] ^= 1;
	/* a file that is none leaves the keys as they are */
	chmod(key_path, 0644);
	CHECK(vault_keys(socket_path, &keys) == ERR_OK && keys.count == 2);
	chmod(key_path, 0400);
	/* once the old one is gone, so is what was sealed to it */
	write_ring(fresh, NULL);
	CHECK(vault_reseal(socket_path, &token, &old, 1, host_pk, h, nonce, &answer) == ERR_SEALED_INVALID);
	CHECK(vault_reseal(socket_path, &token, &again, 1, host_pk, h, nonce, &answer) == ERR_OK);
	write_ring(vault_key, NULL);
	CHECK(vault_reseal(socket_path, &token, &old, 1, host_pk, h, nonce, &answer) == ERR_OK);
	key_kem_free(fresh);
}

static void
test_nobody_there(void)
{
	struct vault_row row = sealed(SO_PIN, 1);
	struct vault_answer answer;

	CHECK(vault_reseal(socket_path, &token, &row, 1, host_pk, h, nonce, &answer) == ERR_VAULT_UNREACHABLE);
	CHECK(vault_reseal("/nowhere/at/all", &token, &row, 1, host_pk, h, nonce, &answer) == ERR_VAULT_UNREACHABLE);
}

/* A vault without an HSM says so, and takes no ring with a key of one. */
static void
test_no_hsm(void)
{
	struct keyring ring = { .count = 2 };
	struct vault_keys keys;
	char line[VAULT_LINE_SIZE];

	CHECK(vault_make(socket_path, NULL, line) == ERR_CONFIG_INVALID && vault_make(socket_path, "label", line) == ERR_CONFIG_INVALID);
	CHECK(vault_check(socket_path, &keys) == ERR_OK && keys.count == 1);
	key_kem_private(vault_key, ring.keys[1].sk);
	ring.keys[0] = (struct keyring_key){ .in_hsm = true, .object = { { 1 }, 1 } };
	memcpy(ring.keys[0].pk, host_pk, sizeof(host_pk));
	CHECK(keyring_write(key_path, &ring, key_path) == ERR_OK);
	CHECK(vault_keys(socket_path, &keys) == ERR_OK && keys.count == 1);
	write_ring(vault_key, NULL);
	CHECK(vault_keys(socket_path, &keys) == ERR_OK && keys.count == 1);
}

/* A key that others may read is no vault's key; nor is a file of something else. */
static void
test_unsafe_key(void)
{
	struct config c = { .vault = { .socket = socket_path, .private_key = key_path, .rows_per_hour = 1 } };

	chmod(key_path, 0440);
	CHECK(vault_main(&c) == 1);
	chmod(key_path, 0400);
	c.vault.private_key = socket_path;
	CHECK(vault_main(&c) == 1);
	c.vault.private_key = key_path;
	c.vault.client = "no-such-user-here";
	CHECK(vault_main(&c) == 1);
	c.vault.client = NULL;
	c.vault.socket = "/nowhere/at/all";
	CHECK(vault_main(&c) == 1);
}

/* What a process of another user gets: 0 for a refusal. */
static int
ask_as_another(uid_t uid)
{
	struct vault_row row = sealed(SO_PIN, 1);
	struct vault_answer answer;
	struct vault_keys keys;
	char line[VAULT_LINE_SIZE];
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		if (setuid(uid) != 0)
			_exit(77);
		enum err e = vault_reseal(socket_path, &token, &row, 1, host_pk, h, nonce, &answer);
		/* what is the desk's is nobody's whom the server runs as */
		if (e == ERR_OK && (vault_make(socket_path, NULL, line) != ERR_VAULT_REFUSED || vault_make(socket_path, "x", line) != ERR_VAULT_REFUSED || vault_check(socket_path, &keys) != ERR_VAULT_REFUSED))
			_exit(3);
		_exit(e == ERR_VAULT_REFUSED ? 0 : e == ERR_OK ? 1
							       : 2);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int
test_wrong_user(void)
{
	pid_t pid = start_vault(100, 1, "64242");
	int status;

	chmod(folder, 0711);
	status = ask_as_another(64243);
	if (status != 77) {
		CHECK(status == 0);
		CHECK(ask_as_another(64242) == 1);
	}
	end_vault(pid);
	return status;
}

int
main(void)
{
	static const enum err reached[] = { ERR_VAULT_UNREACHABLE, ERR_VAULT_LIMIT, ERR_VAULT_REFUSED, ERR_SEALED_INVALID };
	unsigned char sk[KEY_KEM_SK_LEN];
	pid_t pid;
	int status;

	json_open();
	log_open("test_vault");
	os_harden();
	snprintf(folder, sizeof(folder), "/tmp/mokhoa-vault-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(socket_path, sizeof(socket_path), "%s/vault.sock", folder);
	snprintf(key_path, sizeof(key_path), "%s/vault.key", folder);
	snprintf(hour_path, sizeof(hour_path), "%s.hour", key_path);
	vault_key = key_kem_new();
	host_key = key_kem_new();
	key_kem_public(vault_key, vault_pk);
	key_kem_public(host_key, host_pk);
	key_kem_private(vault_key, sk);
	CHECK(keyfile_write(key_path, sk, sizeof(sk)) == ERR_OK);

	test_nobody_there();
	test_unsafe_key();
	pid = start_vault(1000, 1000, NULL);
	test_reseal();
	test_renew();
	test_regrant();
	test_compare();
	test_roll();
	test_no_hsm();
	test_what_does_not_open();
	test_garbage();
	test_silent_peers();
	CHECK(end_vault(pid) == -1);
	test_limit();
	test_compare_limit();
	test_limit_outlives_the_vault();
	status = test_wrong_user();
	unlink(key_path);
	rmdir(folder);
	key_kem_free(vault_key);
	key_kem_free(host_key);
	if (status == 77 && check_failed == 0) {
		printf("skipped: another user's call needs root\n");
		return 77;
	}
	for (size_t i = 0; check_failed == 0 && i < sizeof(reached) / sizeof(reached[0]); i++)
		seen(err_name(reached[i]), "test_vault");
	return CHECK_DONE();
}
