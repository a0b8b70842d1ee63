/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor: looks for what keeps browsers from reaching a token through this host, and names it and its remedy. It reads files and changes none; it starts no program and
 * loads no module.
 */
#ifndef MOKHOA_DOCTOR_H
#define MOKHOA_DOCTOR_H

#include "err.h"

#include <jansson.h>

struct doctor_order {
	const char *root;     /* put before every path that is looked at; "" for this machine */
	const char *profiles; /* folder of profiles, without root */
	const char *profile;  /* the one to look at; NULL for all */
	const char *worker;   /* path of mokhoa-worker, without root and without .exe */
};

/*
 * { "state": "ok"|"warning"|"broken"|"unknown", "findings": [ { "id", "state", "seen", "sentence": { vi, en }, "remedy": { vi, en } } ] }; the first one that is broken
 * is the first to put right. "seen" names files. A new reference; NULL without memory.
 */
json_t *doctor_look(const struct doctor_order *order);

#endif
