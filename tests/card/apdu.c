/* SPDX-License-Identifier: Apache-2.0 */
#include "apdu.h"

enum {
	HEADER = 4
};

static size_t
two_bytes(const uint8_t *bytes)
{
	return ((size_t)bytes[0] << 8) | bytes[1];
}

/* The body is what follows the four bytes of the header, one byte at least. */
static bool
parse_short(const uint8_t *body, size_t length, struct apdu *apdu)
{
	const size_t count = body[0];

	if (length == 1) {
		apdu->expected = count == 0 ? 256 : count;
		return true;
	}
	if (count == 0 || length < 1 + count || length > 2 + count)
		return false;
	apdu->data = body + 1;
	apdu->data_length = count;
	if (length == 2 + count)
		apdu->expected = body[1 + count] == 0 ? 256 : body[1 + count];
	return true;
}

/* The body begins with a zero byte and two bytes of length. */
static bool
parse_extended(const uint8_t *body, size_t length, struct apdu *apdu)
{
	const size_t count = two_bytes(body + 1);

	if (length == 3) {
		apdu->expected = count == 0 ? 65536 : count;
		return true;
	}
	if (count == 0 || (length != 3 + count && length != 5 + count))
		return false;
	apdu->data = body + 3;
	apdu->data_length = count;
	if (length == 5 + count) {
		const size_t expected = two_bytes(body + 3 + count);

		apdu->expected = expected == 0 ? 65536 : expected;
	}
	return true;
}

bool
apdu_parse(const uint8_t *bytes, size_t length, struct apdu *ret_apdu)
{
	struct apdu apdu = { 0 };
	bool ok = true;

	if (length < HEADER)
		return false;
	apdu.cla = bytes[0];
	apdu.ins = bytes[1];
	apdu.p1 = bytes[2];
	apdu.p2 = bytes[3];
	if (length >= HEADER + 3 && bytes[HEADER] == 0)
		ok = parse_extended(bytes + HEADER, length - HEADER, &apdu);
	else if (length > HEADER)
		ok = parse_short(bytes + HEADER, length - HEADER, &apdu);
	if (ok)
		*ret_apdu = apdu;
	return ok;
}
