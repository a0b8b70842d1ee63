/* SPDX-License-Identifier: Apache-2.0 */
/* What one person proposes of a token and another one confirms. */
#include "inventory.h"
#include "query.h"

#include "text.h"

static const char *const kinds[STORE_PROPOSAL_KIND_COUNT] = {
	[STORE_REPLACE] = "replace",
	[STORE_CURE] = "cure",
	[STORE_RESTORE] = "restore",
	[STORE_REINSTATE] = "reinstate",
};

static const char *const states[STORE_PROPOSAL_STATE_COUNT] = {
	[STORE_PROPOSAL_OPEN] = "open",
	[STORE_PROPOSAL_CONFIRMED] = "confirmed",
	[STORE_PROPOSAL_REJECTED] = "rejected",
	[STORE_PROPOSAL_WITHDRAWN] = "withdrawn",
	[STORE_PROPOSAL_EXPIRED] = "expired",
};

const char *
store_proposal_kind_name(enum store_proposal_kind kind)
{
	return kind >= 0 && kind < STORE_PROPOSAL_KIND_COUNT ? kinds[kind] : "";
}

const char *
store_proposal_state_name(enum store_proposal_state state)
{
	return state >= 0 && state < STORE_PROPOSAL_STATE_COUNT ? states[state] : "";
}

/* In the order in which read_proposal() reads. */
#define SELECT \
	"SELECT id, token, kind, version, sealed, compared, active, next, life, reason, proposer, created, expires, state, decider, decided, note FROM proposal "
#define OF_TOKEN "EXISTS (SELECT 1 FROM token WHERE token.id = proposal.token AND" QUERY_IN_SCOPE("token", "?") ") "

/* A state that this program does not know is one in which nothing is confirmed, and so is a life. */
static void
read_proposal(struct query *q, struct store_proposal *p)
{
	char word[16];

	*p = (struct store_proposal){ .id = query_get_int(q) };
	p->token = query_get_int(q);
	query_get_text(q, word, sizeof(word));
	p->kind = (enum store_proposal_kind)text_place(kinds, STORE_PROPOSAL_KIND_COUNT, word);
	p->version = (uint64_t)query_get_int(q);
	(void)query_get_upto(q, p->sealed, sizeof(p->sealed));
	query_get_text(q, p->compared, sizeof(p->compared));
	p->active = query_get_int(q);
	p->next = query_get_int(q);
	query_get_text(q, word, sizeof(word));
	p->life = store_life_from_name(word);
	query_get_text(q, p->reason, sizeof(p->reason));
	p->proposer = query_get_int(q);
	p->created = query_get_int(q);
	p->expires = query_get_int(q);
	query_get_text(q, word, sizeof(word));
	p->state = (enum store_proposal_state)text_place(states, STORE_PROPOSAL_STATE_COUNT, word);
	p->decider = query_get_int(q);
	p->decided = query_get_int(q);
	query_get_text(q, p->note, sizeof(p->note));
}

enum err
store_proposal_insert(struct store *s, const struct store_proposal *p, int64_t *ret_id)
{
	struct query q = query_new(s,
	    "INSERT INTO proposal (token, kind, version, sealed, compared, active, next, life, reason, proposer, created, expires)"
	    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id");
	int changed = 0;
	enum err e;

	query_int(&q, p->token);
	query_text(&q, store_proposal_kind_name(p->kind));
	query_int(&q, (int64_t)p->version);
	query_bytes(&q, p->sealed, p->kind == STORE_REPLACE ? sizeof(p->sealed) : 0);
	query_text(&q, p->compared);
	query_int(&q, p->active);
	query_int(&q, p->next);
	query_text(&q, store_life_name(p->life));
	query_text(&q, p->reason);
	query_int(&q, p->proposer);
	query_int(&q, p->created);
	query_int(&q, p->expires);
	e = query_insert(&q, ret_id, &changed);
	return e == ERR_OK && changed == 0 ? ERR_PROPOSAL_OPEN : e;
}

static enum err
one_proposal(struct query *q, struct store_proposal *ret)
{
	bool found = query_row(q);

	if (found)
		read_proposal(q, ret);
	return query_found(q, found, ERR_PROPOSAL_UNKNOWN);
}

enum err
store_proposal_by_id(struct store *s, int64_t id, struct store_proposal *ret)
{
	struct query q = query_new(s, SELECT "WHERE id = ? AND " OF_TOKEN);

	query_int(&q, id);
	query_scope(&q);
	return one_proposal(&q, ret);
}

enum err
store_proposal_open_of(struct store *s, int64_t token, struct store_proposal *ret)
{
	struct query q = query_new(s, SELECT "WHERE token = ? AND state = 'open' AND " OF_TOKEN);

	query_int(&q, token);
	query_scope(&q);
	return one_proposal(&q, ret);
}

enum err
store_proposal_end(struct store *s, int64_t id, enum store_proposal_state state, int64_t decider, const char *note, int64_t now)
{
	struct query q = query_new(s,
	    "UPDATE proposal SET state = ?, decider = ?, note = ?, decided = ?, sealed = x'' WHERE id = ? AND state = 'open'");
	int changed = 0;
	enum err e;

	query_text(&q, store_proposal_state_name(state));
	query_int(&q, decider);
	query_text(&q, note);
	query_int(&q, now);
	query_int(&q, id);
	e = query_run(&q, &changed);
	return e == ERR_OK && changed != 1 ? ERR_PROPOSAL_CLOSED : e;
}

enum err
store_proposal_expire(struct store *s, int64_t now)
{
	struct query q = query_new(s, "UPDATE proposal SET state = 'expired', decided = expires, sealed = x'' WHERE state = 'open' AND expires <= ?");

	query_int(&q, now);
	return query_run(&q, NULL);
}

static enum err
each_proposal(struct query *q, void (*each)(const struct store_proposal *p, void *context), void *context)
{
	struct store_proposal p;

	while (query_row(q)) {
		read_proposal(q, &p);
		if (query_good(q))
			each(&p, context);
	}
	return query_end(q);
}

enum err
store_proposal_count_open(struct store *s, int64_t now, int64_t *ret_count)
{
	struct query q = query_new(s, "SELECT count(*) FROM proposal WHERE state = 'open' AND expires > ? AND " OF_TOKEN);

	query_int(&q, now);
	query_scope(&q);
	return query_number(&q, ret_count);
}

enum err
store_proposal_list_open(struct store *s, int64_t now, unsigned max, void (*each)(const struct store_proposal *p, void *context), void *context)
{
	struct query q = query_new(s, SELECT "WHERE state = 'open' AND expires > ? AND " OF_TOKEN "ORDER BY id LIMIT ?");

	query_int(&q, now);
	query_scope(&q);
	query_int(&q, max);
	return each_proposal(&q, each, context);
}

enum err
store_proposal_list_token(struct store *s, int64_t token, unsigned max, void (*each)(const struct store_proposal *p, void *context), void *context)
{
	struct query q = query_new(s, SELECT "WHERE token = ? AND " OF_TOKEN "ORDER BY id DESC LIMIT ?");

	query_int(&q, token);
	query_scope(&q);
	query_int(&q, max);
	return each_proposal(&q, each, context);
}
