/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf: bytes that grow up to a maximum which is known when the buffer is born, wiped when they go.
 *
 * A buffer that would outgrow its maximum or the machine's memory keeps what it had and remembers the error: write a whole message
 * and look at buf_error() once. Ownership: the struct is the caller's; buf_free() wipes and releases what it holds.
 */
#ifndef MOKHOA_BUF_H
#define MOKHOA_BUF_H

#include "err.h"

#include <stddef.h>

struct buf {
	unsigned char *data;
	size_t len; /* bytes in use */
	size_t cap; /* bytes allocated */
	size_t max; /* bytes it may ever hold */
	enum err error;
};

/* An empty buffer; nothing is allocated until the first byte. */
struct buf buf_new(size_t max);
void buf_free(struct buf *b);

/* Empties, wipes and forgets the error; keeps the memory. */
void buf_reset(struct buf *b);

void buf_add(struct buf *b, const void *bytes, size_t len);
void buf_add_text(struct buf *b, const char *text);

/* Room for len more bytes behind the ones in use, or NULL; buf_grew() then says how many were written there. */
unsigned char *buf_room(struct buf *b, size_t len);
void buf_grew(struct buf *b, size_t len);

/* Takes the first len bytes away. */
void buf_drop(struct buf *b, size_t len);

/* A terminating NUL behind the bytes in use, not counted; NULL where there is no room. The text belongs to the buffer. */
const char *buf_text(struct buf *b);

/* ERR_OK, ERR_NO_MEMORY, ERR_FRAME_TOO_LARGE or what buf_fail() noted: whatever went wrong first. After an error nothing is added. */
enum err buf_error(const struct buf *b);
void buf_fail(struct buf *b, enum err e);

#endif
