/* SPDX-License-Identifier: Apache-2.0 */
/* A secret with a counter of tries, as the card holds two of: the user PIN and the SO PIN. */
#ifndef MOKHOA_CARD_PIN_H
#define MOKHOA_CARD_PIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PIN_MIN = 6,
	PIN_MAX = 15,
	PIN_TRIES = 3,
	SO_PIN_LENGTH = 8,
	SO_PIN_TRIES = 15,
	PUK_TRIES = 3,
};

struct pin {
	uint8_t value[PIN_MAX];
	size_t length;
	unsigned tries;
	unsigned limit;
};

enum pin_result {
	PIN_RIGHT,
	PIN_WRONG,
	PIN_LOCKED
};

bool pin_equals(const struct pin *pin, const uint8_t *value, size_t length);
/* Counts: a right value fills the counter again, a wrong one takes a try, none left is PIN_LOCKED whatever the value is. */
enum pin_result pin_present(struct pin *pin, const uint8_t *value, size_t length);
/* The caller has checked the length. The counter is filled again. */
void pin_set(struct pin *pin, const uint8_t *value, size_t length);

#endif
