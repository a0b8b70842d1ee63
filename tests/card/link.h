/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wire to the virtual reader (vpcd): the card is the TCP client, a frame is two bytes of length and a payload. A payload
 * of one byte is an order of the reader, any other is an APDU.
 */
#ifndef MOKHOA_CARD_LINK_H
#define MOKHOA_CARD_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	LINK_FRAME_MAX = 65535
};

enum link_order {
	LINK_POWER_OFF = 0,
	LINK_POWER_ON = 1,
	LINK_RESET = 2,
	LINK_ATR = 4
};

/* Tries until the time is over, because the reader may be starting. Gives a socket, or -1. */
int link_connect(const char *host, const char *port, int milliseconds);
/* Reads one frame into LINK_FRAME_MAX bytes; false when the reader is gone or sent an empty frame. */
bool link_receive(int fd, uint8_t *bytes, size_t *ret_length);
bool link_send(int fd, const uint8_t *bytes, size_t length);

#endif
