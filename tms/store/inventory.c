/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inventory's list. Which index a page is read along is decided here and not left to the database: each statement names what it walks along, and the other filters
 * are asked of the rows that it meets.
 */
#include "inventory.h"

#include "token_search.h"

#include <string.h>

#define SUSPECT_AFTER ((int64_t)1 << 52) /* added to what each() is told of a suspect row, so that the next page knows where it is */

#define SELECT "SELECT " TOKEN_COLUMNS " FROM token "
#define OTHERS "token.state <> 'suspect' AND token.id < ?1"
#define SAID \
	" AND" QUERY_IN_SCOPE("token", "?9") " AND (?2 = '' OR token.life = ?2) AND (?3 = '' OR token.state = ?3) AND (?4 = 0 OR (token.manufacturer = ?5 AND ?6 IN ('', token.model)))"
#define WORDS  " AND (?7 = '' OR EXISTS (SELECT 1 FROM token_search WHERE token_search.rowid = token.id AND token_search MATCH ?7))"
#define NEWEST " ORDER BY token.id DESC LIMIT ?8"

struct reading {
	const struct store_token_filter *filter;
	struct store_type type;
	char match[SEARCH_MATCH_SIZE];
	unsigned left; /* rows that may still come */
	void (*each)(const struct store_token *t, int64_t after, void *context);
	void *context;
};

static const char *
life_said(const struct store_token_filter *f)
{
	return store_life_name(f->life);
}

static void
bind(struct query *q, const struct reading *r, int64_t from)
{
	const struct store_token_filter *f = r->filter;

	query_int(q, from);
	query_text(q, life_said(f));
	query_text(q, store_token_state_name(f->state));
	query_int(q, f->type != 0);
	query_text(q, r->type.manufacturer);
	query_text(q, r->type.model);
	query_text(q, r->match);
	query_int(q, r->left);
	query_scope(q);
}

static enum err
read_page(struct query *q, struct reading *r, int64_t added)
{
	struct store_token t;

	while (query_row(q)) {
		token_read(q, &t);
		if (q->code != SQLITE_OK)
			break;
		r->left--;
		r->each(&t, t.id + added, r->context);
	}
	return query_end(q);
}

static enum err
read_suspects(struct store *s, struct reading *r, int64_t below)
{
	struct query q = query_new(s, SELECT "INDEXED BY token_state WHERE token.state = 'suspect' AND token.id < ?1" SAID WORDS NEWEST);

	bind(&q, r, below);
	return read_page(&q, r, SUSPECT_AFTER);
}

/* What mostly leaves least comes first. */
static struct query
others(struct store *s, const struct reading *r)
{
	const struct store_token_filter *f = r->filter;

	if (r->match[0] != '\0')
		return query_new(s,
		    "SELECT " TOKEN_COLUMNS " FROM token_search CROSS JOIN token ON token.id = token_search.rowid"
		    " WHERE token_search MATCH ?7 AND token_search.rowid < ?1 AND token.state <> 'suspect'" SAID " ORDER BY token_search.rowid DESC LIMIT ?8");
	if (s->scope[0] != '\0')
		return query_new(s, SELECT "INDEXED BY token_agency WHERE token.agency = ?9 AND token.agency <> '' AND " OTHERS SAID WORDS NEWEST);
	if (f->life == STORE_LOST || f->life == STORE_RETIRED)
		return query_new(s, SELECT "INDEXED BY token_life WHERE token.life = ?2 AND token.life <> 'active' AND " OTHERS SAID WORDS NEWEST);
	if (f->type != 0 && r->type.model[0] != '\0')
		return query_new(s, SELECT "INDEXED BY token_model WHERE token.manufacturer = ?5 AND token.model = ?6 AND " OTHERS SAID WORDS NEWEST);
	if (f->type != 0)
		return query_new(s, SELECT "INDEXED BY token_manufacturer WHERE token.manufacturer = ?5 AND " OTHERS SAID WORDS NEWEST);
	if (f->state != STORE_TOKEN_STATE_COUNT)
		return query_new(s, SELECT "INDEXED BY token_state WHERE token.state = ?3 AND " OTHERS SAID WORDS NEWEST);
	return query_new(s, SELECT "NOT INDEXED WHERE " OTHERS SAID WORDS NEWEST);
}

static enum err
read_others(struct store *s, struct reading *r, int64_t below)
{
	struct query q = others(s, r);

	bind(&q, r, below);
	return read_page(&q, r, 0);
}

static enum err
read_newest(struct store *s, struct reading *r)
{
	int64_t after = r->filter->after;
	enum err e = ERR_OK;

	if (after == 0 || after > SUSPECT_AFTER) {
		e = read_suspects(s, r, after != 0 ? after - SUSPECT_AFTER : SUSPECT_AFTER);
		after = SUSPECT_AFTER;
	}
	if (e == ERR_OK && r->left != 0 && r->filter->state != STORE_SUSPECT)
		e = read_others(s, r, after);
	return e;
}

/* From the last row of the page before on, which is left out; without one, from what the serial numbers begin with. */
static enum err
read_by_serial(struct store *s, struct reading *r)
{
	const struct store_token_filter *f = r->filter;
	const char *begins = f->serial != NULL ? f->serial : "";
	struct store_token last = { .id = 0 };
	struct query q;
	enum err e = f->after != 0 ? store_token_by_id(s, f->after, &last) : ERR_OK;

	if (e == ERR_TOKEN_UNKNOWN)
		return ERR_OK;
	if (e != ERR_OK)
		return e;
	q = query_new(s,
	    SELECT "WHERE token.serial >= ?10 AND token.serial < ?11 || char(1114111)"
		   " AND (?1 = 0 OR (token.serial, token.manufacturer, token.model) > (?10, ?12, ?13))" SAID WORDS
		   " ORDER BY token.serial, token.manufacturer, token.model LIMIT ?8");
	bind(&q, r, f->after);
	query_text(&q, last.id != 0 ? last.name.serial : begins);
	query_text(&q, begins);
	query_text(&q, last.name.manufacturer);
	query_text(&q, last.name.model);
	return read_page(&q, r, 0);
}

enum err
store_token_list(struct store *s, const struct store_token_filter *filter, unsigned limit,
    void (*each)(const struct store_token *t, int64_t after, void *context), void *context)
{
	struct reading r = { .filter = filter, .left = limit < STORE_PAGE_MAX ? limit : STORE_PAGE_MAX, .each = each, .context = context };
	enum err e = ERR_OK;

	if (!search_match(filter->customer, filter->email, r.match))
		return ERR_OK;
	if (filter->type != 0)
		e = store_type_by_id(s, filter->type, &r.type);
	if (e != ERR_OK)
		return e == ERR_TOKEN_UNKNOWN ? ERR_OK : e;
	return filter->by_serial || filter->serial != NULL ? read_by_serial(s, &r) : read_newest(s, &r);
}
