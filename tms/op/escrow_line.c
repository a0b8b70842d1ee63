/* SPDX-License-Identifier: Apache-2.0 */
#include "escrow_line.h"

#include "json.h"
#include "key.h"
#include "text.h"
#include "transcript.h"

#include <string.h>

#define SUM_BYTES 8
#define SUM_LEN	  ((size_t)2 * SUM_BYTES) /* characters */

static enum err
sum(const void *text, size_t len, char ret[SUM_LEN + 1])
{
	unsigned char hash[KEY_HASH_LEN];
	enum err e = key_hash(text, len, hash);

	if (e == ERR_OK)
		text_hex(hash, SUM_BYTES, ret);
	return e;
}

/* ---- what is signed ---- */

static void
transcript_line(struct buf *b, const struct escrow_log_line *line)
{
	const struct store_candidates *c = &line->candidates;

	transcript_text(b, "mokhoa-escrow-line-v1");
	transcript_u64(b, (uint64_t)line->time);
	transcript_u64(b, (uint64_t)line->request);
	transcript_token(b, &c->token);
	transcript_text(b, c->customer);
	transcript_text(b, c->email);
	transcript_text(b, c->certificate_serial);
	for (size_t i = 0; i < c->count; i++) {
		transcript_u64(b, c->rows[i].version);
		transcript_field(b, c->rows[i].sealed, sizeof(c->rows[i].sealed));
		transcript_u64(b, c->rows[i].shared);
	}
}

static enum err
sign(const struct escrow_log_line *line, const struct key_sig *key, unsigned char ret[KEY_SIG_LEN])
{
	struct buf transcript = buf_new(ESCROW_LOG_LINE_MAX);
	enum err e;

	transcript_line(&transcript, line);
	e = buf_error(&transcript);
	if (e == ERR_OK)
		e = key_sig_sign(key, transcript.data, transcript.len, ret);
	buf_free(&transcript);
	return e;
}

bool
escrow_log_proved(const struct escrow_log_line *line, const unsigned char pk[KEY_SIG_PK_LEN])
{
	struct buf transcript = buf_new(ESCROW_LOG_LINE_MAX);
	bool proved;

	transcript_line(&transcript, line);
	proved = line->is_signed && buf_error(&transcript) == ERR_OK && key_sig_verify(pk, transcript.data, transcript.len, line->signature);
	buf_free(&transcript);
	return proved;
}

/* ---- writing ---- */

static json_t *
rows_json(const struct store_candidates *c)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < c->count; i++) {
		json_t *row = json_pack("{s:I, s:o, s:b}",
		    "version", (json_int_t)c->rows[i].version,
		    "sealed", json_b64(c->rows[i].sealed, sizeof(c->rows[i].sealed)),
		    "shared", c->rows[i].shared ? 1 : 0);
		if (json_array_append_new(rows, row) != 0) {
			json_decref(rows);
			return NULL;
		}
	}
	return rows;
}

static json_t *
line_json(const struct escrow_log_line *line, const unsigned char signature[KEY_SIG_LEN])
{
	const struct store_candidates *c = &line->candidates;

	return json_pack("{s:I, s:I, s:o, s:o, s:{s:s, s:s, s:s}, s:o}",
	    "time", (json_int_t)line->time,
	    "request", (json_int_t)line->request,
	    "token", token_name_json(&c->token),
	    "candidates", rows_json(c),
	    "record",
	    "customer", c->customer,
	    "email", c->email,
	    "certificate_serial", c->certificate_serial,
	    "signature", json_b64(signature, KEY_SIG_LEN));
}

enum err
escrow_line_write(const struct escrow_log_line *line, const struct key_sig *key, struct buf *b)
{
	struct buf text = buf_new(ESCROW_LOG_LINE_MAX - SUM_LEN - 2);
	unsigned char signature[KEY_SIG_LEN];
	json_t *json = NULL;
	char checked[SUM_LEN + 1];
	enum err e = sign(line, key, signature);

	if (e == ERR_OK) {
		json = line_json(line, signature);
		e = json != NULL ? json_dump(json, &text) : ERR_NO_MEMORY;
	}
	json_decref(json);
	if (e == ERR_OK)
		e = sum(text.data, text.len, checked);
	if (e == ERR_OK) {
		buf_add(b, text.data, text.len);
		buf_add_text(b, " ");
		buf_add_text(b, checked);
		buf_add_text(b, "\n");
		e = buf_error(b);
	}
	buf_free(&text);
	return e;
}

/* ---- reading ---- */

/* A line from before this was written down leaves open whether other tokens have the value, too: then it is taken for one that they have. */
static bool
read_row(json_t *value, struct store_candidate *ret)
{
	json_int_t version;
	json_t *sealed;
	int shared = 1;

	if (json_unpack(value, "{s:I, s:o, s?b !}",
		"version", &version,
		"sealed", &sealed,
		"shared", &shared) != 0)
		return false;
	ret->version = (uint64_t)version;
	ret->shared = shared != 0;
	return version >= 1 && json_b64_exact(sealed, ret->sealed, sizeof(ret->sealed));
}

static bool
read_json(json_t *json, struct escrow_log_line *line)
{
	struct store_candidates *c = &line->candidates;
	json_t *token, *rows, *customer, *email, *serial;
	json_t *signature = NULL;
	json_int_t time, request;

	if (json_unpack(json, "{s:I, s:I, s:o, s:o, s:{s:o, s:o, s:o !}, s?o !}",
		"time", &time,
		"request", &request,
		"token", &token,
		"candidates", &rows,
		"record",
		"customer", &customer,
		"email", &email,
		"certificate_serial", &serial,
		"signature", &signature) != 0)
		return false;
	line->time = time;
	line->request = request;
	line->is_signed = signature != NULL;
	if (line->is_signed && !json_b64_exact(signature, line->signature, sizeof(line->signature)))
		return false;
	c->count = json_array_size(rows);
	if (request < 0 || c->count < 1 || c->count > STORE_CANDIDATES_MAX)
		return false;
	for (size_t i = 0; i < c->count; i++)
		if (!read_row(json_array_get(rows, i), &c->rows[i]))
			return false;
	return token_name_from_json(token, &c->token) && json_text(customer, c->customer, 0, sizeof(c->customer) - 1) &&
	       json_text(email, c->email, 0, sizeof(c->email) - 1) && json_text(serial, c->certificate_serial, 0, sizeof(c->certificate_serial) - 1);
}

/* A blank and a sum behind the brace that ends the object. */
static bool
has_its_end(const char *text, size_t len)
{
	unsigned char bytes[SUM_BYTES];
	size_t got = 0;

	return len > SUM_LEN + 2 && text[len - SUM_LEN - 1] == ' ' && text[len - SUM_LEN - 2] == '}' &&
	       text_unhex(text + len - SUM_LEN, SUM_LEN, bytes, sizeof(bytes), &got) && got == sizeof(bytes);
}

enum escrow_log_kind
escrow_line_read(const char *text, size_t len, struct escrow_log_line *ret)
{
	struct escrow_log_line line = { .time = 0 };
	char checked[SUM_LEN + 1];
	json_t *json = NULL;
	bool read;

	if (!has_its_end(text, len))
		return ESCROW_LOG_CUT;
	if (sum(text, len - SUM_LEN - 1, checked) != ERR_OK || memcmp(checked, text + len - SUM_LEN, SUM_LEN) != 0)
		return ESCROW_LOG_DAMAGED;
	if (json_load(text, len - SUM_LEN - 1, &json, NULL) != ERR_OK)
		return ESCROW_LOG_DAMAGED;
	read = read_json(json, &line);
	json_decref(json);
	if (!read)
		return ESCROW_LOG_DAMAGED;
	*ret = line;
	return ESCROW_LOG_WHOLE;
}
