/* SPDX-License-Identifier: Apache-2.0 */
/*
 * detail: what the audit says of a kind of token, of a module and of an agency, whether somebody at the desk or a command has written it. Pure; any thread may call.
 */
#ifndef MOKHOA_DETAIL_H
#define MOKHOA_DETAIL_H

#include "store.h"

#include <stdbool.h>
#include <stddef.h>

#define DETAIL_SIZE sizeof(((struct store_audit *)0)->detail)

/* Both return ret. */
const char *detail_type(const struct store_type *t, char ret[DETAIL_SIZE]);
const char *detail_module(const struct store_module *m, char ret[DETAIL_SIZE]);

/*
 * An agency has more pages and domains than a row of the audit has room for, and none is left out: the next row, "WHAT=ID origins=... domains=...", false when all was said.
 * *at is 0 for the first, which there always is, and tells the next one where to go on.
 */
bool detail_agency(const char *what, const struct store_agency *a, size_t *at, char ret[DETAIL_SIZE]);

#endif
