/* SPDX-License-Identifier: Apache-2.0 */
/*
 * append_file: a file of lines that is only ever appended to: the escrow log, the audit's anchor. Several threads and processes may write to it at once. errno says what
 * failed.
 */
#ifndef MOKHOA_APPEND_FILE_H
#define MOKHOA_APPEND_FILE_H

#include "buf.h"

#include <stdbool.h>

/* For reading and appending; made where it is not there, of mode 0600, and its name is on the disk. -1 where it cannot be. */
int append_file_open(const char *path);

/* The lines are on the disk when this returns true; behind a piece of another line they begin on a line of their own. */
bool append_file_write(const char *path, const struct buf *lines);

#endif
