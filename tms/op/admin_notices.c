/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/admin/notices, POST the same, POST .../{number} and .../{number}/remove: what customers are to read, as the desk writes it. Each answers with all of them. */
#include "answer.h"
#include "answer_rows.h"
#include "call.h"
#include "decode.h"
#include "text.h"

#include <stdio.h>

static void
add_row(const struct store_notice *n, void *context)
{
	struct answer_rows *rows = context;
	bool due = n->starts <= rows->call->now && (n->ends == 0 || n->ends > rows->call->now);
	json_t *row = json_pack("{s:I, s:s, s:{s:s, s:s}, s:{s:s, s:s}, s:I, s:I, s:b, s:I}",
	    "number", (json_int_t)n->id,
	    "severity", store_severity_name(n->severity),
	    "title", "vi", n->title_vi, "en", n->title_en,
	    "text", "vi", n->text_vi, "en", n->text_en,
	    "starts", (json_int_t)n->starts,
	    "ends", (json_int_t)n->ends,
	    "due", due ? 1 : 0,
	    "created", (json_int_t)n->created);

	answer_rows_add(rows, ERR_OK, row);
}

enum err
op_admin_notices(struct call *c, json_t **ret_answer)
{
	struct answer_rows rows = answer_rows_new(c);

	return answer_rows_pack(&rows, store_notice_list(c->store, add_row, &rows), "notices", ret_answer);
}

static enum err
read_notice(struct call *c, struct store_notice *ret)
{
	struct decode_notice d;
	enum err e = decode_notice(c->body, &d);

	if (e != ERR_OK)
		return e;
	*ret = (struct store_notice){ .id = c->number, .severity = d.severity, .starts = d.starts, .ends = d.ends, .created = c->now };
	text_copy(ret->title_vi, sizeof(ret->title_vi), d.title_vi);
	text_copy(ret->text_vi, sizeof(ret->text_vi), d.text_vi);
	text_copy(ret->title_en, sizeof(ret->title_en), d.title_en);
	text_copy(ret->text_en, sizeof(ret->text_en), d.text_en);
	return ERR_OK;
}

static enum err
audit(struct call *c, const char *verb, const struct store_notice *n)
{
	char note[STORE_NOTICE_TITLE_SIZE + 8];

	snprintf(note, sizeof(note), "title=%s", n->title_vi);
	return call_audit_said(c, 0, 0, "notice", note, "%s=%lld severity=%s starts=%lld ends=%lld", verb, (long long)n->id, store_severity_name(n->severity),
	    (long long)n->starts, (long long)n->ends);
}

enum err
op_admin_notice_add(struct call *c, json_t **ret_answer)
{
	struct store_notice n;
	enum err e = read_notice(c, &n);

	/* what is over before it is said is a slip of the pen */
	if (e == ERR_OK && n.ends != 0 && n.ends <= c->now)
		e = ERR_INVALID_PARAMS;
	if (e == ERR_OK)
		e = call_begin(c);
	if (e != ERR_OK)
		return e;
	e = store_notice_add(c->store, &n, &n.id);
	if (e == ERR_OK)
		e = audit(c, "add", &n);
	e = call_end(c, e);
	return e == ERR_OK ? op_admin_notices(c, ret_answer) : e;
}

enum err
op_admin_notice_change(struct call *c, json_t **ret_answer)
{
	struct store_notice n;
	enum err e = read_notice(c, &n);

	if (e == ERR_OK)
		e = call_begin(c);
	if (e != ERR_OK)
		return e;
	e = store_notice_put(c->store, &n);
	if (e == ERR_OK)
		e = audit(c, "change", &n);
	e = call_end(c, e);
	return e == ERR_OK ? op_admin_notices(c, ret_answer) : e;
}

enum err
op_admin_notice_remove(struct call *c, json_t **ret_answer)
{
	enum err e = decode_nothing(c->body);

	if (e == ERR_OK)
		e = call_begin(c);
	if (e != ERR_OK)
		return e;
	e = store_notice_remove(c->store, c->number);
	if (e == ERR_OK)
		e = call_audit(c, NULL, 0, "notice", "remove=%lld", (long long)c->number);
	e = call_end(c, e);
	return e == ERR_OK ? op_admin_notices(c, ret_answer) : e;
}
