/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tally: what the vault has done in the last hour, by kind, on the disk before it is done: whoever ends and starts the vault gets no fresh hour. The file lies
 * beside the private keys and is the vault's user's own.
 *
 * One thread.
 */
#ifndef MOKHOA_TALLY_H
#define MOKHOA_TALLY_H

#include "err.h"
#include "hour.h"
#include "os.h"

enum tally_kind {
	TALLY_ROWS,	/* that were opened for somebody's machine */
	TALLY_COMPARES, /* of two rows of a token */
	TALLY_KIND_COUNT
};

struct tally {
	struct hour hours[TALLY_KIND_COUNT];
	char path[OS_PATH_MAX];
};

/*
 * Reads what a vault before this one has counted at PRIVATE_KEY.hour; the maxima of t->hours are the caller's. A file that is missing or damaged counts as nothing,
 * and says so in the log: whoever can take it away can read the keys.
 */
void tally_open(struct tally *t, const char *private_key);

/* Counts so many before they are done. ERR_VAULT_LIMIT where the hour has no room; ERR_VAULT_REFUSED, logged, where the count cannot be kept. */
enum err tally_take(struct tally *t, enum tally_kind kind, unsigned count);

/* Takes back what was counted and not done, because the HSM was away: an outage must not use up the hour that comes after it. */
void tally_return(struct tally *t, enum tally_kind kind, unsigned count);

#endif
