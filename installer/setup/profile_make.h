/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile_make: a profile out of what was said on a command line, beginning with another profile or with nothing. It knows how options become keys, and
 * not what is right: profile_parse() judges the whole. Pure: nothing is read or written. One thread.
 */
#ifndef MOKHOA_PROFILE_MAKE_H
#define MOKHOA_PROFILE_MAKE_H

#include "err.h"

#include <jansson.h>
#include <stdbool.h>

/* Begins as { .document = an object of the caller's }, which profile_make_end() takes. */
struct profile_make {
	json_t *document;
	json_t *said; /* keys whose list has been begun anew */
};

/*
 * name as "--tms", "--portal" and so on. Of a list value has one or more with ; between; the first time it replaces the list that was there, later it adds. An empty value says nothing. ERR_USAGE
 * where there is no such option, or its value has not the form of one (NAME=PATH, on, off); ERR_NO_MEMORY.
 */
enum err profile_make_option(struct profile_make *m, const char *name, const char *value);

/* The finished document, which is the caller's; what nobody has said and every profile needs is there: both languages, no extension. */
json_t *profile_make_end(struct profile_make *m);

/*
 * The document as it is written into a file, judged by what judges a host's profiles: its errors, and ERR_NO_MEMORY; where as there. *ret_text is the caller's, for free(), whatever is returned.
 */
enum err profile_make_text(const json_t *document, char **ret_text, char *where);

#endif
