/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor: looks for what keeps browsers from reaching a token through this host. It reads files, knocks at the ports of mokhoa-websocket, and changes nothing; it starts no program and
 * loads no module. What only a worker can see is the worker's to find (worker/op/doctor.c).
 */
#ifndef MOKHOA_DOCTOR_H
#define MOKHOA_DOCTOR_H

#include "profile.h"

#include <jansson.h>
#include <stdbool.h>

struct doctor_order {
	const char *root;     /* put before every path that is looked at; "" for this machine, whose ports are then looked at, too */
	const char *profiles; /* folder of profiles, without root */
	const char *profile;  /* the one to look at; NULL for all */
	const char *worker;   /* path of mokhoa-worker, without root and without .exe */
	const char *home;     /* folder of the user, without root; NULL where there is none */
};

/* Findings (finding.h), as they were found. *ret_profiles: those that are good to ask a worker about, NULL where there are none; the caller's. A new reference; NULL without memory. */
json_t *doctor_look(const struct doctor_order *order, struct profile_set **ret_profiles);

#endif
