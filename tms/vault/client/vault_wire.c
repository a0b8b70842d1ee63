/* SPDX-License-Identifier: Apache-2.0 */
#include "vault_wire.h"

#include "json.h"
#include "log.h"

#include <string.h>

/* What a request says beside its verb, and what its answer says. */
enum part {
	TOKEN = 1,
	ROW = 2,
	ROWS = 4,
	FORMAT = 8, /* "length" and "characters" */
	TO = 16,    /* "to" and "h" */
	NONCE = 32,
	ANSWER = 64,  /* "enc" and "ciphertext" */
	SEALED = 128, /* "sealed" and "key" */
	EQUAL = 256,
	KEYS = 512,
	NAME = 1024,
	LINE = 2048
};

static const struct {
	const char *name;
	size_t rows; /* the fewest; with ROWS */
	unsigned asks;
	unsigned answers;
	bool desk;
} verbs[VAULT_VERB_COUNT] = {
	[VAULT_RESEAL] = { "reseal", 1, TOKEN | ROWS | TO | NONCE, ANSWER, false },
	[VAULT_RENEW] = { "renew", 0, TOKEN | ROW | FORMAT | TO, ANSWER | SEALED, false },
	[VAULT_REGRANT] = { "regrant", 0, TOKEN | ROW | TO, ANSWER, false },
	[VAULT_COMPARE] = { "compare", 2, TOKEN | ROWS, EQUAL, false },
	[VAULT_REWRAP] = { "rewrap", 0, TOKEN | ROW, SEALED, false },
	[VAULT_KEYS] = { "keys", 0, 0, KEYS, false },
	[VAULT_MAKE] = { "make", 0, 0, LINE, .desk = true },
	[VAULT_ADOPT] = { "adopt", 0, NAME, LINE, .desk = true },
	[VAULT_CHECK] = { "check", 0, 0, KEYS, .desk = true },
};

const char *
vault_verb_name(enum vault_verb verb)
{
	return verb >= 0 && verb < VAULT_VERB_COUNT ? verbs[verb].name : "";
}

bool
vault_verb_is_desk(enum vault_verb verb)
{
	return verb >= 0 && verb < VAULT_VERB_COUNT && verbs[verb].desk;
}

/* Appends a fresh value and lets it go. */
static enum err
dump_and_free(json_t *value, struct buf *b)
{
	enum err e = value != NULL ? json_dump(value, b) : ERR_NO_MEMORY;

	json_decref(value);
	return e;
}

/* Takes the fresh value, which may be NULL; false where memory ran out. */
static bool
set(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) == 0;
}

/* ---- requests ---- */

static json_t *
row_json(const struct vault_row *row)
{
	return json_pack("{s:I, s:o}",
	    "version", (json_int_t)row->version,
	    "sealed", json_b64(row->sealed, sizeof(row->sealed)));
}

static bool
read_row(json_t *value, struct vault_row *ret)
{
	json_int_t version;
	json_t *sealed;

	if (json_unpack(value, "{s:I, s:o !}",
		"version", &version,
		"sealed", &sealed) != 0)
		return false;
	ret->version = (uint64_t)version;
	return version >= 1 && json_b64_exact(sealed, ret->sealed, sizeof(ret->sealed));
}

static json_t *
rows_json(const struct vault_request *q)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < q->count && i < VAULT_ROWS_MAX; i++)
		if (json_array_append_new(rows, row_json(&q->rows[i])) != 0) {
			json_decref(rows);
			return NULL;
		}
	return rows;
}

static bool
read_rows(json_t *rows, struct vault_request *q)
{
	q->count = json_array_size(rows);
	if (q->count < verbs[q->verb].rows || q->count > VAULT_ROWS_MAX)
		return false;
	for (size_t i = 0; i < q->count; i++)
		if (!read_row(json_array_get(rows, i), &q->rows[i]))
			return false;
	return true;
}

enum err
vault_request_write(const struct vault_request *q, struct buf *b)
{
	unsigned asks = verbs[q->verb].asks;
	json_t *json = json_pack("{s:s}", "verb", verbs[q->verb].name);
	bool good = json != NULL;

	if (asks & TOKEN)
		good = set(json, "token", token_name_json(&q->token)) && good;
	if (asks & ROW)
		good = set(json, "row", row_json(&q->rows[0])) && good;
	if (asks & ROWS)
		good = set(json, "rows", rows_json(q)) && good;
	if (asks & FORMAT)
		good = set(json, "length", json_integer((json_int_t)q->format.length)) &&
		       set(json, "characters", json_string(characters_name(q->format.characters))) && good;
	if (asks & TO)
		good = set(json, "to", json_b64(q->to, sizeof(q->to))) && set(json, "h", json_b64(q->h, sizeof(q->h))) && good;
	if (asks & NONCE)
		good = set(json, "nonce", json_b64(q->nonce, sizeof(q->nonce))) && good;
	if (asks & NAME)
		good = set(json, "name", json_string(q->name)) && good;
	if (good)
		return dump_and_free(json, b);
	json_decref(json);
	return ERR_NO_MEMORY;
}

static bool
read_format(json_t *json, struct vault_format *ret)
{
	const char *characters;
	json_int_t length;

	if (json_unpack(json, "{s:I, s:s}", "length", &length, "characters", &characters) != 0)
		return false;
	ret->characters = characters_from_name(characters);
	ret->length = length >= 0 && length <= TRANSCRIPT_SO_PIN_MAX ? (unsigned)length : TRANSCRIPT_SO_PIN_MAX + 1;
	return ret->length <= TRANSCRIPT_SO_PIN_MAX && ret->characters != CHARACTERS_COUNT;
}

/* The parts that its verb has, and no other key. */
static bool
read_parts(json_t *json, struct vault_request *q)
{
	unsigned asks = verbs[q->verb].asks;
	size_t keys = 1;

	for (unsigned part = TOKEN; part <= NAME; part *= 2)
		if (asks & part)
			keys += part == FORMAT || part == TO ? 2 : 1;
	q->count = asks & ROW ? 1 : 0;
	return json_object_size(json) == keys &&
	       (!(asks & TOKEN) || token_name_from_json(json_object_get(json, "token"), &q->token)) &&
	       (!(asks & ROW) || read_row(json_object_get(json, "row"), &q->rows[0])) &&
	       (!(asks & ROWS) || read_rows(json_object_get(json, "rows"), q)) &&
	       (!(asks & FORMAT) || read_format(json, &q->format)) &&
	       (!(asks & TO) || (json_b64_exact(json_object_get(json, "to"), q->to, sizeof(q->to)) && json_b64_exact(json_object_get(json, "h"), q->h, sizeof(q->h)))) &&
	       (!(asks & NONCE) || json_b64_exact(json_object_get(json, "nonce"), q->nonce, sizeof(q->nonce))) &&
	       (!(asks & NAME) || json_text(json_object_get(json, "name"), q->name, 1, sizeof(q->name) - 1));
}

enum err
vault_request_read(const void *bytes, size_t len, struct vault_request *ret)
{
	struct vault_request q = { .verb = VAULT_RESEAL };
	json_t *json = NULL;
	const char *verb;
	enum err e = json_load(bytes, len, &json, NULL);

	if (e != ERR_OK)
		return e;
	verb = json_string_value(json_object_get(json, "verb"));
	while (verb != NULL && q.verb < VAULT_VERB_COUNT && strcmp(verbs[q.verb].name, verb) != 0)
		q.verb++;
	if (verb == NULL) {
		e = ERR_INVALID_REQUEST;
	} else if (q.verb == VAULT_VERB_COUNT) {
		e = ERR_METHOD_NOT_FOUND;
	} else {
		e = read_parts(json, &q) ? ERR_OK : ERR_INVALID_PARAMS;
	}
	if (e == ERR_OK)
		*ret = q;
	json_decref(json);
	return e;
}

/* ---- replies ---- */

static json_t *
keys_json(const struct vault_keys *keys)
{
	json_t *json = json_array();

	for (size_t i = 0; i < keys->count; i++)
		if (json_array_append_new(json, json_string(keys->ids[i])) != 0) {
			json_decref(json);
			return NULL;
		}
	return json;
}

enum err
vault_reply_write(enum vault_verb verb, enum err e, const struct vault_reply *reply, struct buf *b)
{
	unsigned answers = e == ERR_OK ? verbs[verb].answers : 0;
	json_t *json;
	bool good;

	if (e != ERR_OK)
		return dump_and_free(json_pack("{s:o}", "error", json_error(e, NULL)), b);
	json = json_object();
	good = json != NULL;
	if (answers & ANSWER)
		good = set(json, "enc", json_b64(reply->answer.enc, sizeof(reply->answer.enc))) &&
		       set(json, "ciphertext", json_b64(reply->answer.ciphertext, sizeof(reply->answer.ciphertext))) && good;
	if (answers & SEALED)
		good = set(json, "sealed", json_b64(reply->next.sealed, sizeof(reply->next.sealed))) && set(json, "key", json_string(reply->next.key)) && good;
	if (answers & EQUAL)
		good = set(json, "equal", json_boolean(reply->equal)) && good;
	if (answers & KEYS)
		good = set(json, "keys", keys_json(&reply->keys)) && good;
	if (answers & LINE)
		good = set(json, "line", json_string(reply->line)) && good;
	if (good)
		return dump_and_free(json, b);
	json_decref(json);
	return ERR_NO_MEMORY;
}

bool
vault_is_hsm_error(enum err e)
{
	static const enum err errors[] = { ERR_HSM_UNAVAILABLE, ERR_HSM_MODULE, ERR_HSM_TOKEN_MISSING, ERR_HSM_PIN_FILE, ERR_HSM_PIN_REFUSED, ERR_HSM_PIN_LOCKED,
		ERR_HSM_KEY_MISSING, ERR_HSM_KEY_UNFIT };

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i] == e)
			return true;
	return false;
}

/* What the vault says of itself stays in our log: the caller can do something about these four only. A vault whose HSM is away is one that does not answer. */
static enum err
read_error(enum vault_verb verb, json_t *error)
{
	const char *name = NULL;
	enum err e;

	if (json_unpack(error, "{s:{s:s}}", "data", "name", &name) != 0)
		return ERR_VAULT_UNREACHABLE;
	e = err_from_name(name);
	if (e == ERR_VAULT_LIMIT || e == ERR_SEALED_INVALID || e == ERR_VAULT_REFUSED)
		return e;
	if (vault_verb_is_desk(verb) && (vault_is_hsm_error(e) || e == ERR_CONFIG_INVALID))
		return e;
	log_error("vault", "client cause=the vault answered %s", err_name(e));
	return vault_is_hsm_error(e) ? ERR_VAULT_UNREACHABLE : ERR_VAULT_REFUSED;
}

/* 16 digits of lower-case hexadecimal. */
static bool
read_key_id(const json_t *value, char ret[VAULT_KEY_ID_SIZE])
{
	return json_text(value, ret, VAULT_KEY_ID_SIZE - 1, VAULT_KEY_ID_SIZE - 1) && ret[strspn(ret, "0123456789abcdef")] == '\0';
}

static bool
read_keys(const json_t *value, struct vault_keys *ret)
{
	ret->count = json_array_size(value);
	if (ret->count < 1 || ret->count > VAULT_KEYS_MAX)
		return false;
	for (size_t i = 0; i < ret->count; i++)
		if (!read_key_id(json_array_get(value, i), ret->ids[i]))
			return false;
	return true;
}

/* The parts that the answer to its verb has, and no other key. */
static bool
read_answer(enum vault_verb verb, const json_t *json, struct vault_reply *r)
{
	unsigned answers = verbs[verb].answers;
	size_t keys = (answers & ANSWER ? 2u : 0u) + (answers & SEALED ? 2u : 0u) + (answers & EQUAL ? 1u : 0u) + (answers & KEYS ? 1u : 0u) + (answers & LINE ? 1u : 0u);
	const json_t *equal = json_object_get(json, "equal");

	r->equal = json_is_true(equal);
	return json_object_size(json) == keys &&
	       (!(answers & ANSWER) || (json_b64_exact(json_object_get(json, "enc"), r->answer.enc, sizeof(r->answer.enc)) &&
					   json_b64_exact(json_object_get(json, "ciphertext"), r->answer.ciphertext, sizeof(r->answer.ciphertext)))) &&
	       (!(answers & SEALED) || (json_b64_exact(json_object_get(json, "sealed"), r->next.sealed, sizeof(r->next.sealed)) &&
					   read_key_id(json_object_get(json, "key"), r->next.key))) &&
	       (!(answers & EQUAL) || json_is_boolean(equal)) &&
	       (!(answers & KEYS) || read_keys(json_object_get(json, "keys"), &r->keys)) &&
	       (!(answers & LINE) || json_text(json_object_get(json, "line"), r->line, 1, sizeof(r->line) - 1));
}

enum err
vault_reply_read(enum vault_verb verb, const void *bytes, size_t len, struct vault_reply *ret)
{
	struct vault_reply reply = { .equal = false };
	json_t *json = NULL;
	enum err e = ERR_VAULT_UNREACHABLE;

	if (json_load(bytes, len, &json, NULL) != ERR_OK)
		return ERR_VAULT_UNREACHABLE;
	if (json_object_get(json, "error") != NULL) {
		e = read_error(verb, json_object_get(json, "error"));
	} else if (read_answer(verb, json, &reply)) {
		*ret = reply;
		e = ERR_OK;
	}
	json_decref(json);
	return e;
}
