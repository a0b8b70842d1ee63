/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim: customers' machines and their one token, in this process, around the real worker. The operations, the journal, the attempts and the calls to
 * the server with their cryptography are the product's own. Simulated is what lies below: the token (step.h), the network (tms_post.h), the person
 * (prompt.h), clocks and locks.
 *
 * A worker runs in a thread of its own, and one thread at a time runs: it stops at every border (before and after a call, a step, a question to the
 * person) when the dice say so, and goes on when somebody calls sim_go_on(), or never. One that is killed has no effect from then on: what it would
 * write, send or do to the token is not done, while it comes back through its own error paths, so that no memory is lost.
 *
 * The server at the other end is the test's: sim_serve. All dice are of the seed; see sim_dice().
 */
#ifndef MOKHOA_SIM_H
#define MOKHOA_SIM_H

#include "operation.h"
#include "secret.h"
#include "step.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define SIM_MACHINES 3
#define SIM_ACTORS   4
#define SIM_REQUESTS 64
#define SIM_PIN_SIZE 24

/* ---- dice ---- */

struct dice {
	uint64_t state;
};

uint64_t dice_roll(struct dice *d, uint64_t sides); /* 0..sides - 1 */
bool dice_percent(struct dice *d, unsigned percent);

/* ---- the token ---- */

enum sim_flags {
	SIM_FLAGS_RIGHT,
	SIM_FLAGS_NEVER, /* OpenSC's SmartCard-HSM */
	SIM_FLAGS_WRONG, /* low while all tries are there, and silent on the last one */
	SIM_FLAGS_COUNT
};

/* What comes of a PIN call, beside what it says. */
enum sim_fate {
	SIM_FATE_OK,
	SIM_FATE_GENERAL_ERROR,	 /* answers CKR_GENERAL_ERROR; it has done it, or not */
	SIM_FATE_REMOVED,	 /* pulled out in the middle */
	SIM_FATE_HANG,		 /* no answer; ended at the deadline */
	SIM_FATE_SAYS_INCORRECT, /* whatever the PIN is */
	SIM_FATE_SAYS_OK,	 /* and has done nothing, where the PIN is wrong */
	SIM_FATE_SAYS_LOCKED,
	SIM_FATE_COUNT
};

struct sim_token {
	struct token_name name;
	unsigned char certificate[8192];
	size_t certificate_len;
	struct secret so_pin; /* or its PUK */
	struct secret user_pin;
	bool takes_puk; /* instead of an SO PIN, for a locked PIN alone; its flags say nothing of the PUK */
	bool locked;	/* its user PIN */
	unsigned so_left;
	unsigned so_max;
	enum sim_flags flags;
	int at; /* the machine that it is plugged into, -1: none */
	/* what a checker wants to know */
	unsigned wrong_in_a_row; /* SO tries that were wrong since the last right one */
	unsigned pin_set;	 /* how often the user PIN was set */
};

/* ---- machines and workers ---- */

struct sim_request {
	int machine;
	char id[32]; /* as on the wire */
	char phrase[16];
	unsigned wrong; /* SO tries that were wrong, of its unlocks, without the proof of a rotation */
	bool proved;	/* the token has taken the new PIN in a login */
	bool succeeded; /* the page was told so */
};

struct sim;

/* What the person types. */
struct sim_person {
	bool closes;
	char code[16]; /* 12 characters */
	char pin[SIM_PIN_SIZE];
};

struct sim {
	struct sim_token token;
	struct sim_request requests[SIM_REQUESTS];
	size_t request_count;
	int64_t now;			/* the server's clock */
	int64_t skew[SIM_MACHINES];	/* a machine's clock goes wrong by so much */
	char folder[SIM_MACHINES][300]; /* of its state */
	struct profile profile;
	/* percent at each border */
	unsigned sleeps; /* the worker stops */
	unsigned dies;	 /* it is killed */
	unsigned loses;	 /* a message, or its answer */
	unsigned fails;	 /* the token, in some way */
	unsigned lies;	 /* of a rotation that it was made */
	/* forced by a test; SIM_FATE_COUNT: by dice */
	enum sim_fate fate;
	unsigned fated;	     /* for so many PIN calls, the others go well */
	bool is_carried_out; /* those that fail have been */
	unsigned so_calls;   /* with an SO PIN, so far */
	void *context;
	/* one message through the server; the answer is taken by the caller */
	json_t *(*serve)(void *context, const char *path, json_t *body, long *ret_status);
	void (*ask)(void *context, const char *phrase, struct dice *d, struct sim_person *ret);
	/* signs with the token's key; 0 where it has none */
	size_t (*sign)(void *context, const void *message, size_t len, unsigned char ret[STEP_PROOF_MAX]);
};

/* One at a time. */
void sim_begin(struct sim *s);
void sim_end(struct sim *s); /* kills whoever still runs */
void sim_close(void);	     /* after the last one */

void sim_remove(const char *folder); /* with all that is in it */

struct sim_request *sim_request_find(struct sim *s, const char *id);

/*
 * Starts an operation on a machine, with dice of that seed, and returns when it has ended or sleeps; -1 where all actors are taken. params is
 * taken.
 */
int sim_run(struct sim *s, int machine, const struct op *op, json_t *params, uint64_t seed);
bool sim_is_running(int actor);
void sim_go_on(int actor);
void sim_kill(int actor); /* and it is gone */

bool sim_was_killed(int actor);

/* How the last operation of that actor ended; the result is borrowed until its next. */
enum err sim_error(int actor);
const json_t *sim_result(int actor);

#endif
