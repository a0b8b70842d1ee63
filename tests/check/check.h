/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check: what a unit test needs and no more. CHECK() notes a failure and goes on; CHECK_DONE() is the exit status of main.
 */
#ifndef MOKHOA_CHECK_H
#define MOKHOA_CHECK_H

#include <stdio.h>
#include <string.h>

static unsigned check_count;
static unsigned check_failed;

#define CHECK(condition)      check_that((condition) ? 1 : 0, #condition, __FILE__, __LINE__)
#define CHECK_TEXT(got, want) check_text((got), (want), __FILE__, __LINE__)
#define CHECK_DONE()	      (printf("%u checks, %u failed\n", check_count, check_failed), check_failed != 0 || check_count == 0)

static inline int
check_that(int holds, const char *what, const char *file, int line)
{
	check_count++;
	if (!holds) {
		check_failed++;
		printf("%s:%d: %s\n", file, line, what);
	}
	return holds;
}

static inline int
check_text(const char *got, const char *want, const char *file, int line)
{
	int same = got != NULL && want != NULL && strcmp(got, want) == 0;

	if (!same)
		printf("%s:%d: got \"%s\", want \"%s\"\n", file, line, got != NULL ? got : "(null)", want != NULL ? want : "(null)");
	return check_that(same, "texts are the same", file, line);
}

#endif
