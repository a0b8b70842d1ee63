/* SPDX-License-Identifier: Apache-2.0 */
/* Both readers of the step's pipe: the child reads a request, the parent an answer that a hostile module may have written. */
#include "fuzz.h"
#include "json.h"
#include "step_wire.h"

/* What was read as a request is packed and read again, and must be the same. */
static void
read_request(const json_t *json)
{
	static struct step_request first, second;
	json_t *again;

	if (step_request_from_json(json, &first) != ERR_OK)
		return;
	again = step_request_json(&first);
	must(again != NULL && json_equal(again, (json_t *)json) && step_request_from_json(again, &second) == ERR_OK);
	json_decref(again);
}

static void
read_answer(const json_t *json)
{
	struct step_inspection inspection;
	struct step_outcome outcome;
	struct step_proof proof = { .built = true };
	const json_t *result;
	enum err e;

	if (step_answer_from_json(json, &e, &outcome, &result) != ERR_OK)
		return;
	if (step_inspection_from_json(result, &inspection) == ERR_OK)
		step_inspection_free(&inspection);
	(void)step_signature_from_json(result, &proof);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *json = NULL;

	if (size > STEP_FRAME_MAX || json_load(data, size, &json, NULL) != ERR_OK)
		return 0;
	read_request(json);
	read_answer(json);
	json_decref(json);
	return 0;
}
