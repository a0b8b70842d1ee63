/* SPDX-License-Identifier: Apache-2.0 */
/* Notices: what the authority wants customers to read on its pages. */
#include "query.h"

#include "text.h"

#define COLUMNS "id, severity, title_vi, text_vi, title_en, text_en, starts, ends, created"

static const char *const severities[STORE_SEVERITY_COUNT] = {
	[STORE_INFO] = "info",
	[STORE_WARNING] = "warning",
};

const char *
store_severity_name(enum store_severity severity)
{
	return severity >= 0 && severity < STORE_SEVERITY_COUNT ? severities[severity] : "";
}

enum store_severity
store_severity_from_name(const char *name)
{
	return (enum store_severity)text_place(severities, STORE_SEVERITY_COUNT, name);
}

static void
bind_notice(struct query *q, const struct store_notice *n)
{
	query_text(q, store_severity_name(n->severity));
	query_text(q, n->title_vi);
	query_text(q, n->text_vi);
	query_text(q, n->title_en);
	query_text(q, n->text_en);
	query_int(q, n->starts);
	query_int(q, n->ends);
}

enum err
store_notice_add(struct store *s, const struct store_notice *n, int64_t *ret_id)
{
	struct query q = query_new(s,
	    "INSERT INTO notice (severity, title_vi, text_vi, title_en, text_en, starts, ends, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id");

	bind_notice(&q, n);
	query_int(&q, n->created);
	return query_insert(&q, ret_id, NULL);
}

enum err
store_notice_put(struct store *s, const struct store_notice *n)
{
	struct query q = query_new(s, "UPDATE notice SET severity = ?, title_vi = ?, text_vi = ?, title_en = ?, text_en = ?, starts = ?, ends = ? WHERE id = ?");
	int changed = 0;
	enum err e;

	bind_notice(&q, n);
	query_int(&q, n->id);
	e = query_run(&q, &changed);
	return e == ERR_OK && changed == 0 ? ERR_NOTICE_UNKNOWN : e;
}

enum err
store_notice_remove(struct store *s, int64_t id)
{
	struct query q = query_new(s, "DELETE FROM notice WHERE id = ?");
	int changed = 0;
	enum err e;

	query_int(&q, id);
	e = query_run(&q, &changed);
	return e == ERR_OK && changed == 0 ? ERR_NOTICE_UNKNOWN : e;
}

static void
read_notice(struct query *q, struct store_notice *ret)
{
	char severity[16];

	ret->id = query_get_int(q);
	query_get_text(q, severity, sizeof(severity));
	ret->severity = store_severity_from_name(severity);
	query_get_text(q, ret->title_vi, sizeof(ret->title_vi));
	query_get_text(q, ret->text_vi, sizeof(ret->text_vi));
	query_get_text(q, ret->title_en, sizeof(ret->title_en));
	query_get_text(q, ret->text_en, sizeof(ret->text_en));
	ret->starts = query_get_int(q);
	ret->ends = query_get_int(q);
	ret->created = query_get_int(q);
}

static enum err
each_of(struct query *q, void (*each)(const struct store_notice *n, void *context), void *context)
{
	struct store_notice n;

	while (query_row(q)) {
		read_notice(q, &n);
		/* a column that could not be read is told by query_end() */
		if (query_good(q))
			each(&n, context);
	}
	return query_end(q);
}

enum err
store_notice_list(struct store *s, void (*each)(const struct store_notice *n, void *context), void *context)
{
	struct query q = query_new(s, "SELECT " COLUMNS " FROM notice ORDER BY id");

	return each_of(&q, each, context);
}

enum err
store_notice_due(struct store *s, int64_t now, unsigned max, void (*each)(const struct store_notice *n, void *context), void *context)
{
	struct query q = query_new(s,
	    "SELECT " COLUMNS " FROM notice WHERE starts <= ?1 AND (ends = 0 OR ends > ?1) ORDER BY severity = 'warning' DESC, id DESC LIMIT ?2");

	query_int(&q, now);
	query_int(&q, max);
	return each_of(&q, each, context);
}
