/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit: whether the audit is what was written, the audit as lines that others can verify (../../protocol/README.md, "The audit chain"), and the end of personal data
 * whose time is over.
 */
#include "desk.h"

#include "audit_check.h"
#include "erase.h"
#include "json.h"
#include "options.h"
#include "os.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

#define KEYS_MAX       16  /* that may have signed the anchors: the server's and older ones */
#define ERASE_MAX      256 /* of a kind in one transaction */
#define LINE_MAX_BYTES 16384

/* ---- verify ---- */

struct verify {
	const char *config_file;
	const char *from;
	struct option_list older;
	const char *older_at[KEYS_MAX - 1];
	unsigned char keys[KEYS_MAX][KEY_SIG_PK_LEN];
	size_t key_count;
	int64_t first;
};

/* A row's number; 1 where none is given. False where it is none. */
static bool
read_from(const char *text, int64_t *ret)
{
	*ret = 1;
	return text == NULL || (text_number(text, strlen(text), ret) && *ret >= 1);
}

static enum err
read_keys(struct verify *v, const struct config *config)
{
	struct key_sig *key = NULL;
	char kid[SERVICE_KID_LEN + 1];
	size_t len = 0;
	enum err e = service_signing_key(config, &key, kid);

	if (e != ERR_OK)
		return e;
	key_sig_public(key, v->keys[v->key_count++]);
	key_sig_free(key);
	for (size_t i = 0; i < v->older.count; i++) {
		const char *text = v->older.at[i];
		if (!text_b64_decode(text, strlen(text), v->keys[v->key_count++], KEY_SIG_PK_LEN, &len) || len != KEY_SIG_PK_LEN) {
			options_refuse("--tms-key", "must be a public key as tms_keys of a profile has it");
			return ERR_USAGE;
		}
	}
	return ERR_OK;
}

static void
print_whole(const struct audit_check *c)
{
	printf("ok rows=%lld notes=%lld erased=%lld anchors=%lld anchored=%lld restores=%lld lost=%lld cut=%lld\n", (long long)c->rows, (long long)c->notes,
	    (long long)c->erased, (long long)c->anchors, (long long)c->anchored, (long long)c->restores, (long long)c->lost, (long long)c->cut);
}

static void
print_fault(const struct audit_check *c)
{
	char detail[128];

	snprintf(detail, sizeof(detail), "%s=%lld", c->fault == AUDIT_ANCHOR_REFUSED ? "line" : "row", (long long)c->row);
	if (c->other != 0)
		snprintf(detail + strlen(detail), sizeof(detail) - strlen(detail), "..%lld", (long long)c->other);
	printf("%s %s\n", audit_fault_name(c->fault), detail);
	options_complain(ERR_AUDIT_BROKEN, detail);
}

static enum err
verify_store(const struct verify *v, const struct config *config, struct store *s)
{
	struct anchor_list anchors;
	struct audit_check check;
	enum err e = anchor_read(config->audit_anchor, v->keys, v->key_count, &anchors);

	if (e != ERR_OK) {
		options_complain(e, config->audit_anchor);
		return e;
	}
	e = audit_check(s, &anchors, v->first, NULL, &check);
	anchor_list_free(&anchors);
	if (e != ERR_OK)
		options_complain(e, config->database);
	else if (check.fault == AUDIT_WHOLE)
		print_whole(&check);
	else
		print_fault(&check);
	return e == ERR_OK && check.fault != AUDIT_WHOLE ? ERR_AUDIT_BROKEN : e;
}

static enum err
run_verify(struct verify *v, const struct config *config)
{
	struct store *s = NULL;
	enum err e = read_keys(v, config);

	if (e != ERR_OK) {
		if (e != ERR_USAGE)
			options_complain(e, config->signing_key);
		return e;
	}
	e = store_open(config->database, &s);
	if (e == ERR_OK)
		e = verify_store(v, config, s);
	else
		options_complain(e, config->database);
	store_close(s);
	return e;
}

static int
command_verify(int argc, char **argv)
{
	struct verify v = { .key_count = 0 };
	const struct option_row options[] = {
		{ .name = "--config", .value = &v.config_file, .required = true },
		{ .name = "--from", .value = &v.from },
		{ .name = "--tms-key", .list = &v.older },
	};
	struct config *config = NULL;
	enum err e;

	v.older = (struct option_list){ .at = v.older_at, .room = KEYS_MAX - 1 };
	if (options_read(argc, argv, options, sizeof(options) / sizeof(options[0])) != ERR_OK)
		return 2;
	if (!read_from(v.from, &v.first))
		return options_refuse("--from", "must be the number of a row");
	if (options_config(v.config_file, &config) != ERR_OK)
		return 1;
	e = run_verify(&v, config);
	config_free(config);
	return e == ERR_OK ? 0 : e == ERR_USAGE ? 2
						: 1;
}

/* ---- export ---- */

struct export
{
	int64_t first;
	bool ids_only; /* without what stands beside the rows */
	enum err e;
};

static json_t *
note_json(const struct chain_row *r)
{
	return json_pack("{s:o, s:s, s:s}",
	    "salt", json_b64(r->note.salt, sizeof(r->note.salt)),
	    "actor", r->note.actor,
	    "text", r->note.text);
}

static json_t *
row_json(const struct chain_row *r, bool ids_only)
{
	json_t *row = json_pack("{s:I, s:I, s:s, s:I, s:s, s:I, s:I, s:s, s:o, s:o, s:o}",
	    "seq", (json_int_t)r->row.id,
	    "created", (json_int_t)r->row.created,
	    "who", r->row.who,
	    "person", (json_int_t)r->row.person,
	    "what", r->row.what,
	    "number", (json_int_t)r->row.number,
	    "token", (json_int_t)r->row.token,
	    "detail", r->row.detail,
	    "note_hash", json_b64(r->note_hash, r->has_note ? sizeof(r->note_hash) : 0),
	    "prev", json_b64(r->prev, sizeof(r->prev)),
	    "hash", json_b64(r->hash, sizeof(r->hash)));

	if (row != NULL && r->note_there && !ids_only && json_object_set_new(row, "note", note_json(r)) != 0) {
		json_decref(row);
		return NULL;
	}
	return row;
}

static bool
print_row(const struct chain_row *r, void *context)
{
	struct export *x = context;
	struct buf line = buf_new(LINE_MAX_BYTES);
	json_t *row = row_json(r, x->ids_only);

	x->e = row != NULL ? json_dump(row, &line) : ERR_NO_MEMORY;
	buf_add_text(&line, "\n");
	if (x->e == ERR_OK)
		x->e = buf_error(&line);
	if (x->e == ERR_OK && fwrite(line.data, 1, line.len, stdout) != line.len)
		x->e = ERR_FILE_FAILED;
	json_decref(row);
	buf_free(&line);
	return x->e == ERR_OK;
}

/* Whoever takes it along is in it himself, before anything is written. */
static enum err
run_export(struct store *s, const void *what)
{
	struct export x = *(const struct export *)what;
	struct store_audit a = { .created = os_time(), .who = "desk", .what = "view" };
	enum err e;

	snprintf(a.detail, sizeof(a.detail), "audit=export from=%lld notes=%s", (long long)x.first, x.ids_only ? "no" : "yes");
	e = store_audit_add(s, &a);
	if (e == ERR_OK)
		e = chain_walk(s, x.first, print_row, &x);
	return e == ERR_OK ? x.e : e;
}

static int
command_export(int argc, char **argv)
{
	struct export x = { .e = ERR_OK };
	const char *config_file = NULL;
	const char *from = NULL;
	const struct option_row options[] = {
		{ .name = "--config", .value = &config_file, .required = true },
		{ .name = "--from", .value = &from },
		{ .name = "--ids-only", .given = &x.ids_only },
	};

	if (options_read(argc, argv, options, sizeof(options) / sizeof(options[0])) != ERR_OK)
		return 2;
	if (!read_from(from, &x.first))
		return options_refuse("--from", "must be the number of a row");
	return options_run(config_file, NULL, run_export, &x);
}

/* ---- erase ---- */

struct erase {
	int64_t before;
	bool dry_run;
};

static void
print_erased(const char *what, const struct erase_count *c)
{
	printf("%s requests=%lld proposals=%lld enrolments=%lld notes=%lld\n", what, (long long)c->requests, (long long)c->proposals, (long long)c->enrolments, (long long)c->notes);
}

static enum err
run_erase(struct store *s, const void *what)
{
	const struct erase *x = what;
	struct erase_count all = { 0 };
	struct erase_count now = { .requests = 1 };
	enum err e = ERR_OK;

	if (x->dry_run) {
		e = erase_count(s, x->before, &all);
		if (e == ERR_OK)
			print_erased("would_erase", &all);
		return e;
	}
	while (e == ERR_OK && erase_total(&now) != 0) {
		e = erase_run(s, "desk", x->before, os_time(), ERASE_MAX, &now);
		all.requests += now.requests;
		all.proposals += now.proposals;
		all.enrolments += now.enrolments;
		all.notes += now.notes;
	}
	print_erased("erased", &all);
	return e;
}

/* A day, which begins at midnight in UTC, or a moment. */
static bool
read_date(const char *text, int64_t *ret)
{
	char moment[TEXT_TIME_LEN + 1];

	if (strlen(text) != strlen("2026-12-01"))
		return text_time_read(text, ret);
	snprintf(moment, sizeof(moment), "%sT00:00:00Z", text);
	return text_time_read(moment, ret);
}

static int
command_erase(int argc, char **argv)
{
	struct erase x = { .dry_run = false };
	const char *config_file = NULL;
	const char *before = NULL;
	const struct option_row options[] = {
		{ .name = "--config", .value = &config_file, .required = true },
		{ .name = "--before", .value = &before, .required = true },
		{ .name = "--dry-run", .given = &x.dry_run },
	};

	if (options_read(argc, argv, options, sizeof(options) / sizeof(options[0])) != ERR_OK)
		return 2;
	if (!read_date(before, &x.before) || x.before > os_time())
		return options_refuse("--before", "must be a day like 2026-01-31, or a moment like 2026-01-31T00:00:00+07:00, that has passed");
	return options_run(config_file, NULL, run_erase, &x);
}

static const struct option_verb verbs[] = { { "verify", command_verify }, { "export", command_export }, { "erase", command_erase } };

int
desk_audit(int argc, char **argv)
{
	return options_verb(verbs, sizeof(verbs) / sizeof(verbs[0]), "audit: verify, export or erase", argc, argv);
}
