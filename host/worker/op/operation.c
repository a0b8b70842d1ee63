/* SPDX-License-Identifier: Apache-2.0 */
#include "operation.h"

#include "buf.h"
#include "frame.h"
#include "json.h"
#include "open_request.h"

#include <string.h>

#define WAIT_MS 5000 /* for another operation that works on the same request */

static const struct op *const list[] = {
	&op_token_info,
	&op_token_watch,
	&op_unlock_request,
	&op_unlock_status,
	&op_unlock_resend,
	&op_unlock_cancel,
	&op_unlock,
	&op_doctor,
};

const struct op *
op_find(const char *name)
{
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (strcmp(list[i]->name, name) == 0)
			return list[i];
	return NULL;
}

enum err
op_send(intptr_t out, json_t *message)
{
	struct buf text = buf_new(FRAME_OUT_MAX);
	enum err e = message != NULL ? json_dump(message, &text) : ERR_NO_MEMORY;

	if (buf_error(&text) != ERR_OK)
		e = buf_error(&text);
	if (e == ERR_OK)
		e = frame_write(out, text.data, text.len, FRAME_OUT_MAX);
	buf_free(&text);
	json_decref(message);
	return e;
}

void
op_notify(struct op_call *call, const char *notification, json_t *params)
{
	(void)op_send(call->out, json_pack("{s:s, s:o}", "notification", notification, "params", params));
}

void
op_detail(struct op_call *call, const char *key, json_t *value)
{
	if (call->detail == NULL)
		call->detail = json_object();
	(void)json_object_set_new(call->detail, key, value);
}

void
op_detail_refusal(struct op_call *call, const struct tms_refusal *refusal)
{
	if (refusal->tries_left >= 0)
		op_detail(call, "tries_left", json_integer(refusal->tries_left));
	if (refusal->retry_after > 0)
		op_detail(call, "retry_after", json_integer(refusal->retry_after));
}

enum err
op_request_id(const struct op_call *call, unsigned char ret[TRANSCRIPT_ID_LEN])
{
	json_t *wanted;

	if (json_unpack(call->params, "{s:o!}", "request", &wanted) != 0 || !request_id_from_json(wanted, ret))
		return ERR_INVALID_PARAMS;
	return ERR_OK;
}

enum err
op_ask_server(struct op_call *call, const char *verb)
{
	unsigned char id[TRANSCRIPT_ID_LEN];
	struct open_request request;
	enum err e = op_request_id(call, id);

	if (e == ERR_OK)
		e = request_open(call->profile, id, WAIT_MS, &request);
	if (e != ERR_OK)
		return e;
	e = request_ask(&request, verb);
	op_detail_refusal(call, &request.tms.refusal);
	if (e == ERR_OK)
		call->result = request_json(request_entry(&request));
	request_close(&request);
	return e;
}
