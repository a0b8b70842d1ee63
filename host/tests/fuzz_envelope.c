/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a page may send, through everything that looks at it before a worker is started. What is taken is exactly what was meant; what is
 * refused still has an answer that is one JSON object and fits into a frame.
 */
#include "envelope.h"
#include "frame.h"
#include "fuzz.h"
#include "json.h"
#include "params.h"

#include <string.h>

static enum err
judge(const struct envelope *v)
{
	struct request r;
	enum err e = envelope_request(v, &r);

	if (e != ERR_OK)
		return e;
	must(v->id != NULL && r.op < OP_COUNT && json_object_size(v->message) <= 4);
	return params_ok(r.op, r.params) ? ERR_OK : ERR_INVALID_PARAMS;
}

static void
answer(const struct envelope *v, enum err e)
{
	json_t *body = e == ERR_OK ? json_object() : json_error(e, NULL);
	struct buf b = buf_new(FRAME_OUT_MAX);
	json_t *back = NULL;

	must(envelope_write(v->channel, envelope_answer(v->id, e == ERR_OK ? "result" : "error", body), &b) == ERR_OK);
	must(b.len < 4096 && json_load(b.data, b.len, &back, NULL) == ERR_OK);
	must(v->id == NULL || json_equal(json_object_get(json_object_get(back, "message"), "id"), v->id));
	json_decref(back);
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct envelope v;
	enum err e;

	if (size > FRAME_IN_MAX)
		return 0;
	e = envelope_read(data, size, &v);
	must(e == ERR_OK || e == ERR_PARSE || e == ERR_INVALID_REQUEST);
	must(v.channel == NULL || strlen(v.channel) <= 64);
	if (e == ERR_OK) {
		must(v.origin != NULL && json_is_object(v.message));
		e = judge(&v);
		must(e == ERR_OK || e == ERR_INVALID_REQUEST || e == ERR_METHOD_NOT_FOUND || e == ERR_INVALID_PARAMS);
	}
	answer(&v, e);
	envelope_free(&v);
	return 0;
}
