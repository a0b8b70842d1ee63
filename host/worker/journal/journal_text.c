/* SPDX-License-Identifier: Apache-2.0 */
/* An entry as JSON and back. Whatever we would not have written is refused: a key that was half restored must not sign. */
#include "journal.h"

#include "json.h"
#include "log.h"

#include <stdlib.h>
#include <string.h>

#define FORMAT	    1 /* greater with each key and word that is new: whoever does not know them leaves the file alone; names of errors are the exception */
#define SECONDS_MAX 9007199254740991

/* ---- writing ---- */

static json_t *
bytes_or_empty(bool present, const void *bytes, size_t len)
{
	return json_b64(bytes, present ? len : 0);
}

static json_t *
outcome_json(const struct journal_outcome *o)
{
	return json_pack("{s:s, s:s, s:I, s:s, s:b, s:b, s:b, s:s, s:o}",
	    "result", !o->known ? "" : o->completed ? "completed"
						    : "failed",
	    "stage", o->known ? stage_name(o->stage) : "",
	    "cryptoki", (json_int_t)o->cryptoki,
	    "error", err_name(o->error),
	    "rotated", o->rotated ? 1 : 0,
	    "reported", o->reported ? 1 : 0,
	    "proof_built", o->proof_built ? 1 : 0,
	    "proof_mechanism", o->proof_mechanism,
	    "proof", json_b64(o->proof, o->proof_len));
}

static json_t *
asked_json(const struct journal_entry *e)
{
	return json_pack("{s:s, s:o, s:I, s:o, s:o, s:s, s:s}",
	    "profile", e->profile,
	    "idempotency_key", json_b64(e->idempotency_key, sizeof(e->idempotency_key)),
	    "created", (json_int_t)e->created,
	    "token", token_name_json(&e->token),
	    "certificate", json_b64(e->certificate, e->certificate_len),
	    "reason", e->reason,
	    "language", e->language);
}

static json_t *
said_json(const struct journal_entry *e)
{
	return json_pack("{s:o, s:s, s:I, s:I, s:I, s:s, s:s, s:s, s:s, s:o}",
	    "id", bytes_or_empty(e->named, e->id, sizeof(e->id)),
	    "state", state_name(e->state),
	    "expires", (json_int_t)e->expires,
	    "code_expires", (json_int_t)e->code_expires,
	    "retry_after", (json_int_t)e->retry_after,
	    "phrase", e->phrase,
	    "email", e->email,
	    "hotline", e->hotline,
	    "note", e->note,
	    "approval", bytes_or_empty(e->approved, e->approval, sizeof(e->approval)));
}

enum err
journal_print(const struct journal_entry *entry, struct buf *b)
{
	json_t *file = json_pack("{s:i, s:o, s:o, s:o, s:I, s:I, s:I, s:o, s:s, s:i, s:i, s:o}",
	    "format", FORMAT,
	    "asked", asked_json(entry),
	    "host_kem", bytes_or_empty(entry->has_keys, entry->host_kem, sizeof(entry->host_kem)),
	    "host_sig", bytes_or_empty(entry->has_keys, entry->host_sig, sizeof(entry->host_sig)),
	    "ended", (json_int_t)entry->ended,
	    "unknown", (json_int_t)entry->unknown,
	    "counter", (json_int_t)entry->counter,
	    "said", said_json(entry),
	    "stage", entry->stage != STAGE_COUNT ? stage_name(entry->stage) : "",
	    "refused", (int)entry->refused,
	    "unclear", (int)entry->unclear,
	    "outcome", outcome_json(&entry->outcome));
	enum err e = file != NULL ? json_dump(file, b) : ERR_NO_MEMORY;

	json_decref(file);
	return e;
}

/* ---- reading ---- */

static bool
number_ok(json_int_t n, json_int_t max)
{
	return n >= 0 && n <= max;
}

/* Exactly len bytes, or an empty text and *ret_present is false. */
static bool
read_bytes(const json_t *value, void *ret, size_t len, bool *ret_present)
{
	size_t got;

	if (!json_b64_upto(value, ret, len, &got) || (got != 0 && got != len))
		return false;
	*ret_present = got == len;
	return true;
}

static bool
read_word(const json_t *value, char *ret, size_t max, const char *one, const char *other)
{
	return json_text(value, ret, 1, max) && (strcmp(ret, one) == 0 || strcmp(ret, other) == 0);
}

static bool
read_asked(json_t *asked, struct journal_entry *ret)
{
	json_t *profile, *key, *token, *certificate, *reason, *language;
	json_int_t created;

	if (json_unpack(asked, "{s:o, s:o, s:I, s:o, s:o, s:o, s:o!}",
		"profile", &profile,
		"idempotency_key", &key,
		"created", &created,
		"token", &token,
		"certificate", &certificate,
		"reason", &reason,
		"language", &language) != 0)
		return false;
	ret->created = (int64_t)created;
	return json_text(profile, ret->profile, 1, sizeof(ret->profile) - 1) && json_b64_exact(key, ret->idempotency_key, sizeof(ret->idempotency_key)) &&
	       token_name_from_json(token, &ret->token) &&
	       json_b64_upto(certificate, ret->certificate, sizeof(ret->certificate), &ret->certificate_len) &&
	       read_word(reason, ret->reason, sizeof(ret->reason) - 1, "locked", "forgotten") &&
	       read_word(language, ret->language, sizeof(ret->language) - 1, "vi", "en");
}

static bool
read_said(json_t *said, struct journal_entry *ret)
{
	json_t *id, *phrase, *email, *hotline, *note, *approval;
	json_int_t expires, code_expires, retry_after;
	const char *state;

	if (json_unpack(said, "{s:o, s:s, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o!}",
		"id", &id,
		"state", &state,
		"expires", &expires,
		"code_expires", &code_expires,
		"retry_after", &retry_after,
		"phrase", &phrase,
		"email", &email,
		"hotline", &hotline,
		"note", &note,
		"approval", &approval) != 0)
		return false;
	if (!number_ok(expires, SECONDS_MAX) || !number_ok(code_expires, SECONDS_MAX) || !number_ok(retry_after, SECONDS_MAX))
		return false;
	ret->state = state_from_name(state);
	ret->expires = (uint64_t)expires;
	ret->code_expires = (uint64_t)code_expires;
	ret->retry_after = (uint64_t)retry_after;
	return ret->state != STATE_COUNT && read_bytes(id, ret->id, sizeof(ret->id), &ret->named) &&
	       read_bytes(approval, ret->approval, sizeof(ret->approval), &ret->approved) &&
	       json_text(phrase, ret->phrase, 0, sizeof(ret->phrase) - 1) && json_text(email, ret->email, 0, sizeof(ret->email) - 1) &&
	       json_text(hotline, ret->hotline, 0, sizeof(ret->hotline) - 1) && json_text(note, ret->note, 0, sizeof(ret->note) - 1);
}

/* What a newer worker calls by a name of its own is none of the errors that are looked at here. */
static bool
read_error(const char *name, enum err *ret)
{
	*ret = err_from_name(name);
	return name[0] != '\0' && name[strspn(name, "abcdefghijklmnopqrstuvwxyz_")] == '\0';
}

/* "" is no outcome; its stage is "" then, too. */
static bool
read_result(const char *result, const char *stage, struct journal_outcome *ret)
{
	ret->known = result[0] != '\0';
	ret->completed = strcmp(result, "completed") == 0;
	ret->stage = stage_from_name(stage);
	if (!ret->known)
		return stage[0] == '\0';
	return (ret->completed || strcmp(result, "failed") == 0) && ret->stage != STAGE_COUNT;
}

static bool
read_outcome(json_t *outcome, struct journal_outcome *ret)
{
	const char *result, *stage, *error;
	json_t *mechanism, *proof;
	json_int_t cryptoki;
	int rotated, reported, built;

	if (json_unpack(outcome, "{s:s, s:s, s:I, s:s, s:b, s:b, s:b, s:o, s:o!}",
		"result", &result,
		"stage", &stage,
		"cryptoki", &cryptoki,
		"error", &error,
		"rotated", &rotated,
		"reported", &reported,
		"proof_built", &built,
		"proof_mechanism", &mechanism,
		"proof", &proof) != 0)
		return false;
	ret->cryptoki = (uint64_t)cryptoki;
	ret->rotated = rotated != 0;
	ret->reported = reported != 0;
	ret->proof_built = built != 0;
	return cryptoki >= 0 && read_error(error, &ret->error) && read_result(result, stage, ret) &&
	       json_text(mechanism, ret->proof_mechanism, 0, sizeof(ret->proof_mechanism) - 1) &&
	       json_b64_upto(proof, ret->proof, sizeof(ret->proof), &ret->proof_len) && (ret->proof_len == 0) == (ret->proof_mechanism[0] == '\0');
}

static bool
read_keys(const json_t *kem, const json_t *sig, struct journal_entry *ret)
{
	bool has_sig;

	return read_bytes(kem, ret->host_kem, sizeof(ret->host_kem), &ret->has_keys) && read_bytes(sig, ret->host_sig, sizeof(ret->host_sig), &has_sig) &&
	       has_sig == ret->has_keys;
}

static bool
read_file(json_t *file, struct journal_entry *ret)
{
	json_t *asked, *kem, *sig, *said, *outcome;
	json_int_t ended, unknown = 0, counter, refused, unclear;
	const char *stage;
	int format;

	/* "unknown" came later: files without it are of the first days */
	if (json_unpack(file, "{s:i, s:o, s:o, s:o, s:I, s?I, s:I, s:o, s:s, s:I, s:I, s:o!}",
		"format", &format,
		"asked", &asked,
		"host_kem", &kem,
		"host_sig", &sig,
		"ended", &ended,
		"unknown", &unknown,
		"counter", &counter,
		"said", &said,
		"stage", &stage,
		"refused", &refused,
		"unclear", &unclear,
		"outcome", &outcome) != 0)
		return false;
	if (format != FORMAT || !number_ok(ended, SECONDS_MAX) || !number_ok(unknown, SECONDS_MAX) || counter < 0 || !number_ok(refused, 3) || !number_ok(unclear, JOURNAL_ATTEMPTS_MAX))
		return false;
	ret->ended = (int64_t)ended;
	ret->unknown = (int64_t)unknown;
	ret->counter = (uint64_t)counter;
	ret->refused = (unsigned)refused;
	ret->unclear = (unsigned)unclear;
	ret->stage = stage_from_name(stage);
	return (ret->stage != STAGE_COUNT || stage[0] == '\0') && read_keys(kem, sig, ret) && read_asked(asked, ret) && read_said(said, ret) &&
	       read_outcome(outcome, &ret->outcome);
}

enum err
journal_parse(const void *bytes, size_t len, struct journal_entry *ret)
{
	struct journal_entry *entry = calloc(1, sizeof(*entry));
	char where[160] = "not an entry of this format";
	json_t *file = NULL;
	enum err e = ERR_JOURNAL_FAILED;

	if (entry == NULL)
		return ERR_NO_MEMORY;
	if (json_load(bytes, len, &file, where) == ERR_OK && read_file(file, entry)) {
		*ret = *entry;
		e = ERR_OK;
	} else {
		log_debug("journal", "file is damaged: %s", where);
	}
	json_decref(file);
	wipe(entry, sizeof(*entry));
	free(entry);
	return e;
}

bool
journal_is_newer(const void *bytes, size_t len)
{
	json_t *file = NULL;
	char where[160];
	bool newer = json_load(bytes, len, &file, where) == ERR_OK && json_integer_value(json_object_get(file, "format")) > FORMAT;

	json_decref(file);
	return newer;
}
