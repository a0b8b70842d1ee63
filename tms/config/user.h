/* SPDX-License-Identifier: Apache-2.0 */
/*
 * user: a user of this machine as an operator names him: by name, or by number where there is no name (containers).
 */
#ifndef MOKHOA_USER_H
#define MOKHOA_USER_H

#include <stdbool.h>
#include <sys/types.h>

/* One thread at a time: the C library's user database is asked. False where there is no such user. */
bool user_find(const char *name, uid_t *ret_uid);

#endif
