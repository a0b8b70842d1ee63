/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose the other end of a connection on loopback is. wine names the process of a connection when that has used its socket, and no other; and it never says when a connection was
 * made. So nothing is believed here (what cannot be told is refused), unless wine_admin.c has been linked ("believed"): then our own are.
 */
#include "check.h"
#include "os.h"

#include <winsock2.h>

#include <stdbool.h>
#include <string.h>

struct pair {
	SOCKET server;
	SOCKET client;
};

static struct sockaddr_in
loopback(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return address;
}

static struct pair
connected(void)
{
	struct pair p = { INVALID_SOCKET, socket(AF_INET, SOCK_STREAM, 0) };
	SOCKET listener = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in address = loopback();
	int len = sizeof(address);

	CHECK(bind(listener, (struct sockaddr *)&address, len) == 0 && listen(listener, 1) == 0);
	CHECK(getsockname(listener, (struct sockaddr *)&address, &len) == 0);
	CHECK(connect(p.client, (struct sockaddr *)&address, len) == 0);
	p.server = accept(listener, NULL, NULL);
	CHECK(p.server != INVALID_SOCKET);
	closesocket(listener);
	return p;
}

int
main(int argc, char *argv[])
{
	bool believed = argc > 1 && strcmp(argv[1], "believed") == 0;
	intptr_t peers = -1;
	struct pair p;
	WSADATA data;
	SOCKET alone;

	CHECK(WSAStartup(MAKEWORD(2, 2), &data) == 0);
	CHECK(os_peers_open(&peers) == ERR_OK);
	p = connected();
	CHECK(!os_peer_is_owner(peers, (intptr_t)p.server));
	CHECK(!os_peer_is_owner(peers, (intptr_t)p.client));
	closesocket(p.client);
	CHECK(!os_peer_is_owner(peers, (intptr_t)p.server));
	closesocket(p.server);
	p = connected();
	CHECK(send(p.client, "x", 1, 0) == 1); /* by this wine gets to know whose it is */
	CHECK(os_peer_is_owner(peers, (intptr_t)p.server) == believed);
	closesocket(p.client);
	CHECK(!os_peer_is_owner(peers, (intptr_t)p.server));
	closesocket(p.server);
	alone = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(!os_peer_is_owner(peers, (intptr_t)alone));
	CHECK(!os_peer_is_owner(peers, (intptr_t)INVALID_SOCKET));
	closesocket(alone);
	os_close(peers);
	WSACleanup();
	return CHECK_DONE();
}
