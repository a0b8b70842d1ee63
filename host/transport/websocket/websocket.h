/* SPDX-License-Identifier: Apache-2.0 */
/*
 * websocket: the program mokhoa-websocket: one a user session, started by the session or by the service manager when a page knocks.
 */
#ifndef MOKHOA_WEBSOCKET_H
#define MOKHOA_WEBSOCKET_H

/* Serves until it is told to end. Exit status 0, also where this user's session has one already; 1 for an error, 2 for a wrong use. */
int websocket_run(int argc, char *const argv[]);

#endif
