/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token.info: what is plugged in, as every module of the profile shows it. What fails is told beside what does not, and where there
 * is nothing at all, why.
 */
#include "operation.h"

#include "certificate_view.h"
#include "find_token.h"
#include "json.h"
#include "log.h"
#include "os.h"
#include "step.h"
#include "text.h"

#define BEGIN_MS 14000 /* after this a module is not even asked: one that hangs takes 15 seconds, and what the others said must still be told */

static json_t *
certificate_json(const struct certificate_view *view)
{
	char serial[CERTIFICATE_SERIAL_TEXT_MAX + 1];

	certificate_serial_text(&view->serial, serial);
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:s}",
	    "subject", view->subject,
	    "issuer", view->issuer,
	    "serial", serial,
	    "not_before", (json_int_t)view->not_before,
	    "not_after", (json_int_t)view->not_after,
	    "email", view->email);
}

/* One that cannot be read is left out: it says nothing to a person, and the token is there all the same. */
static json_t *
certificates_json(const struct step_token *token)
{
	json_t *array = json_array();

	for (size_t i = 0; i < token->certificate_count; i++) {
		struct certificate_view view;
		if (certificate_view(token->certificates[i].der, token->certificates[i].der_len, &view))
			json_array_append_new(array, certificate_json(&view));
		else
			log_debug("token", "certificate %zu cannot be read", i);
	}
	return array;
}

static json_t *
token_json(const struct profile_module *module, const struct step_token *token)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:o}",
	    "manufacturer", token->name.manufacturer,
	    "model", token->name.model,
	    "serial", token->name.serial,
	    "label", token->label,
	    "module", module->name,
	    "slot", token->slot,
	    "pin", pin_state_name(token->pin),
	    "so_pin", pin_state_name(token->so_pin),
	    "pin_min", (json_int_t)token->pin_min,
	    "pin_max", (json_int_t)token->pin_max,
	    "certificates", certificates_json(token));
}

static json_t *
failure_json(const struct profile_module *module, const char *slot, enum err e, uint64_t cryptoki)
{
	json_t *detail = cryptoki != 0 ? json_pack("{s:I}", "cryptoki", (json_int_t)(cryptoki & INT64_MAX)) : NULL;
	json_t *failure = json_pack("{s:s, s:s, s:o}", "module", module->name, "slot", slot, "error", json_error(e, detail));

	json_decref(detail);
	return failure;
}

struct info {
	json_t *tokens;
	json_t *failures;
	enum err absent; /* why a module showed nothing, as absence_join() has it */
	bool readers;	 /* a reader failed: something is there */
};

static void
inspect(const struct profile_module *module, struct info *info)
{
	struct step_inspection found = { .tokens = NULL };
	enum err e = step_inspect(module, &found);

	if (e != ERR_OK) {
		json_array_append_new(info->failures, failure_json(module, "", e, 0));
		return;
	}
	info->absent = absence_join(info->absent, found.absent);
	info->readers = info->readers || found.failure_count != 0;
	for (size_t i = 0; i < found.token_count; i++)
		json_array_append_new(info->tokens, token_json(module, &found.tokens[i]));
	for (size_t i = 0; i < found.failure_count; i++)
		json_array_append_new(info->failures, failure_json(module, found.failures[i].slot, found.failures[i].error, found.failures[i].cryptoki));
	step_inspection_free(&found);
}

/* NULL, which json_pack leaves out, where there is something, or where no module could look. */
static json_t *
absent_json(const struct info *info)
{
	bool nothing = json_array_size(info->tokens) == 0 && !info->readers && info->absent != ERR_OK;

	return nothing ? json_error(info->absent, NULL) : NULL;
}

static enum err
run(struct op_call *call)
{
	uint64_t until = os_now_ms() + BEGIN_MS;
	struct info info = { .absent = ERR_OK };

	if (json_object_size(call->params) != 0)
		return ERR_INVALID_PARAMS;
	info.tokens = json_array();
	info.failures = json_array();
	for (size_t i = 0; i < call->profile->module_count; i++) {
		const struct profile_module *module = &call->profile->modules[i];
		if (os_now_ms() < until)
			inspect(module, &info);
		else
			json_array_append_new(info.failures, failure_json(module, "", ERR_TIMEOUT, 0));
	}
	call->result = json_pack("{s:o, s:o, s:o*}", "tokens", info.tokens, "failures", info.failures, "absent", absent_json(&info));
	return call->result != NULL ? ERR_OK : ERR_NO_MEMORY;
}

const struct op op_token_info = { .name = "token.info", .run = run };
