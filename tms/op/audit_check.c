/* SPDX-License-Identifier: Apache-2.0 */
#include "audit_check.h"

#include "erase.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[AUDIT_FAULT_COUNT] = {
	[AUDIT_WHOLE] = "whole",
	[AUDIT_CHANGED] = "changed",
	[AUDIT_MISSING] = "missing",
	[AUDIT_SWAPPED] = "swapped",
	[AUDIT_INSERTED] = "inserted",
	[AUDIT_CUT_OFF] = "cut_off",
	[AUDIT_WRITTEN_ANEW] = "written_anew",
	[AUDIT_NOTE_CHANGED] = "note_changed",
	[AUDIT_NOTE_MISSING] = "note_missing",
	[AUDIT_ANCHOR_REFUSED] = "anchor_refused",
};

const char *
audit_fault_name(enum audit_fault fault)
{
	return fault >= 0 && fault < AUDIT_FAULT_COUNT ? names[fault] : "";
}

struct checking {
	struct store *store;
	struct audit_check *check;
	struct anchor *marks; /* that count, by their rows */
	size_t mark_count;
	size_t mark;			  /* the next one */
	int64_t next;			  /* the place that is due */
	unsigned char prev[KEY_HASH_LEN]; /* hash of the row before it */
	bool prev_known;
	int64_t erased_before;
	struct chain_row bad;
	bool has_bad; /* it does not fit, and why is to be found out */
	const atomic_bool *stop;
	bool stopped;
};

/* ---- what fits ---- */

/* Whether the row is what was hashed for that place; on an error of memory it is not. */
static bool
made_for(const struct chain_row *r, int64_t seq)
{
	unsigned char hash[KEY_HASH_LEN];

	return chain_hash(r, seq, r->prev, hash) == ERR_OK && memcmp(hash, r->hash, sizeof(hash)) == 0;
}

static bool
follows(const struct checking *c, const struct chain_row *r)
{
	return !c->prev_known || memcmp(r->prev, c->prev, sizeof(c->prev)) == 0;
}

static bool
fail(struct checking *c, enum audit_fault fault, int64_t row, int64_t other)
{
	c->check->fault = fault;
	c->check->row = row;
	c->check->other = other;
	return false;
}

/* The note's own hash is in the row, which has been found right. */
static bool
look_at_note(struct checking *c, const struct chain_row *r)
{
	unsigned char hash[KEY_HASH_LEN];

	if (r->note_there) {
		c->check->notes++;
		if (!r->has_note || chain_note_hash(&r->note, hash) != ERR_OK || memcmp(hash, r->note_hash, sizeof(hash)) != 0)
			return fail(c, AUDIT_NOTE_CHANGED, r->row.id, 0);
	} else if (r->has_note) {
		c->check->erased++;
		if (r->row.created >= c->erased_before)
			return fail(c, AUDIT_NOTE_MISSING, r->row.id, 0);
	}
	return true;
}

/* Every anchor of this row has its hash; else something was written anew since the last one that holds. */
static bool
look_at_marks(struct checking *c, int64_t seq, const unsigned char hash[KEY_HASH_LEN])
{
	for (; c->mark < c->mark_count && c->marks[c->mark].seq <= seq; c->mark++) {
		const struct anchor *a = &c->marks[c->mark];
		if (a->seq < seq)
			continue;
		if (memcmp(a->hash, hash, KEY_HASH_LEN) != 0)
			return fail(c, AUDIT_WRITTEN_ANEW, c->check->anchored + 1, seq);
		c->check->anchors++;
		c->check->anchored = seq;
	}
	return true;
}

static bool
look_at_row(const struct chain_row *r, void *context)
{
	struct checking *c = context;

	if (c->stop != NULL && atomic_load(c->stop)) {
		c->stopped = true;
		return false;
	}
	if (r->row.id != c->next)
		return fail(c, AUDIT_MISSING, c->next, r->row.id - 1);
	if (!made_for(r, c->next) || !follows(c, r)) {
		c->bad = *r;
		c->has_bad = true;
		return false;
	}
	c->check->rows++;
	memcpy(c->prev, r->hash, sizeof(c->prev));
	c->prev_known = true;
	c->next++;
	return look_at_note(c, r) && look_at_marks(c, r->row.id, r->hash);
}

/* ---- what is wrong with the one that does not fit ---- */

/* The place that a row was made for; 0 where there is none. A place is one hash, so that all of them are tried. */
static int64_t
place_of(const struct chain_row *r, int64_t last)
{
	for (int64_t seq = 1; seq <= last; seq++)
		if (made_for(r, seq))
			return seq;
	return 0;
}

/* A row that was made for another place: the one that stands there tells whether they were swapped. */
static enum err
explain_moved(struct checking *c, int64_t place)
{
	struct chain_row other;
	bool found = false;
	int64_t at = c->bad.row.id;
	enum err e = chain_at(c->store, place, &other, &found);

	if (e != ERR_OK)
		return e;
	if (found && made_for(&other, at))
		fail(c, AUDIT_SWAPPED, at, place);
	else if (place > at)
		fail(c, AUDIT_MISSING, at, place - 1);
	else
		fail(c, AUDIT_INSERTED, place, at - 1);
	return ERR_OK;
}

/* One that was made for no place: where the one behind it was made for this, it was put in between. */
static enum err
explain_strange(struct checking *c)
{
	struct chain_row behind;
	bool found = false;
	int64_t at = c->bad.row.id;
	enum err e = chain_at(c->store, at + 1, &behind, &found);

	if (e == ERR_OK)
		fail(c, found && made_for(&behind, at) ? AUDIT_INSERTED : AUDIT_CHANGED, at, 0);
	return e;
}

static enum err
explain(struct checking *c, int64_t last)
{
	int64_t at = c->bad.row.id;
	int64_t place;

	/* right in itself, and behind another row than the one that stands there */
	if (made_for(&c->bad, at)) {
		fail(c, at > 1 ? AUDIT_WRITTEN_ANEW : AUDIT_CHANGED, at > 1 ? at - 1 : at, 0);
		return ERR_OK;
	}
	place = place_of(&c->bad, last + 1);
	return place != 0 ? explain_moved(c, place) : explain_strange(c);
}

/* The end: what the chain's head says, and the anchors that no row was found for. */
static void
look_at_end(struct checking *c, const struct chain_head *head)
{
	int64_t last = c->next - 1;
	int64_t anchored = c->mark < c->mark_count ? c->marks[c->mark_count - 1].seq : 0;

	if (anchored > last)
		fail(c, AUDIT_CUT_OFF, c->next, anchored);
	else if (head->seq > last)
		fail(c, AUDIT_CUT_OFF, c->next, head->seq);
	else if (head->seq < last)
		fail(c, AUDIT_INSERTED, head->seq + 1, last);
	else if (c->prev_known && memcmp(head->hash, c->prev, sizeof(c->prev)) != 0)
		fail(c, AUDIT_WRITTEN_ANEW, last, 0);
}

/* ---- the whole ---- */

static int
by_row(const void *a, const void *b)
{
	const struct anchor *x = a;
	const struct anchor *y = b;

	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* Those that count, from the row before the first that is looked at. */
static enum err
pick_marks(struct checking *c, const struct anchor_list *anchors, int64_t from)
{
	if (anchors->count == 0)
		return ERR_OK;
	c->marks = calloc(anchors->count, sizeof(*c->marks));
	if (c->marks == NULL)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < anchors->count; i++) {
		struct anchor *a = &anchors->at[i];
		c->check->restores += a->lost != 0;
		c->check->lost += a->excused;
		if (!a->excused && a->seq >= from)
			c->marks[c->mark_count++] = *a;
	}
	qsort(c->marks, c->mark_count, sizeof(*c->marks), by_row);
	return ERR_OK;
}

/* What the first row that is looked at follows; of rows that are left out, only the last is read. */
static enum err
begin_at(struct checking *c, int64_t from)
{
	struct chain_row before;
	bool found = false;
	enum err e;

	c->next = from;
	c->prev_known = from == 1;
	c->check->anchored = from - 1;
	if (from == 1)
		return ERR_OK;
	e = chain_at(c->store, from - 1, &before, &found);
	if (e == ERR_OK && found) {
		memcpy(c->prev, before.hash, sizeof(c->prev));
		c->prev_known = true;
	}
	return e;
}

static enum err
look(struct checking *c, int64_t from)
{
	struct chain_head head = { .seq = 0 };
	enum err e = chain_head_of(c->store, &head);

	if (e == ERR_OK)
		e = erase_newest(c->store, &c->erased_before);
	if (e == ERR_OK)
		e = begin_at(c, from);
	if (e == ERR_OK)
		e = chain_walk(c->store, from, look_at_row, c);
	if (e == ERR_OK && c->stopped)
		return ERR_TIMEOUT;
	if (e == ERR_OK && c->has_bad)
		e = explain(c, head.seq);
	else if (e == ERR_OK && c->check->fault == AUDIT_WHOLE)
		look_at_end(c, &head);
	return e;
}

enum err
audit_check(struct store *s, const struct anchor_list *anchors, int64_t from, const atomic_bool *stop, struct audit_check *ret)
{
	struct checking c = { .store = s, .check = ret, .stop = stop };
	enum err e;

	*ret = (struct audit_check){ .cut = anchors->cut };
	e = pick_marks(&c, anchors, from);
	if (e == ERR_OK)
		e = store_begin_reading(s);
	if (e == ERR_OK) {
		e = look(&c, from);
		store_rollback(s);
	}
	if (e == ERR_OK && ret->fault == AUDIT_WHOLE && anchors->refused != 0)
		fail(&c, AUDIT_ANCHOR_REFUSED, anchors->refused, 0);
	free(c.marks);
	return e;
}
