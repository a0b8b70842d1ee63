/* SPDX-License-Identifier: Apache-2.0 */
/* Which frames pass, what the others are closed with, and that it does not matter in what pieces they come. */
#include "ws_frame.h"

#include "check.h"

#include <stdlib.h>

/* A frame as a browser sends it, its mask all zeros, so that the body reads as it is written. */
#define F(first, len)	      first, 0x80 | (len), 0, 0, 0, 0
#define F16(first, high, low) first, 0xfe, high, low, 0, 0, 0, 0

static const struct {
	const char *what;
	enum ws_close code;
	unsigned passed; /* bytes, where the code is WS_FINE all */
	unsigned len;
	unsigned char bytes[24];
} frames[] = {
	{ "text", WS_FINE, 8, 8, { F(0x81, 2), 'h', 'i' } },
	{ "empty text", WS_FINE, 6, 6, { F(0x81, 0) } },
	{ "text in two frames", WS_FINE, 14, 14, { F(0x01, 1), 'h', F(0x80, 1), 'i' } },
	{ "ping between two frames", WS_FINE, 20, 20, { F(0x01, 1), 'h', F(0x89, 0), F(0x80, 1), 'i' } },
	{ "ping and pong", WS_FINE, 13, 13, { F(0x89, 1), 'p', F(0x8a, 0) } },
	{ "goodbye", WS_FINE, 6, 6, { F(0x88, 0) } },
	{ "goodbye with a code", WS_FINE, 8, 8, { F(0x88, 2), 3, 0xe8 } },
	{ "goodbye with a reason", WS_FINE, 11, 11, { F(0x88, 5), 3, 0xe8, 'b', 'y', 'e' } },
	{ "what comes behind a goodbye is nobody's", WS_FINE, 6, 8, { F(0x88, 0), 0xff, 0xff } },

	{ "no mask", WS_PROTOCOL_ERROR, 0, 4, { 0x81, 2, 'h', 'i' } },
	{ "first reserved bit", WS_PROTOCOL_ERROR, 0, 8, { F(0xc1, 2), 'h', 'i' } },
	{ "second reserved bit", WS_PROTOCOL_ERROR, 0, 8, { F(0xa1, 2), 'h', 'i' } },
	{ "third reserved bit", WS_PROTOCOL_ERROR, 0, 8, { F(0x91, 2), 'h', 'i' } },
	{ "binary", WS_UNSUPPORTED, 0, 8, { F(0x82, 2), 'h', 'i' } },
	{ "unknown data", WS_PROTOCOL_ERROR, 0, 6, { F(0x83, 0) } },
	{ "unknown control", WS_PROTOCOL_ERROR, 0, 6, { F(0x8b, 0) } },
	{ "more of nothing", WS_PROTOCOL_ERROR, 0, 7, { F(0x80, 1), 'i' } },
	{ "text in a text", WS_PROTOCOL_ERROR, 7, 14, { F(0x01, 1), 'h', F(0x81, 1), 'i' } },
	{ "ping in pieces", WS_PROTOCOL_ERROR, 0, 6, { F(0x09, 0) } },
	{ "long ping", WS_PROTOCOL_ERROR, 0, 8, { F16(0x89, 0, 126) } },
	{ "125 as 16 bits", WS_PROTOCOL_ERROR, 0, 8, { F16(0x81, 0, 125) } },
	{ "65535 as 64 bits", WS_PROTOCOL_ERROR, 0, 14, { 0x81, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff } },
	{ "a length below zero", WS_PROTOCOL_ERROR, 0, 14, { 0x81, 0xff, 0x80 } },
	{ "8193 bytes", WS_TOO_BIG, 0, 8, { F16(0x81, 0x20, 0x01) } },
	{ "2^40 bytes", WS_TOO_BIG, 0, 14, { 0x81, 0xff, 0, 0, 1 } },
	{ "8192 bytes after one", WS_TOO_BIG, 7, 15, { F(0x01, 1), 'h', F16(0x80, 0x20, 0x00) } },
	{ "goodbye of one byte", WS_PROTOCOL_ERROR, 0, 7, { F(0x88, 1), 3 } },
	{ "goodbye with 1005", WS_PROTOCOL_ERROR, 0, 8, { F(0x88, 2), 3, 0xed } },
	{ "goodbye with 999", WS_PROTOCOL_ERROR, 0, 8, { F(0x88, 2), 3, 0xe7 } },
	{ "goodbye with 5000", WS_PROTOCOL_ERROR, 0, 8, { F(0x88, 2), 0x13, 0x88 } },
	{ "goodbye in no UTF-8", WS_BAD_DATA, 0, 9, { F(0x88, 3), 3, 0xe8, 0xff } },
};

/* Judges the bytes as they come in pieces of so many: the code, and how many passed in all. */
static enum ws_close
feed(const unsigned char *bytes, size_t len, size_t piece, size_t *ret_passed)
{
	struct ws_frames f = { 0 };
	size_t begin = 0;

	for (size_t end = piece; end < len + piece; end += piece) {
		size_t now = end < len ? end : len;
		unsigned char *copy = malloc(now - begin + 1);
		size_t passed;
		enum ws_close code;
		if (copy == NULL)
			exit(1);
		memcpy(copy, bytes + begin, now - begin);
		code = ws_frames_judge(&f, copy, now - begin, &passed);
		free(copy);
		begin += passed;
		*ret_passed = begin;
		if (code != WS_FINE)
			return code;
		CHECK(f.closed || now - begin < WS_HOLD_MAX);
	}
	return WS_FINE;
}

static void
test_frames(void)
{
	for (size_t i = 0; i < sizeof(frames) / sizeof(*frames); i++)
		for (size_t piece = 1; piece <= frames[i].len; piece++) {
			size_t passed = 0;
			enum ws_close code = feed(frames[i].bytes, frames[i].len, piece, &passed);
			if (!CHECK(code == frames[i].code && passed == frames[i].passed))
				printf("  %s, in pieces of %zu: %d, %zu passed\n", frames[i].what, piece, (int)code, passed);
		}
}

/* The longest message that there may be passes, in one frame and in many; one byte more does not. */
static void
test_longest(void)
{
	static unsigned char bytes[8 + WS_MESSAGE_MAX] = { F16(0x81, WS_MESSAGE_MAX >> 8, WS_MESSAGE_MAX & 255) };
	struct ws_frames f = { 0 };
	size_t passed;

	CHECK(ws_frames_judge(&f, bytes, sizeof(bytes), &passed) == WS_FINE && passed == sizeof(bytes) && f.begun == 1);
	CHECK(ws_frames_judge(&f, bytes, sizeof(bytes), &passed) == WS_FINE && passed == sizeof(bytes) && f.begun == 2);
	for (size_t i = 0; i < WS_MESSAGE_MAX; i++) {
		const unsigned char one[] = { F(i == 0 ? 0x01 : 0x00, 1), 'x' };
		if (!CHECK(ws_frames_judge(&f, one, sizeof(one), &passed) == WS_FINE && passed == sizeof(one)))
			return;
	}
	{
		const unsigned char last[] = { F(0x80, 1), 'x' };
		CHECK(ws_frames_judge(&f, last, sizeof(last), &passed) == WS_TOO_BIG && passed == 0);
	}
}

/* The reason of a goodbye is read through its mask. */
static void
test_mask(void)
{
	const unsigned char goodbye[] = { 0x88, 0x84, 0x12, 0x34, 0x56, 0x78, 0x12 ^ 3, 0x34 ^ 0xe8, 0x56 ^ 0xc3, 0x78 ^ 0xa9 };
	struct ws_frames f = { 0 };
	size_t passed;

	CHECK(ws_frames_judge(&f, goodbye, sizeof(goodbye), &passed) == WS_FINE && passed == sizeof(goodbye) && f.closed);
}

int
main(void)
{
	test_frames();
	test_longest();
	test_mask();
	return CHECK_DONE();
}
