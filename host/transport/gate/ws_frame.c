/* SPDX-License-Identifier: Apache-2.0 */
#include "ws_frame.h"

#include "text.h"

#define CONTROL_MAX 125
#define MASK_LEN    4

enum opcode {
	CONTINUATION = 0,
	TEXT = 1,
	BINARY = 2,
	CLOSE = 8,
	PING = 9,
	PONG = 10
};

struct header {
	bool fin;
	unsigned reserved;
	unsigned opcode;
	bool masked;
	unsigned form; /* the 7 bits of the length as they stand */
	uint64_t len;
	size_t size; /* bytes of the header itself, mask and all */
};

/* False where more bytes are needed. */
static bool
read_header(const unsigned char *bytes, size_t len, struct header *ret)
{
	size_t more;

	if (len < 2)
		return false;
	*ret = (struct header){ bytes[0] >> 7, (bytes[0] >> 4) & 7u, bytes[0] & 15u, bytes[1] >> 7, bytes[1] & 127u, bytes[1] & 127u, 2 };
	more = ret->form == 126 ? 2 : ret->form == 127 ? 8
						       : 0;
	if (len < 2 + more)
		return false;
	if (more != 0)
		ret->len = 0;
	for (size_t i = 0; i < more; i++)
		ret->len = ret->len << 8 | bytes[2 + i];
	ret->size = 2 + more + (ret->masked ? MASK_LEN : 0);
	return true;
}

/* What is wrong with the two first bytes needs no further ones: nobody waits for the rest of a frame that is none. */
static enum ws_close
judge_start(const struct ws_frames *f, const unsigned char *bytes)
{
	unsigned opcode = bytes[0] & 15u;
	bool control = (opcode & 8u) != 0;

	if ((bytes[0] & 0x70) != 0 || (bytes[1] & 0x80) == 0)
		return WS_PROTOCOL_ERROR;
	if (opcode == BINARY)
		return WS_UNSUPPORTED;
	if (opcode > PONG || (opcode > BINARY && !control))
		return WS_PROTOCOL_ERROR;
	if (control)
		return (bytes[0] & 0x80) == 0 || (bytes[1] & 0x7f) > CONTROL_MAX ? WS_PROTOCOL_ERROR : WS_FINE;
	return (opcode == CONTINUATION) != f->in_message ? WS_PROTOCOL_ERROR : WS_FINE;
}

static enum ws_close
judge_length(const struct ws_frames *f, const struct header *h)
{
	if ((h->form == 126 && h->len < 126) || (h->form == 127 && (h->len <= UINT16_MAX || h->len > INT64_MAX)))
		return WS_PROTOCOL_ERROR;
	if ((h->opcode & 8u) == 0 && h->len > WS_MESSAGE_MAX - f->message_len)
		return WS_TOO_BIG;
	return WS_FINE;
}

/* RFC 6455 section 7.4, and 1012 to 1014 of IANA's registry. */
static bool
is_close_code(unsigned code)
{
	return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

/* The body of a close frame: nothing, or a code and a reason in UTF-8. */
static enum ws_close
judge_goodbye(const struct header *h, const unsigned char *frame)
{
	const unsigned char *mask = frame + h->size - MASK_LEN;
	unsigned char body[CONTROL_MAX];
	size_t len = (size_t)h->len;

	for (size_t i = 0; i < len; i++)
		body[i] = (unsigned char)(frame[h->size + i] ^ mask[i % MASK_LEN]);
	if (len == 0)
		return WS_FINE;
	if (len == 1 || !is_close_code((unsigned)body[0] << 8 | body[1]))
		return WS_PROTOCOL_ERROR;
	return text_is_utf8((const char *)body + 2, len - 2) ? WS_FINE : WS_BAD_DATA;
}

/* A frame at its beginning. *ret_size is what may pass of it, 0 where more bytes are needed to say. */
static enum ws_close
judge_frame(struct ws_frames *f, const unsigned char *bytes, size_t len, size_t *ret_size)
{
	enum ws_close code = len >= 2 ? judge_start(f, bytes) : WS_FINE;
	struct header h;
	bool control;

	*ret_size = 0;
	if (code != WS_FINE || !read_header(bytes, len, &h))
		return code;
	code = judge_length(f, &h);
	control = (h.opcode & 8u) != 0;
	if (code != WS_FINE || len < h.size || (control && len < h.size + h.len))
		return code;
	if (h.opcode == CLOSE)
		code = judge_goodbye(&h, bytes);
	if (code != WS_FINE)
		return code;

	f->begun++;
	f->left = control ? 0 : h.len;
	f->closed = h.opcode == CLOSE;
	if (!control) {
		f->message_len = h.fin ? 0 : f->message_len + (size_t)h.len;
		f->in_message = !h.fin;
	}
	*ret_size = control ? h.size + (size_t)h.len : h.size;
	return WS_FINE;
}

enum ws_close
ws_frames_judge(struct ws_frames *f, const unsigned char *bytes, size_t len, size_t *ret_passed)
{
	enum ws_close code = WS_FINE;
	size_t passed = 0;

	while (code == WS_FINE && passed < len && !f->closed) {
		size_t size = f->left < len - passed ? (size_t)f->left : len - passed;
		if (f->left != 0)
			f->left -= size;
		else
			code = judge_frame(f, bytes + passed, len - passed, &size);
		passed += size;
		if (size == 0)
			break;
	}
	*ret_passed = passed;
	return code;
}
