/* SPDX-License-Identifier: Apache-2.0 */
/* hsm_pin: the PIN with which the vault logs in to its HSM, from a file of its own or from what the service manager gives it. Any thread may call. */
#ifndef MOKHOA_HSM_PIN_H
#define MOKHOA_HSM_PIN_H

#include "config.h"
#include "err.h"
#include "secret.h"

/* ERR_HSM_PIN_FILE, logged: it is missing, is not one line, is somebody else's, or others can read it. The caller wipes. */
enum err hsm_pin_read(const struct config_hsm *config, struct secret *ret);

#endif
