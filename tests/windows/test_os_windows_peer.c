/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose the other end of a connection on loopback is. wine lists connections and names no process of theirs, so all that can be shown here is that what
 * cannot be told is refused; that our own are let in only a real Windows shows.
 */
#include "check.h"
#include "os.h"

#include <winsock2.h>

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
main(void)
{
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
	alone = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(!os_peer_is_owner(peers, (intptr_t)alone));
	CHECK(!os_peer_is_owner(peers, (intptr_t)INVALID_SOCKET));
	closesocket(alone);
	os_close(peers);
	WSACleanup();
	return CHECK_DONE();
}
