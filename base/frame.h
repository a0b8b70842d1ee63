/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame: a 32-bit length in the machine's byte order, then that many bytes of JSON: the framing of native messaging, which our own
 * pipes speak too.
 *
 * A reader is fed whatever the pipe gave and hands out whole frames; a partial frame is never handed out.
 */
#ifndef MOKHOA_FRAME_H
#define MOKHOA_FRAME_H

#include "buf.h"
#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_IN_MAX  8192u  /* bytes from a browser: the longest message of the protocol is below 2 KiB */
#define FRAME_OUT_MAX 65536u /* bytes to a browser, which takes at most 1 MiB */

struct frame_reader {
	struct buf bytes;
	uint32_t max;
};

struct frame_reader frame_reader_new(uint32_t max);
void frame_reader_free(struct frame_reader *r);

/* Reads once from the handle (os.h). ERR_OK: something came; ERR_FRAME_TRUNCATED: end of file, *ret_clean says whether between frames. */
enum err frame_fill(struct frame_reader *r, intptr_t handle, bool *ret_clean);

/*
 * The next whole frame, or NULL where more bytes are needed. ERR_FRAME_TOO_LARGE where the announced length is 0, 1 or above max:
 * nothing behind it can be trusted, so the caller ends the connection. The bytes are the reader's until frame_done().
 */
enum err frame_next(struct frame_reader *r, const unsigned char **ret_bytes, uint32_t *ret_len);
void frame_done(struct frame_reader *r);

/* Reads until one whole frame is there or deadline_ms (os_now_ms() clock) has passed: ERR_TIMEOUT, ERR_FRAME_TRUNCATED, ERR_FRAME_TOO_LARGE. */
enum err frame_read(struct frame_reader *r, intptr_t handle, uint64_t deadline_ms, const unsigned char **ret_bytes, uint32_t *ret_len);

/* Writes header and bytes in one go. */
enum err frame_write(intptr_t handle, const void *bytes, size_t len, uint32_t max);

#endif
