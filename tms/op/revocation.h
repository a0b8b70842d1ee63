/* SPDX-License-Identifier: Apache-2.0 */
/*
 * revocation: whether an administrator's certificate was revoked, by the authority's lists (CRL, from a file that is read again when it was replaced) and by its
 * responder (OCSP), as the configuration has it. What neither can tell is the operator's to decide: refused, or let in and said in the log.
 *
 * Any thread may ask; what is remembered between two calls is behind a lock.
 */
#ifndef MOKHOA_REVOCATION_H
#define MOKHOA_REVOCATION_H

#include "config.h"
#include "issued.h"

#include <stdint.h>

struct revocation;

/* What a certificate's state is, as far as one source can tell. */
enum revocation_state {
	REVOCATION_GOOD,
	REVOCATION_REVOKED,
	REVOCATION_UNKNOWN /* no list, one that has run out, no answer, or one that is not the authority's */
};

/* ERR_CONFIG_INVALID (logged) for a list that cannot be read now. */
enum err revocation_new(const struct config *config, struct revocation **ret_revocation);
void revocation_free(struct revocation *r);

/* ERR_OK, ERR_ADMIN_REVOKED, ERR_REVOCATION_UNKNOWN. c was issued by one of the authorities. May wait for the responder, as long as its deadline says. */
enum err revocation_check(struct revocation *r, const struct authorities *authorities, const struct issued *c, int64_t now);

#endif
