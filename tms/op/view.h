/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view: who at the desk has looked at what, in the audit. What one person looks at again and again within some minutes is one row, so that a list that refreshes itself does
 * not drown what was done.
 */
#ifndef MOKHOA_VIEW_H
#define MOKHOA_VIEW_H

#include "call.h"

/* What the {number} of a path is one of. */
enum view_of {
	VIEW_OTHER, /* or there is none */
	VIEW_REQUEST,
	VIEW_TOKEN
};

/*
 * The caller is about to be shown what he asked for; where that cannot be written down he is not. name is the route's. What he searched for is a note of the row: it
 * may be somebody's name.
 */
enum err view_note(struct call *c, const char *name, enum view_of of);

#endif
