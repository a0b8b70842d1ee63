/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expiry: until when the certificates of a file are good. Reads the file; any thread may call.
 */
#ifndef MOKHOA_EXPIRY_H
#define MOKHOA_EXPIRY_H

#include "err.h"

#include <stdint.h>

/* The certificate of a PEM file that ends first, in seconds since 1970. ERR_FILE_MISSING where the file cannot be read or holds none. */
enum err expiry_of(const char *path, int64_t *ret_ends);

#endif
