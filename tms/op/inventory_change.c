/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory_change.h"

#include "escrow_log.h"
#include "text.h"
#include "vault_client.h"

#include <string.h>

/* A machine that was given the candidates says within the hour what became of them, and what it says counts more than what people enter. */
static enum err
check_under_way(struct call *c, const struct store_token *t)
{
	struct store_request r;
	enum err e;

	if (t->release == 0)
		return ERR_OK;
	e = store_request_by_number(c->store, t->release, &r);
	return e == ERR_OK && r.state == STATE_RELEASED ? ERR_TOKEN_UNDER_WAY : e;
}

enum err
change_allowed(struct call *c, const struct store_token *t, enum store_proposal_kind kind)
{
	switch (kind) {
	case STORE_REPLACE:
	case STORE_REINSTATE:
		return check_under_way(c, t);
	case STORE_CURE:
		return t->state == STORE_SUSPECT ? ERR_OK : ERR_TOKEN_LIFE_WRONG;
	case STORE_RESTORE:
		return t->life != STORE_ACTIVE ? ERR_OK : ERR_TOKEN_LIFE_WRONG;
	case STORE_PROPOSAL_KIND_COUNT:
		break;
	}
	return ERR_INTERNAL;
}

static enum err
compare(struct call *c, const struct store_token *t, const struct vault_row *a, const struct vault_row *b, bool *ret_equal)
{
	const struct vault_row rows[2] = { *a, *b };

	return vault_compare(c->service->config->vault.socket, &t->name, rows, ret_equal);
}

/* The rows that are to be the candidates, the newest last; one that was entered is on no record yet and has no id. */
struct rows {
	struct store_escrow row[STORE_CANDIDATES_MAX];
	size_t count;
};

static enum err
find_rows(struct call *c, const struct store_token *t, const struct store_proposal *p, struct rows *ret)
{
	int64_t ids[STORE_CANDIDATES_MAX] = { 0 };
	enum err e;

	*ret = (struct rows){ .count = 0 };
	if (p->kind == STORE_REPLACE) {
		ret->row[0] = (struct store_escrow){ .token = t->id, .version = p->version, .created = c->now };
		memcpy(ret->row[0].sealed, p->sealed, sizeof(p->sealed));
		ret->count = 1;
		return ERR_OK;
	}
	e = store_token_before(c->store, t, ids);
	for (size_t i = 0; e == ERR_OK && i < STORE_CANDIDATES_MAX && ids[i] != 0; i++)
		e = store_escrow_by_id(c->store, ids[i], &ret->row[ret->count++]);
	return e;
}

static struct vault_row
sealed_of(const struct store_escrow *row)
{
	struct vault_row sealed = { .version = row->version };

	memcpy(sealed.sealed, row->sealed, sizeof(sealed.sealed));
	return sealed;
}

/* Against itself first: that says that it opens, whatever has become of the row on record. */
static enum err
check_row(struct call *c, const struct store_token *t, const struct store_escrow *row, struct store_proposal *p)
{
	struct vault_row one = sealed_of(row);
	struct vault_row active;
	struct store_escrow escrow;
	bool equal = false;
	enum err e = compare(c, t, &one, &one, &equal);

	if (e == ERR_OK)
		e = store_escrow_by_id(c->store, t->active, &escrow);
	if (e != ERR_OK)
		return e == ERR_SEALED_INVALID ? ERR_VAULT_REFUSED : e;
	active = sealed_of(&escrow);
	e = compare(c, t, &one, &active, &equal);
	if (e == ERR_OK)
		text_copy(p->compared, sizeof(p->compared), equal ? "same" : "other");
	return e == ERR_SEALED_INVALID ? ERR_OK : e;
}

static bool
is_of_so_pin(const struct store_proposal *p)
{
	return p->kind == STORE_REPLACE || p->kind == STORE_REINSTATE;
}

enum err
change_check_rows(struct call *c, const struct store_token *t, struct store_proposal *p)
{
	struct rows rows;
	enum err e = ERR_OK;

	if (!is_of_so_pin(p))
		return ERR_OK;
	e = find_rows(c, t, p, &rows);
	for (size_t i = 0; e == ERR_OK && i < rows.count; i++)
		e = check_row(c, t, &rows.row[i], p);
	return e;
}

/* What was entered is the value on record. */
static bool
is_same(const struct store_proposal *p)
{
	return p->kind == STORE_REPLACE && strcmp(p->compared, "same") == 0;
}

/*
 * The line of a change that may yet fail to commit: what the token has on record, and the entered or reinstated row behind it. Of a token that waits for the report of a rotation two rows are on record, and there is
 * room for one: the later, because a machine that is granted a value sets it within seconds. It is so of two that are reinstated.
 */
static enum err
log_both(struct call *c, const struct store_token *t, const struct store_escrow *after)
{
	struct escrow_log_line line = { .time = c->now };
	enum err e = store_candidates_of(c->store, &t->name, &line.candidates);

	if (e != ERR_OK)
		return e;
	line.candidates.rows[0] = line.candidates.rows[line.candidates.count - 1];
	line.candidates.rows[1].version = after->version;
	line.candidates.rows[1].shared = after->shared;
	memcpy(line.candidates.rows[1].sealed, after->sealed, sizeof(after->sealed));
	line.candidates.count = 2;
	return escrow_log_write_line(c->service->config, c->store, &line);
}

/*
 * The rows before it are retired and kept, and two people may reinstate them: a value that was entered wrongly costs the token no SO PIN that anybody knew. The log comes before the commit, as for a
 * grant, with the old value and the new one, because no later line would mend what a commit that failed has left there. The value that is on record already changes no candidate: a machine that sleeps may still set the one successor
 * that it was granted, and no second one must come of a second row.
 */
static enum err
replace(struct call *c, const struct store_token *t, const struct store_proposal *p)
{
	struct rows rows;
	enum err e;

	if (is_same(p))
		return store_token_cured(c->store, t->id);
	e = find_rows(c, t, p, &rows);
	if (e == ERR_OK)
		e = log_both(c, t, &rows.row[rows.count - 1]);
	if (e == ERR_OK && p->kind == STORE_REPLACE)
		e = store_escrow_insert(c->store, &rows.row[0], &rows.row[0].id);
	return e == ERR_OK ? store_token_replaced(c->store, t->id, rows.row[0].id, rows.row[1].id, c->now) : e;
}

enum err
change_apply(struct call *c, const struct store_token *t, const struct store_proposal *p)
{
	switch (p->kind) {
	case STORE_REPLACE:
	case STORE_REINSTATE:
		return replace(c, t, p);
	case STORE_CURE:
		return store_token_cured(c->store, t->id);
	case STORE_RESTORE:
		return store_token_set_life(c->store, t->id, STORE_ACTIVE);
	case STORE_PROPOSAL_KIND_COUNT:
		break;
	}
	return ERR_INTERNAL;
}

enum err
change_applied(struct call *c, const struct store_token *t, const struct store_proposal *p)
{
	enum err e;

	if (!is_of_so_pin(p) || is_same(p))
		return ERR_OK;
	e = call_begin(c);
	return e == ERR_OK ? call_end(c, escrow_log_append(c->service->config, c->store, &t->name, 0, c->now)) : e;
}
