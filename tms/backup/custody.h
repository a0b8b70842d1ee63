/* SPDX-License-Identifier: Apache-2.0 */
/*
 * custody: secrets in a file that only those open to whom it is: custodians of keys, another manager of tokens. A CMS message (RFC 5652, RFC 5083: AuthEnvelopedData,
 * AES-256-GCM) to one or more certificates, in PEM. `openssl cms -decrypt -inform PEM -inkey KEY` (OpenSSL 3) reads it, too.
 */
#ifndef MOKHOA_CUSTODY_H
#define MOKHOA_CUSTODY_H

#include "buf.h"
#include "err.h"
#include "key.h"

#include <stddef.h>

#define CUSTODY_MAX ((size_t)1 << 20) /* bytes of the message */

/* SHA-256 of the DER of the certificate in a PEM file: before anything is opened for its owner. ERR_CONFIG_INVALID where there is none, logged. */
enum err custody_fingerprint(const char *certificate, unsigned char ret[KEY_HASH_LEN]);

/*
 * The message for those certificates (PEM files; RSA or elliptic curves). ERR_CONFIG_INVALID for a file that holds no such certificate, whose place in the list goes
 * to *ret_wrong.
 */
enum err custody_seal(const char *const *certificates, size_t count, const struct buf *plain, struct buf *ret_text, size_t *ret_wrong);

/* Opens it with a custodian's private key (PEM), whose passphrase is asked on the terminal. ERR_KEYS_INVALID. The caller frees ret_plain. */
enum err custody_open(const struct buf *text, const char *key_file, struct buf *ret_plain);

#endif
