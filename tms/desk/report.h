/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report: what became of each line of an import, as a table: line, serial, result, todo. A result is one of a closed list of words (intake.h), todo says in
 * both languages what is to be done. Lines are written once they are committed; those of a batch that was taken back are not_written.
 */
#ifndef MOKHOA_REPORT_H
#define MOKHOA_REPORT_H

#include "err.h"
#include "intake.h"

struct report {
	int fd; /* -1: nobody wants it */
	enum err error;
	unsigned counts[INTAKE_RESULT_COUNT];
};

/* Begins the file anew, readable by its owner alone; path may be NULL. ERR_FILE_FAILED. */
enum err report_open(struct report *r, const char *path);

void report_add(struct report *r, const struct intake_line *l);

/* ERR_OK, or that a line could not be written. */
enum err report_close(struct report *r);

#endif
