/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificate_view: what people and the protocol need of a token's certificate: whose it is, its number, its time. Foreign DER in,
 * showable text out. Pure; any thread may call.
 */
#ifndef MOKHOA_CERTIFICATE_VIEW_H
#define MOKHOA_CERTIFICATE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CERTIFICATE_NAME_MAX   1024 /* bytes of UTF-8, without the NUL */
#define CERTIFICATE_SERIAL_MAX 64   /* bytes; RFC 5280 allows 20 */
#define CERTIFICATE_EMAIL_MAX  254

/* The content bytes of its DER INTEGER: the form in which the release names it. */
struct certificate_serial {
	unsigned char bytes[CERTIFICATE_SERIAL_MAX];
	size_t len;
};

struct certificate_view {
	char subject[CERTIFICATE_NAME_MAX + 1]; /* RFC 4514 */
	char issuer[CERTIFICATE_NAME_MAX + 1];
	struct certificate_serial serial;
	int64_t not_before; /* seconds since 1970 */
	int64_t not_after;
	char email[CERTIFICATE_EMAIL_MAX + 1]; /* may be empty */
	bool authority;			       /* it may issue others, so it is not a customer's */
};

/* False where it is not a certificate that can be read whole. */
bool certificate_view(const unsigned char *der, size_t len, struct certificate_view *ret);

bool certificate_serial(const unsigned char *der, size_t len, struct certificate_serial *ret);

#define CERTIFICATE_SERIAL_TEXT_MAX (2 * CERTIFICATE_SERIAL_MAX)

/* The number as people read it: upper-case hexadecimal without the leading zero byte. */
void certificate_serial_text(const struct certificate_serial *serial, char ret[CERTIFICATE_SERIAL_TEXT_MAX + 1]);

#endif
