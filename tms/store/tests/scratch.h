/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scratch: a database of its own (scratch_database.h), a folder under TMPDIR, and rows to put into it, for tests. Ends the test where it cannot be made.
 */
#ifndef MOKHOA_SCRATCH_H
#define MOKHOA_SCRATCH_H

#include "store.h"

#define SCRATCH_NOW ((int64_t)1700000000)

struct scratch {
	char folder[256];
	char path[600]; /* of the database, or its URL */
	struct store *store;
};

struct scratch scratch_new(void);
void scratch_free(struct scratch *s); /* closes and removes */

/* Rows whose ids, keys and names follow from n; everything that may be empty is filled. */
struct store_request scratch_request(unsigned n);
struct store_token scratch_token(unsigned n);
struct store_person scratch_person(unsigned n, enum store_role role);

#endif
