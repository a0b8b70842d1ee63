/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"

#include "route.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* Upper bounds of the histogram; a scrypt and the vault's longest patience lie within. */
static const unsigned bounds_ms[] = { 1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 10000 };

#define BOUND_COUNT (sizeof(bounds_ms) / sizeof(bounds_ms[0]))
#define LINE_SIZE   256

struct counters {
	atomic_uint_fast64_t results[ERR_COUNT];
	atomic_uint_fast64_t buckets[BOUND_COUNT + 1]; /* the last: longer than all */
	atomic_uint_fast64_t sum_ms;
};

struct metrics {
	atomic_uint_fast64_t store_failures;
	size_t count;		    /* of routes, and one each for pages and for what is neither */
	struct counters counters[]; /* by route_index() */
};

#define PAGES(m) ((m)->count - 2)
#define NONE(m)	 ((m)->count - 1)

struct metrics *
metrics_new(void)
{
	size_t count = route_count() + 2;
	struct metrics *m = calloc(1, sizeof(*m) + count * sizeof(m->counters[0]));

	if (m != NULL)
		m->count = count;
	return m;
}

void
metrics_free(struct metrics *m)
{
	free(m);
}

static void
count(struct metrics *m, size_t index, enum err result, uint64_t ms)
{
	struct counters *c = &m->counters[index];
	size_t bucket = 0;

	while (bucket < BOUND_COUNT && ms > bounds_ms[bucket])
		bucket++;
	atomic_fetch_add(&c->results[result >= 0 && result < ERR_COUNT ? result : ERR_INTERNAL], 1);
	atomic_fetch_add(&c->buckets[bucket], 1);
	atomic_fetch_add(&c->sum_ms, ms);
	if (result == ERR_STORE_FAILED)
		metrics_count_store_failure(m);
}

void
metrics_count(struct metrics *m, const struct route *route, enum err result, uint64_t ms)
{
	count(m, route != NULL ? route_index(route) : NONE(m), result, ms);
}

void
metrics_count_page(struct metrics *m, enum err result, uint64_t ms)
{
	count(m, PAGES(m), result, ms);
}

void
metrics_count_store_failure(struct metrics *m)
{
	atomic_fetch_add(&m->store_failures, 1);
}

void
metrics_write_line(struct buf *b, const char *format, ...)
{
	char line[LINE_SIZE];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(line))
		buf_fail(b, ERR_INTERNAL);
	else
		buf_add(b, line, (size_t)len);
	buf_add_text(b, "\n");
}

void
metrics_write_value(struct buf *b, const char *name, const char *type, const char *help, int64_t value)
{
	metrics_write_line(b, "# HELP %s %s", name, help);
	metrics_write_line(b, "# TYPE %s %s", name, type);
	metrics_write_line(b, "%s %lld", name, (long long)value);
}

static const char *
name_of(const struct metrics *m, size_t index)
{
	if (index >= PAGES(m))
		return index == PAGES(m) ? "embed" : "none";
	return route_at(index)->name;
}

static void
write_results(const struct metrics *m, struct buf *b)
{
	metrics_write_line(b, "# HELP mokhoa_requests_total Calls by route and result.");
	metrics_write_line(b, "# TYPE mokhoa_requests_total counter");
	for (size_t i = 0; i < m->count; i++)
		for (int e = ERR_OK; e < ERR_COUNT; e++) {
			unsigned long long count = atomic_load(&m->counters[i].results[e]);
			if (count != 0)
				metrics_write_line(b, "mokhoa_requests_total{route=\"%s\",result=\"%s\"} %llu", name_of(m, i), err_name((enum err)e), count);
		}
}

/* The count of a histogram is that of its last bucket, so that the two never differ. */
static void
write_latency(const struct counters *c, const char *name, struct buf *b)
{
	unsigned long long count = 0;
	unsigned long long sum = atomic_load(&c->sum_ms);

	for (size_t i = 0; i < BOUND_COUNT; i++) {
		count += atomic_load(&c->buckets[i]);
		metrics_write_line(b, "mokhoa_request_duration_seconds_bucket{route=\"%s\",le=\"%u.%03u\"} %llu", name, bounds_ms[i] / 1000, bounds_ms[i] % 1000, count);
	}
	count += atomic_load(&c->buckets[BOUND_COUNT]);
	metrics_write_line(b, "mokhoa_request_duration_seconds_bucket{route=\"%s\",le=\"+Inf\"} %llu", name, count);
	metrics_write_line(b, "mokhoa_request_duration_seconds_sum{route=\"%s\"} %llu.%03llu", name, sum / 1000, sum % 1000);
	metrics_write_line(b, "mokhoa_request_duration_seconds_count{route=\"%s\"} %llu", name, count);
}

static bool
was_called(const struct counters *c)
{
	for (size_t i = 0; i <= BOUND_COUNT; i++)
		if (atomic_load(&c->buckets[i]) != 0)
			return true;
	return false;
}

void
metrics_write(const struct metrics *m, struct buf *b)
{
	write_results(m, b);
	metrics_write_line(b, "# HELP mokhoa_request_duration_seconds From a call's last byte to its answer.");
	metrics_write_line(b, "# TYPE mokhoa_request_duration_seconds histogram");
	for (size_t i = 0; i < m->count; i++)
		if (was_called(&m->counters[i]))
			write_latency(&m->counters[i], name_of(m, i), b);
	metrics_write_value(b, "mokhoa_store_failures_total", "counter", "Times that the database failed.", (int64_t)atomic_load(&m->store_failures));
}
