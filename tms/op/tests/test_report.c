/* SPDX-License-Identifier: Apache-2.0 */
/* The report counts what there is, by Vietnam's days, and says how long approvals took. */
#include "check.h"
#include "json.h"
#include "world.h"

#include <string.h>

#define DAY	 86400
#define MIDNIGHT 1699981200 /* a day begins in Vietnam: 2023-11-15 */

static enum err
report(struct world *w, const char *agency, int64_t from, int64_t to, json_t **ret_answer)
{
	struct call c = { .service = w->service, .store = w->scratch.store, .now = w->now, .address = "", .person = &w->people[0], .query = { .from = from, .to = to } };
	enum err e;

	CHECK(store_scope(w->scratch.store, agency));
	e = op_admin_report(&c, ret_answer);
	CHECK(store_scope(w->scratch.store, ""));
	return e;
}

/* A request that came in then, is in that state, and was decided so many seconds later (0: not). */
static void
put(struct world *w, unsigned n, enum state state, int64_t created, int64_t waited)
{
	struct store_request r = scratch_request(n);
	int64_t number = 0;

	r.state = STATE_PENDING;
	r.created = created;
	r.identified = true;
	CHECK(store_request_insert(w->scratch.store, &r, "", 0, &number) == ERR_OK);
	if (waited != 0)
		CHECK(store_request_set_decided(w->scratch.store, number, w->people[0].id, created + waited) == ERR_OK);
	if (state != STATE_PENDING)
		CHECK(store_request_transition(w->scratch.store, number, STATE_PENDING, state, created + waited) == ERR_OK);
}

static void
import(struct world *w, unsigned n, const char *agency)
{
	static const unsigned char sealed[TRANSCRIPT_ESCROW_ROW_LEN];
	struct store_agency a = { .name = "Đại lý", .origins = "https://a.example", .created = 1 };
	struct store_token t = scratch_token(n);
	int64_t id = 0;

	strcpy(a.id, agency);
	CHECK(store_agency_put(w->scratch.store, &a, true) == ERR_OK);
	t.name = scratch_request(n).token;
	strcpy(t.agency, agency);
	CHECK(store_token_import(w->scratch.store, &t, 1, sealed, &id) == ERR_OK);
}

static int64_t
number_in(const json_t *object, const char *key, const char *inner)
{
	const json_t *value = json_object_get(object, key);

	return json_integer_value(inner != NULL ? json_object_get(value, inner) : value);
}

static int64_t
state_of(json_t *row, const char *state)
{
	return number_in(row, "states", state);
}

static void
test_days(void)
{
	struct world *w = world_new();
	json_t *answer = NULL, *days;

	put(w, 1, STATE_PENDING, MIDNIGHT - 1, 0); /* the day before */
	put(w, 2, STATE_PENDING, MIDNIGHT, 0);
	put(w, 3, STATE_COMPLETED, MIDNIGHT + 10, 600);
	put(w, 4, STATE_REFUSED, MIDNIGHT + DAY - 1, 60);
	put(w, 5, STATE_COMPLETED, MIDNIGHT + DAY, 7200);
	put(w, 6, STATE_APPROVED, MIDNIGHT + DAY + 5, 7259); /* 120 whole minutes */
	CHECK(report(w, "", MIDNIGHT, MIDNIGHT + 2 * DAY, &answer) == ERR_OK);
	days = json_object_get(answer, "days");
	CHECK(json_array_size(days) == 2 && number_in(json_array_get(days, 0), "day", NULL) == MIDNIGHT && number_in(json_array_get(days, 1), "day", NULL) == MIDNIGHT + DAY);
	CHECK(state_of(json_array_get(days, 0), "pending") == 1 && state_of(json_array_get(days, 0), "completed") == 1 && state_of(json_array_get(days, 0), "refused") == 1);
	CHECK(state_of(json_array_get(days, 1), "completed") == 1 && state_of(json_array_get(days, 1), "approved") == 1 && state_of(json_array_get(days, 1), "pending") == 0);
	CHECK(number_in(answer, "states", "completed") == 2 && number_in(answer, "states", "expired") == 0);
	/* what was refused is no approval, however fast */
	CHECK(number_in(answer, "approval", "count") == 3 && number_in(answer, "approval", "median") == 7200 && number_in(answer, "approval", "p90") == 7200);
	json_decref(answer);
	/* a day that is begun is in it, and an empty one says so */
	CHECK(report(w, "", MIDNIGHT + 3 * DAY + 7, MIDNIGHT + 3 * DAY + 8, &answer) == ERR_OK);
	CHECK(json_array_size(json_object_get(answer, "days")) == 1 && json_array_size(json_object_get(answer, "agencies")) == 0 && number_in(answer, "approval", "median") == 0);
	json_decref(answer);
	CHECK(report(w, "", MIDNIGHT, MIDNIGHT + 400 * DAY, &answer) == ERR_OK);
	json_decref(answer);
	CHECK(report(w, "", MIDNIGHT, MIDNIGHT + 400 * DAY + 1, &answer) == ERR_INVALID_PARAMS);
	CHECK(report(w, "", MIDNIGHT, MIDNIGHT, &answer) == ERR_INVALID_PARAMS);
	world_free(w);
}

static void
test_kinds_and_agencies(void)
{
	struct world *w = world_new();
	struct store_type type = { .name = "Token ví dụ", .policy = { .family = FAMILY_SO_PIN }, .created = 1 };
	struct store_request r = scratch_request(1);
	json_t *answer = NULL, *types, *agencies;

	/* a request is of the agency whose customer's token it is for */
	for (unsigned n = 1; n <= 2; n++)
		import(w, n, "an-khang");
	for (unsigned n = 1; n <= 5; n++)
		put(w, n, STATE_PENDING, MIDNIGHT + n, 0);
	CHECK(report(w, "", MIDNIGHT, MIDNIGHT + 1, &answer) == ERR_OK);
	types = json_object_get(answer, "types");
	CHECK(json_array_size(types) == 1 && state_of(json_array_get(types, 0), "pending") == 5);
	CHECK_TEXT(json_string_value(json_object_get(json_array_get(types, 0), "type")), "");
	json_decref(answer);
	strcpy(type.manufacturer, r.token.manufacturer);
	strcpy(type.model, r.token.model);
	CHECK(store_type_put(w->scratch.store, &type) == ERR_OK);
	CHECK(report(w, "", MIDNIGHT, MIDNIGHT + 1, &answer) == ERR_OK);
	types = json_object_get(answer, "types");
	CHECK_TEXT(json_string_value(json_object_get(json_array_get(types, 0), "type")), "Token ví dụ");
	agencies = json_object_get(answer, "agencies");
	CHECK(json_array_size(agencies) == 2 && state_of(json_array_get(agencies, 0), "pending") == 3 && state_of(json_array_get(agencies, 1), "pending") == 2);
	CHECK_TEXT(json_string_value(json_object_get(json_array_get(agencies, 1), "agency")), "an-khang");
	json_decref(answer);
	/* who is of an agency reads of its own customers alone */
	CHECK(report(w, "an-khang", MIDNIGHT, MIDNIGHT + 1, &answer) == ERR_OK);
	agencies = json_object_get(answer, "agencies");
	CHECK(json_array_size(agencies) == 1 && state_of(json_array_get(agencies, 0), "pending") == 2 && number_in(answer, "states", "pending") == 2);
	json_decref(answer);
	CHECK(report(w, "khac", MIDNIGHT, MIDNIGHT + 1, &answer) == ERR_OK);
	CHECK(json_array_size(json_object_get(answer, "agencies")) == 0 && number_in(answer, "states", "pending") == 0);
	json_decref(answer);
	world_free(w);
}

/* Ten approvals, of 1 to 10 hours. */
static void
test_shares(void)
{
	struct world *w = world_new();
	json_t *answer = NULL;

	for (unsigned n = 1; n <= 10; n++)
		put(w, n, STATE_COMPLETED, MIDNIGHT + (n % 3) * DAY, 3600 * (int64_t)n);
	CHECK(report(w, "", MIDNIGHT, MIDNIGHT + 3 * DAY, &answer) == ERR_OK);
	CHECK(number_in(answer, "approval", "count") == 10 && number_in(answer, "approval", "median") == 5 * 3600 && number_in(answer, "approval", "p90") == 9 * 3600);
	json_decref(answer);
	world_free(w);
}

int
main(void)
{
	test_days();
	test_kinds_and_agencies();
	test_shares();
	return CHECK_DONE();
}
