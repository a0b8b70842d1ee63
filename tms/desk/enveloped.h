/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enveloped: bytes for the owner of a certificate: CMS EnvelopedData (RFC 5652, section 6) with AES-256-CBC, to an RSA key (section 6.2.1) or an EC one (RFC 5753), in PEM, as
 * `openssl cms -decrypt -inform PEM` and what else speaks CMS opens it.
 */
#ifndef MOKHOA_ENVELOPED_H
#define MOKHOA_ENVELOPED_H

#include "buf.h"
#include "err.h"
#include "key.h"

/*
 * Appends the envelope; ret_fingerprint is SHA-256 of the certificate's DER. ERR_CONFIG_INVALID for a file that holds no certificate, or one whose key
 * nothing can be enveloped to; ERR_INTERNAL.
 */
enum err enveloped_seal(const char *certificate_file, const struct buf *plain, struct buf *ret, unsigned char ret_fingerprint[KEY_HASH_LEN]);

/* The fingerprint alone, and whether there is such a certificate: before anything is opened. */
enum err enveloped_check(const char *certificate_file, unsigned char ret_fingerprint[KEY_HASH_LEN]);

#endif
