/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/admin/proposals: what waits for a second person, oldest first. */
#include "answer.h"
#include "answer_rows.h"
#include "call.h"

#define PROPOSALS_MAX 100

static void
add_row(const struct store_proposal *p, void *context)
{
	struct answer_rows *rows = context;
	json_t *row = NULL;
	enum err e = answer_proposal(rows->call, p, &row);

	answer_rows_add(rows, e, row);
}

enum err
op_admin_proposals(struct call *c, json_t **ret_answer)
{
	struct answer_rows rows = answer_rows_new(c);

	return answer_rows_pack(&rows, store_proposal_list_open(c->store, c->now, PROPOSALS_MAX, add_row, &rows), "proposals", ret_answer);
}
