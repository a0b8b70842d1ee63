/* SPDX-License-Identifier: Apache-2.0 */
/*
 * person: who stands behind the client certificate of a TLS connection. nginx has verified it and passes it on; it is verified here once
 * more, and whether it was revoked (revocation.h), because the desk's rights hang on it.
 */
#ifndef MOKHOA_PERSON_H
#define MOKHOA_PERSON_H

#include "service.h"
#include "store.h"

/*
 * header: the certificate as PEM, percent-encoded ($ssl_client_escaped_cert); NULL where none came. ERR_ADMIN_UNKNOWN for whatever is nobody's, and of somebody's
 * certificate ERR_ADMIN_EXPIRED, ERR_ADMIN_REVOKED, ERR_REVOCATION_UNKNOWN.
 */
enum err person_find(const struct service *service, struct store *store, const char *header, int64_t now, struct store_person *ret);

/* The mail address of that certificate; empty where there is none. */
void person_email(const char *header, char ret[STORE_EMAIL_SIZE]);

#endif
