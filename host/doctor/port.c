/* SPDX-License-Identifier: Apache-2.0 */
/* The ports of mokhoa-websocket, tried as a page does: by a connection and a handshake, at the first port that answers it. */
#include "look.h"

#include <stdio.h>
#include <string.h>

#define CONNECT_MS 1000
#define ANSWER_MS  2000
#define HEAD_MAX   1024

static const uint16_t ports[] = {
#define PORT(number) number,
#include "port.def"
#undef PORT
};

#define PORT_COUNT (sizeof(ports) / sizeof(ports[0]))

static bool
ask(intptr_t socket, uint16_t port, const char *origin)
{
	char head[HEAD_MAX];
	int len = snprintf(head, sizeof(head),
	    "GET /mokhoa HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nOrigin: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: bW9raG9hIGRvY3RvciAwMA==\r\nSec-WebSocket-Protocol: mokhoa.1\r\n\r\n",
	    (unsigned)port, origin);

	return len > 0 && len < HEAD_MAX && os_send(socket, head, (size_t)len) == len;
}

/* Whether what answers is ours: a stranger, and a program of ours that does not want this origin, say anything but this, or nothing. */
static bool
is_answered(intptr_t socket)
{
	static const char right[] = "HTTP/1.1 101 ";
	const uint64_t until = os_now_ms() + ANSWER_MS;
	char head[HEAD_MAX];
	size_t len = 0;

	while (len < sizeof(right) - 1) {
		struct os_poll poll = { .at = socket };
		uint64_t now = os_now_ms();
		long got = OS_LATER;

		if (now >= until)
			return false;
		os_poll(&poll, 1, (int)(until - now));
		if (poll.ready)
			got = os_receive(socket, head + len, sizeof(head) - len);
		if (got == 0 || got == -1)
			return false;
		len += got > 0 ? (size_t)got : 0;
	}
	return memcmp(head, right, sizeof(right) - 1) == 0;
}

static bool
answers(uint16_t port, intptr_t socket, const char *origin)
{
	return socket != -1 && ask(socket, port, origin) && is_answered(socket);
}

/* Which of the profiles wants it: NULL where none does. It is the only way where there is no extension. */
static const struct profile *
who_wants(const struct look *l)
{
	const struct profile *p;

	for (size_t i = 0; (p = look_profile(l, i)) != NULL; i++)
		if (p->loopback || p->autostart || p->extension_count == 0)
			return p;
	return NULL;
}

void
look_at_ports(struct look *l)
{
	const struct profile *p = who_wants(l);
	size_t taken = 0, strangers = 0, blocked = 0;
	enum finding f = FOUND_WEBSOCKET_DOWN;
	enum finding_state state;
	char seen[32];

	for (size_t i = 0; p != NULL && i < PORT_COUNT; i++) {
		intptr_t socket = -1;
		enum os_port port = os_port_look(ports[i], CONNECT_MS, &socket);
		bool found = answers(ports[i], socket, p->origins[0]);

		if (socket != -1)
			os_socket_close(socket);
		if (found) {
			snprintf(seen, sizeof(seen), "127.0.0.1:%u", (unsigned)ports[i]);
			look_find(l, FOUND_WEBSOCKET_OK, seen);
			return;
		}
		taken += port == OS_PORT_OURS || port == OS_PORT_STRANGERS;
		strangers += port == OS_PORT_STRANGERS;
		blocked += port == OS_PORT_BLOCKED;
	}
	if (p == NULL)
		return;
	if (blocked != 0)
		f = FOUND_LOOPBACK_BLOCKED;
	else if (taken == PORT_COUNT)
		f = strangers != 0 ? FOUND_WEBSOCKET_OTHER_USER : FOUND_WEBSOCKET_TAKEN;
	state = p->extension_count == 0 ? FINDING_BROKEN : finding_state(f);
	look_find_as(l, f, state, NULL);
}
