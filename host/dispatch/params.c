/* SPDX-License-Identifier: Apache-2.0 */
#include "params.h"

#include "json.h"
#include "token_name.h"

#include <string.h>

#define REQUEST_ID_LEN 16 /* bytes */

static bool
is_one_of(const char *word, const char *a, const char *b)
{
	return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

static bool
request_ok(const json_t *request)
{
	unsigned char id[REQUEST_ID_LEN];

	return json_b64_exact(request, id, sizeof(id));
}

static bool
one_request_ok(json_t *params)
{
	json_t *request;

	return json_unpack(params, "{s:o !}", "request", &request) == 0 && request_ok(request);
}

static bool
status_ok(json_t *params)
{
	json_t *request = NULL;

	return json_unpack(params, "{s?o !}", "request", &request) == 0 && (request == NULL || request_ok(request));
}

static bool
unlock_request_ok(json_t *params)
{
	json_t *token;
	const char *reason, *language;
	struct token_name name;

	return json_unpack(params, "{s:o, s:s, s:s !}",
		   "token", &token,
		   "reason", &reason,
		   "language", &language) == 0 &&
	       token_name_from_json(token, &name) && is_one_of(reason, "locked", "forgotten") && is_one_of(language, "vi", "en");
}

bool
params_ok(enum op_id op, json_t *params)
{
	if (params != NULL && !json_is_object(params))
		return false;
	switch (op) {
	case OP_HELLO:
	case OP_TOKEN_INFO:
	case OP_TOKEN_WATCH:
	case OP_TOKEN_UNWATCH:
	case OP_DOCTOR:
		return json_object_size(params) == 0;
	case OP_UNLOCK_REQUEST:
		return unlock_request_ok(params);
	case OP_UNLOCK_STATUS:
		return params == NULL || status_ok(params);
	case OP_UNLOCK_RESEND:
	case OP_UNLOCK_CANCEL:
	case OP_UNLOCK:
		return one_request_ok(params);
	case OP_COUNT:
		break;
	}
	return false;
}
