/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template: the text of a mail in one language, as an authority may write it: a line "Subject: ...", an empty line, and the text, in which {name} stands for a fact.
 * There is no logic in it, but one rule: a paragraph with a fact that says nothing is left out. "{{" is a brace.
 *
 * Judged when it is read, with line and column, so that no mail fails because of it: only known facts, of them only those that the mail has, all those that it
 * must have, nothing that cannot be shown, and no link, because customers are told that we send none. Pure functions.
 */
#ifndef MOKHOA_TEMPLATE_H
#define MOKHOA_TEMPLATE_H

#include "buf.h"
#include "err.h"

#include <stddef.h>

#define TEMPLATE_MAX	      16384 /* bytes of a file */
#define TEMPLATE_SUBJECT_SIZE 80    /* of a rendered subject and a NUL */
#define TEMPLATE_WHERE_SIZE   512

enum fact {
	FACT_AUTHORITY,
	FACT_HOTLINE,
	FACT_CUSTOMER,
	FACT_NUMBER,
	FACT_TOKEN,
	FACT_SERIAL,
	FACT_PHRASE,
	FACT_TIME,
	FACT_PORTAL,
	FACT_NOTE,
	FACT_CODE,
	FACT_CONSOLE,
	FACT_WAITING,
	FACT_OPENED,
	FACT_BOUND,
	FACT_COUNT
};

#define FACT_BIT(fact) (1u << (fact))

/* Borrowed; an empty text is a fact that says nothing. */
struct fact_value {
	const char *text;
	size_t len;
};

struct template;

/*
 * may, must: the facts that it may and must have, as bits; the code may stand in no subject. ERR_TEMPLATE_INVALID, and where says file (name), line, column and cause.
 */
enum err template_parse(const char *name, const void *bytes, size_t len, unsigned may, unsigned must, struct template **ret_template, char where[TEMPLATE_WHERE_SIZE]);
void template_free(struct template *t);

/* Writes the subject, cut where it is too long, and appends the text. Values are taken as they are: nothing in them is a fact. */
void template_render(const struct template *t, const struct fact_value values[FACT_COUNT], char ret_subject[TEMPLATE_SUBJECT_SIZE], struct buf *text);

#endif
