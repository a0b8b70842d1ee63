/* SPDX-License-Identifier: Apache-2.0 */
/*
 * firefox_windows: whether a policy has to go into the files of the Firefoxes of this machine instead of the registry. Firefox reads distribution\policies.json beside
 * its program as well, and takes a policy that the registry has from there alone: ours in the registry would hide what somebody else has in such a file. One thread.
 */
#ifndef MOKHOA_FIREFOX_WINDOWS_H
#define MOKHOA_FIREFOX_WINDOWS_H

#include "os.h"

#include <stdbool.h>
#include <stddef.h>

#define FIREFOX_MAX 8 /* programs on a machine; further ones are passed over */

/* The policies.json of each, there or not. */
struct firefox_files {
	char at[FIREFOX_MAX][OS_PATH_MAX];
	size_t count;
};

/* Those that the registry knows and that only the administrator can have put there; others are their user's affair. */
void firefox_find(struct firefox_files *ret);

/* Whether one of the files has that policy. One that is no JSON has none: Firefox takes nothing of it. */
bool firefox_has(const struct firefox_files *files, const char *policy);

#endif
