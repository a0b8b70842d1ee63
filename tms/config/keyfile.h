/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyfile: a key in a file: one line of base64url (RFC 4648 section 5, no padding) of exactly so many bytes. Any thread may call.
 */
#ifndef MOKHOA_KEYFILE_H
#define MOKHOA_KEYFILE_H

#include "err.h"

#include <stddef.h>

/* ERR_CONFIG_INVALID where the file is missing or holds something else; logged with the file's name. The caller wipes ret. */
enum err keyfile_read(const char *path, void *ret, size_t len);

/* Replaces the file, readable by its owner alone; or of that mode, and of whoever owns the file or folder `like` (os_write_as()). ERR_FILE_FAILED. */
enum err keyfile_write(const char *path, const void *bytes, size_t len);
enum err keyfile_write_as(const char *path, const void *bytes, size_t len, unsigned mode, const char *like);

#endif
