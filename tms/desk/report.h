/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report: what became of each line of an import, as a table: line, serial, result, todo. A result is one of a closed list of words (report.c), todo says in
 * both languages what is to be done. Lines are written once they are committed; those of a batch that was taken back are not_written.
 */
#ifndef MOKHOA_REPORT_H
#define MOKHOA_REPORT_H

#include "err.h"
#include "token_name.h"

#include <stddef.h>

#define REPORT_BATCH 256 /* lines between two commits */

enum report_result {
	REPORT_IMPORTED,
	REPORT_IMPORTED_SHARED, /* its value is that of other tokens, too */
	REPORT_SAME,		/* on record with this value */
	REPORT_NEWER,		/* on record with a value that an unlock or two people have put there since */
	REPORT_DIFFERS,		/* on record with another value */
	REPORT_NOT_COMPARED,	/* on record; nobody could look */
	REPORT_UNOPENED,	/* the vault cannot open it */
	REPORT_INVALID,		/* no row of a token */
	REPORT_NOT_WRITTEN,	/* taken back: the store or the escrow log has failed */
	REPORT_RESULT_COUNT
};

struct report {
	int fd; /* -1: nobody wants it */
	enum err error;
	unsigned counts[REPORT_RESULT_COUNT];
	struct {
		unsigned line;
		char serial[sizeof(((struct token_name *)0)->serial)];
		enum report_result result;
	} pending[REPORT_BATCH];
	size_t pending_count;
};

/* Begins the file anew, readable by its owner alone; path may be NULL. ERR_JOURNAL_FAILED. */
enum err report_open(struct report *r, const char *path);

/* Room for a line is made by report_flush(). */
void report_add(struct report *r, unsigned line, const char *serial, enum report_result result);

/* The lines so far are what they are; without `kept` those that were imported are not written after all. */
void report_flush(struct report *r, bool kept);

/* ERR_OK, or that a line could not be written. */
enum err report_close(struct report *r);

#endif
