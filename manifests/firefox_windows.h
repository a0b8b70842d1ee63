/* SPDX-License-Identifier: Apache-2.0 */
/*
 * firefox_windows: the policies that the Firefoxes of this machine have in files. Firefox reads distribution\policies.json beside its program besides the registry, and takes a policy
 * that the registry has from there alone. One thread.
 */
#ifndef MOKHOA_FIREFOX_WINDOWS_H
#define MOKHOA_FIREFOX_WINDOWS_H

#include "os.h"

#include <jansson.h>
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

/* The policies of one. ERR_FILE_MISSING; another error where it cannot be read or is no JSON: Firefox takes nothing of it then. A new reference. */
enum err firefox_read(const char *file, json_t **ret_policies);

/* Whether one of the files has that policy. */
bool firefox_has(const struct firefox_files *files, const char *policy);

#endif
