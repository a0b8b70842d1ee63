/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/admin/requests: the desk's list, newest first. */
#include "answer.h"
#include "call.h"

#define LIMIT_MAX     100
#define LIMIT_DEFAULT 50

struct page {
	json_t *rows;
	int64_t limit;
	int64_t count;
	int64_t last; /* number of the last row that is on the page */
	enum err e;
};

/* One row more than the page holds says that there is another page. */
static void
add_row(const struct store_request *r, void *context)
{
	struct page *page = context;
	json_t *row = NULL;

	if (page->e != ERR_OK || ++page->count > page->limit)
		return;
	page->last = r->number;
	page->e = answer_row(r, &row);
	if (page->e == ERR_OK && json_array_append_new(page->rows, row) != 0)
		page->e = ERR_NO_MEMORY;
}

enum err
op_admin_list(struct call *c, json_t **ret_answer)
{
	struct page page = { .limit = c->query.limit != 0 ? c->query.limit : LIMIT_DEFAULT, .e = ERR_OK };
	enum state state = c->query.state != NULL ? state_from_name(c->query.state) : STORE_ANY;
	json_t *answer;

	if ((c->query.state != NULL && state == STATE_COUNT) || page.limit < 1 || page.limit > LIMIT_MAX)
		return ERR_INVALID_PARAMS;
	page.rows = json_array();
	page.e = store_request_list(c->store, state, c->query.before, (unsigned)page.limit + 1, add_row, &page);
	if (page.e != ERR_OK) {
		json_decref(page.rows);
		return page.e;
	}
	answer = json_pack("{s:o, s:I}",
	    "requests", page.rows,
	    "next", (json_int_t)(page.count > page.limit ? page.last : 0));
	if (answer == NULL)
		return ERR_NO_MEMORY;
	*ret_answer = answer;
	return ERR_OK;
}
