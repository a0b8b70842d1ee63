/* SPDX-License-Identifier: Apache-2.0 */
/*
 * letter: what the mails say, Vietnamese first, English below, from templates: those that are built in, or those that the authority has written in a folder,
 * KIND.vi.txt and KIND.en.txt (code.vi.txt); a mail that has no file there says what is built in. No mail holds a link: what acts is done on the computer that asked.
 *
 * What was loaded never changes; any thread may read. A text may hold a code; the caller's buffer is wiped when it is freed.
 */
#ifndef MOKHOA_LETTER_H
#define MOKHOA_LETTER_H

#include "buf.h"
#include "err.h"
#include "secret.h"
#include "store.h"
#include "template.h"

#include <stdint.h>

#define LETTER_SUBJECT_SIZE (2 * TEMPLATE_SUBJECT_SIZE + 3)

enum letter_language {
	LETTER_VI,
	LETTER_EN,
	LETTER_LANGUAGES
};

struct letters;

/* folder NULL: what is built in. ERR_TEMPLATE_INVALID, and where says file, line, column and cause; also for a file that is the template of no mail. */
enum err letters_load(const char *folder, struct letters **ret_letters, char where[TEMPLATE_WHERE_SIZE]);
void letters_free(struct letters *l);

/* The template that is built in, and the name of its file in a folder. */
const char *letter_builtin(enum store_mail kind, enum letter_language language);
#define LETTER_FILE_SIZE 40
void letter_file(enum store_mail kind, enum letter_language language, char ret[LETTER_FILE_SIZE]);

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
enum err letter_write(const struct letters *l, const struct letter_facts *f, char ret_subject[LETTER_SUBJECT_SIZE], struct buf *text);

#endif
