/* SPDX-License-Identifier: Apache-2.0 */
/*
 * escrow_line: one line of the escrow log as text: a JSON object, a blank, the first 8 bytes of the SHA-256 of the object's text in hexadecimal,
 * a line feed. The sum finds what a disk has changed; what people have, the signature in the object, over what it says. Private to escrow_log. Pure functions; any thread.
 */
#ifndef MOKHOA_ESCROW_LINE_H
#define MOKHOA_ESCROW_LINE_H

#include "buf.h"
#include "escrow_log.h"

/* With its line feed, signed with key; the line's own signature is not looked at. */
enum err escrow_line_write(const struct escrow_log_line *line, const struct key_sig *key, struct buf *b);

/* text without its line feed. ret is set for a whole line alone. */
enum escrow_log_kind escrow_line_read(const char *text, size_t len, struct escrow_log_line *ret);

#endif
