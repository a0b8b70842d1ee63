/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mokhoa-worker: one operation, then it ends. Its order comes as one frame from mokhoa-host on stdin, its answer goes out on stdout; it goes on
 * when nobody listens any more, because an unlock that has begun must end. `mokhoa-worker step` is the same program as one of its own
 * steps (step.h), the only ones that load a PKCS#11 module.
 */
#include "err.h"
#include "frame.h"
#include "json.h"
#include "log.h"
#include "operation.h"
#include "os.h"
#include "profile.h"
#include "step.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define ORDER_MS  15000			 /* the host writes its frame at once */
#define ORDER_MAX (FRAME_IN_MAX + 1024u) /* params of a page, and what the host adds */

static enum err
read_order(intptr_t in, json_t **ret)
{
	struct frame_reader reader = frame_reader_new(ORDER_MAX);
	const unsigned char *bytes;
	uint32_t len;
	enum err e = frame_read(&reader, in, os_now_ms() + ORDER_MS, &bytes, &len);

	if (e == ERR_OK)
		e = json_load(bytes, len, ret, NULL);
	frame_reader_free(&reader);
	return e;
}

/* The host has judged the order; this only keeps a worker that was started by hand from doing anything odd. */
static enum err
take_order(json_t *order, const struct profile_set *profiles, const struct op **ret_op, struct op_call *ret_call)
{
	const char *op, *profile, *origin;
	json_t *params;

	if (json_unpack(order, "{s:s, s:s, s:s, s:o!}",
		"op", &op,
		"profile", &profile,
		"origin", &origin,
		"params", &params) != 0 ||
	    !json_is_object(params) || (origin[0] != '\0' && !text_is_origin(origin, strlen(origin))))
		return ERR_INVALID_REQUEST;
	*ret_op = op_find(op);
	ret_call->profile = profile_by_name(profiles, profile);
	ret_call->origin = origin;
	ret_call->params = params;
	if (*ret_op == NULL)
		return ERR_METHOD_NOT_FOUND;
	return ret_call->profile != NULL ? ERR_OK : ERR_PROFILE_MISSING;
}

static enum err
load_profiles(struct profile_set **ret)
{
	char where[PROFILE_WHERE_MAX];
	enum err e = profile_load_all(profile_folder(), ret, where);

	if (e != ERR_OK)
		log_error("profile", "result=%s %s", err_name(e), where);
	return e;
}

static enum err
work(json_t *order, struct op_call *call)
{
	struct profile_set *profiles = NULL;
	const struct op *op;
	enum err e = load_profiles(&profiles);

	if (e == ERR_OK)
		e = take_order(order, profiles, &op, call);
	if (e == ERR_OK)
		e = op->run(call);
	log_debug("worker", "result=%s", err_name(e));
	profile_set_free(profiles);
	return e;
}

static int
answer(const struct op_call *call, enum err e)
{
	json_t *message = e == ERR_OK ? json_pack("{s:O}", "result", call->result) : json_pack("{s:o}", "error", json_error(e, call->detail));
	enum err sent = op_send(call->out, message);

	/* a list that does not fit into a frame is an error that does */
	if (sent == ERR_FRAME_TOO_LARGE)
		sent = op_send(call->out, json_pack("{s:o}", "error", json_error(sent, NULL)));
	return sent == ERR_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int
serve(intptr_t in, intptr_t out)
{
	struct op_call call = { .in = in, .out = out, .token = -1 };
	json_t *order = NULL;
	enum err e = read_order(in, &order);
	int status;

	if (e == ERR_OK)
		e = work(order, &call);
	status = answer(&call, e);
	/* whoever asked knows by now; a step that was late still has the token */
	step_late_end();
	if (call.token != -1)
		os_unlock(call.token);
	json_decref(call.result);
	json_decref(call.detail);
	json_decref(order);
	return status;
}

int
main(int argc, char **argv)
{
	intptr_t in, out;

	os_harden();
	os_take_stdio(&in, &out);
	log_open("mokhoa-worker");
	json_open();
	if (argc == 2 && strcmp(argv[1], "step") == 0)
		return step_run(in, out);
	if (argc != 1) {
		log_error("worker", "it is started by mokhoa-host and takes no arguments");
		return EXIT_FAILURE;
	}
	return serve(in, out);
}
