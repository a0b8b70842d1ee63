/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open: what the vault does with a request once it has decided to: opens the rows, seals or compares what is asked for, and wipes what was
 * open. One thread, that of the ring.
 */
#ifndef MOKHOA_OPEN_H
#define MOKHOA_OPEN_H

#include "err.h"
#include "ring.h"
#include "vault_wire.h"

/*
 * What is open while a request is answered. It stands in one place, because the HSM's process may be forked before it is answered, and wipes what it got of it
 * before the vendor's module is loaded (hsm.h, forget). Empty in between.
 */
struct open {
	struct secret rows[VAULT_ROWS_MAX];
	struct secret next;
	unsigned char plain[TRANSCRIPT_SEALED_LEN]; /* of an answer */
};

/*
 * ERR_VAULT_REFUSED for a key that is no point of the curve, for a last version and for an SO PIN that has no next one; ERR_SEALED_INVALID for a
 * row that does not open; what the HSM says (hsm.h), where a key is there; ERR_CONFIG_INVALID where one is asked for and there is no HSM. open is empty again in
 * any case.
 */
enum err open_run(const struct ring *ring, struct open *open, const struct vault_request *request, struct vault_reply *ret_reply);

#endif
