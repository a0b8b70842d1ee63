/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/admin/proposals: what waits for a second person, oldest first. */
#include "answer.h"
#include "call.h"

#define PROPOSALS_MAX 100

struct waiting {
	struct call *call;
	json_t *rows;
	enum err e;
};

static void
add_row(const struct store_proposal *p, void *context)
{
	struct waiting *w = context;
	json_t *row = NULL;

	if (w->e == ERR_OK)
		w->e = answer_proposal(w->call, p, &row);
	if (w->e == ERR_OK && json_array_append_new(w->rows, row) != 0)
		w->e = ERR_NO_MEMORY;
}

enum err
op_admin_proposals(struct call *c, json_t **ret_answer)
{
	struct waiting w = { .call = c, .rows = json_array(), .e = ERR_OK };
	enum err e = store_proposal_list_open(c->store, c->now, PROPOSALS_MAX, add_row, &w);

	if (e == ERR_OK)
		e = w.e;
	if (e == ERR_OK)
		return answer_packed(json_pack("{s:o}", "proposals", w.rows), ret_answer);
	json_decref(w.rows);
	return e;
}
