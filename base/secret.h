/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret: a PIN, an SO PIN or a code, in a box that is wiped by its owner on the path that ends its use.
 *
 * There is no char * accessor, so that a secret cannot be printed by accident. The bytes are not NUL-terminated and may hold any
 * value. A struct secret is plain memory: it lives on the stack or inside its owner, is born { 0 } and ends with secret_wipe().
 */
#ifndef MOKHOA_SECRET_H
#define MOKHOA_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#define SECRET_MAX 128 /* bytes: longer than any PIN of PKCS#11 tokens that were seen (64) */

struct secret {
	size_t len;
	unsigned char bytes[SECRET_MAX];
};

/* Copies len bytes in; false, and the secret is empty, where they do not fit. */
bool secret_set(struct secret *s, const void *bytes, size_t len);

/* Constant time in the contents; lengths are not secret. */
bool secret_equal(const struct secret *a, const struct secret *b);

void secret_wipe(struct secret *s);

/* Overwrites memory in a way that the compiler may not drop. */
void wipe(void *p, size_t len);

#endif
