/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network: whom a network address is counted for. An IPv4 address counts by itself, however it is written; an IPv6 address with its network of 64 bits, because that is what a
 * customer is given (RFC 6177), and he can call from each of its addresses. desk/nginx.c counts by the same. Pure functions; any thread.
 */
#ifndef MOKHOA_NETWORK_H
#define MOKHOA_NETWORK_H

#include <stdbool.h>

#define NETWORK_SIZE 46 /* of the text, with its NUL */

struct network {
	unsigned char bytes[16]; /* an IPv4 address as an IPv6 one that is mapped (RFC 4291, 2.5.5.2); else the second half is zero */
};

/* False for a text that is no address. */
bool network_of(const char *address, struct network *ret);

/* "192.0.2.1" or "2001:db8:1:2::/64"; empty for a text that is no address. */
void network_text(const char *address, char ret[NETWORK_SIZE]);

#endif
