/* SPDX-License-Identifier: Apache-2.0 */
/* soft_hsm: an HSM of a test's own: SoftHSM with one token, in a folder that goes with it. The environment of this process names it (SOFTHSM2_CONF). One at a time. */
#ifndef MOKHOA_SOFT_HSM_H
#define MOKHOA_SOFT_HSM_H

#include "config.h"

#include <stdbool.h>

#define SOFT_HSM_PIN "fedcba98"

struct soft_hsm {
	char folder[64];
	char serial[17];
	char pin_file[128];
	struct config_hsm config; /* borrows from here */
};

/* False, and said on stdout, where this machine has no SoftHSM. */
bool soft_hsm_new(struct soft_hsm *s);
void soft_hsm_free(struct soft_hsm *s);

/* Takes the token away, as if its cable were pulled, and puts it back. */
void soft_hsm_unplug(struct soft_hsm *s, bool away);

#endif
