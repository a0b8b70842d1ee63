/* SPDX-License-Identifier: Apache-2.0 */
#include "tally.h"

#include "json.h"
#include "log.h"

#include <stdio.h>

#define FILE_MAX 4096 /* bytes */

static const char *const names[TALLY_KIND_COUNT] = { [TALLY_ROWS] = "rows", [TALLY_COMPARES] = "compares" };

/* ---- the file: when it was written, and of each kind the counts by minutes, the newest first ---- */

static json_t *
counts_json(const struct hour *h, uint64_t now_ms)
{
	unsigned counts[HOUR_MINUTES];
	json_t *json = json_array();

	hour_read(h, now_ms, counts);
	for (size_t i = 0; i < HOUR_MINUTES; i++)
		if (json_array_append_new(json, json_integer(counts[i])) != 0) {
			json_decref(json);
			return NULL;
		}
	return json;
}

static bool
read_counts(const json_t *json, unsigned ret[HOUR_MINUTES])
{
	if (json_array_size(json) != HOUR_MINUTES)
		return false;
	for (size_t i = 0; i < HOUR_MINUTES; i++) {
		json_int_t count = json_integer_value(json_array_get(json, i));
		if (count < 0 || count > HOUR_COUNT_MAX)
			return false;
		ret[i] = (unsigned)count;
	}
	return true;
}

static enum err
keep(const struct tally *t, uint64_t now_ms)
{
	struct buf b = buf_new(FILE_MAX);
	json_t *json = json_pack("{s:I}", "time", (json_int_t)os_time());
	enum err e = json != NULL ? ERR_OK : ERR_NO_MEMORY;

	for (size_t i = 0; e == ERR_OK && i < TALLY_KIND_COUNT; i++)
		if (json_object_set_new(json, names[i], counts_json(&t->hours[i], now_ms)) != 0)
			e = ERR_NO_MEMORY;
	if (e == ERR_OK)
		e = json_dump(json, &b);
	if (e == ERR_OK)
		e = os_write_private(t->path, b.data, b.len);
	json_decref(json);
	buf_free(&b);
	return e;
}

/* A clock that was put back makes nothing younger than now. */
static bool
take_file(struct tally *t, const json_t *json)
{
	unsigned counts[TALLY_KIND_COUNT][HOUR_MINUTES];
	int64_t age = os_time() - json_integer_value(json_object_get(json, "time"));

	for (size_t i = 0; i < TALLY_KIND_COUNT; i++)
		if (!read_counts(json_object_get(json, names[i]), counts[i]))
			return false;
	for (size_t i = 0; i < TALLY_KIND_COUNT; i++)
		hour_set(&t->hours[i], os_now_ms(), age > 0 ? (uint64_t)age / 60 : 0, counts[i]);
	return true;
}

void
tally_open(struct tally *t, const char *private_key)
{
	struct buf b = buf_new(FILE_MAX);
	json_t *json = NULL;
	enum err e;

	snprintf(t->path, sizeof(t->path), "%s.hour", private_key);
	e = os_read_file(t->path, &b);
	if (e == ERR_OK)
		e = json_load(b.data, b.len, &json, NULL);
	if (e == ERR_OK && !take_file(t, json))
		e = ERR_PARSE;
	if (e == ERR_FILE_MISSING)
		log_info("vault", "file=%s cause=not there yet; this hour begins with nothing", t->path);
	else if (e != ERR_OK)
		log_error("vault", "file=%s cause=cannot be read; this hour begins with nothing", t->path);
	json_decref(json);
	buf_free(&b);
}

enum err
tally_take(struct tally *t, enum tally_kind kind, unsigned count)
{
	uint64_t now = os_now_ms();

	if (!hour_take(&t->hours[kind], now, count))
		return ERR_VAULT_LIMIT;
	if (keep(t, now) == ERR_OK)
		return ERR_OK;
	hour_return(&t->hours[kind], count);
	log_error("vault", "file=%s cause=cannot be written, and nothing is opened that is not counted", t->path);
	return ERR_VAULT_REFUSED;
}

/* What the file says more than was done is an hour's patience for a vault that is started anew, and no harm. */
void
tally_return(struct tally *t, enum tally_kind kind, unsigned count)
{
	hour_return(&t->hours[kind], count);
	(void)keep(t, os_now_ms());
}
