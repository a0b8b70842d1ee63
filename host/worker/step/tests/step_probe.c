/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs steps for test_step.py, which says in JSON, a line each, what is to be done, and reads JSON, a line each, of what came of it:
 *
 *   {"do": "set_pin", "module": PATH, "environment": {NAME: value}, "token": {...}, "first": TEXT, "second": TEXT,
 *    "certificate": DER as base64url, "message": TEXT, "deadline_ms": N}
 *
 * With deadline_ms, and late_ms, the step runs below step.h, where the time can be said; "late" waits for one that was left alone. Secrets of tests only: a real caller never has them as text.
 */
#include "json.h"
#include "os.h"
#include "step.h"
#include "step_child.h"
#include "step_wire.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

struct task {
	const char *what;
	struct profile_module module;
	struct token_name token;
	struct secret first;
	struct secret second;
	unsigned char certificate[STEP_CERTIFICATE_MAX];
	size_t certificate_len;
	const char *message;
	int deadline_ms;
	int late_ms;
};

static const char *
text_of(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text != NULL ? text : "";
}

static bool
task_from(const json_t *json, struct task *t)
{
	const json_t *certificate = json_object_get(json, "certificate");
	const char *name;
	json_t *value;

	*t = (struct task){ .what = text_of(json, "do"), .message = text_of(json, "message") };
	t->module = (struct profile_module){ .name = "probe", .path = text_of(json, "module"), .parameters = json_string_value(json_object_get(json, "parameters")) };
	t->deadline_ms = (int)json_integer_value(json_object_get(json, "deadline_ms"));
	t->late_ms = (int)json_integer_value(json_object_get(json, "late_ms"));
	json_object_foreach(json_object_get(json, "environment"), name, value)
	    t->module.environment[t->module.environment_count++] = (struct profile_variable){ name, json_string_value(value) };
	if (json_object_get(json, "token") != NULL && !token_name_from_json(json_object_get(json, "token"), &t->token))
		return false;
	if (certificate != NULL && !json_b64_upto(certificate, t->certificate, sizeof(t->certificate), &t->certificate_len))
		return false;
	return secret_set(&t->first, text_of(json, "first"), strlen(text_of(json, "first"))) &&
	       secret_set(&t->second, text_of(json, "second"), strlen(text_of(json, "second")));
}

static json_t *
token_json(const struct step_token *t)
{
	json_t *certificates = json_array();

	for (size_t i = 0; i < t->certificate_count; i++)
		json_array_append_new(certificates, json_b64(t->certificates[i].der, t->certificates[i].der_len));
	return json_pack("{s:o, s:s, s:s, s:s, s:s, s:i, s:i, s:o}",
	    "name", token_name_json(&t->name),
	    "label", t->label,
	    "slot", t->slot,
	    "pin", pin_state_name(t->pin),
	    "so_pin", pin_state_name(t->so_pin),
	    "pin_min", (int)t->pin_min,
	    "pin_max", (int)t->pin_max,
	    "certificates", certificates);
}

static json_t *
inspect(const struct task *t)
{
	struct step_inspection found = { 0 };
	enum err e = step_inspect(&t->module, &found);
	json_t *tokens = json_array();
	json_t *failures = json_array();

	for (size_t i = 0; i < found.token_count; i++)
		json_array_append_new(tokens, token_json(&found.tokens[i]));
	for (size_t i = 0; i < found.failure_count; i++)
		json_array_append_new(failures, json_pack("{s:s, s:s, s:I}",
						    "slot", found.failures[i].slot,
						    "error", err_name(found.failures[i].error),
						    "cryptoki", (json_int_t)found.failures[i].cryptoki));
	step_inspection_free(&found);
	return json_pack("{s:s, s:o, s:o}", "error", err_name(e), "tokens", tokens, "failures", failures);
}

static json_t *
outcome_json(enum err e, const struct step_outcome *o)
{
	return json_pack("{s:s, s:I, s:s, s:b}",
	    "error", err_name(e),
	    "cryptoki", (json_int_t)o->cryptoki,
	    "call", o->call,
	    "presented", o->presented ? 1 : 0);
}

static json_t *
prove(const struct task *t)
{
	struct step_outcome outcome = { 0 };
	struct step_proof proof = { 0 };
	enum err e = step_prove(&t->module, &t->token, &t->first, t->certificate, t->certificate_len, t->message, strlen(t->message), &proof,
	    &outcome);
	json_t *answer = outcome_json(e, &outcome);

	json_object_set_new(answer, "mechanism", json_string(proof.mechanism));
	json_object_set_new(answer, "signature", json_b64(proof.signature, proof.signature_len));
	json_object_set_new(answer, "built", json_boolean(proof.built));
	return answer;
}

/* The same request as step.c makes of it, with a deadline of the test's own. */
static json_t *
with_deadline(const struct task *t)
{
	struct step_request request = { .kind = STEP_SET_PIN, .token = t->token, .first = t->first, .second = t->second };
	struct step_outcome outcome = { .presented = true };
	char program[OS_PATH_MAX];
	struct step_child child = { .program = program, .deadline_ms = t->deadline_ms, .late_ms = t->late_ms };
	const json_t *result = NULL;
	json_t *answer = NULL;
	json_t *json;
	enum err said = ERR_OK;
	enum err e = os_program_path(NULL, "mokhoa-worker", program);

	if (strcmp(t->what, "inspect") == 0)
		request.kind = STEP_INSPECT;
	text_copy(request.module, sizeof(request.module), t->module.path);
	json = step_request_json(&request);
	if (e == ERR_OK)
		e = step_child_ask(&child, &t->module, json, &answer);
	if (e == ERR_OK)
		e = step_answer_from_json(answer, &said, &outcome, &result);
	json_decref(json);
	json_decref(answer);
	return outcome_json(e != ERR_OK ? e : said, &outcome);
}

static json_t *
run(const struct task *t)
{
	struct step_outcome outcome = { 0 };
	enum err e = ERR_USAGE;

	if (t->deadline_ms > 0)
		return with_deadline(t);
	if (strcmp(t->what, "late") == 0) {
		step_late_end();
		return outcome_json(ERR_OK, &outcome);
	}
	if (strcmp(t->what, "inspect") == 0)
		return inspect(t);
	if (strcmp(t->what, "prove") == 0)
		return prove(t);
	if (strcmp(t->what, "set_pin") == 0)
		e = step_set_pin(&t->module, &t->token, &t->first, &t->second, NULL, &outcome);
	if (strcmp(t->what, "unblock") == 0)
		e = step_unblock(&t->module, &t->token, &t->first, &t->second, NULL, &outcome);
	if (strcmp(t->what, "rotate") == 0)
		e = step_rotate(&t->module, &t->token, &t->first, &t->second, &outcome);
	if (strcmp(t->what, "prove_rotation") == 0)
		e = step_prove_rotation(&t->module, &t->token, &t->first, &t->second, &outcome);
	return outcome_json(e, &outcome);
}

int
main(void)
{
	static char line[65536];

	json_open();
	while (fgets(line, sizeof(line), stdin) != NULL) {
		json_t *json = json_loads(line, 0, NULL);
		json_t *answer;
		struct task task;

		if (json == NULL || !task_from(json, &task))
			return EXIT_FAILURE;
		answer = run(&task);
		json_dumpf(answer, stdout, JSON_COMPACT);
		putchar('\n');
		fflush(stdout);
		json_decref(answer);
		json_decref(json);
	}
	return EXIT_SUCCESS;
}
