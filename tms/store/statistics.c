/* SPDX-License-Identifier: Apache-2.0 */
#include "statistics.h"

#include "query.h"

/* As request_report and request_waits (schema.c) have them, to the letter: else no index answers. */
#define DAY	 "((created + 25200) / 86400)"
#define WAITED	 "((decided - created) / 60)"
#define APPROVED " AND decided > 0 AND state <> 'refused'"
#define DAYS	 DAY " >= ? AND " DAY " < ?"

#define COUNTED "SELECT " DAY ", agency, state, manufacturer, model, count(*) FROM request WHERE "
#define BY	" GROUP BY " DAY ", agency, state, manufacturer, model"

enum err
store_report(struct store *s, int64_t first, int64_t end, void (*each)(const struct store_report_row *row, void *context), void *context)
{
	struct query q = query_new_in_scope(s, COUNTED DAYS BY, COUNTED QUERY_OWN("request") " AND " DAYS BY);

	query_int(&q, first);
	query_int(&q, end);
	while (query_row(&q)) {
		struct store_report_row row = { .day = query_get_int(&q) };
		char state[16];

		query_get_text(&q, row.agency, sizeof(row.agency));
		query_get_text(&q, state, sizeof(state));
		row.state = state_from_name(state);
		query_get_text(&q, row.kind.manufacturer, sizeof(row.kind.manufacturer));
		query_get_text(&q, row.kind.model, sizeof(row.kind.model));
		row.count = query_get_int(&q);
		if (query_good(&q) && row.state != STATE_COUNT)
			each(&row, context);
	}
	return query_end(&q);
}

#define WAITS	"SELECT " WAITED ", count(*) FROM request WHERE "
#define BY_WAIT " GROUP BY " DAY ", " WAITED

enum err
store_report_waits(struct store *s, int64_t first, int64_t end, void (*each)(int64_t minutes, int64_t count, void *context), void *context)
{
	struct query q = query_new_in_scope(s, WAITS DAYS APPROVED BY_WAIT, WAITS QUERY_OWN("request") " AND " DAYS APPROVED BY_WAIT);

	query_int(&q, first);
	query_int(&q, end);
	while (query_row(&q)) {
		int64_t minutes = query_get_int(&q);
		int64_t count = query_get_int(&q);

		each(minutes, count, context);
	}
	return query_end(&q);
}
