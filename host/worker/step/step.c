/* SPDX-License-Identifier: Apache-2.0 */
#include "step.h"

#include "log.h"
#include "module_program.h"
#include "os.h"
#include "step_child.h"
#include "step_wire.h"
#include "text.h"
#include "token_proof.h"

#include <string.h>

/* What the child is asked, and which program it is. *ret_json is the caller's. */
static enum err
prepare(const struct profile_module *module, struct step_request *request, char program[OS_PATH_MAX], json_t **ret_json)
{
	enum err e = module_program(NULL, module->path, program);

	if (e == ERR_OK && (!text_copy(request->module, sizeof(request->module), module->path) ||
			       !text_copy(request->parameters, sizeof(request->parameters), module->parameters != NULL ? module->parameters : "")))
		e = ERR_MODULE_MISSING;
	if (e != ERR_OK)
		return e;
	*ret_json = step_request_json(request);
	return *ret_json != NULL ? ERR_OK : ERR_NO_MEMORY;
}

static enum err
ask(const struct profile_module *module, struct step_request *request, json_t **ret_answer)
{
	char program[OS_PATH_MAX];
	struct step_child child = { .program = program, .deadline_ms = step_deadline_ms(request->kind), .late_ms = step_late_ms(request->kind) };
	json_t *json = NULL;
	enum err e = prepare(module, request, program, &json);

	if (e == ERR_OK)
		e = step_child_ask(&child, module, json, ret_answer);
	json_decref(json);
	return e;
}

/* Wipes the request. ret_answer may be NULL where the error is the whole answer; *ret_result is borrowed from *ret_answer. */
static enum err
run(const struct profile_module *module, struct step_request *request, struct step_outcome *ret, json_t **ret_answer, const json_t **ret_result)
{
	const json_t *result = NULL;
	json_t *answer = NULL;
	enum err said = ERR_OK;
	enum err e = ask(module, request, &answer);

	/* a step that was started and gave no answer, or none that can be read, may have done all that it was asked */
	*ret = (struct step_outcome){ .presented = e == ERR_OK || e == ERR_MODULE_FAILED || e == ERR_TIMEOUT };
	if (e == ERR_OK)
		e = step_answer_from_json(answer, &said, ret, &result);
	wipe(request, sizeof(*request));
	if (ret_answer != NULL && e == ERR_OK && said == ERR_OK) {
		*ret_answer = answer;
		*ret_result = result;
	} else {
		json_decref(answer);
	}
	return e != ERR_OK ? e : said;
}

enum err
step_inspect(const struct profile_module *module, struct step_inspection *ret)
{
	struct step_request request = { .kind = STEP_INSPECT };
	struct step_outcome outcome;
	const json_t *result = NULL;
	json_t *answer = NULL;
	enum err e = run(module, &request, &outcome, &answer, &result);

	if (e == ERR_OK)
		e = step_inspection_from_json(result, ret);
	json_decref(answer);
	return e;
}

/* The four steps that take two secrets and answer with nothing but an error. */
static enum err
run_with_two(enum step_kind kind, const struct profile_module *module, const struct token_name *token, const struct secret *first,
    const struct secret *second, const char *keep, struct step_outcome *ret)
{
	struct step_request request = { .kind = kind, .token = *token, .first = *first, .second = *second };

	/* a folder whose name JSON does not carry: nothing is left there */
	if (keep != NULL && text_is_showable(keep, strlen(keep)))
		(void)text_copy(request.keep, sizeof(request.keep), keep);
	return run(module, &request, ret, NULL, NULL);
}

enum err
step_set_pin(const struct profile_module *module, const struct token_name *token, const struct secret *so_pin, const struct secret *new_pin,
    const char *keep, struct step_outcome *ret)
{
	return run_with_two(STEP_SET_PIN, module, token, so_pin, new_pin, keep, ret);
}

enum err
step_unblock(const struct profile_module *module, const struct token_name *token, const struct secret *puk, const struct secret *new_pin,
    const char *keep, struct step_outcome *ret)
{
	return run_with_two(STEP_UNBLOCK, module, token, puk, new_pin, keep, ret);
}

enum err
step_rotate(const struct profile_module *module, const struct token_name *token, const struct secret *active, const struct secret *next,
    struct step_outcome *ret)
{
	return run_with_two(STEP_ROTATE, module, token, active, next, NULL, ret);
}

enum err
step_prove_rotation(const struct profile_module *module, const struct token_name *token, const struct secret *next,
    const struct secret *new_pin, struct step_outcome *ret)
{
	return run_with_two(STEP_PROVE_ROTATION, module, token, next, new_pin, NULL, ret);
}

/* The PIN is proved by now: whatever goes wrong here costs the signature and not the unlock. */
static void
sign(const struct profile_module *module, struct step_request *request, struct step_proof *proof, struct step_outcome *ret)
{
	const json_t *result = NULL;
	json_t *answer = NULL;
	enum err e = run(module, request, ret, &answer, &result);

	if (e == ERR_OK)
		e = step_signature_from_json(result, proof);
	if (e != ERR_OK)
		log_info("step", "module=%s signature=none error=%s call=%s cryptoki=0x%llx", module->path, err_name(e), ret->call,
		    (unsigned long long)ret->cryptoki);
	json_decref(answer);
}

enum err
step_prove(const struct profile_module *module, const struct token_name *token, const struct secret *new_pin,
    const unsigned char *certificate, size_t certificate_len, const void *message, size_t message_len, struct step_proof *ret_proof,
    struct step_outcome *ret)
{
	struct step_request request = { .kind = STEP_PROVE, .token = *token, .first = *new_pin };
	enum err e = run(module, &request, ret, NULL, NULL);

	if (e != ERR_OK)
		return e;
	*ret_proof = (struct step_proof){ .built = token_signer_built() };
	if (!ret_proof->built || certificate_len == 0 || certificate_len > STEP_CERTIFICATE_MAX || message_len > STEP_MESSAGE_MAX)
		return ERR_OK;
	/* field by field over what run() has wiped: a whole new value would be built elsewhere on the stack, with a copy of the PIN that stays */
	request.kind = STEP_SIGN;
	request.token = *token;
	request.first = *new_pin;
	memcpy(request.certificate, certificate, certificate_len);
	request.certificate_len = certificate_len;
	memcpy(request.message, message, message_len);
	request.message_len = message_len;
	sign(module, &request, ret_proof, ret);
	return ERR_OK;
}

/* ---- watching ---- */

enum err
step_watch_begin(const struct profile_module *module, struct step_watch *w)
{
	struct step_request request = { .kind = STEP_WATCH, .message_len = w->has_seen ? STEP_SEEN_LEN : 0 };
	char program[OS_PATH_MAX];
	struct step_child child = { .program = program };
	json_t *json = NULL;
	enum err e;

	memcpy(request.message, w->seen, request.message_len);
	e = prepare(module, &request, program, &json);
	if (e == ERR_OK)
		e = step_child_begin(&child, module, json, &w->process);
	json_decref(json);
	return e;
}

intptr_t
step_watch_handle(const struct step_watch *w)
{
	return w->process != NULL ? step_child_handle(w->process) : -1;
}

enum err
step_watch_take(struct step_watch *w, bool *ret_changed)
{
	struct step_outcome outcome;
	const json_t *result = NULL;
	json_t *answer = NULL;
	enum err said = ERR_OK;
	enum err e = step_child_take(w->process, &answer);

	w->process = NULL;
	if (e == ERR_OK)
		e = step_answer_from_json(answer, &said, &outcome, &result);
	if (e == ERR_OK)
		e = said;
	if (e == ERR_OK)
		e = step_seen_from_json(result, w->seen);
	if (e == ERR_OK) {
		/* the first look says what is there, which is no change */
		*ret_changed = w->has_seen;
		w->has_seen = true;
	}
	json_decref(answer);
	return e;
}

void
step_watch_end(struct step_watch *w)
{
	step_child_drop(w->process);
	w->process = NULL;
}

/* ---- for the doctor ---- */

/* A step that gave no answer has crashed, or was ended because it never came to one. */
static enum err
examine(const struct profile_module *module, struct step_request *request, struct step_examination *ret)
{
	uint64_t deadline = os_now_ms() + (uint64_t)step_deadline_ms(request->kind);
	struct step_outcome outcome = { .cryptoki = 0 };
	const json_t *result = NULL;
	json_t *answer = NULL;
	enum err said = ERR_OK;
	enum err e = ask(module, request, &answer);

	if (e == ERR_OK)
		e = step_answer_from_json(answer, &said, &outcome, &result);
	if (e == ERR_OK)
		e = step_examination_from_json(result, ret);
	json_decref(answer);
	if (e == ERR_MODULE_FAILED)
		ret->fault = os_now_ms() >= deadline ? STEP_HUNG : STEP_CRASHED;
	else if (said == ERR_MODULE_MISSING || e == ERR_MODULE_MISSING)
		ret->fault = STEP_MISSING;
	else if (e == ERR_MODULE_ARCHITECTURE)
		ret->fault = STEP_OTHER_KIND;
	else if (said == ERR_PROFILE_UNSAFE)
		ret->fault = STEP_UNSAFE;
	else if (said != ERR_OK && ret->fault == STEP_WORKS)
		ret->fault = STEP_FAILED;
	ret->cryptoki = outcome.cryptoki;
	return e == ERR_MODULE_FAILED || e == ERR_MODULE_MISSING || e == ERR_MODULE_ARCHITECTURE ? ERR_OK : e;
}

enum err
step_examine(const struct profile_module *module, struct step_examination *ret)
{
	struct step_request request = { .kind = STEP_EXAMINE };

	*ret = (struct step_examination){ .fault = STEP_WORKS };
	return examine(module, &request, ret);
}

enum err
step_readers(const struct profile_module *module, enum err *ret_absent)
{
	struct step_request request = { .kind = STEP_READERS };
	struct profile_module of_our_kind = *module;
	struct step_outcome outcome;
	char program[OS_PATH_MAX];
	const json_t *result = NULL;
	json_t *answer = NULL;
	enum err e = os_program_path(NULL, "mokhoa-worker", program);

	/* no module is loaded, and none may say which program does it */
	of_our_kind.path = program;
	if (e == ERR_OK)
		e = run(&of_our_kind, &request, &outcome, &answer, &result);
	if (e == ERR_OK)
		e = step_readers_from_json(result, ret_absent);
	json_decref(answer);
	if (e != ERR_MODULE_FAILED)
		return e;
	*ret_absent = ERR_READER_SERVICE;
	return ERR_OK;
}
