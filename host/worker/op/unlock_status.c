/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unlock.status: where one request stands, or all open ones of this user and profile, and how those ended that did so in the last days: the page
 * may have been away. What an unlock could not report before it was cut short is reported on the way.
 */
#include "operation.h"

#include "json.h"
#include "log.h"
#include "open_request.h"
#include "secret.h"

#include <stdlib.h>
#include <string.h>

#define ENDED_MAX 16   /* that are listed: their frame has room for some forty requests at their longest */
#define WAIT_MS	  1500 /* for whoever works on the request; then the journal alone answers */

static json_t *
changed_json(const struct journal_entry *entry)
{
	return json_pack("{s:o, s:s}", "request", request_id_json(entry->id), "state", state_for_customer(entry->state));
}

static enum err
refresh(struct op_call *call, struct open_request *r)
{
	struct journal_entry *entry = request_entry(r);
	enum state before = entry->state;
	enum err e;

	/* the report's answer is a status; without one, or where it could not be told, ask for it */
	if (!request_has_report(entry) || request_report(r) != ERR_OK) {
		e = request_ask(r, "status");
		if (e != ERR_OK) {
			op_detail_refusal(call, &r->tms.refusal);
			return e;
		}
	}
	if (entry->state != before)
		op_notify(call, "unlock.changed", changed_json(entry));
	return ERR_OK;
}

/* What its journal says is the newest there is: an unlock of it is under way, or it has ended. */
static enum err
look(struct op_call *call, const unsigned char id[TRANSCRIPT_ID_LEN], json_t **ret)
{
	struct journal_entry entry = { .stage = STAGE_COUNT };
	enum err e = journal_look(call->profile->name, id, &entry);

	if (e == ERR_OK)
		*ret = request_json(&entry);
	wipe(&entry, sizeof(entry));
	return e;
}

static enum err
status_of(struct op_call *call, const unsigned char id[TRANSCRIPT_ID_LEN], json_t **ret)
{
	struct open_request request;
	enum err e = request_open(call->profile, id, WAIT_MS, &request);

	if (e == ERR_BUSY)
		return look(call, id, ret);
	if (e != ERR_OK)
		return e;
	e = refresh(call, &request);
	if (e == ERR_OK)
		*ret = request_json(request_entry(&request));
	request_close(&request);
	return e;
}

/* ---- all of them ---- */

struct listed {
	unsigned char id[TRANSCRIPT_ID_LEN];
	int64_t created;
	bool ended;
};

/* One that cannot be read is left out here: whoever asks for it by its id is told. */
static bool
look_at(const struct profile *profile, const unsigned char id[TRANSCRIPT_ID_LEN], struct listed *ret)
{
	struct journal_entry entry = { .stage = STAGE_COUNT };
	bool there = journal_look(profile->name, id, &entry) == ERR_OK;

	if (there) {
		*ret = (struct listed){ .created = entry.created, .ended = entry.ended != 0 };
		memcpy(ret->id, id, sizeof(ret->id));
	}
	wipe(&entry, sizeof(entry));
	return there;
}

static int
by_age(const void *a, const void *b)
{
	const struct listed *one = a, *other = b;

	if (one->created != other->created)
		return one->created < other->created ? -1 : 1;
	return memcmp(one->id, other->id, sizeof(one->id));
}

/* The oldest first, all that are open and the newest that have ended. */
static enum err
read_list(const struct profile *profile, struct listed **ret_list, size_t *ret_count)
{
	struct journal_list ids = { .ids = NULL };
	struct listed *list;
	size_t count = 0, kept = 0, ended = 0;
	enum err e = journal_list(profile->name, &ids);

	if (e != ERR_OK)
		return e;
	list = calloc(ids.count + 1, sizeof(*list));
	for (size_t i = 0; list != NULL && i < ids.count; i++)
		if (look_at(profile, ids.ids[i], &list[count]))
			ended += list[count++].ended;
	journal_list_free(&ids);
	if (list == NULL)
		return ERR_NO_MEMORY;
	qsort(list, count, sizeof(*list), by_age);
	for (size_t i = 0; i < count; i++)
		if (!list[i].ended || ended-- <= ENDED_MAX)
			list[kept++] = list[i];
	*ret_list = list;
	*ret_count = kept;
	return ERR_OK;
}

/* Of one request alone; what concerns the server or this machine concerns them all. */
static bool
is_its_own_trouble(enum err e)
{
	return e == ERR_JOURNAL_FAILED || e == ERR_JOURNAL_NEWER || e == ERR_REQUEST_ELSEWHERE || e == ERR_REQUEST_UNKNOWN || e == ERR_SIGNATURE_REFUSED;
}

static enum err
status_of_all(struct op_call *call, json_t *requests)
{
	struct listed *list = NULL;
	size_t count = 0;
	enum err e = read_list(call->profile, &list, &count);

	for (size_t i = 0; e == ERR_OK && i < count; i++) {
		json_t *request = NULL;
		e = list[i].ended ? look(call, list[i].id, &request) : status_of(call, list[i].id, &request);
		if (e == ERR_OK) {
			json_array_append_new(requests, request);
		} else if (is_its_own_trouble(e)) {
			log_info("request", "left out of the list: %s", err_name(e));
			e = ERR_OK;
		}
	}
	free(list);
	return e;
}

static enum err
status_of_one(struct op_call *call, const json_t *wanted, json_t *requests)
{
	unsigned char id[TRANSCRIPT_ID_LEN];
	json_t *request = NULL;
	enum err e;

	if (!request_id_from_json(wanted, id))
		return ERR_INVALID_PARAMS;
	e = status_of(call, id, &request);
	if (e == ERR_OK)
		json_array_append_new(requests, request);
	return e;
}

static enum err
run(struct op_call *call)
{
	json_t *wanted = NULL;
	json_t *requests;
	enum err e;

	if (json_unpack(call->params, "{s?o!}", "request", &wanted) != 0)
		return ERR_INVALID_PARAMS;
	requests = json_array();
	e = wanted != NULL ? status_of_one(call, wanted, requests) : status_of_all(call, requests);
	if (e != ERR_OK) {
		json_decref(requests);
		return e;
	}
	call->result = json_pack("{s:o}", "requests", requests);
	return call->result != NULL ? ERR_OK : ERR_NO_MEMORY;
}

const struct op op_unlock_status = { .name = "unlock.status", .run = run };
