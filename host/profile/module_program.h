/* SPDX-License-Identifier: Apache-2.0 */
/*
 * module_program: which of our programs a module is loaded by. A process loads only what was built for its own kind of machine, and many vendors' modules
 * for Windows have 32 bits; so there may be a second program, mokhoa-worker-x86, whose one word is `step` (step.h).
 */
#ifndef MOKHOA_MODULE_PROGRAM_H
#define MOKHOA_MODULE_PROGRAM_H

#include "err.h"
#include "os.h"

/*
 * The first of our programs in that folder (NULL: the running program's) that was built for the same kind of machine as the module (image.h). A module that is not
 * there, cannot be read or is no library is mokhoa-worker's, which finds out what is wrong with it. ERR_MODULE_ARCHITECTURE where no program is of its kind; ERR_INTERNAL.
 */
enum err module_program(const char *folder, const char *module, char ret[OS_PATH_MAX]);

#endif
