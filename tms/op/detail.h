/* SPDX-License-Identifier: Apache-2.0 */
/*
 * detail: what the audit says of a kind of token and of a module, whether somebody at the desk or a command has written it. Pure; any thread may call.
 */
#ifndef MOKHOA_DETAIL_H
#define MOKHOA_DETAIL_H

#include "store.h"

#define DETAIL_SIZE sizeof(((struct store_audit *)0)->detail)

/* Both return ret. */
const char *detail_type(const struct store_type *t, char ret[DETAIL_SIZE]);
const char *detail_module(const struct store_module *m, char ret[DETAIL_SIZE]);

#endif
