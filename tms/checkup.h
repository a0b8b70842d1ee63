/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checkup: everything that the server stands on, looked at before it is started or while it runs: files and who may read them, keys, certificates and their end,
 * database, escrow log and its device, sockets, vault, mail server, clock. Changes nothing but that an older database is brought up to date.
 */
#ifndef MOKHOA_CHECKUP_H
#define MOKHOA_CHECKUP_H

#include "config.h"

#include <stdbool.h>

/*
 * One line a check on stdout, "ok|warn|FAIL NAME what was seen", and a last one with what is on record. 0; 1 where a check failed, or with strict where one only warns: the server
 * would start, but somebody will miss something.
 */
int checkup_main(const struct config *config, bool strict);

#endif
