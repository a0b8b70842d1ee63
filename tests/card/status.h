/* SPDX-License-Identifier: Apache-2.0 */
/* Status words of ISO 7816-4, as both profiles answer them, and what both say of a PIN. */
#ifndef MOKHOA_CARD_STATUS_H
#define MOKHOA_CARD_STATUS_H

#include "pin.h"
#include "state.h"

enum status {
	STATUS_OK = 0x9000,
	STATUS_MORE = 0x6100, /* the last byte is how many bytes can be fetched, 0 for 256 or more */
	STATUS_END_OF_FILE = 0x6282,
	STATUS_WRONG_PIN = 0x63c0, /* the last digit is the number of tries left */
	STATUS_MEMORY_FAILURE = 0x6581,
	STATUS_WRONG_LENGTH = 0x6700,
	STATUS_NOT_VERIFIED = 0x6982,
	STATUS_LOCKED = 0x6983,
	STATUS_NO_FILE_SELECTED = 0x6986,
	STATUS_WRONG_DATA = 0x6a80,
	STATUS_NO_FILE = 0x6a82,
	STATUS_WRONG_PARAMETERS = 0x6a86,
	STATUS_NO_REFERENCE = 0x6a88,
	STATUS_WRONG_OFFSET = 0x6b00,
	STATUS_NO_INSTRUCTION = 0x6d00,
	STATUS_NO_CLASS = 0x6e00,
	STATUS_NO_DIAGNOSIS = 0x6f00,
};

static inline unsigned
status_of_pin(const struct pin *pin)
{
	return pin->tries == 0 ? STATUS_LOCKED : STATUS_WRONG_PIN | pin->tries;
}

/* Counts, and writes it down. The try that takes the counter to zero is answered as locked already. */
static inline unsigned
status_present(const char *path, const struct state *state, struct pin *pin, const uint8_t *value, size_t length)
{
	const unsigned before = pin->tries;
	const enum pin_result result = pin_present(pin, value, length);

	if (pin->tries != before && !state_save(path, state))
		return STATUS_MEMORY_FAILURE;
	return result == PIN_RIGHT ? STATUS_OK : status_of_pin(pin);
}

#endif
