/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doors: the ports on 127.0.0.1 at which mokhoa-websocket listens.
 *
 * There are three (protocol/port.def), fixed, because a page cannot ask where we are. They lie below the ports that systems give to outgoing connections (32768 on Linux, 49152 on
 * Windows), are not in IANA's registry and not among those that browsers refuse, and lie apart, so that one program that takes a row of ports
 * leaves two.
 */
#ifndef MOKHOA_DOORS_H
#define MOKHOA_DOORS_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DOORS_MAX 3

extern const uint16_t doors_ports[DOORS_MAX];

struct door {
	intptr_t socket; /* os_listen() */
	uint16_t port;
};

/*
 * The sockets that the service manager has opened for us (os_given_sockets()), or else the first of our ports that is
 * free. ERR_PORTS_TAKEN where none is; ERR_USAGE where the service manager gave us something else than listening sockets on our ports.
 */
enum err doors_open(struct door ret_doors[DOORS_MAX], size_t *ret_count, bool *ret_given);

#endif
