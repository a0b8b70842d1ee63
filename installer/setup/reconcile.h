/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconcile: makes the machine as desired, whatever keeps its pieces (medium.h). The ledger, setup.json, says which are ours, and is on the disk before what it speaks of:
 * after a kill at any moment the next run goes on, and takes back no more and no less than what we wrote. A file that is again what it was but for its
 * layout gets its old bytes back. One process at a time: reconcile() locks
 * a file beside the ledger, which only the administrator can open, unless it runs dry.
 */
#ifndef MOKHOA_RECONCILE_H
#define MOKHOA_RECONCILE_H

#include "err.h"
#include "profile.h"

#include <jansson.h>
#include <stdbool.h>

/*
 * pieces as desired_make() gives them. With dry nothing is written. ret_acts is the caller's: [{"act": "write"|"remove"|"keep", "file"[, "what"]}], in the order of doing; "keep" is a
 * setting that somebody else has given another value, which stays. ERR_BUSY, ERR_NO_MEMORY; ERR_FILE_FAILED, where naming the file and why (PROFILE_WHERE_MAX characters): found before
 * anything is changed where a file is not JSON or has a setting of another type.
 */
enum err reconcile(const char *root, const json_t *pieces, bool dry, json_t **ret_acts, char *where);

#endif
