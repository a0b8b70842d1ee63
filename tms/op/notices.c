/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/notices: what the authority wants customers to read now. The same for everybody who asks. */
#include "answer.h"
#include "call.h"

#define NOTICES_MAX 8 /* what anybody would still read */

struct due {
	json_t *rows;
	bool failed;
};

static void
add_row(const struct store_notice *n, void *context)
{
	struct due *due = context;
	json_t *row = json_pack("{s:I, s:s, s:{s:s, s:s}, s:{s:s, s:s}}",
	    "id", (json_int_t)n->id,
	    "severity", store_severity_name(n->severity),
	    "title", "vi", n->title_vi, "en", n->title_en,
	    "text", "vi", n->text_vi, "en", n->text_en);

	if (json_array_append_new(due->rows, row) != 0)
		due->failed = true;
}

enum err
op_notices(struct call *c, json_t **ret_answer)
{
	struct due due = { .rows = json_array() };
	enum err e = store_notice_due(c->store, c->now, NOTICES_MAX, add_row, &due);

	if (e != ERR_OK || due.failed) {
		json_decref(due.rows);
		return e != ERR_OK ? e : ERR_NO_MEMORY;
	}
	return answer_packed(json_pack("{s:o}", "notices", due.rows), ret_answer);
}
