/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET and POST /v1/admin/agencies, POST /v1/admin/tokens/{number}/agency: whose pages may show the unlock page in a frame, and whose customer has a token. Both count from the next
 * page and the next call on: the frame's header is made from the row whenever it is asked for (http/page.c), nothing is restarted.
 */
#include "answer.h"
#include "answer_rows.h"
#include "call.h"
#include "decode.h"
#include "detail.h"
#include "text.h"

#include <string.h>

/* ---- the list ---- */

/* What stands in the text between blanks. */
static json_t *
words(const char *text)
{
	json_t *array = json_array();

	for (size_t len; *text != '\0'; text += len + strspn(text + len, " ")) {
		len = strcspn(text, " ");
		if (json_array_append_new(array, json_stringn(text, len)) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static void
add_agency(const struct store_agency *a, void *context)
{
	struct answer_rows *rows = context;
	int64_t customers = 0;
	enum err e = store_agency_customers(rows->call->store, a->id, &customers);
	json_t *row = json_pack("{s:s, s:s, s:o, s:o, s:b, s:I, s:I}",
	    "id", a->id,
	    "name", a->name,
	    "origins", words(a->origins),
	    "domains", words(a->domains),
	    "second_approver", a->second_approver ? 1 : 0,
	    "customers", (json_int_t)customers,
	    "created", (json_int_t)a->created);

	answer_rows_add(rows, e, row);
}

enum err
op_admin_agencies(struct call *c, json_t **ret_answer)
{
	struct answer_rows rows = answer_rows_new(c);

	return answer_rows_pack(&rows, store_agency_list(c->store, add_agency, &rows), "agencies", ret_answer);
}

/* ---- one that is added or changed ---- */

/* Whether its requests take two people is not for one to change: that is said by the command line (agency add). In a transaction. */
static enum err
put_agency(struct call *c, struct store_agency *a, bool replace)
{
	struct store_agency was;
	char detail[DETAIL_SIZE];
	size_t said = 0;
	enum err e = replace ? store_agency_by_id(c->store, a->id, &was) : ERR_OK;

	if (e == ERR_OK && replace)
		a->second_approver = was.second_approver;
	if (e == ERR_OK)
		e = store_agency_put(c->store, a, replace);
	while (e == ERR_OK && detail_agency(replace ? "change" : "add", a, &said, detail))
		e = call_audit(c, NULL, 0, "agency", "%s", detail);
	return e;
}

enum err
op_admin_agency_put(struct call *c, json_t **ret_answer)
{
	struct store_agency a = { .created = c->now };
	bool replace;
	enum err e = decode_agency(c->body, &a, &replace);

	if (e == ERR_OK)
		e = call_begin(c);
	if (e == ERR_OK)
		e = call_end(c, put_agency(c, &a, replace));
	return e == ERR_OK ? op_admin_agencies(c, ret_answer) : e;
}

/* ---- whose customer has a token ---- */

/* A token that leaves an agency leaves its second approver behind, too: not by one alone, who could have it back again once the request is approved. */
static enum err
check_move(struct call *c, const struct store_token *t, const char *to)
{
	struct store_agency from = { .second_approver = false };
	struct store_agency other = { .second_approver = false };
	enum err e = t->agency[0] != '\0' ? store_agency_by_id(c->store, t->agency, &from) : ERR_OK;

	if (e == ERR_OK && to[0] != '\0')
		e = store_agency_by_id(c->store, to, &other);
	if (e != ERR_OK || c->service->config->second_approver == CONFIG_SECOND_ALWAYS)
		return e;
	return from.second_approver && !other.second_approver ? ERR_SECOND_APPROVER_KEPT : ERR_OK;
}

/* In a transaction. */
static enum err
move_token(struct call *c, const struct decode_token_agency *d, struct store_token *ret)
{
	enum err e = store_token_by_id(c->store, c->number, ret);
	char note[CALL_REASON_SIZE];

	if (e == ERR_OK)
		e = check_move(c, ret, d->agency);
	if (e == ERR_OK)
		e = store_token_set_agency(c->store, ret, d->agency);
	if (e == ERR_OK)
		e = call_audit_said(c, ret->id, 0, "move", call_reason(d->reason, note), "from=%s to=%s", ret->agency, d->agency);
	if (e == ERR_OK)
		text_copy(ret->agency, sizeof(ret->agency), d->agency);
	return e;
}

enum err
op_admin_token_agency(struct call *c, json_t **ret_answer)
{
	struct decode_token_agency d;
	struct store_token t = { .life = STORE_RETIRED };
	enum err e = decode_token_agency(c->body, &d);

	if (e == ERR_OK)
		e = call_begin(c);
	if (e == ERR_OK)
		e = call_end(c, move_token(c, &d, &t));
	return e == ERR_OK ? answer_token(c, &t, ret_answer) : e;
}
