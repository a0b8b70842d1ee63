/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seen: a test that has reached an error says so, for the list of every error with the test that reaches it: a line "wire_name TAB test" in
 * the file that MOKHOA_ERRORS_SEEN names, where it names one.
 */
#ifndef MOKHOA_SEEN_H
#define MOKHOA_SEEN_H

#include <stdio.h>
#include <stdlib.h>

static inline void
seen(const char *wire_name, const char *test)
{
	const char *path = getenv("MOKHOA_ERRORS_SEEN");
	FILE *f = path != NULL ? fopen(path, "a") : NULL;

	if (f == NULL)
		return;
	fprintf(f, "%s\t%s\n", wire_name, test);
	fclose(f);
}

#endif
