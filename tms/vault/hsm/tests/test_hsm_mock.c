/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HSM's process before a module that does what a script says (tests/mock): every return value, a crash and a hang at every call, a PIN that is wrong, a session that is
 * lost. What is asked ends in an error of ours within its time, and a PIN is presented no more often than it may be.
 *
 * Usage: test_hsm_mock MODULE FOLDER, both of root's.
 */
#include "check.h"
#include "cryptoki_numbers.h"
#include "hsm.h"
#include "json.h"
#include "log.h"
#include "os.h"
#include "seen.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATIENCE_MS 60000 /* on a loaded machine, for what takes no time on an idle one */

static const char *folder;
static char pin_path[300];
static struct config_hsm config = { .token = "HSM", .serial = "MOCK0001", .key = "agree", .pin_file = pin_path };
static struct keyring_key key; /* of agree.pem */

/* ---- the token ---- */

static void
write_file(const char *name, const char *text, mode_t mode)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	CHECK(os_write_private(path, text, strlen(text)) == ERR_OK && chmod(path, mode) == 0);
}

static void
write_script(const char *line)
{
	char text[256];

	snprintf(text, sizeof(text), "label HSM\n%s\n", line);
	write_file("script", text, 0600);
}

/* A token as it should be, and nothing done yet. */
static void
prepare(const char *line)
{
	write_file("state", "so_pin 12345678\nuser_pin 123456\nso_tries 3\nuser_tries 3\n", 0600);
	write_file("pin", "123456\n", 0400);
	write_file("log", "", 0600);
	write_script(line);
}

/* How often the module was called so. */
static unsigned
calls(const char *call)
{
	struct buf b = buf_new(1 << 20);
	char path[512];
	unsigned count = 0;

	snprintf(path, sizeof(path), "%s/log", folder);
	CHECK(os_read_file(path, &b) == ERR_OK);
	buf_add(&b, "", 1);
	for (const char *at = strstr((const char *)b.data, call); at != NULL; at = strstr(at + 1, call))
		count += at == (const char *)b.data || at[-1] == '\n';
	buf_free(&b);
	return count;
}

static void
make_key(void)
{
	EVP_PKEY *pair = EVP_EC_gen("P-256");
	char path[512];
	size_t len = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/agree.pem", folder);
	f = fopen(path, "w");
	CHECK(f != NULL && PEM_write_PrivateKey(f, pair, NULL, NULL, 0, NULL, NULL) == 1);
	fclose(f);
	key = (struct keyring_key){ .in_hsm = true, .object = { "agree", 5 } };
	CHECK(EVP_PKEY_get_octet_string_param(pair, "pub", key.pk, sizeof(key.pk), &len) == 1 && len == sizeof(key.pk));
	EVP_PKEY_free(pair);
}

static struct hsm *
fresh(void)
{
	struct hsm *h = hsm_new(&config, geteuid(), NULL, NULL);

	CHECK(h != NULL);
	return h;
}

/* Notes what was reached. */
static enum err
try_key(struct hsm *h)
{
	enum err e = hsm_try(h, &key);

	if (e != ERR_OK)
		seen(err_name(e), "test_hsm_mock");
	return e;
}

/* Until it is well again: its pauses are seconds. */
static bool
recovers(struct hsm *h)
{
	uint64_t end = os_now_ms() + PATIENCE_MS;

	while (os_now_ms() < end) {
		if (hsm_try(h, &key) == ERR_OK)
			return true;
		os_sleep_ms(200);
	}
	return false;
}

/* ---- the matrix ---- */

static const char *const names[] = { "C_Initialize", "C_GetSlotList", "C_GetTokenInfo", "C_OpenSession", "C_Login", "C_FindObjectsInit", "C_FindObjects", "C_FindObjectsFinal",
	"C_DeriveKey", "C_GetAttributeValue", "C_DestroyObject" };

static const CK_RV codes[] = { CKR_HOST_MEMORY, CKR_SLOT_ID_INVALID, CKR_GENERAL_ERROR, CKR_FUNCTION_FAILED, CKR_ARGUMENTS_BAD, CKR_ATTRIBUTE_SENSITIVE, CKR_ATTRIBUTE_TYPE_INVALID,
	CKR_DEVICE_ERROR, CKR_DEVICE_MEMORY, CKR_DEVICE_REMOVED, CKR_FUNCTION_NOT_SUPPORTED, CKR_KEY_HANDLE_INVALID, CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_MECHANISM_INVALID,
	CKR_MECHANISM_PARAM_INVALID, CKR_OBJECT_HANDLE_INVALID, CKR_OPERATION_ACTIVE, CKR_PIN_INCORRECT, CKR_PIN_LOCKED, CKR_PIN_EXPIRED, CKR_SESSION_CLOSED, CKR_SESSION_COUNT,
	CKR_SESSION_HANDLE_INVALID, CKR_TEMPLATE_INCONSISTENT, CKR_TOKEN_NOT_PRESENT, CKR_TOKEN_NOT_RECOGNIZED, CKR_USER_ANOTHER_ALREADY_LOGGED_IN, CKR_USER_NOT_LOGGED_IN,
	CKR_USER_PIN_NOT_INITIALIZED, CKR_CRYPTOKI_NOT_INITIALIZED, CKR_VENDOR_DEFINED | 1ul };

/* Whatever a call returns, it is no yes, and no second login follows in the same breath. */
static void
test_every_code(void)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (size_t n = 0; n < sizeof(codes) / sizeof(codes[0]); n++) {
			char line[64];
			struct hsm *h = fresh();
			enum err e;
			snprintf(line, sizeof(line), "rv %s %lx", names[i], codes[n]);
			prepare(line);
			e = try_key(h);
			CHECK(e != ERR_OK && e != ERR_INTERNAL && strncmp(err_name(e), "hsm_", 4) == 0);
			CHECK(hsm_try(h, &key) != ERR_OK);
			/* a login that was taken may be made anew in a fresh process, one that was not is not */
			CHECK(calls("C_Login") <= (strcmp(names[i], "C_Login") == 0 ? 1u : 2u));
			hsm_free(h);
		}
}

/* The process dies, and the next one is well. */
static void
test_every_crash(void)
{
	static const char *const ways[] = { "crash", "exit" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (size_t n = 0; n < sizeof(ways) / sizeof(ways[0]); n++) {
			char line[64];
			struct hsm *h = fresh();
			enum err wanted = strcmp(names[i], "C_Login") == 0 ? ERR_HSM_PIN_REFUSED : ERR_HSM_UNAVAILABLE;
			snprintf(line, sizeof(line), "do %s %s", names[i], ways[n]);
			prepare(line);
			CHECK(try_key(h) == wanted);
			CHECK(calls("C_Login") <= 1);
			hsm_free(h);
		}
}

/* A module that never comes back costs the caller HSM_MS, and whoever asks next nothing. */
static void
test_every_hang(void)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char line[64];
		struct hsm *h = fresh();
		uint64_t began = os_now_ms();
		snprintf(line, sizeof(line), "do %s hang", names[i]);
		prepare(line);
		CHECK(try_key(h) == ERR_HSM_UNAVAILABLE);
		CHECK(os_now_ms() - began >= HSM_MS && os_now_ms() - began < HSM_LOGIN_MS);
		began = os_now_ms();
		for (int n = 0; n < 5; n++)
			CHECK(hsm_try(h, &key) == ERR_HSM_UNAVAILABLE);
		CHECK(os_now_ms() - began < HSM_MS);
		hsm_free(h);
		CHECK(calls(names[i]) >= 1);
	}
}

/* ---- what an operator meets ---- */

static void
test_recovery(void)
{
	struct hsm *h = fresh();

	prepare("do C_DeriveKey hang");
	CHECK(try_key(h) == ERR_HSM_UNAVAILABLE);
	write_script("");
	CHECK(recovers(h));
	CHECK(calls("C_Login") == 2);
	/* a crash behind a login that was taken is no reason to fear for the PIN */
	write_script("do C_DeriveKey#1 crash");
	hsm_free(h);
	h = fresh();
	CHECK(try_key(h) == ERR_HSM_UNAVAILABLE);
	write_script("");
	CHECK(recovers(h));
	hsm_free(h);
}

/* A session that is lost costs nobody an answer: a fresh process logs in and derives. */
static void
test_session_lost(void)
{
	static const char *const losses[] = { "rv C_DeriveKey#2 b3", "rv C_DeriveKey#2 32", "rv C_DeriveKey#2 101", "rv C_DeriveKey#2 30", "do C_DeriveKey#2 crash", "do C_DeriveKey#2 remove",
		"rv C_GetAttributeValue#2 b0" };

	for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++) {
		struct hsm *h = fresh();
		prepare(losses[i]);
		CHECK(hsm_try(h, &key) == ERR_OK && calls("C_Login") == 1);
		CHECK(hsm_try(h, &key) == ERR_OK && calls("C_Login") == 2);
		hsm_free(h);
	}
}

static void
test_wrong_pin_once(void)
{
	struct hsm *h = fresh();

	prepare("");
	write_file("pin", "654321\n", 0400);
	for (int i = 0; i < 5; i++)
		CHECK(try_key(h) == ERR_HSM_PIN_REFUSED);
	CHECK(calls("C_Login") == 1);
	/* not even behind its pause, and not with the right one: who has mended it says so by a restart */
	write_file("pin", "123456\n", 0400);
	os_sleep_ms(HSM_PAUSE_MS + 500);
	CHECK(try_key(h) == ERR_HSM_PIN_REFUSED && calls("C_Login") == 1);
	hsm_free(h);
	h = fresh();
	CHECK(hsm_try(h, &key) == ERR_OK && calls("C_Login") == 2);
	hsm_free(h);
}

/* The PIN is changed at the HSM while the vault runs: one try, at the next login. */
static void
test_pin_changed(void)
{
	struct hsm *h = fresh();

	prepare("rv C_DeriveKey#2 b3");
	CHECK(hsm_try(h, &key) == ERR_OK);
	write_file("state", "so_pin 12345678\nuser_pin 999999\nso_tries 3\nuser_tries 3\n", 0600);
	for (int i = 0; i < 3; i++)
		CHECK(try_key(h) == ERR_HSM_PIN_REFUSED);
	CHECK(calls("C_Login") == 2);
	hsm_free(h);
}

static void
test_last_try(void)
{
	static const char *const states[] = { "so_pin 1\nuser_pin 123456\nso_tries 3\nuser_tries 1\n", "so_pin 1\nuser_pin 123456\nso_tries 3\nuser_tries 0\n" };

	for (size_t i = 0; i < 2; i++) {
		struct hsm *h = fresh();
		prepare("");
		write_file("state", states[i], 0600);
		CHECK(try_key(h) == ERR_HSM_PIN_LOCKED && try_key(h) == ERR_HSM_PIN_LOCKED);
		CHECK(calls("C_Login") == 0);
		hsm_free(h);
	}
}

/* A login that hangs may have been a wrong one: it is ended, and no other follows. */
static void
test_login_hangs(void)
{
	struct hsm *h = fresh();

	prepare("do C_Login doze");
	CHECK(hsm_try(h, &key) == ERR_OK); /* a second is no hang */
	hsm_free(h);
	h = fresh();
	prepare("do C_Login hold");
	CHECK(try_key(h) == ERR_HSM_UNAVAILABLE);
	/* it has HSM_LOGIN_MS, and whoever asks meanwhile waits no longer than his own time; it comes back, and all is well */
	write_file("go", "", 0600);
	CHECK(recovers(h) && calls("C_Login hold") == 1);
	hsm_free(h);
}

static void
test_pin_files(void)
{
	static const struct {
		const char *text;
		mode_t mode;
	} bad[] = { { "123456\n", 0440 }, { "123456\n", 0404 }, { "", 0400 }, { "\n", 0400 }, { "123456\n7\n", 0400 } };
	char long_one[200];
	struct config_hsm other = config;
	struct hsm *h;

	memset(long_one, '1', sizeof(long_one) - 1);
	long_one[sizeof(long_one) - 1] = '\0';
	for (size_t i = 0; i <= sizeof(bad) / sizeof(bad[0]); i++) {
		h = fresh();
		prepare("");
		if (i < sizeof(bad) / sizeof(bad[0]))
			write_file("pin", bad[i].text, bad[i].mode);
		else
			write_file("pin", long_one, 0400);
		CHECK(try_key(h) == ERR_HSM_PIN_FILE && calls("C_Login") == 0);
		hsm_free(h);
	}
	/* what systemd gives: its own mode, in the folder that it names */
	prepare("");
	chmod(pin_path, 0440);
	other.pin_file = NULL;
	other.pin_credential = "pin";
	unsetenv("CREDENTIALS_DIRECTORY");
	h = hsm_new(&other, geteuid(), NULL, NULL);
	CHECK(hsm_try(h, &key) == ERR_HSM_PIN_FILE);
	hsm_free(h);
	setenv("CREDENTIALS_DIRECTORY", folder, 1);
	h = hsm_new(&other, geteuid(), NULL, NULL);
	CHECK(hsm_try(h, &key) == ERR_OK);
	hsm_free(h);
}

static void
test_what_is_configured(void)
{
	struct config_hsm other = config;
	struct hsm *h;

	prepare("");
	for (int i = 0; i < 4; i++) {
		other = config;
		if (i == 0)
			other.token = "HS";
		else if (i == 1)
			other.serial = "MOCK0002";
		else
			other.module = i == 2 ? "/nowhere/module.so" : pin_path;
		h = hsm_new(&other, geteuid(), NULL, NULL);
		CHECK(try_key(h) == (i < 2 ? ERR_HSM_TOKEN_MISSING : ERR_HSM_MODULE));
		/* the same within its pause */
		CHECK(try_key(h) == (i < 2 ? ERR_HSM_TOKEN_MISSING : ERR_HSM_MODULE));
		hsm_free(h);
	}
	/* only root may have put it there */
	CHECK(chmod(config.module, 0777) == 0);
	h = fresh();
	CHECK(try_key(h) == ERR_HSM_MODULE && calls("C_Initialize") == 2);
	hsm_free(h);
	CHECK(chmod(config.module, 0755) == 0);
}

/* ---- keys ---- */

static void
test_adopt(void)
{
	static const char *const good[] = { "", "octets", "bare", "short" };
	struct keyring_key got;
	struct hsm *h;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		prepare(good[i]);
		h = fresh();
		CHECK(hsm_adopt(h, i % 2 == 0 ? "agree" : "6167726565", &got) == ERR_OK);
		CHECK(got.in_hsm && memcmp(got.pk, key.pk, sizeof(key.pk)) == 0 && got.object.len == 5);
		hsm_free(h);
	}
	prepare("loose");
	h = fresh();
	CHECK(hsm_adopt(h, "agree", &got) == ERR_HSM_KEY_UNFIT);
	seen("hsm_key_unfit", "test_hsm_mock");
	CHECK(hsm_adopt(h, "other", &got) == ERR_HSM_KEY_MISSING);
	seen("hsm_key_missing", "test_hsm_mock");
	CHECK(hsm_make(h, &got) == ERR_HSM_KEY_UNFIT);
	hsm_free(h);
}

/* A shared point whose x begins with a zero is one in 256: enough of them, with and without the zeros. */
static void
test_short_secrets(void)
{
	struct hsm_half half;
	struct hsm *h = fresh();
	struct key_kem *there = hsm_key(h, &key, &half);
	unsigned zeros = 0;

	prepare("short");
	for (int i = 0; i < 20000 && zeros < 3; i++) {
		struct key_kem *ours = key_kem_new();
		unsigned char pk[KEY_KEM_PK_LEN], x[2][KEY_KEM_X_LEN];
		key_kem_public(ours, pk);
		CHECK(key_kem_agree(ours, key.pk, x[0]) == ERR_OK);
		if (x[0][0] == 0) {
			zeros++;
			CHECK(key_kem_agree(there, pk, x[1]) == ERR_OK && memcmp(x[0], x[1], sizeof(x[0])) == 0);
		}
		key_kem_free(ours);
	}
	CHECK(zeros == 3);
	key_kem_free(there);
	hsm_free(h);
}

/* What is not the private half of the public one is found out, and so is a key that is not there. */
static void
test_other_key(void)
{
	struct keyring_key other = key;
	struct key_kem *pair = key_kem_new();
	struct hsm *h = fresh();

	prepare("");
	key_kem_public(pair, other.pk);
	CHECK(hsm_try(h, &other) == ERR_HSM_KEY_UNFIT);
	other = key;
	other.object.id[0] ^= 1;
	CHECK(hsm_try(h, &other) == ERR_HSM_KEY_MISSING);
	CHECK(hsm_try(h, &key) == ERR_OK && hsm_login(h) == ERR_OK);
	/* the module has said no, and its process is well: one login in all */
	CHECK(calls("C_Login") == 1);
	key_kem_free(pair);
	hsm_free(h);
}

static unsigned char kept[16] = "what is known";

static void
forget(void *context)
{
	wipe(context, sizeof(kept));
	/* seen by the module's process alone */
	write_file("forgot", "", 0600);
}

static void
test_forgets(void)
{
	struct hsm *h = hsm_new(&config, geteuid(), forget, kept);
	char path[512];
	struct stat st;

	prepare("");
	CHECK(hsm_try(h, &key) == ERR_OK && kept[0] == 'w');
	snprintf(path, sizeof(path), "%s/forgot", folder);
	CHECK(stat(path, &st) == 0);
	hsm_free(h);
}

int
main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	json_open();
	log_open("test_hsm_mock");
	config.module = argv[1];
	folder = argv[2];
	setenv("MOCK_P11", folder, 1);
	snprintf(pin_path, sizeof(pin_path), "%s/pin", folder);
	make_key();
	test_other_key();
	test_adopt();
	test_short_secrets();
	test_forgets();
	test_pin_files();
	test_what_is_configured();
	test_wrong_pin_once();
	test_pin_changed();
	test_last_try();
	test_session_lost();
	test_recovery();
	test_login_hangs();
	test_every_crash();
	test_every_code();
	test_every_hang();
	return CHECK_DONE();
}
