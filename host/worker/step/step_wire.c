/* SPDX-License-Identifier: Apache-2.0 */
#include "step_wire.h"

#include "json.h"
#include "text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---- the request ---- */

enum part {
	PART_TOKEN = 1,
	PART_FIRST = 2,
	PART_SECOND = 4,
	PART_CERTIFICATE = 8,
	PART_MESSAGE = 16
};

static const struct {
	const char *name;
	unsigned parts;
} kinds[STEP_KIND_COUNT] = {
	[STEP_INSPECT] = { "inspect", 0 },
	[STEP_SET_PIN] = { "set_pin", PART_TOKEN | PART_FIRST | PART_SECOND },
	[STEP_PROVE] = { "prove", PART_TOKEN | PART_FIRST },
	[STEP_SIGN] = { "sign", PART_TOKEN | PART_FIRST | PART_CERTIFICATE | PART_MESSAGE },
	[STEP_ROTATE] = { "rotate", PART_TOKEN | PART_FIRST | PART_SECOND },
	[STEP_PROVE_ROTATION] = { "prove_rotation", PART_TOKEN | PART_FIRST | PART_SECOND },
	[STEP_WATCH] = { "watch", PART_MESSAGE },
	[STEP_EXAMINE] = { "examine", 0 },
	[STEP_READERS] = { "readers", 0 },
	[STEP_UNBLOCK] = { "unblock", PART_TOKEN | PART_FIRST | PART_SECOND },
};

static enum step_kind
kind_from_name(const char *name)
{
	for (int i = 0; i < STEP_KIND_COUNT; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return (enum step_kind)i;
	return STEP_KIND_COUNT;
}

json_t *
step_request_json(const struct step_request *request)
{
	unsigned parts = kinds[request->kind].parts;

	/* the star leaves out what is NULL */
	return json_pack("{s:s, s:s, s:s*, s:s*, s:o*, s:o*, s:o*, s:o*, s:o*}",
	    "step", kinds[request->kind].name,
	    "module", request->module,
	    "parameters", request->parameters[0] != '\0' ? request->parameters : NULL,
	    "keep", request->keep[0] != '\0' ? request->keep : NULL,
	    "token", (parts & PART_TOKEN) != 0 ? token_name_json(&request->token) : NULL,
	    "first", (parts & PART_FIRST) != 0 ? json_secret(&request->first) : NULL,
	    "second", (parts & PART_SECOND) != 0 ? json_secret(&request->second) : NULL,
	    "certificate", (parts & PART_CERTIFICATE) != 0 ? json_b64(request->certificate, request->certificate_len) : NULL,
	    "message", (parts & PART_MESSAGE) != 0 ? json_b64(request->message, request->message_len) : NULL);
}

/* Present exactly where the kind has it. */
static bool
part_fits(unsigned parts, unsigned part, const json_t *value)
{
	return ((parts & part) != 0) == (value != NULL);
}

static bool
secret_fits(const json_t *value, struct secret *ret)
{
	return value == NULL || (json_to_secret(value, ret) && ret->len > 0);
}

static bool
module_fits(const char *path, size_t len, struct step_request *ret)
{
	return len == strlen(path) && (path[0] == '/' || os_path_is_plain(path)) && text_copy(ret->module, sizeof(ret->module), path);
}

/* What may cost a try of an SO PIN that is counted (attempt.h). */
static bool
may_keep(enum step_kind kind)
{
	return kind == STEP_SET_PIN || kind == STEP_UNBLOCK;
}

enum err
step_request_from_json(const json_t *value, struct step_request *ret)
{
	const json_t *parameters = NULL;
	const json_t *keep = NULL;
	const json_t *token = NULL;
	const json_t *first = NULL;
	const json_t *second = NULL;
	const json_t *certificate = NULL;
	const json_t *message = NULL;
	const char *step;
	const char *module;
	size_t module_len;
	unsigned parts;

	*ret = (struct step_request){ .kind = STEP_KIND_COUNT };
	if (json_unpack((json_t *)value, "{s:s, s:s%, s?o, s?o, s?o, s?o, s?o, s?o, s?o !}",
		"step", &step,
		"module", &module, &module_len,
		"parameters", &parameters,
		"keep", &keep,
		"token", &token,
		"first", &first,
		"second", &second,
		"certificate", &certificate,
		"message", &message) != 0)
		return ERR_INVALID_REQUEST;
	ret->kind = kind_from_name(step);
	parts = ret->kind < STEP_KIND_COUNT ? kinds[ret->kind].parts : 0;
	if (ret->kind < STEP_KIND_COUNT && module_fits(module, module_len, ret) &&
	    (parameters == NULL || json_text(parameters, ret->parameters, 1, sizeof(ret->parameters) - 1)) &&
	    (keep == NULL || (may_keep(ret->kind) && json_text(keep, ret->keep, 1, sizeof(ret->keep) - 1))) && part_fits(parts, PART_TOKEN, token) &&
	    part_fits(parts, PART_FIRST, first) && part_fits(parts, PART_SECOND, second) && part_fits(parts, PART_CERTIFICATE, certificate) &&
	    part_fits(parts, PART_MESSAGE, message) && (token == NULL || token_name_from_json(token, &ret->token)) &&
	    secret_fits(first, &ret->first) && secret_fits(second, &ret->second) &&
	    (certificate == NULL || json_b64_upto(certificate, ret->certificate, sizeof(ret->certificate), &ret->certificate_len)) &&
	    (message == NULL || json_b64_upto(message, ret->message, sizeof(ret->message), &ret->message_len)))
		return ERR_OK;
	wipe(ret, sizeof(*ret));
	return ERR_INVALID_REQUEST;
}

/* ---- the answer ---- */

json_t *
step_answer_json(enum err e, const struct step_outcome *outcome, json_t *result)
{
	return json_pack("{s:s, s:I, s:s, s:b, s:o*}",
	    "error", err_name(e),
	    "cryptoki", (json_int_t)(outcome->cryptoki & INT64_MAX),
	    "call", outcome->call,
	    "presented", outcome->presented ? 1 : 0,
	    "result", result);
}

/* False for a name that the list does not have: a child of the same program would not say one. */
static bool
error_from(const char *name, enum err *ret)
{
	*ret = err_from_name(name);
	return strcmp(name, err_name(*ret)) == 0;
}

enum err
step_answer_from_json(const json_t *value, enum err *ret_error, struct step_outcome *ret_outcome, const json_t **ret_result)
{
	const json_t *result = NULL;
	const json_t *call;
	const char *name;
	json_int_t cryptoki;
	int presented;
	struct step_outcome outcome = { 0 };
	enum err e;

	if (json_unpack((json_t *)value, "{s:s, s:I, s:o, s:b, s?o !}",
		"error", &name,
		"cryptoki", &cryptoki,
		"call", &call,
		"presented", &presented,
		"result", &result) != 0)
		return ERR_MODULE_FAILED;
	if (!error_from(name, &e) || cryptoki < 0 || !json_text(call, outcome.call, 0, sizeof(outcome.call) - 1))
		return ERR_MODULE_FAILED;
	outcome.cryptoki = (uint64_t)cryptoki;
	outcome.presented = presented != 0;
	*ret_error = e;
	*ret_outcome = outcome;
	*ret_result = result;
	return ERR_OK;
}

/* ---- what an inspection found ---- */

static bool
pin_state_from(const char *word, enum pin_state *ret)
{
	*ret = pin_state_from_name(word);
	return *ret != PIN_STATE_COUNT;
}

static enum err
certificate_from(const json_t *value, struct step_certificate *ret)
{
	unsigned char der[STEP_CERTIFICATE_MAX];
	size_t len;

	if (!json_b64_upto(value, der, sizeof(der), &len) || len == 0)
		return ERR_MODULE_FAILED;
	ret->der = malloc(len);
	if (ret->der == NULL)
		return ERR_NO_MEMORY;
	memcpy(ret->der, der, len);
	ret->der_len = len;
	return ERR_OK;
}

static enum err
certificates_from(const json_t *list, struct step_token *token)
{
	size_t count = json_array_size(list);
	enum err e = ERR_OK;

	if (!json_is_array(list))
		return ERR_MODULE_FAILED;
	if (count == 0)
		return ERR_OK;
	token->certificates = calloc(count, sizeof(*token->certificates));
	if (token->certificates == NULL)
		return ERR_NO_MEMORY;
	for (; token->certificate_count < count && e == ERR_OK; token->certificate_count++)
		e = certificate_from(json_array_get(list, token->certificate_count), &token->certificates[token->certificate_count]);
	return e;
}

static enum err
token_from(const json_t *value, struct step_token *ret)
{
	const json_t *name;
	const json_t *label;
	const json_t *slot;
	const json_t *certificates;
	const char *pin;
	const char *so_pin;
	json_int_t pin_min;
	json_int_t pin_max;

	if (json_unpack((json_t *)value, "{s:o, s:o, s:o, s:s, s:s, s:I, s:I, s:o !}",
		"name", &name,
		"label", &label,
		"slot", &slot,
		"pin", &pin,
		"so_pin", &so_pin,
		"pin_min", &pin_min,
		"pin_max", &pin_max,
		"certificates", &certificates) != 0)
		return ERR_MODULE_FAILED;
	if (!token_name_from_json(name, &ret->name) || !json_text(label, ret->label, 0, sizeof(ret->label) - 1) ||
	    !json_text(slot, ret->slot, 0, sizeof(ret->slot) - 1) || !pin_state_from(pin, &ret->pin) || !pin_state_from(so_pin, &ret->so_pin) ||
	    pin_min < 1 || pin_max < pin_min || pin_max > SECRET_MAX)
		return ERR_MODULE_FAILED;
	ret->pin_min = (unsigned)pin_min;
	ret->pin_max = (unsigned)pin_max;
	return certificates_from(certificates, ret);
}

static enum err
failure_from(const json_t *value, struct step_failure *ret)
{
	const json_t *slot;
	const char *error;
	json_int_t cryptoki;

	if (json_unpack((json_t *)value, "{s:o, s:s, s:I !}",
		"slot", &slot,
		"error", &error,
		"cryptoki", &cryptoki) != 0 ||
	    !json_text(slot, ret->slot, 0, sizeof(ret->slot) - 1) || !error_from(error, &ret->error) || cryptoki < 0)
		return ERR_MODULE_FAILED;
	ret->cryptoki = (uint64_t)cryptoki;
	return ERR_OK;
}

static enum err
fill_inspection(const json_t *tokens, const json_t *failures, enum err absent, struct step_inspection *ret)
{
	size_t token_count = json_array_size(tokens);
	size_t failure_count = json_array_size(failures);
	enum err e = ERR_OK;

	ret->tokens = calloc(token_count + 1, sizeof(*ret->tokens));
	ret->failures = calloc(failure_count + 1, sizeof(*ret->failures));
	if (ret->tokens == NULL || ret->failures == NULL)
		return ERR_NO_MEMORY;
	for (; ret->token_count < token_count && e == ERR_OK; ret->token_count++)
		e = token_from(json_array_get(tokens, ret->token_count), &ret->tokens[ret->token_count]);
	for (; ret->failure_count < failure_count && e == ERR_OK; ret->failure_count++)
		e = failure_from(json_array_get(failures, ret->failure_count), &ret->failures[ret->failure_count]);
	ret->absent = absent;
	return e;
}

/* ERR_OK exactly where there is something. */
static bool
absent_fits(enum err absent, size_t found)
{
	return found != 0 ? absent == ERR_OK : absent == ERR_NO_TOKEN || absent == ERR_NO_READER || absent == ERR_READER_SERVICE;
}

enum err
step_inspection_from_json(const json_t *result, struct step_inspection *ret)
{
	struct step_inspection found = { 0 };
	const json_t *tokens;
	const json_t *failures;
	const char *absent;
	enum err why;
	enum err e;

	if (result == NULL || json_unpack((json_t *)result, "{s:o, s:o, s:s !}", "tokens", &tokens, "failures", &failures, "absent", &absent) != 0 ||
	    !json_is_array(tokens) || json_array_size(tokens) > STEP_TOKENS_MAX || !json_is_array(failures) ||
	    json_array_size(failures) > STEP_TOKENS_MAX || !error_from(absent, &why) ||
	    !absent_fits(why, json_array_size(tokens) + json_array_size(failures)))
		return ERR_MODULE_FAILED;
	e = fill_inspection(tokens, failures, why, &found);
	if (e == ERR_OK)
		*ret = found;
	else
		step_inspection_free(&found);
	return e;
}

void
step_inspection_free(struct step_inspection *inspection)
{
	for (size_t i = 0; i < inspection->token_count; i++) {
		for (size_t j = 0; j < inspection->tokens[i].certificate_count; j++)
			free(inspection->tokens[i].certificates[j].der);
		free(inspection->tokens[i].certificates);
	}
	free(inspection->tokens);
	free(inspection->failures);
	*inspection = (struct step_inspection){ 0 };
}

/* ---- which places hold a token ---- */

enum err
step_seen_from_json(const json_t *result, unsigned char ret_seen[STEP_SEEN_LEN])
{
	const json_t *seen;

	if (result == NULL || json_unpack((json_t *)result, "{s:o !}", "seen", &seen) != 0 || !json_b64_exact(seen, ret_seen, STEP_SEEN_LEN))
		return ERR_MODULE_FAILED;
	return ERR_OK;
}

/* ---- what an examination found ---- */

/* For each fault of a library what it is for the module. */
static const struct {
	const char *name;
	enum step_fault fault;
} library_faults[] = {
	[OS_LIBRARY_FINE] = { "fine", STEP_WORKS },
	[OS_LIBRARY_NEEDS] = { "needs", STEP_NEEDS_LIBRARY },
	[OS_LIBRARY_KIND] = { "kind", STEP_OTHER_KIND },
	[OS_LIBRARY_OTHER] = { "other", STEP_FAILED },
};

#define LIBRARY_FAULTS (sizeof(library_faults) / sizeof(library_faults[0]))

json_t *
step_examination_json(enum os_library_fault fault, const char *library, size_t tokens, enum err absent)
{
	return json_pack("{s:s, s:s, s:I, s:s}", "library", library_faults[fault].name, "needs", library, "tokens", (json_int_t)tokens, "absent", err_name(absent));
}

enum err
step_examination_from_json(const json_t *result, struct step_examination *ret)
{
	const char *library, *absent;
	const json_t *needs;
	json_int_t tokens;
	size_t i = 0;

	if (result == NULL || json_unpack((json_t *)result, "{s:s, s:o, s:I, s:s !}", "library", &library, "needs", &needs, "tokens", &tokens, "absent", &absent) != 0 ||
	    !json_text(needs, ret->library, 0, sizeof(ret->library) - 1) || tokens < 0 || tokens > UINT16_MAX || !error_from(absent, &ret->absent))
		return ERR_MODULE_FAILED;
	while (i < LIBRARY_FAULTS && strcmp(library_faults[i].name, library) != 0)
		i++;
	if (i == LIBRARY_FAULTS)
		return ERR_MODULE_FAILED;
	ret->fault = library_faults[i].fault;
	ret->tokens = (size_t)tokens;
	return ERR_OK;
}

enum err
step_readers_from_json(const json_t *result, enum err *ret_absent)
{
	const char *absent;

	if (result == NULL || json_unpack((json_t *)result, "{s:s !}", "absent", &absent) != 0 || !error_from(absent, ret_absent))
		return ERR_MODULE_FAILED;
	return ERR_OK;
}

/* ---- a signature ---- */

enum err
step_signature_from_json(const json_t *result, struct step_proof *ret)
{
	struct step_proof proof = { .built = ret->built };
	const json_t *mechanism;
	const json_t *signature;

	if (result == NULL || json_unpack((json_t *)result, "{s:o, s:o !}", "mechanism", &mechanism, "signature", &signature) != 0 ||
	    !json_text(mechanism, proof.mechanism, 0, sizeof(proof.mechanism) - 1) ||
	    !json_b64_upto(signature, proof.signature, sizeof(proof.signature), &proof.signature_len) ||
	    (proof.mechanism[0] == '\0') != (proof.signature_len == 0))
		return ERR_MODULE_FAILED;
	*ret = proof;
	return ERR_OK;
}
