/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve: the running server: both sockets, the mail worker, and the sweep, until SIGTERM or SIGINT.
 */
#ifndef MOKHOA_SERVE_H
#define MOKHOA_SERVE_H

#include "config.h"

/* The exit status: 0 after a graceful stop, 1 where it could not begin (the reason is logged). Blocks the two signals in every thread. */
int serve(const struct config *config);

/* Configuration, keys, store and escrow log, looked at as serve() would use them; says on stdout what is there. 0 or 1. */
int serve_check(const struct config *config);

#endif
