/* SPDX-License-Identifier: Apache-2.0 */
#include "escrow_line.h"

#include "json.h"
#include "key.h"
#include "text.h"

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

/* ---- writing ---- */

static json_t *
rows_json(const struct store_candidates *c)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < c->count; i++) {
		json_t *row = json_pack("{s:I, s:o}",
		    "version", (json_int_t)c->rows[i].version,
		    "sealed", json_b64(c->rows[i].sealed, sizeof(c->rows[i].sealed)));
		if (json_array_append_new(rows, row) != 0) {
			json_decref(rows);
			return NULL;
		}
	}
	return rows;
}

static json_t *
line_json(const struct escrow_log_line *line)
{
	const struct store_candidates *c = &line->candidates;

	return json_pack("{s:I, s:I, s:o, s:o, s:{s:s, s:s, s:s}}",
	    "time", (json_int_t)line->time,
	    "request", (json_int_t)line->request,
	    "token", token_name_json(&c->token),
	    "candidates", rows_json(c),
	    "record",
	    "customer", c->customer,
	    "email", c->email,
	    "certificate_serial", c->certificate_serial);
}

enum err
escrow_line_write(const struct escrow_log_line *line, struct buf *b)
{
	struct buf text = buf_new(ESCROW_LOG_LINE_MAX - SUM_LEN - 2);
	json_t *json = line_json(line);
	char checked[SUM_LEN + 1];
	enum err e = json != NULL ? json_dump(json, &text) : ERR_NO_MEMORY;

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

static bool
read_row(json_t *value, struct store_candidate *ret)
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

static bool
read_json(json_t *json, struct escrow_log_line *line)
{
	struct store_candidates *c = &line->candidates;
	json_t *token, *rows, *customer, *email, *serial;
	json_int_t time, request;

	if (json_unpack(json, "{s:I, s:I, s:o, s:o, s:{s:o, s:o, s:o !} !}",
		"time", &time,
		"request", &request,
		"token", &token,
		"candidates", &rows,
		"record",
		"customer", &customer,
		"email", &email,
		"certificate_serial", &serial) != 0)
		return false;
	line->time = time;
	line->request = request;
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
