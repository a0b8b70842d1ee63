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
 * ERR_VAULT_REFUSED for a key that is no point of the curve, for a last version and for an SO PIN that has no next one; ERR_SEALED_INVALID for a
 * row that does not open; what the HSM says (hsm.h), where a key is there; ERR_CONFIG_INVALID where one is asked for and there is no HSM.
 */
enum err open_run(const struct ring *ring, const struct vault_request *request, struct vault_reply *ret_reply);

#endif
