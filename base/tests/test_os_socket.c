/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets of the os layer, the same on every system. The program starts itself as its own child, for a pipe that somebody does not read. */
#include "check.h"
#include "children.h"
#include "os.h"

#include <stdlib.h>
#include <string.h>

#define WAIT_MS 20000

/* The port of a listener on one of a few ports that are hardly anybody's. */
static intptr_t
listen_somewhere(uint16_t *ret_port)
{
	for (uint16_t port = 21901; port < 21921; port++) {
		intptr_t listener = os_listen(port);
		*ret_port = port;
		if (listener != -1)
			return listener;
	}
	return -1;
}

/* A listener that was closed is gone when the system has let go of it, which on one that is busy may be later than the call. */
static bool
comes_free(uint16_t port)
{
	intptr_t ours = -1;

	for (int waited = 0; waited < WAIT_MS; waited += 10) {
		if (os_port_look(port, WAIT_MS, &ours) == OS_PORT_FREE)
			return ours == -1;
		os_socket_close(ours);
		os_sleep_ms(10);
	}
	return false;
}

static bool
is_ready(intptr_t socket, int timeout_ms)
{
	struct os_poll one = { .at = socket };

	os_poll(&one, 1, timeout_ms);
	return one.ready;
}

static void
a_port_is_one_listeners(void)
{
	uint16_t port = 0;
	intptr_t listener = listen_somewhere(&port), again;

	CHECK(listener != -1);
	CHECK(os_listen(port) == -1);
	CHECK(os_accept(listener) == -1);
	CHECK(!is_ready(listener, 30));
	os_socket_close(listener);
	CHECK(comes_free(port));
	again = os_listen(port);
	CHECK(again != -1);
	os_socket_close(again);
}

static void
a_port_is_looked_at_from_outside(void)
{
	uint16_t port = 0;
	intptr_t listener = listen_somewhere(&port), ours = -1;

	CHECK(listener != -1);
	CHECK(os_port_look(port, WAIT_MS, &ours) == OS_PORT_OURS && ours != -1);
	CHECK(is_ready(listener, WAIT_MS));
	os_socket_close(ours);
	os_socket_close(listener);
	CHECK(comes_free(port));
}

static void
a_pair_carries_bytes_both_ways_and_tells_its_end(void)
{
	intptr_t ends[2];
	char got[64];

	CHECK(os_socket_pair(ends));
	CHECK(os_receive(ends[0], got, sizeof(got)) == OS_LATER);
	for (int i = 0; i < 2; i++) {
		CHECK(!is_ready(ends[!i], 0));
		CHECK(os_send(ends[i], "to and fro", 10) == 10);
		CHECK(is_ready(ends[!i], WAIT_MS));
		CHECK(os_receive(ends[!i], got, sizeof(got)) == 10 && memcmp(got, "to and fro", 10) == 0);
	}
	os_socket_close(ends[0]);
	CHECK(is_ready(ends[1], WAIT_MS) && os_receive(ends[1], got, sizeof(got)) == 0);
	os_socket_close(ends[1]);
	CHECK(os_socket_pair(ends));
	os_socket_reset(ends[0]);
	CHECK(is_ready(ends[1], WAIT_MS) && os_receive(ends[1], got, sizeof(got)) <= 0);
	os_socket_close(ends[1]);
}

static void
who_takes_nothing_holds_nobody_up(void)
{
	static char much[65536];
	struct os_poll polls[2] = { { .at = -1 }, { .at = -1, .to_write = true } };
	intptr_t ends[2];
	long sent = 0, taken = 0, got;

	CHECK(os_socket_pair(ends));
	polls[1].at = ends[0];
	/* a connection of TCP makes a little more room when what was sent has arrived */
	do {
		while ((got = os_send(ends[0], much, sizeof(much))) > 0)
			sent += got;
		os_poll(polls, 2, 50);
	} while (got == OS_LATER && polls[1].room);
	CHECK(got == OS_LATER && sent > 0);
	CHECK(!polls[0].ready && !polls[1].room && !polls[1].ready);
	while (taken < sent && is_ready(ends[1], WAIT_MS) && (got = os_receive(ends[1], much, sizeof(much))) > 0)
		taken += got;
	CHECK(taken == sent);
	os_poll(polls, 2, WAIT_MS);
	CHECK(polls[1].room);
	os_socket_close(ends[0]);
	os_socket_close(ends[1]);
}

/* A child that reads nothing, and one that says something: sockets and pipes in one wait. */
static void
pipes_are_written_without_waiting_and_waited_for_with_sockets(void)
{
	static char much[8192];
	struct os_child deaf = started("deaf", NULL, NULL, 0), talks = started("talks", NULL, NULL, 0);
	struct os_poll polls[2] = { { .at = -1 }, { .is_handle = true } };
	intptr_t ends[2];
	unsigned written = 0;

	while (written < 1000 && os_write_now(deaf.in, much, sizeof(much)))
		written++;
	CHECK(written >= 6 && written < 1000);
	CHECK(os_socket_pair(ends));
	polls[0].at = ends[0];
	polls[1].at = deaf.out;
	os_poll(polls, 2, 30);
	CHECK(!polls[0].ready && !polls[1].ready);
	CHECK(os_send(ends[1], "x", 1) == 1);
	os_poll(polls, 2, WAIT_MS);
	CHECK(polls[0].ready && !polls[1].ready);
	polls[0].at = -1;
	polls[1].at = talks.out;
	os_poll(polls, 2, WAIT_MS);
	CHECK(!polls[0].ready && polls[1].ready);
	os_socket_close(ends[0]);
	os_socket_close(ends[1]);
	os_child_end(&deaf);
	os_child_end(&talks);
}

static void
the_service_manager_is_not_here(void)
{
	intptr_t sockets[3];
	uint16_t ports[3];
	char desk[OS_DESK_NAME_MAX + 1];

	CHECK(os_given_sockets(sockets, ports, 3) == 0);
	os_notify("READY=1");
	os_desk_name(desk);
	CHECK(desk[0] != '\0' && desk[strspn(desk, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0');
}

int
main(int argc, char **argv)
{
	children_of("test_os_socket");
	if (argc > 1) {
		if (strcmp(argv[1], "talks") == 0) {
			puts("something");
			fflush(stdout);
		}
		os_sleep_ms(60000);
		return 0;
	}
	os_harden();
	a_port_is_one_listeners();
	a_port_is_looked_at_from_outside();
	a_pair_carries_bytes_both_ways_and_tells_its_end();
	who_takes_nothing_holds_nobody_up();
	pipes_are_written_without_waiting_and_waited_for_with_sockets();
	the_service_manager_is_not_here();
	return CHECK_DONE();
}
