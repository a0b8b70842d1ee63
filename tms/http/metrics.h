/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics: what the calls of this process came to, counted by route and result, and how long they took: for Prometheus. No name, no address, no number of a
 * request: nothing of anybody. Any thread may call.
 */
#ifndef MOKHOA_METRICS_H
#define MOKHOA_METRICS_H

#include "buf.h"
#include "err.h"

#include <stdint.h>

struct metrics;
struct route;

/* NULL: no memory. */
struct metrics *metrics_new(void);
void metrics_free(struct metrics *m);

/* A call that has ended; route NULL: none was found. */
void metrics_count(struct metrics *m, const struct route *route, enum err result, uint64_t ms);

/* The same for a page of ours (page.h). */
void metrics_count_page(struct metrics *m, enum err result, uint64_t ms);

/* An error of the store that no call saw. */
void metrics_count_store_failure(struct metrics *m);

/* Appends the counters in the text format of Prometheus (0.0.4). */
void metrics_write(const struct metrics *m, struct buf *b);

/* One value under a name of its own, with what stands above it. */
void metrics_write_value(struct buf *b, const char *name, const char *type, const char *help, int64_t value);

/* A printf line of another sample. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void
metrics_write_line(struct buf *b, const char *format, ...);

#endif
