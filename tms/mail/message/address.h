/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address: which mail addresses are taken. Pure functions; any thread may call.
 *
 * Narrower than RFC 5321 on purpose: what stands here goes into an SMTP command and a header line as it is, and libcurl passes on
 * whatever it is given, line ends too.
 */
#ifndef MOKHOA_ADDRESS_H
#define MOKHOA_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#define ADDRESS_MAX 254 /* characters (RFC 5321, 4.5.3.1.3 with errata 1690) */

/* local@domain: the local part an unquoted dot-string (RFC 5321, 4.1.2) in ASCII, the domain of letters, digits and hyphens. */
bool address_ok(const char *text, size_t len);

/* The domain of an address that address_ok() took. */
const char *address_domain(const char *address);

#endif
