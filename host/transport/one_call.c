/* SPDX-License-Identifier: Apache-2.0 */
#include "one_call.h"

#include "dispatch.h"
#include "json.h"
#include "os.h"

/* dispatch_port.send */
static void
take_envelope(void *context, const void *bytes, size_t len)
{
	const struct one_call *call = context;
	json_t *envelope;

	if (json_load(bytes, len, &envelope, NULL) != ERR_OK)
		return;
	call->heard(call->context, json_object_get(envelope, "message"));
	json_decref(envelope);
}

void
one_call(const struct one_call *call)
{
	const struct dispatch_port port = { .profiles = call->profiles, .send = take_envelope, .context = (void *)call };
	struct dispatch *d = dispatch_new(&port);
	intptr_t handles[DISPATCH_HANDLES_MAX];

	if (d == NULL)
		return;
	dispatch_command(d, call->profile, call->method, call->params);
	while (dispatch_running(d) != 0) {
		bool ready[DISPATCH_HANDLES_MAX] = { false };
		size_t workers = dispatch_handles(d, handles);

		(void)os_wait(handles, workers, dispatch_timeout(d), ready);
		dispatch_turn(d, ready);
	}
	dispatch_free(d);
}
