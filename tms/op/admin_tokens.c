/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/admin/tokens: the inventory, suspect ones first, and what is looked for in it. */
#include "answer.h"
#include "answer_rows.h"
#include "call.h"
#include "decode.h"

#include <string.h>

struct page {
	struct answer_rows rows;
	int64_t limit;
	int64_t count;
	int64_t after; /* of the last row that is on the page */
};

/* One row more than the page holds says that there is another page. */
static void
add_row(const struct store_token *t, int64_t after, void *context)
{
	struct page *page = context;
	json_t *row = NULL;
	enum err e;

	if (++page->count > page->limit)
		return;
	page->after = after;
	e = answer_token_row(page->rows.call, t, &row);
	answer_rows_add(&page->rows, e, row);
}

static bool
query_ok(const struct call_query *query)
{
	return (query->state == NULL || store_token_state_from_name(query->state) != STORE_TOKEN_STATE_COUNT) &&
	       (query->life == NULL || store_life_from_name(query->life) != STORE_LIFE_COUNT) &&
	       (query->order == NULL || strcmp(query->order, "newest") == 0 || strcmp(query->order, "serial") == 0) &&
	       decode_query_text(query->customer, DECODE_CUSTOMER_MAX) &&
	       decode_query_text(query->email, DECODE_EMAIL_MAX) &&
	       decode_query_text(query->token_serial, DECODE_TOKEN_SERIAL_MAX) &&
	       query->limit <= DECODE_LIMIT_MAX;
}

enum err
op_admin_tokens(struct call *c, json_t **ret_answer)
{
	const struct call_query *q = &c->query;
	struct page page = { .limit = q->limit != 0 ? q->limit : DECODE_LIMIT_DEFAULT };
	const struct store_token_filter filter = {
		.after = q->after,
		.by_serial = q->order != NULL && strcmp(q->order, "serial") == 0,
		.serial = q->token_serial,
		.customer = q->customer,
		.email = q->email,
		.life = q->life != NULL ? store_life_from_name(q->life) : STORE_LIFE_COUNT,
		.state = q->state != NULL ? store_token_state_from_name(q->state) : STORE_TOKEN_STATE_COUNT,
		.type = q->type,
	};
	json_t *array;
	enum err e;

	if (!query_ok(q))
		return ERR_INVALID_PARAMS;
	page.rows = answer_rows_new(c);
	e = answer_rows_end(&page.rows, store_token_list(c->store, &filter, (unsigned)page.limit + 1, add_row, &page), &array);
	if (e != ERR_OK)
		return e;
	return answer_packed(json_pack("{s:o, s:I}",
				 "tokens", array,
				 "next", (json_int_t)(page.count > page.limit ? page.after : 0)),
	    ret_answer);
}
