/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enrolment: what one operator proposes of a person at the desk and another one confirms: who it is, what he may do, and the certificate that he comes in with. A part of store.h
 * with the same promises.
 */
#ifndef MOKHOA_ENROLMENT_H
#define MOKHOA_ENROLMENT_H

#include "inventory.h"

struct store_enrolment {
	int64_t id;
	struct store_person person; /* name, role, agency and certificate as store_person_put() takes them; created when it was proposed */
	char reason[STORE_NOTE_SIZE];
	int64_t proposer; /* person */
	int64_t expires;
	enum store_proposal_state state;
};

enum err store_enrolment_insert(struct store *s, const struct store_enrolment *e, int64_t *ret_id);
enum err store_enrolment_by_id(struct store *s, int64_t id, struct store_enrolment *ret); /* ERR_PROPOSAL_UNKNOWN */

/* Ends an open one. ERR_PROPOSAL_CLOSED where it is not open (any longer). */
enum err store_enrolment_end(struct store *s, int64_t id, enum store_proposal_state state, int64_t decider, const char *note, int64_t now);

/* Those that wait, oldest first. */
enum err store_enrolment_list(struct store *s, int64_t now, unsigned max, void (*each)(const struct store_enrolment *e, void *context), void *context);

#endif
