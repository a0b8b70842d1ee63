/* SPDX-License-Identifier: Apache-2.0 */
#include "frame.h"
#include "os.h"

#include <limits.h>
#include <string.h>

#define HEAD_LEN sizeof(uint32_t)
#define BODY_MIN 2u /* no JSON object is shorter than {} */

struct frame_reader
frame_reader_new(uint32_t max)
{
	return (struct frame_reader){ .bytes = buf_new(HEAD_LEN + max), .max = max };
}

void
frame_reader_free(struct frame_reader *r)
{
	buf_free(&r->bytes);
}

enum err
frame_fill(struct frame_reader *r, intptr_t handle, bool *ret_clean)
{
	/* never 0 while frame_next() wants more: a partial frame is shorter than the buffer's maximum */
	size_t room = r->bytes.max - r->bytes.len;
	unsigned char *at = room != 0 ? buf_room(&r->bytes, room) : NULL;
	long got;

	*ret_clean = false;
	if (at == NULL)
		return buf_error(&r->bytes) != ERR_OK ? buf_error(&r->bytes) : ERR_FRAME_TOO_LARGE;
	got = os_read(handle, at, room);
	if (got <= 0) {
		*ret_clean = got == 0 && r->bytes.len == 0;
		return ERR_FRAME_TRUNCATED;
	}
	buf_grew(&r->bytes, (size_t)got);
	return ERR_OK;
}

enum err
frame_next(struct frame_reader *r, const unsigned char **ret_bytes, uint32_t *ret_len)
{
	uint32_t len;

	*ret_bytes = NULL;
	*ret_len = 0;
	if (r->bytes.len < HEAD_LEN)
		return ERR_OK;
	memcpy(&len, r->bytes.data, HEAD_LEN);
	if (len < BODY_MIN || len > r->max)
		return ERR_FRAME_TOO_LARGE;
	if (r->bytes.len - HEAD_LEN < len)
		return ERR_OK;
	*ret_bytes = r->bytes.data + HEAD_LEN;
	*ret_len = len;
	return ERR_OK;
}

void
frame_done(struct frame_reader *r)
{
	const unsigned char *bytes;
	uint32_t len;

	if (frame_next(r, &bytes, &len) == ERR_OK && bytes != NULL)
		buf_drop(&r->bytes, HEAD_LEN + len);
}

enum err
frame_read(struct frame_reader *r, intptr_t handle, uint64_t deadline_ms, const unsigned char **ret_bytes, uint32_t *ret_len)
{
	for (;;) {
		enum err e = frame_next(r, ret_bytes, ret_len);
		uint64_t now = os_now_ms();
		uint64_t left = deadline_ms > now ? deadline_ms - now : 0;
		bool ready, clean;

		if (e != ERR_OK || *ret_bytes != NULL)
			return e;
		if (!os_wait(&handle, 1, left < INT_MAX ? (int)left : INT_MAX, &ready))
			return ERR_TIMEOUT;
		e = frame_fill(r, handle, &clean);
		if (e != ERR_OK)
			return e;
	}
}

enum err
frame_write(intptr_t handle, const void *bytes, size_t len, uint32_t max)
{
	struct buf b = buf_new(HEAD_LEN + (size_t)max);
	uint32_t head = (uint32_t)len;
	enum err e;

	if (len < BODY_MIN || len > max)
		return ERR_FRAME_TOO_LARGE;
	buf_add(&b, &head, HEAD_LEN);
	buf_add(&b, bytes, len);
	e = buf_error(&b);
	if (e == ERR_OK && !os_write_all(handle, b.data, b.len))
		e = ERR_FRAME_TRUNCATED;
	buf_free(&b);
	return e;
}
