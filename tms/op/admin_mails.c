/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/admin/mails and POST .../{number}/retry: mails that nobody got, and one of them sent again. An agency's people see those of their own customers. */
#include "answer.h"
#include "call.h"
#include "decode.h"

#define LIST_MAX 100 /* the newest */

static void
add_mail(const struct store_outbox *row, void *context)
{
	json_t **rows = context;

	/* json_array_append_new() of a row that could not be made fails, and so does what is appended to no array */
	if (json_array_append_new(*rows, json_pack("{s:I, s:I, s:s, s:s, s:I, s:I, s:s}",
					     "number", (json_int_t)row->id,
					     "request", (json_int_t)row->number,
					     "kind", store_mail_name(row->kind),
					     "to", row->to,
					     "tries", (json_int_t)row->tries,
					     "created", (json_int_t)row->created,
					     "error", row->error)) != 0) {
		json_decref(*rows);
		*rows = NULL;
	}
}

enum err
op_admin_mails(struct call *c, json_t **ret_answer)
{
	json_t *rows = json_array();
	int64_t count = 0;
	enum err e = store_outbox_failed(c->store, LIST_MAX, add_mail, &rows);

	if (e == ERR_OK)
		e = store_outbox_failed_count(c->store, &count);
	if (e == ERR_OK)
		return answer_packed(json_pack("{s:o, s:I}", "mails", rows, "count", (json_int_t)count), ret_answer);
	json_decref(rows);
	return e;
}

/* In a transaction. */
static enum err
retry(struct call *c)
{
	struct store_outbox row = { .number = 0 };
	enum err e = store_outbox_retry(c->store, c->number, c->now);

	if (e == ERR_OK)
		e = store_outbox_by_id(c->store, c->number, &row);
	return e == ERR_OK ? call_audit(c, NULL, row.number, "mail", "kind=%s outcome=again", store_mail_name(row.kind)) : e;
}

enum err
op_admin_mail_retry(struct call *c, json_t **ret_answer)
{
	enum err e = decode_nothing(c->body);

	if (e == ERR_OK)
		e = call_begin(c);
	if (e == ERR_OK)
		e = call_end(c, retry(c));
	if (e != ERR_OK)
		return e;
	c->mailed = true;
	return op_admin_mails(c, ret_answer);
}
