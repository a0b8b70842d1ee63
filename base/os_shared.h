/* SPDX-License-Identifier: Apache-2.0 */
/*
 * os_shared: files that the administrator writes and everybody reads. Paths are absolute. One process at a time.
 */
#ifndef MOKHOA_OS_SHARED_H
#define MOKHOA_OS_SHARED_H

#include "buf.h"
#include "err.h"

#include <stdbool.h>
#include <stddef.h>

/* ERR_FILE_MISSING; ERR_FILE_FAILED where it cannot be read, is longer than ret may become, or is a link, which we should replace by a file. */
enum err os_shared_read(const char *path, struct buf *ret);

/*
 * Replaces it as a whole, on the disk when this returns, with the mode and owner that it had; a new one may be read by everybody. On Windows either has the access list that its
 * folder hands down. ERR_FILE_FAILED.
 */
enum err os_shared_write(const char *path, const void *bytes, size_t len);

/* ERR_OK also where there was none; what a killed os_shared_write() left there goes, too. ERR_FILE_FAILED. */
enum err os_shared_remove(const char *path);
void os_shared_remove_leftover(const char *path); /* that alone */

bool os_shared_has_folder(const char *path);
enum err os_shared_make_folder(const char *path); /* one, open to be read by everybody; ERR_FILE_FAILED */
bool os_shared_remove_folder(const char *path);	  /* false where it is there afterwards: it is not empty */

#endif
