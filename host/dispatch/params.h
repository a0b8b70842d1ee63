/* SPDX-License-Identifier: Apache-2.0 */
/*
 * params: whether the parameters of a request are exactly those of its operation (protocol/host.schema.json). The worker looks again, because it
 * trusts nobody; looking here keeps nonsense from costing a process.
 */
#ifndef MOKHOA_PARAMS_H
#define MOKHOA_PARAMS_H

#include "op.h"

#include <jansson.h>
#include <stdbool.h>

/* params may be NULL: a message without them. */
bool params_ok(enum op_id op, json_t *params);

#endif
