/* SPDX-License-Identifier: Apache-2.0 */
/* The inventory as the desk sees it: a row, one token with all that is known of it, a proposal. */
#include "answer.h"

#include "answer_rows.h"
#include "json.h"
#include "text.h"

#define REQUESTS_MAX  20 /* of a token that are shown side by side */
#define PROPOSALS_MAX 20
#define HISTORY_MAX   200

/* ---- a row ---- */

static enum err
waits(struct call *c, const struct store_token *t, bool *ret)
{
	struct store_proposal p;
	enum err e = store_proposal_open_of(c->store, t->id, &p);

	*ret = e == ERR_OK && p.expires > c->now;
	return e == ERR_PROPOSAL_UNKNOWN ? ERR_OK : e;
}

enum err
answer_token_row(struct call *c, const struct store_token *t, json_t **ret_row)
{
	struct store_type type;
	bool proposed;
	enum err e = store_type_of(c->store, &t->name, &type);

	if (e == ERR_OK)
		e = waits(c, t, &proposed);
	if (e != ERR_OK)
		return e;
	return answer_packed(json_pack("{s:I, s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:b, s:I, s:I, s:b, s:s}",
				 "number", (json_int_t)t->id,
				 "token", token_name_json(&t->name),
				 "customer", t->customer,
				 "email", t->email,
				 "certificate_serial", issued_shown_serial(t->certificate_serial),
				 "type", type.name,
				 "vendor", type.vendor,
				 "life", store_life_name(t->life),
				 "state", store_token_state_name(t->state),
				 "exposed", (json_int_t)t->exposed,
				 "next", t->next != 0,
				 "failures", (json_int_t)t->failures,
				 "created", (json_int_t)t->created,
				 "proposed", proposed ? 1 : 0,
				 "agency", t->agency),
	    ret_row);
}

/* ---- a proposal ---- */

static enum err
name_of(struct call *c, int64_t person, char ret[STORE_PERSON_SIZE])
{
	struct store_person p;
	enum err e;

	ret[0] = '\0';
	if (person == 0)
		return ERR_OK;
	e = store_person_by_id(c->store, person, &p);
	if (e == ERR_OK)
		text_copy(ret, STORE_PERSON_SIZE, p.name);
	return e;
}

enum err
answer_proposal(struct call *c, const struct store_proposal *p, json_t **ret_answer)
{
	const bool over = p->state == STORE_PROPOSAL_OPEN && p->expires <= c->now;
	char proposer[STORE_PERSON_SIZE];
	char decider[STORE_PERSON_SIZE];
	struct store_token t;
	enum err e = store_token_by_id(c->store, p->token, &t);

	if (e == ERR_OK)
		e = name_of(c, p->proposer, proposer);
	if (e == ERR_OK)
		e = name_of(c, p->decider, decider);
	if (e != ERR_OK)
		return e;
	return answer_packed(json_pack("{s:I, s:s, s:I, s:o, s:s, s:s, s:s, s:s, s:b, s:I, s:I, s:s, s:s, s:I, s:s}",
				 "number", (json_int_t)p->id,
				 "kind", store_proposal_kind_name(p->kind),
				 "token_number", (json_int_t)p->token,
				 "token", token_name_json(&t.name),
				 "customer", t.customer,
				 "compared", p->compared,
				 "reason", p->reason,
				 "proposed_by", proposer,
				 "mine", call_check_other(c, p->proposer) != ERR_OK ? 1 : 0,
				 "created", (json_int_t)p->created,
				 "expires", (json_int_t)p->expires,
				 "state", store_proposal_state_name(over ? STORE_PROPOSAL_EXPIRED : p->state),
				 "decided_by", decider,
				 "decided", (json_int_t)p->decided,
				 "note", p->note),
	    ret_answer);
}

/* ---- one token ---- */

static void
add_request(const struct store_request *r, void *context)
{
	struct answer_rows *rows = context;
	json_t *row = NULL;
	enum err e = answer_row(rows->call, r, &row);

	answer_rows_add(rows, e, row);
}

static void
add_proposal(const struct store_proposal *p, void *context)
{
	struct answer_rows *rows = context;
	json_t *row = NULL;
	enum err e = answer_proposal(rows->call, p, &row);

	answer_rows_add(rows, e, row);
}

static void
add_entry(const struct store_audit *row, void *context)
{
	answer_rows_add(context, ERR_OK, answer_entry(row));
}

static enum err
add_lists(struct call *c, const struct store_token *t, json_t *one)
{
	struct answer_rows requests = answer_rows_new(c);
	struct answer_rows proposals = answer_rows_new(c);
	struct answer_rows history = answer_rows_new(c);
	enum err e = answer_rows_set(&requests, store_request_list_token(c->store, &t->name, REQUESTS_MAX, add_request, &requests), "requests", one);
	enum err f = answer_rows_set(&proposals, store_proposal_list_token(c->store, t->id, PROPOSALS_MAX, add_proposal, &proposals), "proposals", one);
	enum err g = answer_rows_set(&history, store_audit_list_token(c->store, t->id, HISTORY_MAX, add_entry, &history), "history", one);

	return e != ERR_OK ? e : f != ERR_OK ? f
					     : g;
}

/* When its SO PIN was set by a rotation, 0 where it is the one that came with it; how many older ones are kept; how it is unlocked. */
static enum err
add_key(struct call *c, const struct store_token *t, json_t *one)
{
	struct store_escrow active = { .version = 0 };
	struct store_type type;
	int64_t kept = 0;
	enum err e = store_escrow_by_id(c->store, t->active, &active);

	if (e == ERR_OK)
		e = store_escrow_kept(c->store, t->id, &kept);
	if (e == ERR_OK)
		e = store_type_of(c->store, &t->name, &type);
	if (e != ERR_OK)
		return e;
	if (json_object_set_new(one, "rotated", json_integer(active.version > 1 ? active.created : 0)) != 0 ||
	    json_object_set_new(one, "kept", json_integer(kept)) != 0 ||
	    json_object_set_new(one, "family", json_string(family_name(type.policy.family))) != 0 ||
	    json_object_set_new(one, "rotation", json_boolean(type.rotation && type.policy.family == FAMILY_SO_PIN)) != 0)
		return ERR_NO_MEMORY;
	return ERR_OK;
}

enum err
answer_token(struct call *c, const struct store_token *t, json_t **ret_answer)
{
	json_t *one = NULL;
	enum err e = answer_token_row(c, t, &one);

	if (e == ERR_OK)
		e = add_key(c, t, one);
	if (e == ERR_OK)
		e = add_lists(c, t, one);
	if (e != ERR_OK) {
		json_decref(one);
		return e;
	}
	*ret_answer = one;
	return ERR_OK;
}
