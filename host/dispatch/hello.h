/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hello: what this program is and can do: the one operation that needs no worker.
 */
#ifndef MOKHOA_HELLO_H
#define MOKHOA_HELLO_H

#include "profile.h"

#include <jansson.h>

/* "0.1.0" */
const char *hello_version(void);

/* The result of "hello"; transport is the wire name of the one that carries it. NULL without memory. */
json_t *hello_result(const struct profile *profile, const char *transport);

#endif
