/* SPDX-License-Identifier: Apache-2.0 */
/*
 * desired: all that the profiles of this machine want written so that its browsers find the host: a list of pieces (merge.h), and of whole files
 * {"file", "text"}. Nothing is written. Paths are the machine's, without --root. One thread.
 */
#ifndef MOKHOA_DESIRED_H
#define MOKHOA_DESIRED_H

#include "err.h"
#include "profile.h"

#include <jansson.h>

struct desired_from {
	const struct profile_set *profiles; /* NULL: none, and nothing is desired */
	const char *without;		    /* leave this profile out; NULL: none */
	const char *programs;		    /* the folder of mokhoa-host */
	const char *root;		    /* below which the machine's folders lie; "" */
};

/*
 * ERR_FILE_FAILED where a policy file of somebody else cannot be read and seems to have a list of ours (where says which, PROFILE_WHERE_MAX characters), ERR_NO_MEMORY. The list is the
 * caller's. Where browsers of this machine would start a program that others than its administrator can write: ERR_PROFILE_UNSAFE; one that is not there: ERR_FILE_MISSING (where names it).
 */
enum err desired_make(const struct desired_from *from, json_t **ret_pieces, char *where);

#endif
