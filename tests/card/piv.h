/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The card's side of the PIV profile (NIST SP 800-73-4): one certificate with its key (9A), a PIN, and in place of an SO PIN a PUK. It has no
 * SO login and no call that would replace the PUK. The state is borrowed, and written to its file before an answer that changed it is
 * given. One thread.
 */
#ifndef MOKHOA_CARD_PIV_H
#define MOKHOA_CARD_PIV_H

#include "buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct state;

struct piv {
	struct state *state;
	const char *state_path;
	bool application;      /* selected since power on */
	bool user;	       /* the PIN was verified */
	struct buffer pending; /* of an answer longer than 256 bytes, what is still to be fetched */
	size_t fetched;
};

enum {
	PIV_ATR_LENGTH = 4
};
extern const uint8_t piv_atr[PIV_ATR_LENGTH];

/* Power on, off and reset: everything that was verified or selected is forgotten. */
void piv_reset(struct piv *card);
void piv_run(struct piv *card, const uint8_t *request, size_t length, struct buffer *ret_answer);

#endif
