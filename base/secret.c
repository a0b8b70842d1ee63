/* SPDX-License-Identifier: Apache-2.0 */
#include "secret.h"

#include <string.h>

/* A call through a volatile pointer may have any effect, so no compiler can drop it. C11's memset_s is missing where it is needed. */
static void *(*const volatile overwrite)(void *, int, size_t) = memset;

void
wipe(void *p, size_t len)
{
	if (len != 0)
		overwrite(p, 0, len);
}

bool
secret_set(struct secret *s, const void *bytes, size_t len)
{
	if (len > SECRET_MAX) {
		secret_wipe(s);
		return false;
	}
	if (len != 0)
		memmove(s->bytes, bytes, len); /* bytes may be a part of s itself */
	wipe(s->bytes + len, SECRET_MAX - len);
	s->len = len;
	return true;
}

bool
secret_equal(const struct secret *a, const struct secret *b)
{
	unsigned differing = 0;

	if (a->len != b->len)
		return false;
	for (size_t i = 0; i < a->len; i++)
		differing |= (unsigned)(a->bytes[i] ^ b->bytes[i]);
	return differing == 0;
}

void
secret_wipe(struct secret *s)
{
	wipe(s, sizeof(*s));
}
