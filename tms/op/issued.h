/* SPDX-License-Identifier: Apache-2.0 */
/*
 * issued: X.509 certificates as the server needs them: a customer's, which names the token's key, and an administrator's, which names a
 * person; and the authorities that issued them. All parsing is OpenSSL's.
 *
 * An authorities object is read-only after it was loaded: any thread may ask it. A certificate belongs to one thread.
 */
#ifndef MOKHOA_ISSUED_H
#define MOKHOA_ISSUED_H

#include "buf.h"
#include "err.h"
#include "key.h"
#include "store.h"

#include <stdbool.h>
#include <stddef.h>

struct issued; /* one certificate */

/* Exactly one DER certificate whose serial number has at most STORE_SERIAL_MAX content bytes; NULL for anything else. */
struct issued *issued_from_der(const void *der, size_t len);
/* Exactly one PEM certificate. */
struct issued *issued_from_pem(const void *pem, size_t len);
void issued_free(struct issued *c);

/* The content bytes of the serial number's DER INTEGER in upper-case hexadecimal. */
void issued_serial(const struct issued *c, char ret[2 * STORE_SERIAL_MAX + 1]);

/* The content bytes back from that text. */
bool issued_serial_bytes(const char *serial, unsigned char ret[STORE_SERIAL_MAX], size_t *ret_len);

/* The subject's common name as UTF-8, or an empty text where there is none that can be shown. */
void issued_name(const struct issued *c, char ret[STORE_NAME_SIZE]);

/* The mail address of the certificate's owner: of subjectAltName, else of the subject; empty where there is none that can be written to. */
void issued_email(const struct issued *c, char ret[STORE_EMAIL_SIZE]);

/* Whether that is one of the mail addresses in the certificate; case does not count. False for an empty one. */
bool issued_has_email(const struct issued *c, const char *email);

/* SHA-256 of the DER. */
enum err issued_fingerprint(const struct issued *c, unsigned char ret[KEY_HASH_LEN]);

/* When it runs out, in seconds since 1970; 0 where that cannot be told. */
int64_t issued_not_after(const struct issued *c);

/* Whether the certificate's key signed the message; mechanism is "ecdsa-sha256" (DER signature) or "rsa-pkcs1-sha256". */
bool issued_verifies(const struct issued *c, const char *mechanism, const struct buf *message, const void *signature, size_t len);

/* Whether two serial numbers in hexadecimal are the same number: leading zeros and case do not count. */
bool issued_same_serial(const char *a, const char *b);

/* A serial number as people write it: without the zero byte that only says that the number is positive. */
const char *issued_shown_serial(const char *serial);

struct authorities;

enum authorities_rule {
	AUTHORITIES_ANY_TIME,	/* a customer's token is unlocked even when its certificate has run out */
	AUTHORITIES_CLIENT_NOW, /* valid now, and good for a TLS client */
	AUTHORITIES_SIGNER_NOW	/* valid now, for whatever else */
};

/* Every certificate of a PEM file is trusted to issue. ERR_CONFIG_INVALID. */
enum err authorities_load(const char *path, enum authorities_rule rule, struct authorities **ret_authorities);
void authorities_free(struct authorities *a);

/* The certificate is signed by one of them, and is no authority's itself. No certificate in between is looked for, so the work is bounded. */
bool authorities_issued(const struct authorities *a, const struct issued *c);

/* It was, and nothing is wrong with it but that its time is over. */
bool authorities_issued_once(const struct authorities *a, const struct issued *c);

#endif
