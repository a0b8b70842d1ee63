/* SPDX-License-Identifier: Apache-2.0 */
/* The escrow log: what a line says, what is made of one that is not whole, and that nothing is granted which it does not have. */
#include "escrow_log.h"

#include "check.h"
#include "os.h"
#include "seen.h"
#include "text.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct counts {
	unsigned of[ESCROW_LOG_KIND_COUNT];
	struct escrow_log_line last; /* whole one */
	int64_t at;		     /* of it */
};

static struct counts
read_all(const char *path)
{
	struct counts c = { .at = -1 };
	struct escrow_log_reader *r = NULL;
	enum escrow_log_kind kind;
	struct escrow_log_line line;
	int64_t at;

	CHECK(escrow_log_open(path, &r) == ERR_OK);
	while (escrow_log_next(r, &kind, &line, &at)) {
		c.of[kind]++;
		if (kind == ESCROW_LOG_WHOLE) {
			c.last = line;
			c.at = at;
		}
	}
	CHECK(!escrow_log_failed(r));
	if (c.at >= 0)
		CHECK(escrow_log_at(r, c.at, &line) == ERR_OK && token_name_equal(&line.candidates.token, &c.last.candidates.token));
	escrow_log_close(r);
	return c;
}

static void
add_text(const struct world *w, const char *text, size_t len)
{
	FILE *f = fopen(w->config.escrow_log, "a");

	CHECK(f != NULL && fwrite(text, 1, len, f) == len && fclose(f) == 0);
}

static enum err
log_token(struct world *w, unsigned n)
{
	struct token_name name = scratch_token(n).name;

	return escrow_log_append(&w->config, w->scratch.store, &name, 0, w->now);
}

/* A grant's line has both candidates, the one that was proved before the one that may be next; the database has the same. */
static void
test_what_a_line_says(void)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	struct store_candidates now;
	struct counts c;

	world_import(w, 1, "khach@example.vn");
	CHECK(log_token(w, 1) == ERR_OK);
	c = read_all(w->config.escrow_log);
	CHECK(c.of[ESCROW_LOG_WHOLE] == 1 && c.last.candidates.count == 1 && c.last.request == 0);
	CHECK_TEXT(c.last.candidates.email, "khach@example.vn");
	CHECK_TEXT(c.last.candidates.certificate_serial, "1001");
	CHECK(machine_to_release(m) == ERR_OK && machine_grant(m, 0) == ERR_OK);
	c = read_all(w->config.escrow_log);
	CHECK(store_candidates_of(w->scratch.store, &m->token, &now) == ERR_OK && now.count == 2);
	CHECK(c.of[ESCROW_LOG_WHOLE] == 2 && c.last.request == m->number && c.last.time == w->now && c.last.candidates.count == 2);
	for (int i = 0; i < 2; i++)
		CHECK(c.last.candidates.rows[i].version == now.rows[i].version && memcmp(c.last.candidates.rows[i].sealed, now.rows[i].sealed, sizeof(now.rows[i].sealed)) == 0);
	CHECK(log_token(w, 9) == ERR_ESCROW_MISSING);
	machine_free(m);
	world_free(w);
}

/* Nobody changes what a line says, and no other server has said it; one from before lines were signed can be read, and its value is taken for one that others have. */
static void
test_who_has_said_it(void)
{
	static const char old[] =
	    "{\"time\":1,\"request\":0,\"token\":{\"manufacturer\":\"M\",\"model\":\"m\",\"serial\":\"1\"},\"candidates\":[{\"version\":1,\"sealed\":\"%.*s\"}],"
	    "\"record\":{\"customer\":\"A\",\"email\":\"a@ca.vn\",\"certificate_serial\":\"\"}}";
	struct world *w = world_new();
	struct store_token t;
	struct escrow_log_line line, changed;
	struct key_sig *other = key_sig_new();
	unsigned char pk[KEY_SIG_PK_LEN], foreign[KEY_SIG_PK_LEN], hash[KEY_HASH_LEN];
	char text[1024], sum[17];
	struct counts c;
	int len;

	key_sig_public(w->service->signing_key, pk);
	key_sig_public(other, foreign);
	world_import(w, 1, "khach@example.vn");
	CHECK(log_token(w, 1) == ERR_OK);
	line = read_all(w->config.escrow_log).last;
	CHECK(line.is_signed && escrow_log_proved(&line, pk) && !escrow_log_proved(&line, foreign) && !line.candidates.rows[0].shared);
	(changed = line).candidates.email[0] ^= 1;
	CHECK(!escrow_log_proved(&changed, pk));
	changed = line;
	changed.candidates.certificate_serial[0] = '\0';
	CHECK(!escrow_log_proved(&changed, pk));
	(changed = line).candidates.rows[0].shared = true;
	CHECK(!escrow_log_proved(&changed, pk));
	(changed = line).candidates.rows[0].sealed[144] ^= 1;
	CHECK(!escrow_log_proved(&changed, pk));
	(changed = line).candidates.token.serial[0] ^= 1;
	CHECK(!escrow_log_proved(&changed, pk));
	changed = line;
	changed.time++;
	CHECK(!escrow_log_proved(&changed, pk));
	t = world_token(w, &line.candidates.token);
	CHECK(store_token_describe(w->scratch.store, t.id, true, "") == ERR_OK && log_token(w, 1) == ERR_OK);
	line = read_all(w->config.escrow_log).last;
	CHECK(escrow_log_proved(&line, pk) && line.candidates.rows[0].shared);
	len = snprintf(text, sizeof(text), old, 194, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0-P0BBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fn-AgYKDhIWGh4iJiouMjY6PkA");
	CHECK(key_hash(text, (size_t)len, hash) == ERR_OK);
	text_hex(hash, 8, sum);
	len += snprintf(text + len, sizeof(text) - (size_t)len, " %s\n", sum);
	add_text(w, text, (size_t)len);
	c = read_all(w->config.escrow_log);
	CHECK(c.of[ESCROW_LOG_WHOLE] == 3 && !c.last.is_signed && !escrow_log_proved(&c.last, pk) && c.last.candidates.rows[0].shared);
	key_sig_free(other);
	world_free(w);
}

/* What was cut short stays alone on its line, and whatever was changed later is seen. */
static void
test_lines_that_are_not_whole(void)
{
	struct world *w = world_new();
	char bytes[ESCROW_LOG_LINE_MAX];
	char longer[ESCROW_LOG_LINE_MAX + 2];
	struct counts c;
	size_t len;
	FILE *f;

	for (unsigned n = 1; n <= 3; n++)
		world_import(w, n, "khach@example.vn");
	c = read_all(w->config.escrow_log);
	CHECK(c.of[ESCROW_LOG_WHOLE] == 0 && c.of[ESCROW_LOG_CUT] == 0);
	CHECK(log_token(w, 1) == ERR_OK);
	f = fopen(w->config.escrow_log, "r");
	len = f != NULL ? fread(bytes, 1, sizeof(bytes), f) : 0;
	CHECK(f != NULL && fclose(f) == 0 && len > 100 && bytes[len - 1] == '\n');
	/* cut at every length: never taken for anything but cut, and the next line is whole */
	for (size_t cut = 1; cut < len - 1; cut += 37) {
		add_text(w, bytes, cut);
		CHECK(log_token(w, 2) == ERR_OK);
	}
	c = read_all(w->config.escrow_log);
	CHECK(c.of[ESCROW_LOG_CUT] == (len - 3) / 37 + 1 && c.of[ESCROW_LOG_WHOLE] == 1 + c.of[ESCROW_LOG_CUT] && c.of[ESCROW_LOG_DAMAGED] == 0);
	/* a whole one without its line feed was written whole */
	add_text(w, bytes, len - 1);
	CHECK(read_all(w->config.escrow_log).of[ESCROW_LOG_WHOLE] == c.of[ESCROW_LOG_WHOLE] + 1);
	CHECK(log_token(w, 3) == ERR_OK);
	CHECK(read_all(w->config.escrow_log).of[ESCROW_LOG_WHOLE] == c.of[ESCROW_LOG_WHOLE] + 2);
	/* one bit anywhere in front of the sum */
	bytes[len / 2] ^= 1;
	add_text(w, bytes, len);
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\n';
	add_text(w, longer, sizeof(longer));
	add_text(w, "\0\0\0\n", 4);
	CHECK(read_all(w->config.escrow_log).of[ESCROW_LOG_DAMAGED] == 2 && read_all(w->config.escrow_log).of[ESCROW_LOG_CUT] == c.of[ESCROW_LOG_CUT] + 1);
	world_free(w);
}

/* A device that takes no line, or takes it and cannot sync it: no grant, and the token goes on once it can. */
static void
test_no_line_no_grant(const char *device)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	const char *log = w->config.escrow_log;
	struct store_token before;
	struct store_grant grant;

	world_import(w, 1, "khach@example.vn");
	CHECK(machine_to_release(m) == ERR_OK);
	before = world_token(w, &m->token);
	w->config.escrow_log = device;
	CHECK(machine_grant(m, 0) == ERR_ESCROW_LOG_FAILED);
	CHECK(machine_grant(m, 0) == ERR_ESCROW_LOG_FAILED);
	CHECK(store_grant_of(w->scratch.store, m->number, &grant) == ERR_STATE_WRONG && world_audits(w, m->number, "grant") == 0);
	CHECK(world_token(w, &m->token).active == before.active && world_token(w, &m->token).next == 0 && world_state(w, m->number) == STATE_RELEASED);
	w->config.escrow_log = log;
	CHECK(machine_grant(m, 0) == ERR_OK && read_all(log).of[ESCROW_LOG_WHOLE] == 1);
	machine_free(m);
	world_free(w);
}

/* What lies there is not ours to write into, and the server does not start. */
static void
test_wrong_places(void)
{
	struct world *w = world_new();
	const char *log = w->config.escrow_log;
	struct escrow_log_reader *r = NULL;
	char link[400];

	snprintf(link, sizeof(link), "%s/link.log", w->scratch.folder);
	CHECK(symlink(log, link) == 0);
	world_import(w, 1, "khach@example.vn");
	w->config.escrow_log = link;
	CHECK(escrow_log_check(&w->config) == ERR_CONFIG_INVALID && log_token(w, 1) == ERR_ESCROW_LOG_FAILED && escrow_log_open(link, &r) == ERR_ESCROW_LOG_FAILED);
	w->config.escrow_log = w->scratch.folder;
	CHECK(escrow_log_check(&w->config) == ERR_CONFIG_INVALID && log_token(w, 1) == ERR_ESCROW_LOG_FAILED);
	w->config.escrow_log = log;
	CHECK(escrow_log_check(&w->config) == ERR_OK);
	w->config.escrow_log_same_device = false;
	CHECK(escrow_log_check(&w->config) == ERR_CONFIG_INVALID);
	w->config.escrow_log = "/dev/null"; /* which is on another one */
	CHECK(escrow_log_check(&w->config) == ERR_OK);
	world_free(w);
}

/* The operator's command is the first to write, as root; the server of another user must be able to go on. */
static void
test_new_file_of_the_folder(void)
{
	struct world *w = world_new();
	struct stat st;

	world_import(w, 1, "khach@example.vn");
	if (geteuid() == 0)
		CHECK(chown(w->scratch.folder, 4711, 4712) == 0);
	CHECK(log_token(w, 1) == ERR_OK && stat(w->config.escrow_log, &st) == 0 && (st.st_mode & 0777) == 0600);
	CHECK(geteuid() != 0 || (st.st_uid == 4711 && st.st_gid == 4712));
	world_free(w);
}

/* One log that goes on: another, or none where there was one, is refused until somebody says that the first log is lost. */
static void
test_one_log(void)
{
	struct world *w = world_new();
	struct config other = w->config;
	const struct token_name name = scratch_token(1).name;
	char path[300];

	snprintf(path, sizeof(path), "%s/other.log", w->scratch.folder);
	other.escrow_log = path;
	world_import(w, 1, "khach@example.vn");
	CHECK(store_begin(w->scratch.store) == ERR_OK);
	CHECK(escrow_log_append(&w->config, w->scratch.store, &name, 0, w->now) == ERR_OK);
	CHECK(store_commit(w->scratch.store) == ERR_OK && store_begin(w->scratch.store) == ERR_OK);
	CHECK(escrow_log_append(&w->config, w->scratch.store, &name, 0, w->now) == ERR_OK);
	CHECK(escrow_log_check_known(&w->config, w->scratch.store) == ERR_OK && escrow_log_check_known(&other, w->scratch.store) == ERR_ESCROW_LOG_OTHER);
	if (CHECK(escrow_log_append(&other, w->scratch.store, &name, 0, w->now) == ERR_ESCROW_LOG_OTHER && access(path, F_OK) != 0))
		seen("escrow_log_other", "test_escrow_log.c");
	CHECK(store_escrow_set_mark(w->scratch.store, "") == ERR_OK);
	CHECK(escrow_log_append(&other, w->scratch.store, &name, 0, w->now + 1) == ERR_OK);
	CHECK(escrow_log_append(&w->config, w->scratch.store, &name, 0, w->now) == ERR_ESCROW_LOG_OTHER);
	CHECK(store_commit(w->scratch.store) == ERR_OK);
	world_free(w);
}

int
main(void)
{
	test_new_file_of_the_folder();
	test_what_a_line_says();
	test_who_has_said_it();
	test_lines_that_are_not_whole();
	test_no_line_no_grant("/dev/full");
	test_no_line_no_grant("/dev/null"); /* takes bytes, and its sync fails */
	test_wrong_places();
	test_one_log();
	return CHECK_DONE();
}
