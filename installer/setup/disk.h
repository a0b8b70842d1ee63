/* SPDX-License-Identifier: Apache-2.0 */
/* disk: files that everybody reads and the administrator writes. Paths are absolute, --root in front. One process at a time (os_lock()). */
#ifndef MOKHOA_DISK_H
#define MOKHOA_DISK_H

#include "buf.h"
#include "err.h"

#include <stdbool.h>
#include <stddef.h>

/* ERR_FILE_MISSING; ERR_FILE_FAILED where it cannot be read, is longer than ret may become, or is a link, which we should replace by a file. */
enum err disk_read(const char *path, struct buf *ret);

/* Replaces it as a whole, on the disk when this returns, with the mode and owner that it had; a new one may be read by everybody. ERR_FILE_FAILED. */
enum err disk_write(const char *path, const void *bytes, size_t len);

/* ERR_OK also where there was none; what a killed disk_write() left there goes, too. ERR_FILE_FAILED. */
enum err disk_remove(const char *path);
void disk_remove_leftover(const char *path); /* that alone */

bool disk_has_folder(const char *path);
enum err disk_make_folder(const char *path); /* one, open to be read by everybody; ERR_FILE_FAILED */
bool disk_remove_folder(const char *path);   /* false where it is there afterwards: it is not empty */

#endif
