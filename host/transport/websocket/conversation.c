/* SPDX-License-Identifier: Apache-2.0 */
#include "conversation.h"

#include "log.h"
#include "os.h"
#include "starter.h"
#include "text.h"

#include <string.h>

#define FRAMES_A_SECOND 20
#define FRAMES_BURST	40
#define IDLE_MS		(20u * 60 * 1000) /* longer than the longest operation takes (protocol/op.def) */
#define GOODBYE_MS	1000		  /* for a browser to hear that we have closed */

enum {
	SOCKET,
	PAIR,
	HOST
};

void
conversation_clear(struct conversation *c)
{
	*c = (struct conversation){ .socket = -1, .pair = -1, .host_in = -1, .host_out = -1 };
}

static void
close_host(struct conversation *c)
{
	os_close(c->host_in);
	os_close(c->host_out);
	c->host_in = c->host_out = -1;
}

void
conversation_end(struct conversation *c)
{
	if (c->socket == -1)
		return;
	os_socket_close(c->pair); /* first: it is by this that libwebsockets sees the end */
	ws_talk_drop(&c->talk);
	close_host(c);
	frame_reader_free(&c->host);
	os_socket_close(c->socket);
	log_debug("page", "origin=%s ended", c->origin);
	conversation_clear(c);
}

/* ---- the host ---- */

static void
say_goodbye(struct conversation *c, enum ws_close code)
{
	log_debug("page", "origin=%s close=%d", c->origin, (int)code);
	ws_talk_close(&c->talk, code);
	c->deadline_ms = os_now_ms() + GOODBYE_MS;
}

/* Without waiting: a pipe holds many messages, and a host that reads none of them has nothing to say any more. */
static bool
write_message(intptr_t host, const void *bytes, size_t len)
{
	unsigned char frame[4 + WS_MESSAGE_MAX];
	uint32_t size = (uint32_t)len;

	memcpy(frame, &size, 4);
	memcpy(frame + 4, bytes, len);
	return os_write_now(host, frame, 4 + len);
}

static void
take_message(void *owner, const void *bytes, size_t len)
{
	struct conversation *c = owner;
	enum err e = ERR_OK;

	c->deadline_ms = os_now_ms() + IDLE_MS;
	/* libwebsockets looks at each piece, and lets a message pass that ends within a character (measured on 4.1.6) */
	if (!text_is_utf8(bytes, len)) {
		say_goodbye(c, WS_BAD_DATA);
		return;
	}
	if (c->host_in == -1)
		e = starter_ask(c->starter, c->origin, &c->host_in, &c->host_out);
	if (e == ERR_OK && !write_message(c->host_in, bytes, len))
		e = ERR_WORKER_FAILED;
	if (e == ERR_OK)
		return;
	log_error("page", "origin=%s host: %s", c->origin, err_name(e));
	say_goodbye(c, WS_FAILED);
}

static void
hear_host(struct conversation *c)
{
	bool clean;

	if (frame_fill(&c->host, c->host_out, &clean) == ERR_OK)
		return;
	close_host(c);
	say_goodbye(c, WS_FAILED);
}

/* The next message of the host to the page, if the page has taken the one before. */
static void
pass_answer(struct conversation *c)
{
	const unsigned char *bytes;
	uint32_t len;

	if (ws_talk_is_saying(&c->talk))
		return;
	if (frame_next(&c->host, &bytes, &len) != ERR_OK) {
		close_host(c);
		say_goodbye(c, WS_FAILED);
		return;
	}
	if (bytes == NULL)
		return;
	c->deadline_ms = os_now_ms() + IDLE_MS;
	if (ws_talk_say(&c->talk, bytes, len) != ERR_OK)
		say_goodbye(c, WS_FAILED);
	frame_done(&c->host);
}

/* ---- the browser ---- */

/* libwebsockets has read all that it was given before, so that there is room. */
static bool
hand_on(struct conversation *c, const void *bytes, size_t len)
{
	if (os_send(c->pair, bytes, len) != (long)len)
		return false;
	ws_talk_hear(&c->talk);
	return true;
}

/* Frames that were judged go on to libwebsockets, if they do not come too fast. */
static enum ws_close
pass_frames(struct conversation *c)
{
	size_t passed = 0;
	enum ws_close code = ws_frames_judge(&c->frames, c->in, c->in_len, &passed);

	for (; c->counted < c->frames.begun; c->counted++)
		if (!rate_take(&c->rate, os_now_ms()))
			return WS_POLICY;
	if (passed != 0 && !hand_on(c, c->in, passed))
		return WS_FAILED;
	memmove(c->in, c->in + passed, c->in_len - passed);
	c->in_len -= passed;
	return code;
}

/* Reads once; false when the browser has gone. */
static bool
hear_browser(struct conversation *c)
{
	long got = os_receive(c->socket, c->in + c->in_len, sizeof(c->in) - c->in_len);
	enum ws_close code;

	if (got <= 0)
		return got == OS_LATER;
	/* what comes behind a goodbye, theirs or ours, is read and forgotten, so that ours is not lost to a reset */
	if (c->frames.closed || c->talk.closing != WS_FINE)
		return true;
	c->in_len += (size_t)got;
	code = pass_frames(c);
	if (code != WS_FINE) {
		say_goodbye(c, code);
		c->in_len = 0;
	}
	return true;
}

/* What libwebsockets says, as far as the browser takes it; false when either has gone and nothing is left to be said. */
static bool
pass_out(struct conversation *c)
{
	for (;;) {
		long got = c->out_len != 0 ? 0 : os_receive(c->pair, c->out, sizeof(c->out));
		long sent;
		if (c->out_len == 0 && got <= 0)
			return got == OS_LATER;
		c->out_len += (size_t)got;
		sent = os_send(c->socket, c->out, c->out_len);
		if (sent < 0)
			return sent == OS_LATER;
		memmove(c->out, c->out + sent, c->out_len - (size_t)sent);
		c->out_len -= (size_t)sent;
		if (c->out_len != 0)
			return true;
	}
}

enum err
conversation_begin(struct conversation *c, intptr_t socket, const struct gate_pass *pass, struct ws_library *library, struct starter_line *starter)
{
	intptr_t ends[2];
	enum err e;

	conversation_clear(c);
	c->socket = socket;
	c->origin = pass->origin;
	c->starter = starter;
	c->rate = rate_new(FRAMES_A_SECOND, FRAMES_BURST, os_now_ms());
	c->host = frame_reader_new(FRAME_OUT_MAX);
	c->deadline_ms = os_now_ms() + IDLE_MS;
	c->talk = (struct ws_talk){ .take = take_message, .owner = c };
	if (!os_socket_pair(ends)) {
		conversation_end(c);
		return ERR_NO_MEMORY;
	}
	c->pair = ends[0];
	e = ws_talk_begin(library, ends[1], &c->talk);
	if (e == ERR_OK && !hand_on(c, pass->head, pass->head_len))
		e = ERR_NO_MEMORY;
	if (e != ERR_OK)
		conversation_end(c);
	return e;
}

void
conversation_polls(const struct conversation *c, struct os_poll ret_polls[CONVERSATION_POLLS])
{
	bool hears = c->socket != -1 && !ws_talk_is_saying(&c->talk);

	ret_polls[SOCKET] = (struct os_poll){ .at = c->socket, .to_write = c->out_len != 0 };
	ret_polls[PAIR] = (struct os_poll){ .at = c->out_len == 0 ? c->pair : -1 };
	ret_polls[HOST] = (struct os_poll){ .at = hears ? c->host_out : -1, .is_handle = true };
}

void
conversation_turn(struct conversation *c, const struct os_poll polls[CONVERSATION_POLLS])
{
	if (polls[HOST].ready)
		hear_host(c);
	if (polls[SOCKET].ready && !hear_browser(c))
		conversation_end(c);
}

bool
conversation_settle(struct conversation *c)
{
	if (c->socket == -1)
		return false;
	pass_answer(c);
	if (!pass_out(c) || os_now_ms() >= c->deadline_ms)
		conversation_end(c);
	/* where the browser does not take what was said before, its socket wakes us */
	return c->socket != -1 && c->out_len == 0 && ws_talk_is_saying(&c->talk);
}
