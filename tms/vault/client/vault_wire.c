/* SPDX-License-Identifier: Apache-2.0 */
#include "vault_wire.h"

#include "json.h"
#include "log.h"

#include <string.h>

static const char *const verbs[VAULT_VERB_COUNT] = {
	[VAULT_RESEAL] = "reseal",
	[VAULT_RENEW] = "renew",
	[VAULT_REGRANT] = "regrant",
};

const char *
vault_verb_name(enum vault_verb verb)
{
	return verb >= 0 && verb < VAULT_VERB_COUNT ? verbs[verb] : "";
}

/* Appends a fresh value and lets it go. */
static enum err
dump_and_free(json_t *value, struct buf *b)
{
	enum err e = value != NULL ? json_dump(value, b) : ERR_NO_MEMORY;

	json_decref(value);
	return e;
}

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

enum err
vault_request_write(const struct vault_request *q, struct buf *b)
{
	json_t *rows;

	if (q->verb == VAULT_RENEW)
		return dump_and_free(json_pack("{s:s, s:o, s:o, s:I, s:s, s:o, s:o}",
					 "verb", verbs[VAULT_RENEW],
					 "token", token_name_json(&q->token),
					 "row", row_json(&q->rows[0]),
					 "length", (json_int_t)q->format.length,
					 "characters", characters_name(q->format.characters),
					 "to", json_b64(q->to, sizeof(q->to)),
					 "h", json_b64(q->h, sizeof(q->h))),
		    b);
	if (q->verb == VAULT_REGRANT)
		return dump_and_free(json_pack("{s:s, s:o, s:o, s:o, s:o}",
					 "verb", vault_verb_name(q->verb),
					 "token", token_name_json(&q->token),
					 "row", row_json(&q->rows[0]),
					 "to", json_b64(q->to, sizeof(q->to)),
					 "h", json_b64(q->h, sizeof(q->h))),
		    b);
	rows = json_array();
	for (size_t i = 0; i < q->count && i < VAULT_ROWS_MAX; i++)
		if (json_array_append_new(rows, row_json(&q->rows[i])) != 0) {
			json_decref(rows);
			return ERR_NO_MEMORY;
		}
	return dump_and_free(json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}",
				 "verb", verbs[VAULT_RESEAL],
				 "token", token_name_json(&q->token),
				 "rows", rows,
				 "to", json_b64(q->to, sizeof(q->to)),
				 "h", json_b64(q->h, sizeof(q->h)),
				 "nonce", json_b64(q->nonce, sizeof(q->nonce))),
	    b);
}

static bool
read_reseal(json_t *json, struct vault_request *q)
{
	json_t *token, *rows, *to, *h, *nonce;
	const char *verb;

	if (json_unpack(json, "{s:s, s:o, s:o, s:o, s:o, s:o !}",
		"verb", &verb,
		"token", &token,
		"rows", &rows,
		"to", &to,
		"h", &h,
		"nonce", &nonce) != 0)
		return false;
	q->count = json_array_size(rows);
	if (q->count < 1 || q->count > VAULT_ROWS_MAX)
		return false;
	for (size_t i = 0; i < q->count; i++)
		if (!read_row(json_array_get(rows, i), &q->rows[i]))
			return false;
	return token_name_from_json(token, &q->token) && json_b64_exact(to, q->to, sizeof(q->to)) && json_b64_exact(h, q->h, sizeof(q->h)) &&
	       json_b64_exact(nonce, q->nonce, sizeof(q->nonce));
}

static bool
read_renew(json_t *json, struct vault_request *q)
{
	json_t *token, *row, *to, *h;
	const char *verb, *characters;
	json_int_t length;

	if (json_unpack(json, "{s:s, s:o, s:o, s:I, s:s, s:o, s:o !}",
		"verb", &verb,
		"token", &token,
		"row", &row,
		"length", &length,
		"characters", &characters,
		"to", &to,
		"h", &h) != 0)
		return false;
	q->count = 1;
	q->format.characters = characters_from_name(characters);
	if (length < 0 || length > TRANSCRIPT_SO_PIN_MAX || q->format.characters == CHARACTERS_COUNT)
		return false;
	q->format.length = (unsigned)length;
	return read_row(row, &q->rows[0]) && token_name_from_json(token, &q->token) && json_b64_exact(to, q->to, sizeof(q->to)) &&
	       json_b64_exact(h, q->h, sizeof(q->h));
}

static bool
read_regrant(json_t *json, struct vault_request *q)
{
	json_t *token, *row, *to, *h;
	const char *verb;

	if (json_unpack(json, "{s:s, s:o, s:o, s:o, s:o !}",
		"verb", &verb,
		"token", &token,
		"row", &row,
		"to", &to,
		"h", &h) != 0)
		return false;
	q->count = 1;
	return read_row(row, &q->rows[0]) && token_name_from_json(token, &q->token) && json_b64_exact(to, q->to, sizeof(q->to)) &&
	       json_b64_exact(h, q->h, sizeof(q->h));
}

static bool (*const readers[VAULT_VERB_COUNT])(json_t *json, struct vault_request *q) = {
	[VAULT_RESEAL] = read_reseal,
	[VAULT_RENEW] = read_renew,
	[VAULT_REGRANT] = read_regrant,
};

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
	while (verb != NULL && q.verb < VAULT_VERB_COUNT && strcmp(verbs[q.verb], verb) != 0)
		q.verb++;
	if (verb == NULL) {
		e = ERR_INVALID_REQUEST;
	} else if (q.verb == VAULT_VERB_COUNT) {
		e = ERR_METHOD_NOT_FOUND;
	} else {
		e = readers[q.verb](json, &q) ? ERR_OK : ERR_INVALID_PARAMS;
	}
	if (e == ERR_OK)
		*ret = q;
	json_decref(json);
	return e;
}

enum err
vault_reply_write(enum vault_verb verb, enum err e, const struct vault_reply *reply, struct buf *b)
{
	json_t *json;

	if (e != ERR_OK)
		return dump_and_free(json_pack("{s:o}", "error", json_error(e, NULL)), b);
	json = json_pack("{s:o, s:o}",
	    "enc", json_b64(reply->answer.enc, sizeof(reply->answer.enc)),
	    "ciphertext", json_b64(reply->answer.ciphertext, sizeof(reply->answer.ciphertext)));
	if (verb == VAULT_RENEW && json_object_set_new(json, "sealed", json_b64(reply->next.sealed, sizeof(reply->next.sealed))) != 0) {
		json_decref(json);
		return ERR_NO_MEMORY;
	}
	return dump_and_free(json, b);
}

/* What the vault says of itself stays in our log: the caller can do something about these four only. */
static enum err
read_error(json_t *error)
{
	const char *name = NULL;
	enum err e;

	if (json_unpack(error, "{s:{s:s}}", "data", "name", &name) != 0)
		return ERR_VAULT_UNREACHABLE;
	e = err_from_name(name);
	if (e == ERR_VAULT_LIMIT || e == ERR_SEALED_INVALID || e == ERR_VAULT_REFUSED)
		return e;
	log_error("vault", "client cause=the vault answered %s", err_name(e));
	return ERR_VAULT_REFUSED;
}

enum err
vault_reply_read(enum vault_verb verb, const void *bytes, size_t len, struct vault_reply *ret)
{
	struct vault_reply reply = { 0 };
	json_t *json = NULL;
	json_t *enc, *ciphertext, *sealed = NULL;
	enum err e = ERR_VAULT_UNREACHABLE;
	int unpacked;

	if (json_load(bytes, len, &json, NULL) != ERR_OK)
		return ERR_VAULT_UNREACHABLE;
	if (json_object_get(json, "error") != NULL) {
		e = read_error(json_object_get(json, "error"));
		json_decref(json);
		return e;
	}
	if (verb == VAULT_RENEW)
		unpacked = json_unpack(json, "{s:o, s:o, s:o !}", "enc", &enc, "ciphertext", &ciphertext, "sealed", &sealed);
	else
		unpacked = json_unpack(json, "{s:o, s:o !}", "enc", &enc, "ciphertext", &ciphertext);
	if (unpacked == 0 && json_b64_exact(enc, reply.answer.enc, sizeof(reply.answer.enc)) &&
	    json_b64_exact(ciphertext, reply.answer.ciphertext, sizeof(reply.answer.ciphertext)) &&
	    (verb != VAULT_RENEW || json_b64_exact(sealed, reply.next.sealed, sizeof(reply.next.sealed)))) {
		*ret = reply;
		e = ERR_OK;
	}
	json_decref(json);
	return e;
}
