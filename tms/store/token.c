/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens and their sealed SO PINs: which one is active, which one a rotation may have set, which ones are only kept. */
#include "database.h"
#include "inventory.h"
#include "row_search.h"
#include "token_row.h"

#include "text.h"

#include <string.h>

static const char *const states[STORE_TOKEN_STATE_COUNT] = {
	[STORE_UNVERIFIED] = "unverified",
	[STORE_VERIFIED] = "verified",
	[STORE_SUSPECT] = "suspect",
};

const char *
store_token_state_name(enum store_token_state state)
{
	return state >= 0 && state < STORE_TOKEN_STATE_COUNT ? states[state] : "";
}

enum store_token_state
store_token_state_from_name(const char *name)
{
	return (enum store_token_state)text_place(states, STORE_TOKEN_STATE_COUNT, name);
}

static const char *const lives[STORE_LIFE_COUNT] = {
	[STORE_ACTIVE] = "active",
	[STORE_LOST] = "lost",
	[STORE_RETIRED] = "retired",
};

const char *
store_life_name(enum store_life life)
{
	return life >= 0 && life < STORE_LIFE_COUNT ? lives[life] : "";
}

enum store_life
store_life_from_name(const char *name)
{
	return (enum store_life)text_place(lives, STORE_LIFE_COUNT, name);
}

static void
bind_name(struct query *q, const struct token_name *name)
{
	query_text(q, name->manufacturer);
	query_text(q, name->model);
	query_text(q, name->serial);
}

enum err
store_escrow_insert(struct store *s, const struct store_escrow *row, int64_t *ret_id)
{
	struct query q = query_new(s, "INSERT INTO escrow (token, version, sealed, created, retired, shared, key) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id");

	query_int(&q, row->token);
	query_int(&q, (int64_t)row->version);
	query_bytes(&q, row->sealed, sizeof(row->sealed));
	query_int(&q, row->created);
	query_int(&q, row->retired);
	query_int(&q, row->shared);
	query_text(&q, row->key);
	return query_insert(&q, ret_id, NULL);
}

enum err
store_escrow_by_id(struct store *s, int64_t id, struct store_escrow *ret)
{
	struct query q = query_new(s, "SELECT id, token, version, sealed, created, retired, shared, key FROM escrow WHERE id = ?");
	bool found;

	query_int(&q, id);
	found = query_row(&q);
	if (found) {
		ret->id = query_get_int(&q);
		ret->token = query_get_int(&q);
		ret->version = (uint64_t)query_get_int(&q);
		query_get_bytes(&q, ret->sealed, sizeof(ret->sealed));
		ret->created = query_get_int(&q);
		ret->retired = query_get_int(&q);
		ret->shared = query_get_int(&q) != 0;
		query_get_text(&q, ret->key, sizeof(ret->key));
	}
	return query_found(&q, found, ERR_ESCROW_MISSING);
}

static enum err
insert_token(struct store *s, const struct store_token *t, int64_t *ret_id)
{
	struct query q = query_new(s,
	    "INSERT INTO token (manufacturer, model, serial, customer, email, certificate_serial, state, created, agency)"
	    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id");
	int changed = 0;
	enum err e;

	bind_name(&q, &t->name);
	query_text(&q, t->customer);
	query_text(&q, t->email);
	query_text(&q, t->certificate_serial);
	query_text(&q, store_token_state_name(t->state));
	query_int(&q, t->created);
	query_text(&q, t->agency);
	e = query_insert(&q, ret_id, &changed);
	return e == ERR_OK && changed == 0 ? ERR_TOKEN_IMPORTED : e;
}

/* Its requests go where the token goes. */
static enum err
set_agency_of_requests(struct store *s, const struct token_name *name, const char *agency)
{
	struct query q = query_new(s, "UPDATE request SET agency = ? WHERE manufacturer = ? AND model = ? AND serial = ?");

	query_text(&q, agency);
	bind_name(&q, name);
	return query_run(&q, NULL);
}

static enum err
set_active(struct store *s, int64_t id, int64_t active)
{
	struct query q = query_new(s, "UPDATE token SET active = ? WHERE id = ?");

	query_int(&q, active);
	query_int(&q, id);
	return query_run(&q, NULL);
}

static enum err
end_savepoint(struct store *s, enum err e)
{
	if (e != ERR_OK)
		query_exec(s, "ROLLBACK TO token_import");
	return query_exec(s, "RELEASE token_import") != ERR_OK && e == ERR_OK ? ERR_STORE_FAILED : e;
}

enum err
store_token_import(struct store *s, const struct store_token *t, uint64_t version,
    const unsigned char sealed[TRANSCRIPT_ESCROW_ROW_LEN], int64_t *ret_id)
{
	struct store_escrow row = { .version = version, .created = t->created };
	int64_t id = 0;
	int64_t escrow = 0;
	bool own = !s->database->in_transaction(s);
	enum err e;

	/* a savepoint, because the caller may have begun a transaction of a thousand tokens */
	e = own ? store_begin(s) : query_exec(s, "SAVEPOINT token_import");
	if (e != ERR_OK)
		return e;
	e = insert_token(s, t, &id);
	if (e == ERR_OK) {
		memcpy(row.sealed, sealed, sizeof(row.sealed));
		row.token = id;
		e = store_escrow_insert(s, &row, &escrow);
	}
	if (e == ERR_OK)
		e = set_active(s, id, escrow);
	if (e == ERR_OK)
		e = search_add_token(s, id, t->customer, t->email);
	if (e == ERR_OK && t->agency[0] != '\0')
		e = set_agency_of_requests(s, &t->name, t->agency);
	e = own ? store_end(s, e) : end_savepoint(s, e);
	if (e == ERR_OK)
		*ret_id = id;
	return e;
}

/* A word that this program does not know reads as the one in which nothing is released. */
void
token_read(struct query *q, struct store_token *ret)
{
	char state[16];
	char life[16];

	ret->id = query_get_int(q);
	query_get_text(q, ret->name.manufacturer, sizeof(ret->name.manufacturer));
	query_get_text(q, ret->name.model, sizeof(ret->name.model));
	query_get_text(q, ret->name.serial, sizeof(ret->name.serial));
	query_get_text(q, ret->customer, sizeof(ret->customer));
	query_get_text(q, ret->email, sizeof(ret->email));
	query_get_text(q, ret->certificate_serial, sizeof(ret->certificate_serial));
	query_get_text(q, state, sizeof(state));
	query_get_text(q, life, sizeof(life));
	ret->state = store_token_state_from_name(state);
	if (ret->state == STORE_TOKEN_STATE_COUNT)
		ret->state = STORE_SUSPECT;
	ret->life = store_life_from_name(life);
	if (ret->life == STORE_LIFE_COUNT)
		ret->life = STORE_RETIRED;
	ret->active = query_get_int(q);
	ret->next = query_get_int(q);
	ret->failures = (unsigned)query_get_int(q);
	ret->release = query_get_int(q);
	ret->restored = query_get_int(q);
	ret->exposed = query_get_int(q);
	ret->created = query_get_int(q);
	query_get_text(q, ret->agency, sizeof(ret->agency));
	ret->rotation_tries = query_get_int(q) != 0 ? 1 : 0;
}

enum err
store_token_by_name(struct store *s, const struct token_name *name, struct store_token *ret)
{
	struct query q = query_new(s, "SELECT " TOKEN_COLUMNS " FROM token WHERE manufacturer = ? AND model = ? AND serial = ? AND" QUERY_IN_SCOPE("token", "?"));
	bool found;

	bind_name(&q, name);
	query_scope(&q);
	found = query_row(&q);
	if (found)
		token_read(&q, ret);
	return query_found(&q, found, ERR_ESCROW_MISSING);
}

enum err
store_candidates_of(struct store *s, const struct token_name *name, struct store_candidates *ret)
{
	struct store_token token = { .id = 0 };
	struct store_escrow row = { .id = 0 };
	int64_t ids[STORE_CANDIDATES_MAX];
	enum err e = store_token_by_name(s, name, &token);

	if (e != ERR_OK)
		return e;
	ids[0] = token.active;
	ids[1] = token.next;
	*ret = (struct store_candidates){ .token = *name };
	memcpy(ret->customer, token.customer, sizeof(ret->customer));
	memcpy(ret->email, token.email, sizeof(ret->email));
	memcpy(ret->certificate_serial, token.certificate_serial, sizeof(ret->certificate_serial));
	for (size_t i = 0; e == ERR_OK && i < STORE_CANDIDATES_MAX && ids[i] != 0; i++) {
		e = store_escrow_by_id(s, ids[i], &row);
		if (e != ERR_OK)
			return e;
		ret->rows[ret->count].version = row.version;
		ret->rows[ret->count].shared = row.shared;
		memcpy(ret->rows[ret->count++].sealed, row.sealed, sizeof(row.sealed));
	}
	return ret->count != 0 ? ERR_OK : ERR_ESCROW_MISSING;
}

enum err
store_token_by_id(struct store *s, int64_t id, struct store_token *ret)
{
	struct query q = query_new(s, "SELECT " TOKEN_COLUMNS " FROM token WHERE id = ? AND" QUERY_IN_SCOPE("token", "?"));
	bool found;

	query_int(&q, id);
	query_scope(&q);
	found = query_row(&q);
	if (found)
		token_read(&q, ret);
	return query_found(&q, found, ERR_TOKEN_UNKNOWN);
}

bool
store_life_ends(enum store_life from, enum store_life to)
{
	return (from == STORE_ACTIVE && to != STORE_ACTIVE) || (from == STORE_LOST && to == STORE_RETIRED);
}

enum err
store_token_set_life(struct store *s, int64_t id, enum store_life life)
{
	struct query q = query_new(s, "UPDATE token SET life = ? WHERE id = ?");

	query_text(&q, store_life_name(life));
	query_int(&q, id);
	return query_run(&q, NULL);
}

enum err
store_token_set_agency(struct store *s, const struct store_token *t, const char *agency)
{
	struct query q;
	struct store_agency a;
	enum err e = agency[0] != '\0' ? store_agency_by_id(s, agency, &a) : ERR_OK;

	if (e != ERR_OK)
		return e;
	q = query_new(s, "UPDATE token SET agency = ? WHERE id = ?");
	query_text(&q, agency);
	query_int(&q, t->id);
	e = query_run(&q, NULL);
	return e == ERR_OK ? set_agency_of_requests(s, &t->name, agency) : e;
}

enum err
store_token_mark(struct store *s, int64_t id, enum store_token_state state)
{
	struct query q = query_new(s, "UPDATE token SET state = ? WHERE id = ?");

	query_text(&q, store_token_state_name(state));
	query_int(&q, id);
	return query_run(&q, NULL);
}

enum err
store_token_proved(struct store *s, int64_t id, bool rotated, unsigned rotation_tries, int64_t now)
{
	struct query q = query_new(s, "UPDATE token SET state = ?, failures = 0, rotation_tries = ?, restored = 0, exposed = CASE WHEN ? = 1 THEN 0 WHEN exposed <> 0 THEN exposed ELSE ? END WHERE id = ?");

	query_text(&q, store_token_state_name(STORE_VERIFIED));
	query_int(&q, rotation_tries);
	query_int(&q, rotated);
	query_int(&q, now);
	query_int(&q, id);
	return query_run(&q, NULL);
}

enum err
store_token_count(struct store *s, int64_t *ret_count)
{
	struct query q = query_new(s, "SELECT count(*) FROM token");

	return query_number(&q, ret_count);
}

enum err
store_token_released(struct store *s, int64_t id, int64_t number, int64_t now)
{
	struct query q = query_new(s, "UPDATE token SET failures = failures + 1, release = ?, exposed = CASE exposed WHEN 0 THEN ? ELSE exposed END WHERE id = ?");

	query_int(&q, number);
	query_int(&q, now);
	query_int(&q, id);
	return query_run(&q, NULL);
}

/* These two (or twice the same) are the candidates, also where one was retired before. */
static enum err
keep_only(struct store *s, int64_t id, int64_t keep, int64_t keep_too, int64_t now)
{
	struct query q = query_new(s, "UPDATE escrow SET retired = CASE WHEN id IN (?1, ?2) THEN 0 ELSE ?3 END WHERE token = ?4 AND (retired = 0 OR id IN (?1, ?2))");

	query_int(&q, keep);
	query_int(&q, keep_too);
	query_int(&q, now);
	query_int(&q, id);
	return query_run(&q, NULL);
}

static enum err
set_candidates(struct store *s, int64_t id, int64_t active, int64_t next, unsigned rotation_tries, int64_t now)
{
	struct query q = query_new(s, "UPDATE token SET active = ?, next = ?, failures = 0, rotation_tries = ? WHERE id = ?");
	enum err e;

	query_int(&q, active);
	query_int(&q, next);
	query_int(&q, rotation_tries);
	query_int(&q, id);
	e = query_run(&q, NULL);
	return e == ERR_OK ? keep_only(s, id, active, next, now) : e;
}

enum err
store_token_granted(struct store *s, int64_t id, int64_t active, int64_t next, int64_t now)
{
	return set_candidates(s, id, active, next, 1, now);
}

enum err
store_token_reported(struct store *s, int64_t id, int64_t proved, int64_t entered, unsigned rotation_tries, int64_t now)
{
	return set_candidates(s, id, proved, entered, rotation_tries, now);
}

/* A successor's version is above, and so is its id; what people enter was sealed as the first of its token, and what they have reinstated was there before. */
enum err
store_token_has_successor(struct store *s, const struct store_token *t, bool *ret)
{
	struct store_escrow active = { .id = 0 };
	struct store_escrow next = { .id = 0 };
	enum err e;

	*ret = false;
	if (t->next == 0)
		return ERR_OK;
	e = store_escrow_by_id(s, t->active, &active);
	if (e == ERR_OK)
		e = store_escrow_by_id(s, t->next, &next);
	if (e == ERR_OK)
		*ret = next.version > active.version && t->next > t->active;
	return e;
}

enum err
store_token_next_refused(struct store *s, int64_t id, int64_t now)
{
	struct query q = query_new(s, "UPDATE token SET next = NULL WHERE id = ? RETURNING active");
	int64_t active = 0;
	enum err e;

	query_int(&q, id);
	while (query_row(&q))
		active = query_get_int(&q);
	e = query_end(&q);
	return e == ERR_OK ? keep_only(s, id, active, active, now) : e;
}

enum err
store_token_rotated(struct store *s, int64_t id, int64_t next, int64_t now)
{
	struct query q = query_new(s, "UPDATE token SET active = ?, next = NULL WHERE id = ?");
	enum err e;

	query_int(&q, next);
	query_int(&q, id);
	e = query_run(&q, NULL);
	return e == ERR_OK ? keep_only(s, id, next, next, now) : e;
}

enum err
store_token_replaced(struct store *s, int64_t id, int64_t active, int64_t next, int64_t now)
{
	struct query q = query_new(s, "UPDATE token SET active = ?, next = nullif(?, 0), state = ?, failures = 0, rotation_tries = 0 WHERE id = ?");
	enum err e;

	query_int(&q, active);
	query_int(&q, next);
	query_text(&q, store_token_state_name(STORE_UNVERIFIED));
	query_int(&q, id);
	e = query_run(&q, NULL);
	return e == ERR_OK ? keep_only(s, id, active, next != 0 ? next : active, now) : e;
}

/*
 * By id, because that is the order in which values came to be, and from the newer of two candidates on: each of several that were wrong leads to the one before it, and
 * the oldest to the newest again, so that every one is reached. Those that were candidates together went together.
 */
enum err
store_token_before(struct store *s, const struct store_token *t, int64_t ret_ids[STORE_CANDIDATES_MAX])
{
	struct query q = query_new(s, "SELECT id, retired FROM escrow WHERE token = ? AND retired <> 0 ORDER BY CASE WHEN id < ? THEN 0 ELSE 1 END, id DESC LIMIT 1");
	int64_t newest = 0;
	int64_t retired = 0;
	int64_t other = 0;
	enum err e;

	query_int(&q, t->id);
	query_int(&q, t->next > t->active ? t->next : t->active);
	if (query_row(&q)) {
		newest = query_get_int(&q);
		retired = query_get_int(&q);
	}
	e = query_found(&q, newest != 0, ERR_TOKEN_LIFE_WRONG);
	if (e != ERR_OK)
		return e;
	q = query_new(s, "SELECT id FROM escrow WHERE token = ? AND retired = ? AND id < ? ORDER BY id DESC LIMIT 1");
	query_int(&q, t->id);
	query_int(&q, retired);
	query_int(&q, newest);
	e = query_number(&q, &other);
	ret_ids[0] = other != 0 ? other : newest;
	ret_ids[1] = other != 0 ? newest : 0;
	return e;
}

enum err
store_token_cured(struct store *s, int64_t id)
{
	struct query q = query_new(s, "UPDATE token SET state = ?, failures = 0, rotation_tries = 0 WHERE id = ?");

	query_text(&q, store_token_state_name(STORE_UNVERIFIED));
	query_int(&q, id);
	return query_run(&q, NULL);
}

enum err
store_escrow_kept(struct store *s, int64_t token, int64_t *ret_count)
{
	struct query q = query_new(s, "SELECT count(*) FROM escrow WHERE token = ? AND retired <> 0");

	query_int(&q, token);
	return query_number(&q, ret_count);
}
