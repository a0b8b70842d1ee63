/* SPDX-License-Identifier: Apache-2.0 */
/* history_parts: what the files of a history share: the server that is called and crashes, the people, the events. */
#ifndef MOKHOA_HISTORY_PARTS_H
#define MOKHOA_HISTORY_PARTS_H

#include "history.h"

#define MESSAGES_MAX 96
#define MAILS_MAX    128
#define DAY_S	     86400

struct message {
	char path[64];
	json_t *body;
	bool answered; /* the server has taken it and lived */
};

struct mail {
	int64_t number;
	char code[16];
};

struct history {
	struct world *w;
	struct sim sim;
	struct checker checker;
	struct dice dice; /* of the event that happens */
	struct message messages[MESSAGES_MAX];
	size_t message_count;
	struct mail mails[MAILS_MAX];
	size_t mail_count;
	unsigned pins;
	unsigned entered; /* SO PINs by people */
	bool rotation;	  /* what the desk says of this kind of token */
	bool reliable;
	bool honest; /* the person types the right code */
	bool say;
	struct history_totals *totals;
};

/* ---- history_server.c ---- */

enum crash_mode {
	CRASH_NOT,
	CRASH_BEFORE, /* the transaction is not committed */
	CRASH_AFTER,  /* it is, and nobody hears of it */
	CRASH_DOWN    /* it has happened: nothing is written any more */
};

struct crash {
	enum crash_mode mode;
	unsigned in; /* transactions from now */
};

extern struct crash crash;

void history_restart(struct history *h);

/* Somebody at the desk, by dice; body is taken. */
enum err history_desk(struct history *h, enum err (*op)(struct call *c, json_t **ret_answer), int64_t number, json_t *body);
enum err history_desk_of(struct history *h, unsigned who, enum err (*op)(struct call *c, json_t **ret_answer), int64_t number, json_t *body);
void history_sweep(struct history *h);

/* A message that came before comes again. */
void history_replay(struct history *h);

/* For struct sim. */
json_t *history_serve(void *context, const char *path, json_t *body, long *ret_status);

/* ---- history.c ---- */

struct history *history_new(struct history_server *server, struct dice *d, struct history_totals *totals);
void history_free(struct history *h);

/* Whoever is at it dies, wherever he is, and from now on all goes well. */
void history_calm(struct history *h);

/* ---- history_people.c ---- */

enum err history_approve(struct history *h, int64_t number);
void history_decide(struct history *h, bool yes); /* on one of the token's requests, by dice */
void history_send_mails(struct history *h);

/* What two people do to the token: another SO PIN on record, the one before it again, a suspect one that may be tried again; lost or retired by one, and back by two. */
void history_replace(struct history *h);
void history_reinstate(struct history *h);
void history_cure(struct history *h);
void history_change_life(struct history *h);
enum err history_make_active(struct history *h);
int64_t history_number_of(struct history *h, const char *id); /* 0: the server does not know it */

/* For struct sim. */
void history_ask(void *context, const char *phrase, struct dice *d, struct sim_person *ret);
size_t history_sign(void *context, const void *message, size_t len, unsigned char ret[STEP_PROOF_MAX]);

/* A page calls its host; the actor. */
int history_page(struct history *h, int machine, const struct op *op, json_t *params);
void history_page_on_request(struct history *h, const struct op *op); /* one that a page knows of, the newer the likelier */
json_t *history_request_params(const struct history *h);

/* What a page hears where the actor has ended. */
void history_hear(struct history *h, int actor);

#endif
