/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/admin/requests: the desk's list, newest first, and what it looks for in it. */
#include "answer.h"
#include "answer_page.h"
#include "call.h"
#include "decode.h"

#include <string.h>

#define CERTIFICATE_SERIAL_MAX 128 /* digits of what is looked for */

static void
add_row(const struct store_request *r, void *context)
{
	struct answer_page *page = context;
	json_t *row = NULL;
	enum err e;

	if (!answer_page_takes(page, r->number))
		return;
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
	return decode_query_ok(query) && (query->state == NULL || state_from_name(query->state) != STATE_COUNT) && hex_ok(query->certificate_serial);
}

enum err
op_admin_list(struct call *c, json_t **ret_answer)
{
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
	struct answer_page page;

	if (!query_ok(&c->query))
		return ERR_INVALID_PARAMS;
	page = answer_page_new(c);
	return answer_page_pack(&page, store_request_list(c->store, &filter, answer_page_rows(&page), add_row, &page), "requests", ret_answer);
}
