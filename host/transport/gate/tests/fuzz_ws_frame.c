/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes of a browser as frames. The first byte says in what pieces they come, which must not matter; what passed is read a second time, by another
 * way, and must be frames of which each is allowed.
 */
#include "fuzz.h"
#include "ws_frame.h"

#include <string.h>

static enum ws_close
feed(const uint8_t *data, size_t size, size_t piece, size_t *ret_passed, bool *ret_closed)
{
	struct ws_frames f = { 0 };
	enum ws_close code = WS_FINE;
	size_t begin = 0, passed;

	for (size_t end = piece; code == WS_FINE && !f.closed && end < size + piece; end += piece) {
		size_t now = end < size ? end : size;
		code = ws_frames_judge(&f, data + begin, now - begin, &passed);
		must(passed <= now - begin);
		begin += passed;
		must(f.closed || code != WS_FINE || now - begin < WS_HOLD_MAX);
	}
	*ret_passed = begin;
	*ret_closed = f.closed;
	return code;
}

/* Frames of the bytes that passed, the last one perhaps without its end. */
static void
read_again(const uint8_t *data, size_t size)
{
	size_t at = 0;

	while (at < size) {
		size_t len, head = 6;
		must(size - at >= head && (data[at] & 0x70) == 0 && (data[at + 1] & 0x80) != 0);
		must((data[at] & 15) <= 1 || ((data[at] & 15) >= 8 && (data[at] & 15) <= 10));
		len = data[at + 1] & 0x7f;
		must(len != 127);
		if (len == 126) {
			head = 8;
			len = (size_t)data[at + 2] << 8 | data[at + 3];
			must(len >= 126 && len <= WS_MESSAGE_MAX && (data[at] & 8) == 0);
		}
		at += head + len;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t passed, other;
	bool closed, other_closed;
	enum ws_close code;

	if (size < 2)
		return 0;
	code = feed(data + 1, size - 1, size, &passed, &closed);
	must(feed(data + 1, size - 1, 1 + data[0], &other, &other_closed) == code);
	must(other == passed && other_closed == closed);
	read_again(data + 1, passed);
	return 0;
}
