/* SPDX-License-Identifier: Apache-2.0 */
/*
 * letter: what the mails say, Vietnamese first, English below: plain words, what happened, what to do next. No mail holds a link: what
 * acts is done on the computer that asked.
 *
 * Pure functions. The text may hold a code; the caller's buffer is wiped when it is freed.
 */
#ifndef MOKHOA_LETTER_H
#define MOKHOA_LETTER_H

#include "buf.h"
#include "err.h"
#include "secret.h"
#include "store.h"

#include <stdint.h>

#define LETTER_SUBJECT_SIZE 160

/* What a mail may speak of; texts are showable and may be empty. */
struct letter_facts {
	enum store_mail kind;
	const char *authority;
	const char *hotline;
	const char *portal; /* its origin; NULL: none is known */
	int64_t number;	    /* of the request */
	const char *customer;
	const struct token_name *token;
	const char *phrase;
	const struct secret *code; /* of a code mail, as it is shown */
	int64_t code_expires;
	const char *note;    /* why it was refused */
	int64_t when;	     /* what the mail is about happened */
	const char *console; /* origin of the administrators' pages */
	int64_t waiting;     /* requests that wait for the approvers, the oldest of them since `when` */
	int64_t opened;	     /* of an alarm: SO PINs in an hour, and how many are expected at most */
	unsigned bound;
};

/* Writes the subject and appends the text. */
enum err letter_write(const struct letter_facts *f, char ret_subject[LETTER_SUBJECT_SIZE], struct buf *text);

#endif
