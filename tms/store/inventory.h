/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inventory: the tokens on record as the desk looks at them: found by what people know of them, and what two people change together. A part of
 * store.h with the same promises.
 */
#ifndef MOKHOA_INVENTORY_H
#define MOKHOA_INVENTORY_H

#include "store.h"

/* ---- looking for tokens ---- */

/*
 * 0, NULL and the COUNTs where nothing was said. customer: every word of it begins a word of the customer's name; email: its words stand there one after the other, the
 * last one perhaps cut; both without regard to case and to the marks of Vietnamese. serial: the serial number begins with it.
 */
struct store_token_filter {
	int64_t after; /* what each() was told with the last row of the page before */
	bool by_serial;
	const char *serial;
	const char *customer;
	const char *email;
	enum store_life life;
	enum store_token_state state;
	int64_t type; /* id */
};

/*
 * The suspect ones first, then the others, of both the newest first; by serial number where by_serial or serial says so. Every filter by itself is answered from an index,
 * and of several the one that mostly leaves least. after: for the filter of the next page.
 */
enum err store_token_list(struct store *s, const struct store_token_filter *filter, unsigned limit,
    void (*each)(const struct store_token *t, int64_t after, void *context), void *context);

/* The requests for a token, newest first. */
enum err store_request_list_token(struct store *s, const struct token_name *token, unsigned limit,
    void (*each)(const struct store_request *r, void *context), void *context);

/* How many of its rows are no candidates any more, and only kept. */
enum err store_escrow_kept(struct store *s, int64_t token, int64_t *ret_count);

/* ---- what one person proposes and another one confirms ---- */

enum store_proposal_kind {
	STORE_REPLACE,	 /* another SO PIN in place of the one on record */
	STORE_CURE,	 /* a suspect one may be tried again */
	STORE_RESTORE,	 /* neither lost nor retired after all */
	STORE_REINSTATE, /* the SO PIN that was on record before the one that is */
	STORE_PROPOSAL_KIND_COUNT
};

const char *store_proposal_kind_name(enum store_proposal_kind kind); /* "replace", "cure", ... */

enum store_proposal_state {
	STORE_PROPOSAL_OPEN,
	STORE_PROPOSAL_CONFIRMED,
	STORE_PROPOSAL_REJECTED,
	STORE_PROPOSAL_WITHDRAWN, /* by who proposed it */
	STORE_PROPOSAL_EXPIRED,
	STORE_PROPOSAL_STATE_COUNT
};

const char *store_proposal_state_name(enum store_proposal_state state); /* "open", "confirmed", ... */

struct store_proposal {
	int64_t id;
	int64_t token;
	enum store_proposal_kind kind;
	uint64_t version;				 /* of replace: as sealed into the row's additional data */
	unsigned char sealed[TRANSCRIPT_ESCROW_ROW_LEN]; /* of replace while it is open; else zeros */
	char compared[16];				 /* of replace and reinstate: "same" or "other" value as the active row has, or empty */
	int64_t active;					 /* what the token was when it was proposed */
	int64_t next;
	enum store_life life;
	char reason[STORE_NOTE_SIZE];
	int64_t proposer; /* person */
	int64_t created;
	int64_t expires;
	enum store_proposal_state state;
	int64_t decider; /* person, or 0 */
	int64_t decided;
	char note[STORE_NOTE_SIZE]; /* why it was rejected */
};

/* ERR_PROPOSAL_OPEN where one for that token waits already. */
enum err store_proposal_insert(struct store *s, const struct store_proposal *p, int64_t *ret_id);
enum err store_proposal_by_id(struct store *s, int64_t id, struct store_proposal *ret);	     /* ERR_PROPOSAL_UNKNOWN */
enum err store_proposal_open_of(struct store *s, int64_t token, struct store_proposal *ret); /* ERR_PROPOSAL_UNKNOWN */

/* Ends an open one; what was sealed in it goes. ERR_PROPOSAL_CLOSED where it is not open (any longer). */
enum err store_proposal_end(struct store *s, int64_t id, enum store_proposal_state state, int64_t decider, const char *note, int64_t now);

/* Ends all whose time is over. */
enum err store_proposal_expire(struct store *s, int64_t now);

enum err store_proposal_count_open(struct store *s, int64_t now, int64_t *ret_count);

/* The open ones, oldest first; those of a token, newest first. */
enum err store_proposal_list_open(struct store *s, int64_t now, unsigned max, void (*each)(const struct store_proposal *p, void *context), void *context);
enum err store_proposal_list_token(struct store *s, int64_t token, unsigned max, void (*each)(const struct store_proposal *p, void *context), void *context);

#endif
