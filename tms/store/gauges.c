/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator watches: every number by an index, so that looking costs the same however much there is. */
#include "query.h"

#include <sqlite3.h>

#define HOUR_S 3600

static enum err
count_open(struct store *s, struct store_gauges *ret)
{
	enum err e = ERR_OK;

	for (int i = 0; e == ERR_OK && i < STATE_COUNT; i++) {
		struct query q;
		ret->open[i] = -1;
		if (state_is_final((enum state)i))
			continue;
		q = query_new(s, "SELECT count(*) FROM request WHERE state = ?");
		query_text(&q, state_name((enum state)i));
		e = query_number(&q, &ret->open[i]);
	}
	return e;
}

static enum err
count_outbox(struct store *s, struct store_gauges *ret)
{
	struct query q = query_new(s, "SELECT count(*), coalesce(min(created), 0) FROM outbox WHERE state IN ('queued', 'sending')");

	if (query_row(&q)) {
		ret->queued = query_get_int(&q);
		ret->oldest = query_get_int(&q);
	}
	return query_end(&q);
}

enum err
store_gauges(struct store *s, int64_t now, struct store_gauges *ret)
{
	int64_t newest;
	enum err e = count_open(s, ret);

	if (e == ERR_OK)
		e = count_outbox(s, ret);
	return e == ERR_OK ? store_audit_opened(s, now - HOUR_S, now, &ret->released, &newest) : e;
}

int64_t
store_memory(void)
{
	return sqlite3_memory_used();
}
