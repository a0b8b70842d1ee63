/* SPDX-License-Identifier: Apache-2.0 */
#include "anchor.h"

#include "append_file.h"
#include "json.h"
#include "log.h"
#include "os.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 512 /* about 290 are usual */

/* ---- one line ---- */

static void
transcript_anchor(struct buf *b, const struct anchor *a)
{
	transcript_text(b, "mokhoa-audit-anchor-v1");
	transcript_u64(b, (uint64_t)a->time);
	transcript_u64(b, (uint64_t)a->seq);
	transcript_field(b, a->hash, sizeof(a->hash));
	transcript_u64(b, (uint64_t)a->lost);
}

static enum err
write_line(const struct anchor *a, const struct key_sig *key, const char *kid, struct buf *line)
{
	struct buf transcript = buf_new(LINE_MAX_BYTES);
	unsigned char signature[KEY_SIG_LEN];
	json_t *json = NULL;
	enum err e;

	transcript_anchor(&transcript, a);
	e = buf_error(&transcript);
	if (e == ERR_OK)
		e = key_sig_sign(key, transcript.data, transcript.len, signature);
	if (e == ERR_OK) {
		json = json_pack("{s:I, s:I, s:o, s:I, s:s, s:o}",
		    "time", (json_int_t)a->time,
		    "seq", (json_int_t)a->seq,
		    "hash", json_b64(a->hash, sizeof(a->hash)),
		    "lost", (json_int_t)a->lost,
		    "kid", kid,
		    "signature", json_b64(signature, sizeof(signature)));
		e = json != NULL ? json_dump(json, line) : ERR_NO_MEMORY;
	}
	buf_add_text(line, "\n");
	json_decref(json);
	buf_free(&transcript);
	return e == ERR_OK ? buf_error(line) : e;
}

static bool
signed_by_one(const struct anchor *a, const unsigned char signature[KEY_SIG_LEN], const unsigned char (*keys)[KEY_SIG_PK_LEN], size_t key_count)
{
	struct buf transcript = buf_new(LINE_MAX_BYTES);
	bool right = false;

	transcript_anchor(&transcript, a);
	for (size_t i = 0; buf_error(&transcript) == ERR_OK && !right && i < key_count; i++)
		right = key_sig_verify(keys[i], transcript.data, transcript.len, signature);
	buf_free(&transcript);
	return right;
}

/* False where it is not the text of a line at all. */
static bool
read_line(const char *text, size_t len, struct anchor *ret, unsigned char ret_signature[KEY_SIG_LEN], bool *ret_formed)
{
	json_int_t time = 0;
	json_int_t seq = 0;
	json_int_t lost = 0;
	json_t *hash = NULL;
	json_t *signature = NULL;
	const char *kid = NULL;
	json_t *json = NULL;

	if (json_load(text, len, &json, NULL) != ERR_OK)
		return false;
	*ret_formed = json_unpack(json, "{s:I, s:I, s:o, s:I, s:s, s:o !}",
			  "time", &time,
			  "seq", &seq,
			  "hash", &hash,
			  "lost", &lost,
			  "kid", &kid,
			  "signature", &signature) == 0 &&
		      json_b64_exact(hash, ret->hash, sizeof(ret->hash)) && json_b64_exact(signature, ret_signature, KEY_SIG_LEN);
	ret->time = time;
	ret->seq = seq;
	ret->lost = lost;
	json_decref(json);
	return true;
}

/* ---- the file ---- */

static bool
add(struct anchor_list *list, const struct anchor *a)
{
	if (list->count == list->room) {
		size_t room = list->room != 0 ? 2 * list->room : 64;
		struct anchor *at = realloc(list->at, room * sizeof(*at));
		if (at == NULL)
			return false;
		list->at = at;
		list->room = room;
	}
	list->at[list->count++] = *a;
	return true;
}

/* What a restore says of the lines before it. */
static void
excuse(struct anchor_list *list, const struct anchor *restore)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->at[i].seq > restore->seq && list->at[i].seq <= restore->lost)
			list->at[i].excused = true;
}

static enum err
take_line(struct anchor_list *list, const char *text, size_t len, int64_t line, const unsigned char (*keys)[KEY_SIG_PK_LEN], size_t key_count)
{
	struct anchor a = { .line = line };
	unsigned char signature[KEY_SIG_LEN];
	bool formed = false;

	if (!read_line(text, len, &a, signature, &formed)) {
		list->cut++;
		return ERR_OK;
	}
	if (!formed || !signed_by_one(&a, signature, keys, key_count)) {
		if (list->refused == 0)
			list->refused = line;
		return ERR_OK;
	}
	if (a.lost != 0)
		excuse(list, &a);
	return add(list, &a) ? ERR_OK : ERR_NO_MEMORY;
}

static enum err
read_lines(FILE *file, const unsigned char (*keys)[KEY_SIG_PK_LEN], size_t key_count, struct anchor_list *list)
{
	char text[LINE_MAX_BYTES];
	enum err e = ERR_OK;
	int64_t line = 0;

	while (e == ERR_OK && fgets(text, sizeof(text), file) != NULL) {
		size_t len = strcspn(text, "\n");
		line++;
		if (len != 0)
			e = take_line(list, text, len, line, keys, key_count);
	}
	return e == ERR_OK && ferror(file) != 0 ? ERR_AUDIT_ANCHOR_FAILED : e;
}

enum err
anchor_read(const char *path, const unsigned char (*keys)[KEY_SIG_PK_LEN], size_t key_count, struct anchor_list *ret)
{
	FILE *file = fopen(path, "r");
	enum err e = ERR_OK;

	*ret = (struct anchor_list){ .count = 0 };
	if (file == NULL && errno == ENOENT)
		return ERR_OK;
	if (file == NULL) {
		log_error("audit", "anchor=%s cause=%s", path, strerror(errno));
		return ERR_AUDIT_ANCHOR_FAILED;
	}
	e = read_lines(file, keys, key_count, ret);
	fclose(file);
	if (e == ERR_OK)
		return e;
	/* neither of the two has said why by errno */
	log_error("audit", "anchor=%s cause=%s", path, e == ERR_NO_MEMORY ? "not enough memory" : "the file cannot be read to its end");
	anchor_list_free(ret);
	return e;
}

void
anchor_list_free(struct anchor_list *list)
{
	free(list->at);
	*list = (struct anchor_list){ .count = 0 };
}

static enum err
append(const struct config *config, const struct anchor *a, const struct key_sig *key, const char *kid)
{
	struct buf line = buf_new(LINE_MAX_BYTES);
	enum err e = write_line(a, key, kid, &line);

	if (e == ERR_OK && !append_file_write(config->audit_anchor, &line)) {
		log_error("audit", "anchor=%s cause=%s; rows of the audit that nothing holds yet can be cut off unseen", config->audit_anchor, strerror(errno));
		e = ERR_AUDIT_ANCHOR_FAILED;
	}
	buf_free(&line);
	return e;
}

enum err
anchor_write(const struct service *service, struct store *s, int64_t now, int64_t *ret_seq)
{
	struct anchor a = { .time = now };
	struct chain_head head = { .seq = 0 };
	char hash[2 * KEY_HASH_LEN + 1];
	enum err e = chain_head_of(s, &head);

	if (e != ERR_OK || head.seq == 0)
		return e;
	a.seq = head.seq;
	memcpy(a.hash, head.hash, sizeof(a.hash));
	e = append(service->config, &a, service->signing_key, service->kid);
	if (e != ERR_OK)
		return e;
	text_hex(a.hash, sizeof(a.hash), hash);
	/* where the log goes to another machine this is one more anchor */
	log_info("audit", "seq=%lld hash=%s", (long long)a.seq, hash);
	*ret_seq = a.seq;
	return ERR_OK;
}

/* ---- a restore ---- */

/* The last place that was anchored and that this chain has as it was, and the highest that was anchored. */
static enum err
compare(struct store *s, const struct anchor_list *list, struct anchor *ret)
{
	struct chain_row row;
	bool found = false;
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < list->count; i++) {
		const struct anchor *a = &list->at[i];
		if (a->excused)
			continue;
		if (a->seq > ret->lost)
			ret->lost = a->seq;
		e = chain_at(s, a->seq, &row, &found);
		if (e == ERR_OK && found && a->seq > ret->seq && memcmp(row.hash, a->hash, sizeof(a->hash)) == 0) {
			ret->seq = a->seq;
			memcpy(ret->hash, a->hash, sizeof(a->hash));
		}
	}
	return e;
}

enum err
anchor_find_lost(const struct config *config, struct store *s, int64_t now, struct anchor *ret)
{
	struct anchor a = { .time = now };
	struct anchor_list list;
	struct key_sig *key = NULL;
	char kid[SERVICE_KID_LEN + 1];
	unsigned char pk[1][KEY_SIG_PK_LEN];
	enum err e = service_signing_key(config, &key, kid);

	if (e != ERR_OK)
		return e;
	key_sig_public(key, pk[0]);
	key_sig_free(key);
	e = anchor_read(config->audit_anchor, (const unsigned char(*)[KEY_SIG_PK_LEN])pk, 1, &list);
	if (e == ERR_OK)
		e = compare(s, &list, &a);
	anchor_list_free(&list);
	if (e != ERR_OK)
		return e;
	if (a.lost <= a.seq)
		a.lost = 0;
	*ret = a;
	return ERR_OK;
}

enum err
anchor_take_back(const struct config *config, const struct anchor *lost)
{
	struct key_sig *key = NULL;
	char kid[SERVICE_KID_LEN + 1];
	enum err e = ERR_OK;

	if (lost->lost == 0)
		return ERR_OK;
	e = service_signing_key(config, &key, kid);
	if (e == ERR_OK)
		e = append(config, lost, key, kid);
	key_sig_free(key);
	return e;
}
