/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_check: whether the audit chain and its anchors are what was written, and where not: the first row that is wrong and what is wrong with it.
 */
#ifndef MOKHOA_AUDIT_CHECK_H
#define MOKHOA_AUDIT_CHECK_H

#include "anchor.h"

#include <stdatomic.h>

enum audit_fault {
	AUDIT_WHOLE,
	AUDIT_CHANGED,	      /* the row is not what was hashed */
	AUDIT_MISSING,	      /* there is none at that place, or the one behind it stands there */
	AUDIT_SWAPPED,	      /* it stands in another's place, and that one in its */
	AUDIT_INSERTED,	      /* it was put in between */
	AUDIT_CUT_OFF,	      /* it was there when the chain was anchored, and the chain ends before it */
	AUDIT_WRITTEN_ANEW,   /* it fits the rows around it, but not an anchor or what follows: it was changed and hashed again */
	AUDIT_NOTE_CHANGED,   /* what stands beside it */
	AUDIT_NOTE_MISSING,   /* and no row says that it was erased */
	AUDIT_ANCHOR_REFUSED, /* a line of the anchors' file is not signed by the server; the row is that line */
	AUDIT_FAULT_COUNT
};

const char *audit_fault_name(enum audit_fault fault); /* "whole", "changed", ... */

struct audit_check {
	enum audit_fault fault;
	int64_t row;	  /* the first that is wrong */
	int64_t other;	  /* of AUDIT_SWAPPED the other one, of AUDIT_CUT_OFF and AUDIT_WRITTEN_ANEW up to where; or 0 */
	int64_t rows;	  /* that were looked at */
	int64_t notes;	  /* that are there */
	int64_t erased;	  /* notes that are not any more */
	int64_t anchors;  /* that were compared */
	int64_t anchored; /* the last row that one holds */
	int64_t restores; /* that have taken anchored rows back */
	int64_t lost;	  /* anchors that a restore has taken back */
	int64_t cut;	  /* lines of the anchors' file that end in the middle */
};

/*
 * All rows from that place on (1: all), as the store has them at one moment. ERR_OK says that it could be looked at; ret->fault says what was found. ERR_TIMEOUT once *stop is true, which may be
 * NULL.
 */
enum err audit_check(struct store *s, const struct anchor_list *anchors, int64_t from, const atomic_bool *stop, struct audit_check *ret);

#endif
