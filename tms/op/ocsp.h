/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ocsp: asks a responder about one certificate (RFC 6960) by libcurl, and believes what the authority, or whom it has named for that, has signed. Any thread may
 * call; nothing is remembered here.
 */
#ifndef MOKHOA_OCSP_H
#define MOKHOA_OCSP_H

#include "revocation.h"

struct ocsp_asked {
	const char *url; /* NULL: the one that the certificate names */
	long deadline_ms;
	const struct authorities *signers; /* of the answer: the authorities, without regard to what they are for */
};

/* *ret_until: as long as the answer may be kept; 0 where there was none to be believed. */
enum revocation_state ocsp_ask(const struct ocsp_asked *asked, const struct authorities *authorities, const struct issued *c, int64_t now, int64_t *ret_until);

#endif
