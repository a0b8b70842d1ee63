/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/admin/requests: the desk's list, newest first, and what it looks for in it. */
#include "answer.h"
#include "answer_rows.h"
#include "call.h"
#include "decode.h"

#include <string.h>

#define CERTIFICATE_SERIAL_MAX 128 /* digits of what is looked for */

struct page {
	struct answer_rows rows;
	int64_t limit;
	int64_t count;
	int64_t last; /* number of the last row that is on the page */
};

/* One row more than the page holds says that there is another page. */
static void
add_row(const struct store_request *r, void *context)
{
	struct page *page = context;
	json_t *row = NULL;
	enum err e;

	if (++page->count > page->limit)
		return;
	page->last = r->number;
	e = answer_row(page->rows.call, r, &row);
	answer_rows_add(&page->rows, e, row);
}

/* Hexadecimal digits as the list shows them, of either case. */
static bool
hex_ok(const char *text)
{
	return decode_query_text(text, CERTIFICATE_SERIAL_MAX) && (text == NULL || text[strspn(text, "0123456789abcdefABCDEF")] == '\0');
}

static bool
query_ok(const struct call_query *query)
{
	return (query->state == NULL || state_from_name(query->state) != STATE_COUNT) &&
	       decode_query_text(query->customer, DECODE_CUSTOMER_MAX) &&
	       decode_query_text(query->email, DECODE_EMAIL_MAX) &&
	       decode_query_text(query->token_serial, DECODE_TOKEN_SERIAL_MAX) &&
	       hex_ok(query->certificate_serial) &&
	       query->limit >= 0 && query->limit <= DECODE_LIMIT_MAX;
}

enum err
op_admin_list(struct call *c, json_t **ret_answer)
{
	struct page page = { .limit = c->query.limit != 0 ? c->query.limit : DECODE_LIMIT_DEFAULT };
	const struct store_filter filter = {
		.state = c->query.state != NULL ? state_from_name(c->query.state) : STORE_ANY,
		.before = c->query.before,
		.from = c->query.from,
		.to = c->query.to,
		.customer = c->query.customer,
		.email = c->query.email,
		.token_serial = c->query.token_serial,
		.certificate_serial = c->query.certificate_serial,
	};
	json_t *array;
	enum err e;

	if (!query_ok(&c->query))
		return ERR_INVALID_PARAMS;
	page.rows = answer_rows_new(c);
	e = answer_rows_end(&page.rows, store_request_list(c->store, &filter, (unsigned)page.limit + 1, add_row, &page), &array);
	if (e != ERR_OK)
		return e;
	return answer_packed(json_pack("{s:o, s:I}",
				 "requests", array,
				 "next", (json_int_t)(page.count > page.limit ? page.last : 0)),
	    ret_answer);
}
