/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of an inserted card: frames of the reader on one side, orders of a test on the other. One thread, one poll.
 */
#ifndef MOKHOA_CARD_RUN_H
#define MOKHOA_CARD_RUN_H

#include <stdbool.h>

struct run_options {
	const char *state;
	const char *host;
	const char *port;
	const char *log;	    /* NULL: no log */
	const char *control;	    /* NULL: no orders; the card ends when it is out */
	unsigned long remove_after; /* APDUs until the card is pulled out, 0: never */
	unsigned long lose_after;   /* the same, but the last of them is carried out and its answer lost; 0: never */
	bool out;		    /* start outside of the reader and wait for the order to insert */
};

/* The exit status of the process. */
int run(const struct run_options *options);

#endif
