/* SPDX-License-Identifier: Apache-2.0 */
/* desk_people: who may come in at the desk of world.h, with certificates as nginx passes them, and one call of theirs through the whole exchange. For tests. */
#ifndef MOKHOA_DESK_PEOPLE_H
#define MOKHOA_DESK_PEOPLE_H

#include "exchange.h"
#include "world.h"

#define DESK_AGENCY "an-khang"

struct desk_person {
	char letter; /* Viewer, Approver, Operator, aUditor of the authority; viewer, approver of an agency; - was shut out; ? was never enrolled */
	enum store_role role;
	const char *agency;
	const char *name;
	char *header; /* the certificate */
	struct store_person person;
};

#define DESK_PEOPLE 8

extern struct desk_person desk_people[DESK_PEOPLE];

/* The agency, its token scratch_token(1), and all of them, who are w's until desk_people_free(). */
void desk_people_new(struct world *w);
void desk_people_free(void);

/* A row of the table with a certificate of its own; not enrolled where it is of nobody. */
void desk_let_in(struct world *w, struct desk_person *who);

/* query is "key=value&key=value" or NULL, body NULL for a GET. The caller frees the answer's body. */
void desk_ask(struct world *w, const struct desk_person *who, const char *path, const char *query, const char *body, struct exchange_answer *ret);

/* The name of the error of an answer, or "ok". */
const char *desk_outcome(const struct exchange_answer *a, char ret[64]);

#endif
