/* SPDX-License-Identifier: Apache-2.0 */
/*
 * issued_inner: what issued.h hides, for the files that ask the same certificates more: revocation.c, ocsp.c, expiry.c.
 */
#ifndef MOKHOA_ISSUED_INNER_H
#define MOKHOA_ISSUED_INNER_H

#include "issued.h"

#include <openssl/x509.h>

struct issued {
	X509 *x509;
	unsigned char serial[STORE_SERIAL_MAX];
	size_t serial_len;
};

struct authorities {
	X509_STORE *store;
};

/* Seconds since 1970; 0 for NULL and for a time that is none, which has ended. */
int64_t issued_seconds(const ASN1_TIME *time);

#endif
