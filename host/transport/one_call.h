/* SPDX-License-Identifier: Apache-2.0 */
/* one_call: one request of the local user, from its method to its answer, for the command line. */
#ifndef MOKHOA_ONE_CALL_H
#define MOKHOA_ONE_CALL_H

#include "profile.h"

#include <jansson.h>

/* All borrowed. */
struct one_call {
	const struct profile_set *profiles;
	const struct profile *profile;
	const char *method;
	json_t *params;				       /* NULL without any */
	void (*heard)(void *context, json_t *message); /* each notification, and the answer, which is the last; borrowed */
	void *context;
};

/* Returns when it is answered, with an error where there was not even memory for one: then nothing was heard. */
void one_call(const struct one_call *call);

#endif
