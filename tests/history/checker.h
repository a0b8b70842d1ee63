/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checker: what must be so after every event of a history, judged from what is to be seen (the store's rows, the token, the answers) and from a model of its own,
 * which shares no table and no rule with the server. The first thing that is not so ends the history: checker.wrong says what.
 */
#ifndef MOKHOA_CHECKER_H
#define MOKHOA_CHECKER_H

#include "escrow_log.h"
#include "sim.h"
#include "world.h"

#define CHECKER_ANSWERS 128

struct checker {
	struct world *server;
	const struct sim *sim;
	bool fits;  /* the token's SO PIN was a candidate, and nobody has entered another value by mistake since */
	bool known; /* the token's SO PIN was a candidate once: it is on record, whatever people have entered since */
	char wrong[256];
	int64_t first;		       /* number of the history's first request */
	enum state seen[SIM_REQUESTS]; /* by number; STATE_COUNT before it was there */
	bool released[SIM_REQUESTS];   /* likewise */
	bool granted[SIM_REQUESTS];    /* likewise */
	unsigned in_vain;	       /* releases in a row that no grant followed */
	bool in_doubt;		       /* a rotation was granted, and no completed report of its request seen since: its proof may have cost a try */
	unsigned so_tries;	       /* what the desk says that the token takes; 0: nothing */
	bool forgiven;		       /* people have said that it may be tried again, and it has taken no right SO PIN since */
	int64_t newest;		       /* number of the request that was released last */
	struct {
		char key[96];
		char *text;
	} answers[CHECKER_ANSWERS];
	size_t answer_count;
	struct {
		int64_t id;
		struct secret so_pin;
	} opened[32]; /* escrow rows */
	size_t opened_count;
	unsigned most_wrong; /* SO tries in a row that were seen */
	long log_at;	     /* of the escrow log, how far it was read */
	struct escrow_log_line line;
};

/* So many releases in vain, of two wrong tries each, leave the token a try where the desk knows how many it takes; two at most, and one in any case. */
unsigned checker_in_vain_max(const struct checker *c);

/* Whether it may be suspect now, and no earlier: after as many, or one less where a rotation may have cost the try that an odd number has over. */
bool checker_may_be_suspect(const struct checker *c);

void checker_begin(struct checker *c, struct world *server, const struct sim *sim, bool fits);
void checker_end(struct checker *c);

/* Something that a server gave: the same call must be given the same for ever. body says what was asked. */
void checker_answer(struct checker *c, const char *path, const json_t *body, const json_t *answer);

/* What the active row holds; NULL where it does not open. */
const struct secret *checker_active(struct checker *c);

/* True as long as nothing is wrong. */
bool checker_look(struct checker *c);

/* Notes what is wrong, where nothing was before; false. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
bool
checker_wrong(struct checker *c, const char *format, ...);

#endif
