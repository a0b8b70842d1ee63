/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/admin/report: the requests of some days by day, agency, kind of token and state, and how long an approval took. */
#include "answer.h"
#include "call.h"
#include "statistics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAYS_MAX    400
#define MINUTES_MAX 65536 /* a request waits at most 30 days */

/* So many requests in each state. */
struct counts {
	int64_t of[STATE_COUNT];
};

/* A list of names, each with its counts. */
struct groups {
	json_t *index; /* name: its place */
	json_t *names;
	struct counts *counts;
	size_t room;
};

struct report {
	struct call *call;
	int64_t first; /* day */
	struct counts days[DAYS_MAX];
	struct counts all;
	struct groups agencies;
	struct groups types;
	json_t *kinds; /* manufacturer and model: name of the type */
	int64_t *minutes;
	int64_t approved;
	enum err e;
};

/* ---- counting ---- */

static struct counts *
group_of(struct groups *g, const char *name)
{
	const json_t *at = json_object_get(g->index, name);
	size_t count = json_array_size(g->names);

	if (at != NULL)
		return &g->counts[json_integer_value(at)];
	if (count == g->room) {
		size_t room = g->room != 0 ? 2 * g->room : 32;
		struct counts *more = realloc(g->counts, room * sizeof(*more));
		if (more == NULL)
			return NULL;
		memset(more + g->room, 0, (room - g->room) * sizeof(*more));
		g->counts = more;
		g->room = room;
	}
	if (json_object_set_new_nocheck(g->index, name, json_integer((json_int_t)count)) != 0 || json_array_append_new(g->names, json_string(name)) != 0)
		return NULL;
	return &g->counts[count];
}

/* The name of a type, empty where no row says anything of the kind. */
static const char *
type_of(struct report *r, const struct token_name *kind)
{
	char key[sizeof(kind->manufacturer) + sizeof(kind->model) + 1];
	const char *known;
	struct store_type type;

	snprintf(key, sizeof(key), "%s\x1f%s", kind->manufacturer, kind->model);
	known = json_string_value(json_object_get(r->kinds, key));
	if (known != NULL)
		return known;
	r->e = store_type_of(r->call->store, kind, &type);
	if (r->e == ERR_OK && json_object_set_new_nocheck(r->kinds, key, json_string(type.id != 0 ? type.name : "")) != 0)
		r->e = ERR_NO_MEMORY;
	return r->e == ERR_OK ? json_string_value(json_object_get(r->kinds, key)) : NULL;
}

static void
add_row(const struct store_report_row *row, void *context)
{
	struct report *r = context;
	const char *type = r->e == ERR_OK ? type_of(r, &row->kind) : NULL;
	struct counts *agency = type != NULL ? group_of(&r->agencies, row->agency) : NULL;
	struct counts *kind = type != NULL ? group_of(&r->types, type) : NULL;

	if (agency == NULL || kind == NULL) {
		if (r->e == ERR_OK)
			r->e = ERR_NO_MEMORY;
		return;
	}
	r->days[row->day - r->first].of[row->state] += row->count;
	r->all.of[row->state] += row->count;
	agency->of[row->state] += row->count;
	kind->of[row->state] += row->count;
}

/* A clock that was put back has nobody wait. */
static void
add_wait(int64_t minutes, int64_t count, void *context)
{
	struct report *r = context;

	r->minutes[minutes < 0 ? 0 : minutes < MINUTES_MAX ? minutes
							   : MINUTES_MAX - 1] += count;
	r->approved += count;
}

/* How long, in seconds, that share of the approvals took at most; 0 without one. */
static int64_t
share(const struct report *r, int64_t percent)
{
	int64_t seen = 0;

	for (int64_t m = 0; r->approved != 0 && m < MINUTES_MAX; m++) {
		seen += r->minutes[m];
		if (100 * seen >= percent * r->approved)
			return 60 * m;
	}
	return 0;
}

/* ---- the answer ---- */

static json_t *
counts_json(const struct counts *c)
{
	json_t *object = json_object();

	for (int state = 0; state < STATE_COUNT; state++)
		json_object_set_new(object, state_name((enum state)state), json_integer(c->of[state]));
	return object;
}

static json_t *
groups_json(const struct groups *g, const char *key)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < json_array_size(g->names); i++)
		json_array_append_new(rows, json_pack("{s:O, s:o}", key, json_array_get(g->names, i), "states", counts_json(&g->counts[i])));
	return rows;
}

static json_t *
days_json(const struct report *r, int64_t end)
{
	json_t *rows = json_array();

	for (int64_t day = r->first; day < end; day++)
		json_array_append_new(rows, json_pack("{s:I, s:o}", "day", (json_int_t)(86400 * day - STORE_REPORT_ZONE_S), "states", counts_json(&r->days[day - r->first])));
	return rows;
}

static enum err
count_all(struct report *r, int64_t end)
{
	enum err e;

	r->minutes = calloc(MINUTES_MAX, sizeof(*r->minutes));
	if (r->minutes == NULL)
		return ERR_NO_MEMORY;
	e = store_begin_reading(r->call->store);
	if (e == ERR_OK)
		e = store_report(r->call->store, r->first, end, add_row, r);
	if (e == ERR_OK)
		e = store_report_waits(r->call->store, r->first, end, add_wait, r);
	store_rollback(r->call->store);
	return e != ERR_OK ? e : r->e;
}

static struct groups
groups_new(void)
{
	return (struct groups){ .index = json_object(), .names = json_array() };
}

static void
groups_free(struct groups *g)
{
	json_decref(g->index);
	json_decref(g->names);
	free(g->counts);
}

static void
report_free(struct report *r)
{
	groups_free(&r->agencies);
	groups_free(&r->types);
	json_decref(r->kinds);
	free(r->minutes);
	free(r);
}

enum err
op_admin_report(struct call *c, json_t **ret_answer)
{
	int64_t first = STORE_REPORT_DAY(c->query.from);
	int64_t end = STORE_REPORT_DAY(c->query.to + 86399); /* the day that has begun is in it */
	struct report *r;
	enum err e;

	if (c->query.from <= 0 || c->query.to <= c->query.from || end - first > DAYS_MAX)
		return ERR_INVALID_PARAMS;
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return ERR_NO_MEMORY;
	r->call = c;
	r->first = first;
	r->kinds = json_object();
	r->agencies = groups_new();
	r->types = groups_new();
	e = count_all(r, end);
	if (e == ERR_OK)
		e = answer_packed(json_pack("{s:o, s:o, s:o, s:o, s:{s:I, s:I, s:I}}",
				      "days", days_json(r, end),
				      "agencies", groups_json(&r->agencies, "agency"),
				      "types", groups_json(&r->types, "type"),
				      "states", counts_json(&r->all),
				      "approval", "count", (json_int_t)r->approved, "median", (json_int_t)share(r, 50), "p90", (json_int_t)share(r, 90)),
		    ret_answer);
	report_free(r);
	return e;
}
