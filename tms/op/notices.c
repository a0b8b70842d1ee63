/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/notices: what the authority wants customers to read now. The same for everybody who asks. */
#include "answer_rows.h"
#include "call.h"

#define NOTICES_MAX 8 /* what anybody would still read */

static void
add_row(const struct store_notice *n, void *context)
{
	json_t *row = json_pack("{s:I, s:s, s:{s:s, s:s}, s:{s:s, s:s}}",
	    "id", (json_int_t)n->id,
	    "severity", store_severity_name(n->severity),
	    "title", "vi", n->title_vi, "en", n->title_en,
	    "text", "vi", n->text_vi, "en", n->text_en);

	answer_rows_add(context, ERR_OK, row);
}

enum err
op_notices(struct call *c, json_t **ret_answer)
{
	struct answer_rows rows = answer_rows_new(c);

	return answer_rows_pack(&rows, store_notice_due(c->store, c->now, NOTICES_MAX, add_row, &rows), "notices", ret_answer);
}
