/* SPDX-License-Identifier: Apache-2.0 */
/* Agencies: which pages may show ours in a frame. */
#include "query.h"

#include <string.h>

bool
store_agency_id_ok(const char *id)
{
	size_t len = strlen(id);

	return len >= 1 && len < STORE_AGENCY_SIZE && id[0] != '-' && id[strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

enum err
store_agency_put(struct store *s, const struct store_agency *a, bool replace)
{
	struct query q = query_new(s,
	    "INSERT INTO agency (id, name, origins, created) VALUES (?, ?, ?, ?)"
	    " ON CONFLICT (id) DO UPDATE SET name = excluded.name, origins = excluded.origins WHERE ?");
	int changed = 0;
	enum err e;

	query_text(&q, a->id);
	query_text(&q, a->name);
	query_text(&q, a->origins);
	query_int(&q, a->created);
	query_int(&q, replace);
	e = query_run(&q, &changed);
	return e == ERR_OK && changed == 0 ? ERR_AGENCY_EXISTS : e;
}

static void
get_agency(struct query *q, struct store_agency *ret)
{
	query_get_text(q, ret->id, sizeof(ret->id));
	query_get_text(q, ret->name, sizeof(ret->name));
	query_get_text(q, ret->origins, sizeof(ret->origins));
	ret->created = query_get_int(q);
}

enum err
store_agency_by_id(struct store *s, const char *id, struct store_agency *ret)
{
	struct query q = query_new(s, "SELECT id, name, origins, created FROM agency WHERE id = ?");
	bool found;

	query_text(&q, id);
	found = query_row(&q);
	if (found)
		get_agency(&q, ret);
	return query_found(&q, found, ERR_AGENCY_UNKNOWN);
}

enum err
store_agency_remove(struct store *s, const char *id)
{
	struct query q = query_new(s, "DELETE FROM agency WHERE id = ?");
	int changed = 0;
	enum err e;

	query_text(&q, id);
	e = query_run(&q, &changed);
	return e == ERR_OK && changed == 0 ? ERR_AGENCY_UNKNOWN : e;
}

enum err
store_agency_list(struct store *s, void (*each)(const struct store_agency *a, void *context), void *context)
{
	struct query q = query_new(s, "SELECT id, name, origins, created FROM agency ORDER BY id");
	struct store_agency a;

	while (query_row(&q)) {
		get_agency(&q, &a);
		/* a column that could not be read is told by query_end() */
		if (q.code == SQLITE_OK)
			each(&a, context);
	}
	return query_end(&q);
}
