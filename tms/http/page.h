/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page: the one document that this server answers itself, GET /embed/{agency}: the customer's page for a frame on an agency's site. Which sites
 * may show it stands in its Content-Security-Policy, from the agency's row as it is at that moment, so that a row takes effect at once.
 */
#ifndef MOKHOA_PAGE_H
#define MOKHOA_PAGE_H

#include "buf.h"
#include "err.h"
#include "policy.h"
#include "store.h"

#include <stdbool.h>

#define PAGE_POLICY_SIZE (sizeof(POLICY_CUSTOMER) + STORE_ORIGINS_SIZE)

/* Whether the path is that of an agency's page; what stands for the agency goes to ret_agency, empty where it cannot be one. */
bool page_find(const char *method, const char *path, char ret_agency[STORE_AGENCY_SIZE]);

/* ERR_AGENCY_UNKNOWN also where the row is not one that we would have written: what stands in it becomes a header. */
enum err page_agency(struct store *store, const char *id, struct store_agency *ret);

/* The document and its policy; a NULL agency is the page of that error, which nobody may frame. */
void page_write(const struct store_agency *agency, enum err e, struct buf *body, char ret_policy[PAGE_POLICY_SIZE]);

#endif
