/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slot: the readers of a module, the tokens in them, and the one token that is meant.
 *
 * A token is named by manufacturer, model and serial; a name that two readers show is ambiguous, whatever the reason, and nobody guesses. Some modules
 * show one card in several slots of its reader, one for each of its PINs: a reader holds one card, and the first slot is the one that counts.
 * Flags are read anew at each slot_read(): what a token said a second ago is not what its counters say now.
 */
#ifndef MOKHOA_SLOT_H
#define MOKHOA_SLOT_H

#include "cryptoki.h"
#include "err.h"
#include "op.h"
#include "secret.h"
#include "token_name.h"

#include <stdbool.h>
#include <stddef.h>

#define SLOT_MAX 64 /* slots of one module, which has failed where it shows more: OpenSC shows 4 a reader */

struct slot {
	CK_SLOT_ID id;
	char reader[65]; /* the reader's description, safe to show */
	bool removable;	 /* its reader takes cards (CKF_REMOVABLE_DEVICE); false for a place of the module's own, a file or a chip */
	struct token_name name;
	char label[33];	  /* safe to show */
	CK_FLAGS flags;	  /* CKF_* of CK_TOKEN_INFO */
	unsigned pin_min; /* characters: 1 <= pin_min <= pin_max <= SECRET_MAX */
	unsigned pin_max;
};

/* The ids of all slots, empty readers too. ERR_MODULE_FAILED, also where there are more than SLOT_MAX: half a list would be a guess. */
enum err slot_list(struct cryptoki *c, CK_SLOT_ID ret_ids[SLOT_MAX], size_t *ret_count);

/*
 * Reader and token of a slot. ERR_NO_TOKEN: an empty reader, or a token that nobody has initialised. ERR_TOKEN_UNSUPPORTED: a card that the
 * module does not know, or one whose name cannot be said. ret->reader is filled wherever the reader itself answered, else empty.
 */
enum err slot_read(struct cryptoki *c, CK_SLOT_ID id, struct slot *ret);

/*
 * Why a module that shows no token shows none, for those whose tokens are cards: ERR_NO_READER, ERR_READER_SERVICE as the system's own smart
 * card service says, which knows more than modules do: many show the same slots whatever is plugged in. ERR_NO_TOKEN where there is a reader, and
 * where the system has no such service.
 */
enum err slot_absence(void);

#define SLOT_PRESENCE_LEN 8

/*
 * A digest of which slots there are and which of them hold a token, without touching any. *ret_event: C_WaitForSlotEvent, asked without waiting, has
 * something since the last look, which tells a token that was changed for another in between; modules that know no events are looked at all the same.
 */
enum err slot_presence(struct cryptoki *c, unsigned char ret[SLOT_PRESENCE_LEN], bool *ret_event);

/*
 * How many slots hold a token, and why there is none: ERR_OK where there is one, else ERR_NO_TOKEN where the module has a place of its own (which needs no reader), else slot_absence(). No token is
 * touched.
 */
enum err slot_count(struct cryptoki *c, size_t *ret_tokens, enum err *ret_absent);

/* Two slots of one reader that show the same token. */
bool slot_same(const struct slot *a, const struct slot *b);

/* The one slot with that token: ERR_TOKEN_ABSENT, ERR_TOKEN_AMBIGUOUS. A reader that failed says why only where no other has the token. */
enum err slot_find(struct cryptoki *c, const struct token_name *token, struct slot *ret);

/*
 * slot_find(), then a session, then the token's name and flags read again under it: a token pulled out after this has taken the session
 * with it. ERR_TOKEN_CHANGED where another one stands there by now.
 */
enum err slot_open(struct cryptoki *c, const struct token_name *token, bool writable, struct slot *ret);

/*
 * Behind a call that failed: ERR_TOKEN_REMOVED in place of ERR_TOKEN_FAILED where the token has gone. PC/SC notices that some hundred
 * milliseconds late, and until then modules know only that something failed: so this looks for a second. Makes no PIN call.
 */
enum err slot_settle(struct cryptoki *c, CK_SLOT_ID id, enum err e);

/*
 * What the flags say. Flags bring only bad news: for the user PIN silence reads as "ok", for the SO PIN,
 * whose flags widespread modules never set, as "unknown".
 */
enum pin_state slot_user_pin(const struct slot *slot);
enum pin_state slot_so_pin(const struct slot *slot);

/*
 * The one place where limits of a PIN are made sense of: no maximum, one beyond us and limits that no PIN can keep become what we can say
 * to a token, so that whoever reads pin_min and pin_max need not ask.
 */
void slot_set_pin_lengths(struct slot *slot, CK_ULONG min, CK_ULONG max);

/*
 * A new PIN within the token's limits and without a NUL: libp11, which signs with it later, ends a PIN there, and what is set then could never
 * be proved.
 */
bool slot_pin_is_usable(const struct slot *slot, const struct secret *pin);

#endif
