/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The card's side of the SmartCard-HSM profile: an APDU in, an answer out. The state is borrowed, and written to its file
 * before an answer that changed it is given. One thread.
 */
#ifndef MOKHOA_CARD_SCHSM_H
#define MOKHOA_CARD_SCHSM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"

struct state;

struct schsm {
	struct state *state;
	const char *state_path;
	bool application; /* selected since power on */
	bool user;	  /* the user PIN was verified */
	bool so;	  /* the SO PIN was verified */
	bool file;	  /* a file is selected, its content is below */
	struct buffer content;
};

enum {
	SCHSM_ATR_LENGTH = 24
};
extern const uint8_t schsm_atr[SCHSM_ATR_LENGTH];

/* Power on, off and reset: everything that was verified or selected is forgotten. */
void schsm_reset(struct schsm *card);
void schsm_run(struct schsm *card, const uint8_t *request, size_t length, struct buffer *ret_answer);

#endif
