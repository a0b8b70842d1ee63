/* SPDX-License-Identifier: Apache-2.0 */
#include "buf.h"
#include "secret.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 256

struct buf
buf_new(size_t max)
{
	/* one byte of every allocation is kept for the NUL of buf_text() */
	return (struct buf){ .max = max < SIZE_MAX ? max : SIZE_MAX - 1 };
}

void
buf_free(struct buf *b)
{
	if (b->data != NULL)
		wipe(b->data, b->cap);
	free(b->data);
	*b = (struct buf){ .max = b->max };
}

void
buf_reset(struct buf *b)
{
	if (b->data != NULL)
		wipe(b->data, b->cap);
	b->len = 0;
	b->error = ERR_OK;
}

void
buf_fail(struct buf *b, enum err e)
{
	if (b->error == ERR_OK)
		b->error = e;
}

/* realloc() would leave the old bytes behind unwiped. */
static bool
move_to(struct buf *b, size_t cap)
{
	unsigned char *data = malloc(cap);

	if (data == NULL)
		return false;
	if (b->data != NULL) {
		memcpy(data, b->data, b->len);
		wipe(b->data, b->cap);
		free(b->data);
	}
	b->data = data;
	b->cap = cap;
	return true;
}

static size_t
next_cap(const struct buf *b, size_t need)
{
	size_t cap = b->cap != 0 ? b->cap : FIRST_CAP;

	while (cap < need)
		cap = cap > b->max / 2 ? b->max + 1 : cap * 2;
	return cap < b->max + 1 ? cap : b->max + 1;
}

unsigned char *
buf_room(struct buf *b, size_t len)
{
	if (b->error != ERR_OK)
		return NULL;
	if (len > b->max - b->len) {
		buf_fail(b, ERR_FRAME_TOO_LARGE);
		return NULL;
	}
	if (b->len + len + 1 > b->cap && !move_to(b, next_cap(b, b->len + len + 1))) {
		buf_fail(b, ERR_NO_MEMORY);
		return NULL;
	}
	return b->data + b->len;
}

void
buf_grew(struct buf *b, size_t len)
{
	if (len >= b->cap - b->len) {
		buf_fail(b, ERR_FRAME_TOO_LARGE);
		return;
	}
	b->len += len;
}

void
buf_add(struct buf *b, const void *bytes, size_t len)
{
	unsigned char *room = buf_room(b, len);

	if (room == NULL || len == 0)
		return;
	memcpy(room, bytes, len);
	b->len += len;
}

void
buf_add_text(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

void
buf_drop(struct buf *b, size_t len)
{
	if (len > b->len)
		len = b->len;
	if (len == 0)
		return;
	memmove(b->data, b->data + len, b->len - len);
	wipe(b->data + b->len - len, len);
	b->len -= len;
}

const char *
buf_text(struct buf *b)
{
	if (buf_room(b, 0) == NULL)
		return NULL;
	b->data[b->len] = '\0';
	return (const char *)b->data;
}

enum err
buf_error(const struct buf *b)
{
	return b->error;
}
