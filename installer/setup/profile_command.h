/* SPDX-License-Identifier: Apache-2.0 */
/* profile_command: "mokhoa-setup profile". */
#ifndef MOKHOA_PROFILE_COMMAND_H
#define MOKHOA_PROFILE_COMMAND_H

#include "err.h"

/*
 * Takes the arguments behind the word profile; argv ends with NULL. ERR_USAGE where they are not as README.md says, else what profile_make.h, profile_install.h and the
 * file that it begins with give; where (PROFILE_WHERE_MAX characters) says what was wrong.
 */
enum err profile_command(char *argv[], char *where);

#endif
