/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/admin/mails and POST .../{number}/retry: mails that nobody got, and one of them sent again. An agency's people see those of their own customers. */
#include "answer.h"
#include "answer_rows.h"
#include "call.h"
#include "decode.h"

#define LIST_MAX 100 /* the newest */

static void
add_mail(const struct store_outbox *mail, void *context)
{
	json_t *row = json_pack("{s:I, s:I, s:s, s:s, s:I, s:I, s:s}",
	    "number", (json_int_t)mail->id,
	    "request", (json_int_t)mail->number,
	    "kind", store_mail_name(mail->kind),
	    "to", mail->to,
	    "tries", (json_int_t)mail->tries,
	    "created", (json_int_t)mail->created,
	    "error", mail->error);

	answer_rows_add(context, ERR_OK, row);
}

enum err
op_admin_mails(struct call *c, json_t **ret_answer)
{
	struct answer_rows rows = answer_rows_new(c);
	json_t *array;
	int64_t count = 0;
	enum err e = answer_rows_end(&rows, store_outbox_failed(c->store, LIST_MAX, add_mail, &rows), &array);

	if (e == ERR_OK)
		e = store_outbox_failed_count(c->store, &count);
	if (e == ERR_OK)
		return answer_packed(json_pack("{s:o, s:I}", "mails", array, "count", (json_int_t)count), ret_answer);
	json_decref(array);
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
