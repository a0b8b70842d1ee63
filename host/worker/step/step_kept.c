/* SPDX-License-Identifier: Apache-2.0 */
/* What a step leaves for an unlock that comes after its worker has died. */
#include "json.h"
#include "log.h"
#include "os.h"
#include "step_wire.h"

#define KEPT_MAX 1024

void
step_keep_answer(const char *keep, enum err e, const struct step_outcome *outcome)
{
	struct buf text = buf_new(KEPT_MAX);
	json_t *answer = step_answer_json(e, outcome, NULL);

	if (answer == NULL || json_dump(answer, &text) != ERR_OK || os_write_private(keep, text.data, text.len) != ERR_OK)
		log_error("step", "its answer could not be kept: %s", keep);
	json_decref(answer);
	buf_free(&text);
}

bool
step_kept_answer(const char *keep, enum err *ret_error, struct step_outcome *ret)
{
	struct buf text = buf_new(KEPT_MAX);
	const json_t *result = NULL;
	json_t *answer = NULL;
	bool good = os_read_file(keep, &text) == ERR_OK && json_load(text.data, text.len, &answer, NULL) == ERR_OK &&
		    step_answer_from_json(answer, ret_error, ret, &result) == ERR_OK;

	json_decref(answer);
	buf_free(&text);
	return good;
}
