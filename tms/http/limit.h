/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limit: so many calls a minute, and as many at once, for each caller's network (network.h) and for each person at the desk. In this process; nginx has limits of its own
 * before it.
 *
 * A table of fixed size: who is crowded out begins anew. Any thread may call.
 */
#ifndef MOKHOA_LIMIT_H
#define MOKHOA_LIMIT_H

#include "err.h"

#include <stdbool.h>
#include <stdint.h>

struct limit;

/* NULL: no memory. */
struct limit *limit_new(void);
void limit_free(struct limit *l);

/* From the next call on. */
void limit_set(struct limit *l, unsigned address_per_minute, unsigned person_per_minute);

/*
 * One more call at a moment of os_now_ms(): ERR_BUSY where that is one too many, and then *ret_retry_s, at least 1, after which another one may be made. A text
 * that is no address is not counted: it did not come through nginx.
 */
enum err limit_address(struct limit *l, const char *address, uint64_t now_ms, unsigned *ret_retry_s);
enum err limit_person(struct limit *l, int64_t person, uint64_t now_ms, unsigned *ret_retry_s);

#endif
