/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text: encodings and checks of foreign text. Pure functions; any thread may call.
 */
#ifndef MOKHOA_TEXT_H
#define MOKHOA_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Characters of the base64url text of len bytes (RFC 4648 section 5, no padding), without the NUL. */
#define TEXT_B64_LEN(len) (((len)*8 + 5) / 6)

/* Writes TEXT_B64_LEN(len) characters and a NUL into ret; ret must have the room. */
void text_b64_encode(const void *bytes, size_t len, char *ret);

/* Strict: no padding, no other character, no loose trailing bits. False where text is not that or needs more than max bytes. */
bool text_b64_decode(const char *text, size_t len, void *ret, size_t max, size_t *ret_len);

/* Lower-case hexadecimal; ret takes 2 * len + 1 characters. */
void text_hex(const void *bytes, size_t len, char *ret);
bool text_unhex(const char *text, size_t len, void *ret, size_t max, size_t *ret_len);

/* Well-formed UTF-8 (RFC 3629). */
bool text_is_utf8(const char *text, size_t len);

/* UTF-8 that is safe to show: no control character, no bidirectional override or isolate (U+202A..E, U+2066..9), no NUL. */
bool text_is_showable(const char *text, size_t len);

/* A web origin in its one canonical spelling: https://host[:port], or http://localhost[:port]; lower case, no path, no default port. */
bool text_is_origin(const char *text, size_t len);

/* Length of a blank-padded field of PKCS#11 (CK_TOKEN_INFO) without its trailing blanks and NULs. */
size_t text_unpadded(const unsigned char *field, size_t len);

/* Copies at most max - 1 characters and a NUL; false where it had to cut. */
bool text_copy(char *ret, size_t max, const char *text);

/* ASCII equality without case; for host names and header names only. */
bool text_equal_nocase(const char *a, const char *b);

#endif
