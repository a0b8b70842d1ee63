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

/*
 * Undoes percent-encoding (RFC 3986, 2.1) into at most max - 1 bytes and a NUL; plus is what '+' stands for, a blank in the fields of a form. False where the text is
 * none, holds a NUL, or is longer.
 */
bool text_unescape(const char *text, char plus, char *ret, size_t max);

/* A whole number of 1 to 16 decimal digits, at most 2^53 - 1: what every reader of JSON can hold. */
bool text_number(const char *text, size_t len, int64_t *ret);

/* Bytes of the well-formed UTF-8 character (RFC 3629) with which text begins, and its code point; 0 where it begins with none. */
size_t text_char(const char *text, size_t len, uint32_t *ret_point);

/* Well-formed UTF-8 throughout. */
bool text_is_utf8(const char *text, size_t len);

/*
 * UTF-8 that is safe to show on one line: no control character, no NUL, no line or paragraph separator (U+2028, U+2029), no bidirectional
 * embedding, override or isolate (U+202A..E, U+2066..9).
 */
bool text_is_showable(const char *text, size_t len);

/*
 * A web origin in its one canonical spelling: https://host[:port], or http://localhost[:port]; lower case, no path, no default port. The
 * host is a DNS name (punycode where it is foreign) or an IPv4 address; IPv6 addresses are refused.
 */
bool text_is_origin(const char *text, size_t len);

/* Length of a blank-padded field of PKCS#11 (CK_TOKEN_INFO) without its trailing blanks and NULs. */
size_t text_unpadded(const unsigned char *field, size_t len);

/* Copies at most max - 1 bytes and a NUL; false where it had to cut, which it never does inside a UTF-8 character. */
bool text_copy(char *ret, size_t max, const char *text);

/* The place of a name in a list of so many, or count where it is none of them. */
int text_place(const char *const *names, int count, const char *name);

/* ASCII equality without case; for host names and header names only. */
bool text_equal_nocase(const char *a, const char *b);

#define TEXT_TIME_LEN 20 /* 2025-11-22T13:40:00Z */

/* A moment in UTC (RFC 3339); before 1970 and after 9999 reads as the nearest that can be said. */
void text_time(int64_t seconds, char ret[TEXT_TIME_LEN + 1]);

/*
 * The moment of a text like 2025-11-22T13:40:00Z or 2025-11-22T20:40:00+07:00 (RFC 3339, without fractions), 1970 to 9999; false for any other and for a day that
 * no calendar has.
 */
bool text_time_read(const char *text, int64_t *ret);

#endif
