/* SPDX-License-Identifier: Apache-2.0 */
/* What one operator proposes of a person and another one confirms. */
#include "enrolment.h"
#include "query.h"

#include <string.h>

/* In the order in which read_enrolment() reads. */
#define SELECT "SELECT id, name, role, agency, fingerprint, not_after, reason, proposer, created, expires, state FROM enrolment "

/* A word that this program does not know is one with which nobody gets anything. */
static void
read_enrolment(struct query *q, struct store_enrolment *e)
{
	char word[16];

	*e = (struct store_enrolment){ .id = query_get_int(q) };
	query_get_text(q, e->person.name, sizeof(e->person.name));
	query_get_text(q, word, sizeof(word));
	e->person.role = store_role_from_name(word);
	if (e->person.role == STORE_ROLE_COUNT)
		e->person.role = STORE_NONE;
	query_get_text(q, e->person.agency, sizeof(e->person.agency));
	query_get_bytes(q, e->person.fingerprint, sizeof(e->person.fingerprint));
	e->person.not_after = query_get_int(q);
	query_get_text(q, e->reason, sizeof(e->reason));
	e->proposer = query_get_int(q);
	e->person.created = query_get_int(q);
	e->expires = query_get_int(q);
	query_get_text(q, word, sizeof(word));
	e->state = strcmp(word, store_proposal_state_name(STORE_PROPOSAL_OPEN)) == 0 ? STORE_PROPOSAL_OPEN : STORE_PROPOSAL_EXPIRED;
}

enum err
store_enrolment_insert(struct store *s, const struct store_enrolment *e, int64_t *ret_id)
{
	struct query q = query_new(s,
	    "INSERT INTO enrolment (name, role, agency, fingerprint, not_after, reason, proposer, created, expires)"
	    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id");

	query_text(&q, e->person.name);
	query_text(&q, store_role_name(e->person.role));
	query_text(&q, e->person.agency);
	query_bytes(&q, e->person.fingerprint, sizeof(e->person.fingerprint));
	query_int(&q, e->person.not_after);
	query_text(&q, e->reason);
	query_int(&q, e->proposer);
	query_int(&q, e->person.created);
	query_int(&q, e->expires);
	return query_insert(&q, ret_id, NULL);
}

enum err
store_enrolment_by_id(struct store *s, int64_t id, struct store_enrolment *ret)
{
	struct query q = query_new(s, SELECT "WHERE id = ?");
	bool found;

	query_int(&q, id);
	found = query_row(&q);
	if (found)
		read_enrolment(&q, ret);
	return query_found(&q, found, ERR_PROPOSAL_UNKNOWN);
}

enum err
store_enrolment_end(struct store *s, int64_t id, enum store_proposal_state state, int64_t decider, const char *note, int64_t now)
{
	struct query q = query_new(s, "UPDATE enrolment SET state = ?, decider = ?, note = ?, decided = ? WHERE id = ? AND state = 'open' AND expires > ?");
	int changed = 0;
	enum err e;

	query_text(&q, store_proposal_state_name(state));
	query_int(&q, decider);
	query_text(&q, note);
	query_int(&q, now);
	query_int(&q, id);
	query_int(&q, now);
	e = query_run(&q, &changed);
	return e == ERR_OK && changed != 1 ? ERR_PROPOSAL_CLOSED : e;
}

enum err
store_enrolment_list(struct store *s, int64_t now, unsigned max, void (*each)(const struct store_enrolment *e, void *context), void *context)
{
	struct query q = query_new(s, SELECT "WHERE state = 'open' AND expires > ? ORDER BY id LIMIT ?");
	struct store_enrolment e;

	query_int(&q, now);
	query_int(&q, max);
	while (query_row(&q)) {
		read_enrolment(&q, &e);
		if (query_good(&q))
			each(&e, context);
	}
	return query_end(&q);
}
