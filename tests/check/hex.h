/* SPDX-License-Identifier: Apache-2.0 */
/* hex: bytes of a test, written as they stand in the documents they come from. */
#ifndef MOKHOA_HEX_H
#define MOKHOA_HEX_H

#include "check.h"
#include "text.h"

/* Fills ret with exactly len bytes. */
static inline void
hex_bytes(const char *text, void *ret, size_t len)
{
	size_t got = 0;

	CHECK(text_unhex(text, strlen(text), ret, len, &got) && got == len);
}

/* Whether len bytes are what text says. */
static inline int
hex_equal(const void *bytes, size_t len, const char *text)
{
	char got[1024];

	if (len * 2 + 1 > sizeof(got))
		return 0;
	text_hex(bytes, len, got);
	return check_text(got, text, "hex", __LINE__);
}

#endif
