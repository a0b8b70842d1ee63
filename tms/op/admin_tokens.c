/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/admin/tokens: the inventory, suspect ones first, and what is looked for in it. */
#include "answer.h"
#include "answer_page.h"
#include "call.h"
#include "decode.h"

#include <string.h>

static void
add_row(const struct store_token *t, int64_t after, void *context)
{
	struct answer_page *page = context;
	json_t *row = NULL;
	enum err e;

	if (!answer_page_takes(page, after))
		return;
	e = answer_token_row(page->rows.call, t, &row);
	answer_rows_add(&page->rows, e, row);
}

static bool
query_ok(const struct call_query *query)
{
	return decode_query_ok(query) &&
	       (query->state == NULL || store_token_state_from_name(query->state) != STORE_TOKEN_STATE_COUNT) &&
	       (query->life == NULL || store_life_from_name(query->life) != STORE_LIFE_COUNT) &&
	       (query->order == NULL || strcmp(query->order, "newest") == 0 || strcmp(query->order, "serial") == 0);
}

enum err
op_admin_tokens(struct call *c, json_t **ret_answer)
{
	const struct call_query *q = &c->query;
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
	struct answer_page page;

	if (!query_ok(q))
		return ERR_INVALID_PARAMS;
	page = answer_page_new(c);
	return answer_page_pack(&page, store_token_list(c->store, &filter, answer_page_rows(&page), add_row, &page), "tokens", ret_answer);
}
