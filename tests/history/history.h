/* SPDX-License-Identifier: Apache-2.0 */
/*
 * history: what customers, people at the desk, the network and fate do to one token, one event after the other, drawn from a seed: the real server (its
 * operations, its store, its vault), the real worker (sim.h), and after each event the checker. At the end everything that is under way dies, and the
 * token is unlocked once more as it is meant: that must work, with at most one wrong SO try.
 *
 * Each event has dice of its own, so that a history from which events are left out is the same history but for them: that is how one that fails is cut down.
 */
#ifndef MOKHOA_HISTORY_H
#define MOKHOA_HISTORY_H

#include "checker.h"

#define HISTORY_EVENTS 48

enum history_end {
	HISTORY_UNLOCKED,
	HISTORY_SUSPECT,  /* after two releases in vain: for people */
	HISTORY_LAST_TRY, /* the token is down to its last SO try, which is not used: for people */
	HISTORY_ENDS
};

struct history_totals {
	uint64_t events;
	uint64_t unlocks;   /* that a page was told of */
	uint64_t kills;	    /* of workers */
	uint64_t crashes;   /* of the server */
	uint64_t messages;  /* that the server read */
	uint64_t replays;   /* of those, again */
	uint64_t rotations; /* by the recovery at the end */
	uint64_t recoveries_with_a_try;
	uint64_t reinstated; /* by two people, rightly or not */
	uint64_t ways_back;  /* that they had to find at the end */
	uint64_t ends[HISTORY_ENDS];
	unsigned most_wrong; /* SO tries in a row, on tokens whose flags say nothing or lie */
};

/* One server for many histories, each with a token of its own. */
struct history_server {
	struct world *world;
	unsigned tokens;
};

/* Without the limits that are not meant here. */
void history_server_open(struct history_server *ret);

/*
 * keep: which events happen (bit i), all ones for all. False: something was not as it must be; ret_wrong (256 characters) says what. say: prints the events.
 */
bool history_run(struct history_server *server, uint64_t seed, uint64_t keep, bool say, struct history_totals *totals, char *ret_wrong);

#endif
