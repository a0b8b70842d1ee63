/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the card remembers without power, and the file that holds it: a line a field, "name value", secrets in hexadecimal.
 * The file is replaced whole, so that a reader of it or a kill of the writer finds the old state or the new one.
 */
#ifndef MOKHOA_CARD_STATE_H
#define MOKHOA_CARD_STATE_H

#include <stdbool.h>

#include "buffer.h"
#include "pin.h"

enum {
	SERIAL_MIN = 3,
	SERIAL_MAX = 11, /* OpenSC takes sixteen characters of holder reference, five of which are a sequence number */
	LABEL_MAX = 32,
};

enum state_profile {
	STATE_SCHSM,
	STATE_PIV /* the SO PIN is its PUK */
};

struct state {
	enum state_profile profile;
	char serial[SERIAL_MAX + 1];
	char label[LABEL_MAX + 1];
	struct pin user;
	struct pin so;
	struct buffer key;	   /* PKCS#8, DER */
	struct buffer certificate; /* X.509, DER */
};

bool state_serial_ok(const char *serial);
bool state_label_ok(const char *label);

/* Both say on stderr what is wrong. state_load leaves *ret_state alone when it returns false. */
bool state_load(const char *path, struct state *ret_state);
bool state_save(const char *path, const struct state *state);

#endif
