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

/* Against itself first: that says that it opens, whatever has become of the row on record. */
enum err
change_check_sealed(struct call *c, const struct store_token *t, struct store_proposal *p)
{
	struct vault_row row = { .version = p->version };
	struct vault_row active;
	struct store_escrow escrow;
	bool equal = false;
	enum err e;

	memcpy(row.sealed, p->sealed, sizeof(row.sealed));
	e = compare(c, t, &row, &row, &equal);
	if (e == ERR_OK)
		e = store_escrow_by_id(c->store, t->active, &escrow);
	if (e != ERR_OK)
		return e == ERR_SEALED_INVALID ? ERR_VAULT_REFUSED : e;
	active.version = escrow.version;
	memcpy(active.sealed, escrow.sealed, sizeof(active.sealed));
	e = compare(c, t, &row, &active, &equal);
	if (e == ERR_OK)
		text_copy(p->compared, sizeof(p->compared), equal ? "same" : "other");
	return e == ERR_SEALED_INVALID ? ERR_OK : e;
}

/* It is the value on record. */
static bool
is_same(const struct store_proposal *p)
{
	return strcmp(p->compared, "same") == 0;
}

/*
 * The line of a change that may yet fail to commit: what the token has on record, and the entered row behind it. Of a token that waits for the report of a rotation two rows are on record, and there is
 * room for one: the later, because a machine that is granted a value sets it within seconds.
 */
static enum err
log_both(struct call *c, const struct store_token *t, const struct store_escrow *entered)
{
	struct escrow_log_line line = { .time = c->now };
	enum err e = store_candidates_of(c->store, &t->name, &line.candidates);

	if (e != ERR_OK)
		return e;
	line.candidates.rows[0] = line.candidates.rows[line.candidates.count - 1];
	line.candidates.rows[1].version = entered->version;
	line.candidates.rows[1].shared = entered->shared;
	memcpy(line.candidates.rows[1].sealed, entered->sealed, sizeof(entered->sealed));
	line.candidates.count = 2;
	return escrow_log_write_line(c->service->config, c->store, &line);
}

/*
 * The rows before it are retired and kept: a value that was entered wrongly costs the token no SO PIN that anybody knew. The log comes before the commit, as for a
 * grant, with the old value and the new one, because no later line would mend what a commit that failed has left there. The value that is on record already changes no candidate: a machine that sleeps may still set the one successor
 * that it was granted, and no second one must come of a second row.
 */
static enum err
replace(struct call *c, const struct store_token *t, const struct store_proposal *p)
{
	struct store_escrow row = { .token = t->id, .version = p->version, .created = c->now };
	enum err e;

	if (is_same(p))
		return store_token_cured(c->store, t->id);
	memcpy(row.sealed, p->sealed, sizeof(row.sealed));
	e = log_both(c, t, &row);
	if (e == ERR_OK)
		e = store_escrow_insert(c->store, &row, &row.id);
	return e == ERR_OK ? store_token_replaced(c->store, t->id, row.id, c->now) : e;
}

enum err
change_apply(struct call *c, const struct store_token *t, const struct store_proposal *p)
{
	switch (p->kind) {
	case STORE_REPLACE:
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

	if (p->kind != STORE_REPLACE || is_same(p))
		return ERR_OK;
	e = call_begin(c);
	return e == ERR_OK ? call_end(c, escrow_log_append(c->service->config, c->store, &t->name, 0, c->now)) : e;
}
