/* SPDX-License-Identifier: Apache-2.0 */
#include "ws_talk.h"

#include "gate.h"
#include "log.h"
#include "os.h"

#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>

#define ARRIVES_MS 1000 /* for what was written at one end of a pair to be there at the other */
#define PIECES_MAX 4	/* in which libwebsockets reads what is written at once */

struct ws_library {
	struct lws_context *context;
	bool moved; /* something happened in this turn */
};

/* ---- what libwebsockets tells us ---- */

/* A piece of a message; false where it is longer than the gate can have let pass. */
static bool
hear(struct ws_talk *t, const void *bytes, size_t len)
{
	if (len > sizeof(t->heard) - t->heard_len)
		return false;
	memcpy(t->heard + t->heard_len, bytes, len);
	t->heard_len += len;
	if (!lws_is_final_fragment(t->wsi) || lws_remaining_packet_payload(t->wsi) != 0)
		return true;
	t->take(t->owner, t->heard, t->heard_len);
	t->heard_len = 0;
	return true;
}

/* libwebsockets can write: the message that waits, and behind it the goodbye. Not 0: the end. */
static int
speak(struct ws_talk *t)
{
	if (t->saying != NULL) {
		int sent = lws_write(t->wsi, t->saying + LWS_PRE, t->saying_len, LWS_WRITE_TEXT);
		free(t->saying);
		t->saying = NULL;
		if (sent < 0)
			return -1;
		lws_callback_on_writable(t->wsi);
		return 0;
	}
	if (t->closing == WS_FINE)
		return 0;
	lws_close_reason(t->wsi, (enum lws_close_status)t->closing, NULL, 0);
	return -1;
}

static int
on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct ws_talk *t = wsi != NULL ? lws_get_opaque_user_data(wsi) : NULL;
	struct ws_library *library = wsi != NULL ? lws_context_user(lws_get_context(wsi)) : NULL;

	(void)user;
	if (library != NULL)
		library->moved = true;
	switch (reason) {
	case LWS_CALLBACK_ESTABLISHED:
		if (t != NULL && t->closing != WS_FINE)
			lws_callback_on_writable(wsi);
		return t != NULL ? 0 : -1;
	case LWS_CALLBACK_RECEIVE:
		return t != NULL && hear(t, in, len) ? 0 : -1;
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return t != NULL ? speak(t) : -1;
	case LWS_CALLBACK_HTTP:
		return -1; /* what the gate wrote is never that */
	case LWS_CALLBACK_WSI_DESTROY:
		if (t != NULL)
			t->wsi = NULL;
		return 0;
	default:
		return 0;
	}
}

static void
on_line(int level, const char *line)
{
	(void)level;
	log_debug("lws", "%.*s", (int)strcspn(line, "\n"), line);
}

/* ---- the library ---- */

enum err
ws_library_open(unsigned talks, struct ws_library **ret_library)
{
	static const struct lws_protocols protocols[] = { { GATE_SUBPROTOCOL, on_event, 0, 0, 0, NULL, 0 }, { NULL, NULL, 0, 0, 0, NULL, 0 } };
	struct ws_library *library = calloc(1, sizeof(*library));
	/* without extensions there is no compression; HTTP/2 is spoken only by TLS and by an upgrade that the gate does not let pass */
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN,
		.protocols = protocols,
		.options = LWS_SERVER_OPTION_VALIDATE_UTF8 | LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME | LWS_SERVER_OPTION_DISABLE_IPV6,
		.gid = -1,
		.uid = -1,
		.fd_limit_per_thread = talks + 4,
		.count_threads = 1,
		.user = library,
	};

	if (library == NULL)
		return ERR_NO_MEMORY;
	lws_set_log_level(LLL_ERR | LLL_WARN, on_line);
	library->context = lws_create_context(&info);
	if (library->context == NULL) {
		free(library);
		return ERR_NO_MEMORY;
	}
	*ret_library = library;
	return ERR_OK;
}

void
ws_library_close(struct ws_library *library)
{
	if (library == NULL)
		return;
	lws_context_destroy(library->context);
	free(library);
}

void
ws_library_turn(struct ws_library *library)
{
	do {
		library->moved = false;
		(void)lws_service(library->context, -1);
	} while (library->moved);
}

/* ---- a talk ---- */

enum err
ws_talk_begin(struct ws_library *library, intptr_t end, struct ws_talk *talk)
{
	talk->wsi = lws_adopt_socket(library->context, (lws_sockfd_type)end); /* closes it where it fails */
	if (talk->wsi == NULL)
		return ERR_NO_MEMORY;
	lws_set_opaque_user_data(talk->wsi, talk);
	return ERR_OK;
}

/* Has libwebsockets read what is there for it, once; false where nothing has come in time. */
static bool
have_it_read(struct lws *wsi, int patience_ms)
{
	struct lws_pollfd fd = { .fd = lws_get_socket_fd(wsi), .events = LWS_POLLIN, .revents = LWS_POLLIN };
	struct os_poll end = { .at = (intptr_t)fd.fd };

	os_poll(&end, 1, patience_ms);
	if (end.ready)
		(void)lws_service_fd(lws_get_context(wsi), &fd);
	return end.ready;
}

void
ws_talk_hear(struct ws_talk *talk)
{
	/* it takes a moment through a pair, and is read by pieces */
	for (int i = 0; i < PIECES_MAX && talk->wsi != NULL; i++)
		if (!have_it_read(talk->wsi, i == 0 ? ARRIVES_MS : 0))
			return;
}

enum err
ws_talk_say(struct ws_talk *talk, const void *bytes, size_t len)
{
	if (talk->wsi == NULL)
		return ERR_OK; /* nobody listens any more */
	talk->saying = malloc(LWS_PRE + len);
	if (talk->saying == NULL)
		return ERR_NO_MEMORY;
	memcpy(talk->saying + LWS_PRE, bytes, len);
	talk->saying_len = len;
	lws_callback_on_writable(talk->wsi);
	return ERR_OK;
}

bool
ws_talk_is_saying(const struct ws_talk *talk)
{
	return talk->saying != NULL;
}

void
ws_talk_close(struct ws_talk *talk, enum ws_close code)
{
	if (talk->closing != WS_FINE || talk->wsi == NULL)
		return;
	talk->closing = code;
	lws_callback_on_writable(talk->wsi);
}

void
ws_talk_drop(struct ws_talk *talk)
{
	struct lws *wsi = talk->wsi;

	if (wsi != NULL) {
		lws_set_opaque_user_data(wsi, NULL);
		(void)have_it_read(wsi, ARRIVES_MS);
	}
	free(talk->saying);
	*talk = (struct ws_talk){ 0 };
}
