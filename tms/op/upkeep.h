/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upkeep: what the server does for its records every few seconds: anchors the audit when it is due, erases personal data whose time is over. One thread.
 */
#ifndef MOKHOA_UPKEEP_H
#define MOKHOA_UPKEEP_H

#include "service.h"
#include "store.h"

struct upkeep {
	int64_t anchored;    /* the row that was anchored last */
	int64_t anchored_at; /* when there was last a look */
};

/* Begins with { 0 }. What fails is logged, and tried again the next time. */
void upkeep_run(struct upkeep *u, const struct service *service, struct store *s, int64_t now);

/* At the end: anchors what is behind the last anchor. */
void upkeep_end(struct upkeep *u, const struct service *service, struct store *s, int64_t now);

#endif
