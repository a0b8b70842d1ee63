/* SPDX-License-Identifier: Apache-2.0 */
/*
 * places: where each browser of this system looks for the host, for policies and for extensions: the rows of browsers.json, compiled in. README.md says
 * what the columns mean. All is static. Any thread may call.
 */
#ifndef MOKHOA_PLACES_H
#define MOKHOA_PLACES_H

#include <stdbool.h>
#include <stddef.h>

struct place {
	const char *browser;	  /* its name in the table: "chrome" */
	const char *name;	  /* for people: "Google Chrome" */
	bool firefox;		  /* its manifest has allowed_extensions, not allowed_origins */
	const char *profile_host; /* NULL where it does not look below its own data */
	const char *host;	  /* a folder, or a registry key */
	const char *user_host;	  /* the same for one account, "~" or HKCU in front */
	const char *policies;	  /* NULL where none is known */
	const char *extensions;	  /* NULL where there is none */
	const char *known;	  /* "measured", "documented" or "unverified" */
};

/* The rows of this system, by the name of the browser; several may have the same folder. */
size_t place_count(void);
const struct place *place_at(size_t index); /* NULL past the end */

/* Whether the table has a browser of that name, on whatever system. */
bool place_is_browser(const char *browser);

#endif
