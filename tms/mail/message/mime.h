/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mime: text of any language as bytes that every mail server passes on: header lines (RFC 2047) and bodies (RFC 2045, 6.7). Pure functions.
 */
#ifndef MOKHOA_MIME_H
#define MOKHOA_MIME_H

#include "buf.h"

#include <stddef.h>

/*
 * "Name: value[ tail]" and a line end. The value is showable UTF-8 (text_is_showable), otherwise the buffer notes ERR_INVALID_PARAMS; it stands as it is
 * where it is plain words of ASCII, else in encoded words. The tail (may be NULL) is ASCII of the caller's, an address in angle brackets.
 */
void mime_header(struct buf *b, const char *name, const char *value, const char *tail);

/* Quoted-printable; a line feed of the text ends a line. What stands there can hold no line that begins with a dot or with "--". */
void mime_quoted(struct buf *b, const char *text, size_t len);

#endif
