/* SPDX-License-Identifier: Apache-2.0 */
#include "network.h"

#include <arpa/inet.h>
#include <string.h>

#define HALF 8 /* bytes of 64 bits */

static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

static bool
is_mapped(const struct network *n)
{
	return memcmp(n->bytes, mapped, sizeof(mapped)) == 0;
}

bool
network_of(const char *address, struct network *ret)
{
	struct network n = { { 0 } };

	if (inet_pton(AF_INET, address, n.bytes + sizeof(mapped)) == 1)
		memcpy(n.bytes, mapped, sizeof(mapped));
	else if (inet_pton(AF_INET6, address, n.bytes) != 1)
		return false;
	if (!is_mapped(&n))
		memset(n.bytes + HALF, 0, sizeof(n.bytes) - HALF);
	*ret = n;
	return true;
}

void
network_text(const char *address, char ret[NETWORK_SIZE])
{
	struct network n;

	ret[0] = '\0';
	if (!network_of(address, &n))
		return;
	if (is_mapped(&n)) {
		(void)inet_ntop(AF_INET, n.bytes + sizeof(mapped), ret, NETWORK_SIZE);
		return;
	}
	/* its second half is zero, so that the text is a short one */
	(void)inet_ntop(AF_INET6, n.bytes, ret, NETWORK_SIZE);
	strncat(ret, "/64", NETWORK_SIZE - strlen(ret) - 1);
}
