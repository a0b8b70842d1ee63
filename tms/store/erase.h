/* SPDX-License-Identifier: Apache-2.0 */
/*
 * erase: personal data whose time is over. Who a request was for and where its code went, what people typed when they decided about it, the notes beside the audit rows.
 * What stays is numbers, ids, states and times, and the audit chain (chain.h), which holds nothing else.
 */
#ifndef MOKHOA_ERASE_H
#define MOKHOA_ERASE_H

#include "store.h"

struct erase_count {
	int64_t requests;
	int64_t proposals;  /* about tokens */
	int64_t enrolments; /* of people: who was proposed, and why */
	int64_t notes;	    /* of audit rows */
};

int64_t erase_total(const struct erase_count *c);

/* What erase_run() would take in the end, or did: that ended before that time. A request that has not ended keeps everything. */
enum err erase_count(struct store *s, int64_t before, struct erase_count *ret);

/* Erases at most max of each kind and says so in the audit, in one transaction. All 0: nothing is left to be erased, and nothing was written. */
enum err erase_run(struct store *s, const char *who, int64_t before, int64_t now, unsigned max, struct erase_count *ret);

/* By the audit: notes of rows that are older than this may have been erased, and of no others; 0: none. */
enum err erase_newest(struct store *s, int64_t *ret_before);

#endif
