/* SPDX-License-Identifier: Apache-2.0 */
/* The mail worker against a mail server that misbehaves on request: what becomes of the row, and what of the code. */
#include "check.h"
#include "seen.h"

#include "bounce.h"
#include "code.h"
#include "config.h"
#include "json.h"
#include "keyfile.h"
#include "log.h"
#include "os.h"
#include "outbox.h"
#include "scratch.h"
#include "scratch_database.h"
#include "smtp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOREVER ((int64_t)1 << 40)
#define IDLE_MS 6500 /* longer than smtp.c keeps a connection that nobody uses */

static struct scratch scratch;
static struct config config;
static struct os_child stub;
static char stub_folder[400];
static char url[64];
static unsigned requests;

/* ---- the stub ---- */

static void
start_stub(const char *script, const char *mode)
{
	const char *const argv[] = { "python3", script, stub_folder, mode, NULL };
	char port[16] = "";
	size_t len = 0;

	CHECK(os_spawn("/usr/bin/python3", argv, NULL, 0, &stub) == ERR_OK);
	while (len < sizeof(port) - 1 && os_read(stub.out, port + len, 1) == 1 && port[len] != '\n')
		len++;
	CHECK(len > 1);
	snprintf(url, sizeof(url), "smtp://127.0.0.1:%.*s", (int)len, port);
}

/* The nth mail that the stub took; false where there is none. */
static bool
read_mail(unsigned n, struct buf *ret)
{
	char path[500];

	snprintf(path, sizeof(path), "%s/%u", stub_folder, n);
	return os_read_file(path, ret) == ERR_OK;
}

static unsigned
mail_count(void)
{
	struct buf b = buf_new(65536);
	unsigned n = 0;

	while (read_mail(n + 1, &b)) {
		buf_reset(&b);
		n++;
	}
	buf_free(&b);
	return n;
}

/* ---- rows ---- */

/* Whose codes go there. */
static int64_t
new_request_to(enum state state, const char *to)
{
	struct store_request r = scratch_request(++requests);
	int64_t number = 0;

	strcpy(r.email, to);
	r.state = state;
	r.expires = os_time() + 7 * 86400;
	CHECK(store_request_insert(scratch.store, &r, NULL, 0, &number) == ERR_OK);
	return number;
}

static int64_t
new_request(enum state state)
{
	return new_request_to(state, "khach@example.vn");
}

static int64_t
new_row(int64_t number, enum store_mail kind, const char *to)
{
	struct store_outbox row = { .number = number, .kind = kind, .due = os_time(), .created = os_time() };
	int64_t id = 0;

	snprintf(row.to, sizeof(row.to), "%s", to);
	CHECK(store_outbox_insert(scratch.store, &row, &id) == ERR_OK);
	return id;
}

static struct store_outbox
wait_until_tried(struct outbox *o, int64_t id, unsigned tries)
{
	struct store_outbox row = { 0 };

	outbox_wake(o);
	for (int i = 0; i < 1000; i++) {
		CHECK(store_outbox_by_id(scratch.store, id, &row) == ERR_OK);
		if (row.tries >= tries && row.state != STORE_OUTBOX_SENDING)
			break;
		os_sleep_ms(10);
	}
	return row;
}

/* Lets a worker run until the row has been tried so often and is not being sent. */
static struct store_outbox
run_until_tried(int64_t id, unsigned tries)
{
	struct store_outbox row;
	struct outbox *o = NULL;

	CHECK(outbox_start(&config, &o) == ERR_OK);
	row = wait_until_tried(o, id, tries);
	outbox_stop(o);
	return row;
}

static size_t
codes_of(int64_t number, struct store_code codes[STORE_CODES_MAX])
{
	size_t count = 0;

	CHECK(store_code_list(scratch.store, number, codes, &count) == ERR_OK);
	return count;
}

/* ---- the tests ---- */

/* The code in the mail opens the public half that the server keeps, and stands nowhere else. */
static void
test_sent(void)
{
	int64_t number = new_request(STATE_APPROVED);
	struct store_outbox row = run_until_tried(new_row(number, STORE_MAIL_CODE, "khach@example.vn"), 1);
	struct store_code codes[STORE_CODES_MAX];
	struct store_request r;
	struct secret typed = { 0 }, code = { 0 };
	struct buf mail = buf_new(65536);
	unsigned char pk[KEY_SIG_PK_LEN];
	struct key_sig *key;
	const char *at;

	CHECK(row.state == STORE_OUTBOX_SENT && row.tries == 1);
	CHECK_TEXT(row.error, "");
	CHECK(codes_of(number, codes) == 1);
	CHECK(codes[0].expires >= os_time() + 86390 && codes[0].expires <= os_time() + 86400);
	CHECK(read_mail(1, &mail) && buf_text(&mail) != NULL);
	CHECK(strncmp((char *)mail.data, "no-reply@ca.example.vn khach@example.vn ", 40) == 0);
	at = strstr((char *)mail.data, "\r\n    ");
	CHECK(at != NULL && secret_set(&typed, at + 6, CODE_SHOWN_LEN) && code_read(&typed, &code));
	CHECK(store_request_by_number(scratch.store, number, &r) == ERR_OK);
	key = code_key(&code, r.id);
	key_sig_public(key, pk);
	CHECK(memcmp(pk, codes[0].public_key, sizeof(pk)) == 0);
	key_sig_free(key);
	buf_free(&mail);
}

static bool
file_holds(const char *path, const void *what, size_t len)
{
	struct buf b = buf_new(1 << 24);
	bool found = false;

	if (os_read_file(path, &b) == ERR_OK)
		for (size_t i = 0; !found && i + len <= b.len; i++)
			found = memcmp(b.data + i, what, len) == 0;
	buf_free(&b);
	return found;
}

static void
test_code_is_stored_nowhere(void)
{
	struct buf mail = buf_new(65536);
	char wal[620];
	const char *at;

	/* the files of PostgreSQL are not ours to read; what is written is the same */
	if (scratch_is_postgresql())
		return;
	CHECK(read_mail(1, &mail) && buf_text(&mail) != NULL);
	at = strstr((char *)mail.data, "\r\n    ") + 6;
	snprintf(wal, sizeof(wal), "%s-wal", scratch.path);
	CHECK(!file_holds(scratch.path, at, 14) && !file_holds(wal, at, 14));
	buf_free(&mail);
}

/* Not taken for good, and the code with it. */
static void
check_refused(const char *to)
{
	int64_t number = new_request_to(STATE_APPROVED, to);
	struct store_outbox row = run_until_tried(new_row(number, STORE_MAIL_CODE, to), 1);
	struct store_code codes[STORE_CODES_MAX];

	CHECK(row.state == STORE_OUTBOX_FAILED);
	CHECK_TEXT(row.error, "mail_refused");
	CHECK(codes_of(number, codes) == 0);
}

/* Not taken now: again in a minute; codes of tries that surely failed are gone. */
static void
check_later(const char *to, size_t codes_left)
{
	int64_t number = new_request_to(STATE_APPROVED, to);
	int64_t before = os_time();
	struct store_outbox row = run_until_tried(new_row(number, STORE_MAIL_CODE, to), 1);
	struct store_code codes[STORE_CODES_MAX];

	CHECK(row.state == STORE_OUTBOX_QUEUED);
	CHECK(row.due >= before + 60 && row.due <= os_time() + 60);
	CHECK_TEXT(row.error, "mail_unreachable");
	CHECK(codes_of(number, codes) == codes_left);
}

static void
test_intervals(void)
{
	static const int64_t minutes[] = { 1, 2, 4, 8, 15, 15 };
	int64_t number = new_request_to(STATE_APPROVED, "later@example.vn");
	int64_t id = new_row(number, STORE_MAIL_CODE, "later@example.vn");

	for (unsigned i = 0; i < sizeof(minutes) / sizeof(minutes[0]); i++) {
		int64_t before = os_time();
		struct store_outbox row = run_until_tried(id, i + 1);
		CHECK(row.state == STORE_OUTBOX_QUEUED && row.due >= before + 60 * minutes[i] && row.due <= os_time() + 60 * minutes[i]);
		CHECK(store_outbox_finish(scratch.store, id, STORE_OUTBOX_QUEUED, os_time(), "") == ERR_OK);
	}
	/* the request ends before another try would be due */
	CHECK(store_request_set_expires(scratch.store, number, os_time() + 14 * 60) == ERR_OK);
	CHECK(run_until_tried(id, 7).state == STORE_OUTBOX_FAILED);
}

static void
test_unknown_keeps_three(void)
{
	int64_t number = new_request_to(STATE_APPROVED, "vanish@example.vn");
	int64_t id = new_row(number, STORE_MAIL_CODE, "vanish@example.vn");
	struct store_code codes[STORE_CODES_MAX];

	for (unsigned i = 1; i <= 4; i++) {
		run_until_tried(id, i);
		CHECK(codes_of(number, codes) == (i < 3 ? i : 3));
		CHECK(store_outbox_finish(scratch.store, id, STORE_OUTBOX_QUEUED, os_time(), "") == ERR_OK);
	}
	CHECK(store_outbox_finish(scratch.store, id, STORE_OUTBOX_SENT, FOREVER, "") == ERR_OK);
}

/* A request that was cancelled, used or is over gets no code any more, nor does an address that is not the approved one any more; a bad address no mail. */
static void
test_not_sent(void)
{
	unsigned before = mail_count();
	int64_t number = new_request(STATE_CANCELLED);
	struct store_code codes[STORE_CODES_MAX];
	struct store_outbox row = run_until_tried(new_row(number, STORE_MAIL_CODE, "khach@example.vn"), 1);

	CHECK(row.state == STORE_OUTBOX_FAILED);
	CHECK_TEXT(row.error, "state_wrong");
	number = new_request(STATE_APPROVED);
	CHECK(store_request_set_expires(scratch.store, number, os_time() - 1) == ERR_OK);
	CHECK_TEXT(run_until_tried(new_row(number, STORE_MAIL_CODE, "khach@example.vn"), 1).error, "state_wrong");
	number = new_request(STATE_APPROVED);
	CHECK_TEXT(run_until_tried(new_row(number, STORE_MAIL_CODE, "khach@example.vn>\r\nRCPT TO:<b@evil.vn"), 1).error, "mail_address");
	CHECK(codes_of(number, codes) == 0);
	/* approved anew, for the address on record; somebody sends the mail of before again */
	number = new_request(STATE_APPROVED);
	row = run_until_tried(new_row(number, STORE_MAIL_CODE, "khac@example.vn"), 1);
	CHECK(row.state == STORE_OUTBOX_FAILED && codes_of(number, codes) == 0);
	CHECK_TEXT(row.error, "state_wrong");
	CHECK(store_outbox_retry(scratch.store, row.id, os_time()) == ERR_MAIL_UNKNOWN);
	CHECK(mail_count() == before);
}

/* Two mails of one turn go over one connection, whatever they say. */
static void
test_kept_connection(void)
{
	unsigned before = mail_count();
	struct buf first = buf_new(65536), second = buf_new(65536);
	int64_t id = 0;

	new_request(STATE_PENDING); /* what the approvers are told of */
	for (enum store_mail kind = STORE_MAIL_CODE + 1; kind < STORE_MAIL_COUNT; kind++)
		id = new_row(new_request(STATE_COMPLETED), kind, "khach@example.vn");
	CHECK(run_until_tried(id, 1).state == STORE_OUTBOX_SENT);
	CHECK(mail_count() == before + STORE_MAIL_COUNT - 1);
	CHECK(read_mail(before + 1, &first) && read_mail(before + 5, &second));
	/* the first line ends with the stub's name of the connection */
	CHECK(strcspn((const char *)first.data, "\n") == strcspn((const char *)second.data, "\n"));
	CHECK(memcmp(first.data, second.data, strcspn((const char *)first.data, "\n")) == 0);
	buf_free(&first);
	buf_free(&second);
}

/* A server ends a connection when it likes: one that nobody has used for a while is not used again. */
static void
test_idle_connection(void)
{
	static const char text[] = "Subject: x\r\n\r\nx\r\n";
	unsigned before = mail_count();
	struct buf message = buf_new(64), first = buf_new(65536), second = buf_new(65536);
	struct smtp *s = NULL;

	buf_add(&message, text, sizeof(text) - 1);
	if (CHECK(smtp_new(&config.smtp, &s) == ERR_OK)) {
		CHECK(smtp_send(s, "mokhoa@example.vn", "khach@example.vn", &message) == SMTP_SENT);
		os_sleep_ms(IDLE_MS);
		CHECK(smtp_send(s, "mokhoa@example.vn", "khach@example.vn", &message) == SMTP_SENT);
		CHECK(read_mail(before + 1, &first) && read_mail(before + 2, &second));
		CHECK(memcmp(first.data, second.data, strcspn((const char *)first.data, "\n")) != 0);
	}
	smtp_free(s);
	buf_free(&message);
	buf_free(&first);
	buf_free(&second);
}

/* A key that cannot be read for a while fails no mail: the one that was read with the configuration goes on, and another configuration is not taken. */
static void
test_bounce_key(void)
{
	static const unsigned char key[BOUNCE_KEY_LEN] = { 7 };
	struct outbox *o = NULL;
	char path[400];

	snprintf(path, sizeof(path), "%s/bounce.key", scratch.folder);
	CHECK(keyfile_write(path, key, sizeof(key)) == ERR_OK);
	config.mail.bounce_domain = "bounce.ca.example";
	config.mail.bounce_key = path;
	CHECK(outbox_start(&config, &o) == ERR_OK);
	unlink(path);
	for (int i = 0; i < 2; i++) {
		int64_t id = new_row(new_request(STATE_APPROVED), STORE_MAIL_CODE, "khach@example.vn");
		CHECK(wait_until_tried(o, id, 1).state == STORE_OUTBOX_SENT);
		CHECK(outbox_reload(o, &config) == ERR_CONFIG_INVALID);
	}
	outbox_stop(o);
	CHECK(outbox_start(&config, &o) == ERR_CONFIG_INVALID);
	config.mail.bounce_domain = NULL;
	config.mail.bounce_key = NULL;
}

/* Settings that do not fit the server: the row is kept for when they are mended. */
static void
test_alarms(const char *script)
{
	config.smtp.tls = CONFIG_TLS_STARTTLS;
	check_later("khach@example.vn", 0);
	config.smtp.tls = CONFIG_TLS_NONE;
	os_child_end(&stub);
	check_later("khach@example.vn", 0); /* nobody there */
	start_stub(script, "auth");
	check_later("khach@example.vn", 0);
}

static void
test_bad_settings(void)
{
	struct outbox *o = NULL;

	config.smtp.credentials = "/nowhere/at/all";
	CHECK(outbox_start(&config, &o) == ERR_CONFIG_INVALID);
	config.smtp.credentials = "/usr/bin/env"; /* a program is not two lines */
	CHECK(outbox_start(&config, &o) == ERR_CONFIG_INVALID);
}

static void
write_credentials(char path[400])
{
	snprintf(path, 400, "%s/credentials", scratch.folder);
	CHECK(os_write_private(path, "user\npassword\n", 14) == ERR_OK);
}

int
main(int argc, char **argv)
{
	static const enum err reached[] = { ERR_MAIL_REFUSED, ERR_MAIL_UNREACHABLE, ERR_MAIL_ADDRESS, ERR_CONFIG_INVALID };
	char credentials[400];
	char path[500];

	if (argc != 2)
		return 2;
	json_open();
	log_open("test_outbox");
	os_harden();
	scratch = scratch_new();
	snprintf(stub_folder, sizeof(stub_folder), "%s/stub", scratch.folder);
	mkdir(stub_folder, 0700);
	start_stub(argv[1], "");
	config = (struct config){
		.database = scratch.path,
		.authority = "Tổ chức chứng thực An",
		.hotline = "1900 0000",
		.code_valid_s = 86400,
		.smtp = { .url = url, .from = "no-reply@ca.example.vn", .tls = CONFIG_TLS_NONE },
	};
	test_sent();
	test_code_is_stored_nowhere();
	check_refused("refused@example.vn");
	check_refused("spam@example.vn");
	check_later("later@example.vn", 0);
	check_later("full@example.vn", 0);
	check_later("hangup@example.vn", 0);
	check_later("vanish@example.vn", 1);
	test_intervals();
	test_unknown_keeps_three();
	test_not_sent();
	test_kept_connection();
	test_idle_connection();
	test_bounce_key();
	write_credentials(credentials);
	config.smtp.credentials = credentials;
	test_alarms(argv[1]);
	test_bad_settings();
	os_child_end(&stub);
	for (unsigned n = mail_count(); n > 0; n--) {
		snprintf(path, sizeof(path), "%s/%u", stub_folder, n);
		unlink(path);
	}
	rmdir(stub_folder);
	scratch_free(&scratch);
	for (size_t i = 0; check_failed == 0 && i < sizeof(reached) / sizeof(reached[0]); i++)
		seen(err_name(reached[i]), "test_outbox");
	return CHECK_DONE();
}
