/* SPDX-License-Identifier: Apache-2.0 */
#include "doors.h"

#include "log.h"
#include "os.h"

const uint16_t doors_ports[DOORS_MAX] = {
#define PORT(number) number,
#include "port.def"
#undef PORT
};

static bool
is_ours(uint16_t port)
{
	for (size_t i = 0; i < DOORS_MAX; i++)
		if (doors_ports[i] == port)
			return true;
	return false;
}

/* What the service manager gives has to listen on our ports. */
static enum err
take_given(const intptr_t *sockets, const uint16_t *ports, int count, struct door ret_doors[DOORS_MAX])
{
	for (int i = 0; i < count; i++) {
		if (!is_ours(ports[i])) {
			log_error("doors", "socket %d of the service manager listens on none of our ports", i);
			return ERR_USAGE;
		}
		ret_doors[i] = (struct door){ sockets[i], ports[i] };
	}
	return ERR_OK;
}

enum err
doors_open(struct door ret_doors[DOORS_MAX], size_t *ret_count, bool *ret_given)
{
	intptr_t sockets[DOORS_MAX];
	uint16_t ports[DOORS_MAX];
	int given = os_given_sockets(sockets, ports, DOORS_MAX);

	*ret_given = given > 0;
	if (given < 0 || (given > 0 && take_given(sockets, ports, given, ret_doors) != ERR_OK))
		return ERR_USAGE;
	*ret_count = (size_t)given;
	for (size_t i = 0; i < DOORS_MAX && *ret_count == 0; i++) {
		intptr_t socket = os_listen(doors_ports[i]);
		if (socket == -1)
			continue;
		ret_doors[0] = (struct door){ socket, doors_ports[i] };
		*ret_count = 1;
	}
	return *ret_count != 0 ? ERR_OK : ERR_PORTS_TAKEN;
}
