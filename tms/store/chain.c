/* SPDX-License-Identifier: Apache-2.0 */
#include "chain.h"

#include "os.h"
#include "query.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

#define CHAIN_ROW_MAX 2048 /* bytes that are hashed; a detail is the longest of them */

/* ---- what is hashed ---- */

static enum err
hash_of(struct buf *b, unsigned char ret[KEY_HASH_LEN])
{
	enum err e = buf_error(b);

	if (e == ERR_OK)
		e = key_hash(b->data, b->len, ret);
	buf_free(b);
	return e;
}

enum err
chain_hash(const struct chain_row *row, int64_t seq, const unsigned char prev[KEY_HASH_LEN], unsigned char ret[KEY_HASH_LEN])
{
	struct buf b = buf_new(CHAIN_ROW_MAX);

	transcript_text(&b, "mokhoa-audit-v1");
	transcript_field(&b, prev, KEY_HASH_LEN);
	transcript_u64(&b, (uint64_t)seq);
	transcript_u64(&b, (uint64_t)row->row.created);
	transcript_text(&b, row->row.who);
	transcript_u64(&b, (uint64_t)row->row.person);
	transcript_text(&b, row->row.what);
	transcript_u64(&b, (uint64_t)row->row.number);
	transcript_u64(&b, (uint64_t)row->row.token);
	transcript_text(&b, row->row.detail);
	transcript_field(&b, row->note_hash, row->has_note ? KEY_HASH_LEN : 0);
	return hash_of(&b, ret);
}

enum err
chain_note_hash(const struct chain_note *note, unsigned char ret[KEY_HASH_LEN])
{
	struct buf b = buf_new(CHAIN_ROW_MAX);

	transcript_text(&b, "mokhoa-audit-note-v1");
	transcript_field(&b, note->salt, sizeof(note->salt));
	transcript_text(&b, note->actor);
	transcript_text(&b, note->text);
	return hash_of(&b, ret);
}

/* ---- appending ---- */

enum err
chain_head_of(struct store *s, struct chain_head *ret)
{
	struct query q = query_new(s, "SELECT seq, hash FROM audit_head");
	bool found = query_row(&q);

	if (found) {
		ret->seq = query_get_int(&q);
		query_get_bytes(&q, ret->hash, sizeof(ret->hash));
	}
	return query_found(&q, found, ERR_STORE_FAILED);
}

/* The next place, which is nobody else's until the transaction ends, and the hash of the row before it. */
static enum err
take_place(struct store *s, struct chain_head *ret)
{
	struct query q = query_new(s, "UPDATE audit_head SET seq = seq + 1 RETURNING seq, hash");
	bool found = false;

	while (query_row(&q)) {
		found = true;
		ret->seq = query_get_int(&q);
		query_get_bytes(&q, ret->hash, sizeof(ret->hash));
	}
	return query_found(&q, found, ERR_STORE_FAILED);
}

static enum err
set_head(struct store *s, const unsigned char hash[KEY_HASH_LEN])
{
	struct query q = query_new(s, "UPDATE audit_head SET hash = ?");

	query_bytes(&q, hash, KEY_HASH_LEN);
	return query_run(&q, NULL);
}

static enum err
insert_row(struct store *s, const struct chain_row *r)
{
	struct query q = query_new(s, "INSERT INTO audit (id, created, who, person, what, number, token, detail, note, prev, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");

	query_int(&q, r->row.id);
	query_int(&q, r->row.created);
	query_text(&q, r->row.who);
	query_int(&q, r->row.person);
	query_text(&q, r->row.what);
	query_int(&q, r->row.number);
	query_int(&q, r->row.token);
	query_text(&q, r->row.detail);
	query_bytes(&q, r->note_hash, r->has_note ? KEY_HASH_LEN : 0);
	query_bytes(&q, r->prev, sizeof(r->prev));
	query_bytes(&q, r->hash, sizeof(r->hash));
	return query_run(&q, NULL);
}

static enum err
insert_note(struct store *s, const struct chain_row *r)
{
	struct query q = query_new(s, "INSERT INTO audit_note (id, created, salt, actor, text) VALUES (?, ?, ?, ?, ?)");

	query_int(&q, r->row.id);
	query_int(&q, r->row.created);
	query_bytes(&q, r->note.salt, sizeof(r->note.salt));
	query_text(&q, r->note.actor);
	query_text(&q, r->note.text);
	return query_run(&q, NULL);
}

/* Inside a transaction. Of r everything is set but place, hashes and salt. */
static enum err
append(struct store *s, struct chain_row *r)
{
	struct chain_head head = { .seq = 0 };
	enum err e = take_place(s, &head);

	if (e != ERR_OK)
		return e;
	r->row.id = head.seq;
	memcpy(r->prev, head.hash, sizeof(r->prev));
	if (r->has_note) {
		os_random(r->note.salt, sizeof(r->note.salt));
		e = chain_note_hash(&r->note, r->note_hash);
	}
	if (e == ERR_OK)
		e = chain_hash(r, head.seq, r->prev, r->hash);
	if (e == ERR_OK)
		e = insert_row(s, r);
	if (e == ERR_OK && r->has_note)
		e = insert_note(s, r);
	return e == ERR_OK ? set_head(s, r->hash) : e;
}

enum err
store_audit_add(struct store *s, const struct store_audit *row)
{
	struct chain_row r = { .row = *row, .has_note = row->note[0] != '\0' };
	bool alone = !store_in_transaction(s);
	enum err e = alone ? store_begin(s) : ERR_OK;

	if (row->person != 0)
		text_copy(r.row.who, sizeof(r.row.who), "person");
	text_copy(r.note.text, sizeof(r.note.text), row->note);
	if (e != ERR_OK)
		return e;
	e = append(s, &r);
	return alone ? store_end(s, e) : e;
}

/* ---- reading ---- */

#define SELECT \
	"SELECT a.id, a.created, a.who, a.person, a.what, a.number, a.token, a.detail, a.note, a.prev, a.hash, CASE WHEN n.id IS NOT NULL THEN 1 ELSE 0 END, coalesce(n.salt, a.note)," \
	" coalesce(n.actor, ''), coalesce(n.text, '') FROM audit a LEFT JOIN audit_note n ON n.id = a.id "

static void
read_row(struct query *q, struct chain_row *r)
{
	unsigned char salt[KEY_HASH_LEN] = { 0 };

	*r = (struct chain_row){ .has_note = false };
	r->row.id = query_get_int(q);
	r->row.created = query_get_int(q);
	query_get_text(q, r->row.who, sizeof(r->row.who));
	r->row.person = query_get_int(q);
	query_get_text(q, r->row.what, sizeof(r->row.what));
	r->row.number = query_get_int(q);
	r->row.token = query_get_int(q);
	query_get_text(q, r->row.detail, sizeof(r->row.detail));
	r->has_note = query_get_upto(q, r->note_hash, sizeof(r->note_hash)) != 0;
	query_get_bytes(q, r->prev, sizeof(r->prev));
	query_get_bytes(q, r->hash, sizeof(r->hash));
	r->note_there = query_get_int(q) != 0;
	/* where there is no note something else stands in the place of its salt, because a missing value has no length */
	(void)query_get_upto(q, salt, sizeof(salt));
	memcpy(r->note.salt, salt, sizeof(r->note.salt));
	query_get_text(q, r->note.actor, sizeof(r->note.actor));
	query_get_text(q, r->note.text, sizeof(r->note.text));
}

enum err
chain_walk(struct store *s, int64_t from, bool (*each)(const struct chain_row *row, void *context), void *context)
{
	struct query q = query_new(s, SELECT "WHERE a.id >= ? ORDER BY a.id");
	struct chain_row row;
	bool go_on = true;

	query_int(&q, from);
	while (go_on && query_row(&q)) {
		read_row(&q, &row);
		go_on = query_good(&q) && each(&row, context);
	}
	return query_end(&q);
}

enum err
chain_at(struct store *s, int64_t seq, struct chain_row *ret, bool *ret_found)
{
	struct query q = query_new(s, SELECT "WHERE a.id = ?");

	query_int(&q, seq);
	*ret_found = query_row(&q);
	if (*ret_found)
		read_row(&q, ret);
	return query_end(&q);
}

/* ---- from before the chain ---- */

/* With one of these the typed part of a detail began, which always stood behind the words. */
static const char *const typed[] = { "reference=", "email=", "reason=", "address=", "name=", "title=", "manufacturer=", "vendor=" };

/* Where the first of them begins; the end of the text where none does. */
static size_t
typed_from(const char *detail)
{
	size_t from = strlen(detail);

	for (size_t i = 0; i < sizeof(typed) / sizeof(typed[0]); i++) {
		const char *at = strstr(detail, typed[i]);
		while (at != NULL && at != detail && at[-1] != ' ')
			at = strstr(at + 1, typed[i]);
		if (at != NULL && (size_t)(at - detail) < from)
			from = (size_t)(at - detail);
	}
	return from;
}

static void
split(const char *detail, struct chain_row *r)
{
	size_t from = typed_from(detail);

	memcpy(r->row.detail, detail, from);
	r->row.detail[from != 0 && detail[from] != '\0' ? from - 1 : from] = '\0';
	text_copy(r->note.text, sizeof(r->note.text), detail + from);
}

/* A name that exactly one person has is that person; any other is kept beside the row. */
static void
read_old(struct query *q, struct chain_row *r, int64_t *ret_old)
{
	char who[STORE_PERSON_SIZE];
	char detail[STORE_DETAIL_SIZE];
	bool program;

	*r = (struct chain_row){ .has_note = false };
	*ret_old = query_get_int(q);
	r->row.created = query_get_int(q);
	query_get_text(q, who, sizeof(who));
	query_get_text(q, r->row.what, sizeof(r->row.what));
	r->row.number = query_get_int(q);
	r->row.token = query_get_int(q);
	query_get_text(q, detail, sizeof(detail));
	r->row.person = query_get_int(q);
	program = strcmp(who, "host") == 0 || strcmp(who, "tms") == 0 || strcmp(who, "desk") == 0;
	if (program)
		r->row.person = 0;
	else if (r->row.person == 0)
		text_copy(r->note.actor, sizeof(r->note.actor), who);
	text_copy(r->row.who, sizeof(r->row.who), program ? who : "person");
	split(detail, r);
	r->has_note = r->note.actor[0] != '\0' || r->note.text[0] != '\0';
}

static enum err
next_old(struct store *s, int64_t *after, struct chain_row *ret, bool *ret_found)
{
	struct query q = query_new(s,
	    "SELECT o.id, o.created, o.who, o.what, o.number, o.token, o.detail, coalesce((SELECT max(p.id) FROM person p WHERE p.name = o.who HAVING count(*) = 1), 0)"
	    " FROM audit_unsealed o WHERE o.id > ? ORDER BY o.id LIMIT 1");

	query_int(&q, *after);
	*ret_found = query_row(&q);
	if (*ret_found)
		read_old(&q, ret, after);
	return query_end(&q);
}

enum err
chain_seal_old(struct store *s)
{
	struct store_audit sealed = { .created = os_time(), .who = "tms", .what = "seal" };
	struct chain_row r;
	int64_t after = 0;
	int64_t rows = 0;
	bool found = true;
	enum err e = ERR_OK;

	while (e == ERR_OK && found) {
		e = next_old(s, &after, &r, &found);
		if (e == ERR_OK && found) {
			e = append(s, &r);
			rows++;
		}
	}
	snprintf(sealed.detail, sizeof(sealed.detail), "rows=%lld", (long long)rows);
	if (e == ERR_OK && rows != 0)
		e = store_audit_add(s, &sealed);
	return e == ERR_OK ? query_exec(s, "DROP TABLE audit_unsealed") : e;
}
