/* SPDX-License-Identifier: Apache-2.0 */
#include "pin.h"

#include <string.h>

bool
pin_equals(const struct pin *pin, const uint8_t *value, size_t length)
{
	return length == pin->length && memcmp(pin->value, value, length) == 0;
}

enum pin_result
pin_present(struct pin *pin, const uint8_t *value, size_t length)
{
	if (pin->tries == 0)
		return PIN_LOCKED;
	if (pin_equals(pin, value, length)) {
		pin->tries = pin->limit;
		return PIN_RIGHT;
	}
	pin->tries--;
	return pin->tries == 0 ? PIN_LOCKED : PIN_WRONG;
}

void
pin_set(struct pin *pin, const uint8_t *value, size_t length)
{
	memset(pin->value, 0, sizeof(pin->value));
	memcpy(pin->value, value, length);
	pin->length = length;
	pin->tries = pin->limit;
}
