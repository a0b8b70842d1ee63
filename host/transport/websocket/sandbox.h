/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox: from here on this process can do with what it has open what its task is, and as little else as the system can be told to allow.
 */
#ifndef MOKHOA_SANDBOX_H
#define MOKHOA_SANDBOX_H

#include "err.h"

/*
 * Linux: no new privileges, and a seccomp filter that lets pass what the door needs: no program, no file, no connection, no other process. What is not let
 * pass fails with EPERM. Windows has nothing like it: a job that allows no second process and no reach for windows and clipboard of others, no privileges, no code that was not
 * loaded by now or is not Microsoft's; files and connections stay what the user may. ERR_INTERNAL where the system has no such thing: then nothing may be served. Cannot be undone.
 */
enum err sandbox_enter(void);

#endif
