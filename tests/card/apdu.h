/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command to the card, ISO 7816-4, in its short and its extended form. The struct borrows the bytes it was parsed from.
 */
#ifndef MOKHOA_CARD_APDU_H
#define MOKHOA_CARD_APDU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct apdu {
	uint8_t cla;
	uint8_t ins;
	uint8_t p1;
	uint8_t p2;
	const uint8_t *data; /* NULL when data_length is 0 */
	size_t data_length;
	size_t expected; /* the most bytes the reader will take: Le, with 0 read as 256 or 65536; 0 when there is no Le */
};

/* False when the lengths inside do not add up to the length given; the card answers that with 6700. */
bool apdu_parse(const uint8_t *bytes, size_t length, struct apdu *ret_apdu);

#endif
