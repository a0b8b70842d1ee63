/* SPDX-License-Identifier: Apache-2.0 */
/*
 * door: a Unix socket to listen on, for one group of this machine alone, or a port of this machine.
 */
#ifndef MOKHOA_DOOR_H
#define MOKHOA_DOOR_H

#include "err.h"

/*
 * Makes the socket with the permissions 0660 and, where it is named, the group's; one that a server has left behind is replaced, one that a
 * server listens on is not: ERR_CONFIG_INVALID (logged).
 */
enum err door_open(const char *path, const char *group, int *ret_fd);

/* Listens at 127.0.0.1:PORT. ERR_CONFIG_INVALID (logged). */
enum err door_open_port(const char *address, int *ret_fd);

#endif
