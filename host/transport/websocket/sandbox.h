/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox: from here on this process can read, write and accept what it has open, and hardly anything else.
 */
#ifndef MOKHOA_SANDBOX_H
#define MOKHOA_SANDBOX_H

#include "err.h"

/*
 * Linux: no new privileges, and a seccomp filter that lets pass what the door needs: no program, no file, no connection, no other process. What is not let
 * pass fails with EPERM. ERR_INTERNAL where the system has no such thing: then nothing may be served. Cannot be undone.
 */
enum err sandbox_enter(void);

#endif
