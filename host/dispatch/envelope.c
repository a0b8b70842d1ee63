/* SPDX-License-Identifier: Apache-2.0 */
#include "envelope.h"

#include "json.h"

#include <stdbool.h>
#include <string.h>

#define WORD_MAX 64 /* characters of a channel or an id */

static bool
channel_ok(const json_t *channel)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	size_t len = json_string_length(channel);

	return json_is_string(channel) && len >= 1 && len <= WORD_MAX && strspn(json_string_value(channel), letters) == len;
}

static bool
id_ok(const json_t *id)
{
	size_t len = json_string_length(id);

	if (json_is_integer(id))
		return true;
	if (!json_is_string(id) || len < 1 || len > WORD_MAX)
		return false;
	for (const char *c = json_string_value(id); *c != '\0'; c++)
		if (*c < ' ' || *c > '~')
			return false;
	return true;
}

enum err
envelope_read(const void *bytes, size_t len, struct envelope *ret_envelope)
{
	struct envelope v = { 0 };
	json_t *origin, *channel = NULL, *id;
	enum err e = json_load(bytes, len, &v.root, NULL);

	if (e != ERR_OK) {
		*ret_envelope = (struct envelope){ 0 };
		return e;
	}
	channel = json_object_get(v.root, "channel");
	if (channel_ok(channel))
		v.channel = json_string_value(channel);
	id = json_object_get(json_object_get(v.root, "message"), "id");
	if (id_ok(id))
		v.id = id;

	e = ERR_INVALID_REQUEST;
	if (json_unpack(v.root, "{s:o, s?o, s:o !}",
		"origin", &origin,
		"channel", &channel,
		"message", &v.message) == 0 &&
	    json_is_string(origin) && (channel == NULL || v.channel != NULL) && json_is_object(v.message)) {
		v.origin = json_string_value(origin);
		e = ERR_OK;
	}
	*ret_envelope = v;
	return e;
}

enum err
envelope_read_bare(const void *bytes, size_t len, const char *origin, struct envelope *ret_envelope)
{
	struct envelope v = { .origin = origin };
	enum err e = json_load(bytes, len, &v.root, NULL);

	if (e != ERR_OK) {
		*ret_envelope = (struct envelope){ 0 };
		return e;
	}
	v.message = v.root;
	v.id = json_object_get(v.message, "id");
	if (!id_ok(v.id))
		v.id = NULL;
	*ret_envelope = v;
	return ERR_OK;
}

void
envelope_free(struct envelope *envelope)
{
	json_decref(envelope->root);
	*envelope = (struct envelope){ 0 };
}

enum err
envelope_request(const struct envelope *envelope, struct request *ret_request)
{
	const char *jsonrpc, *method;
	json_t *id, *params = NULL;
	enum op_id op;

	if (json_unpack(envelope->message, "{s:s, s:o, s:s, s?o !}",
		"jsonrpc", &jsonrpc,
		"id", &id,
		"method", &method,
		"params", &params) != 0 ||
	    strcmp(jsonrpc, "2.0") != 0 || !id_ok(id))
		return ERR_INVALID_REQUEST;
	op = op_from_name(method);
	if (op == OP_COUNT)
		return ERR_METHOD_NOT_FOUND;
	*ret_request = (struct request){ .op = op, .params = params };
	return ERR_OK;
}

json_t *
envelope_answer(const json_t *id, const char *key, json_t *body)
{
	json_t *copy = id != NULL ? json_copy((json_t *)id) : json_null();

	return json_pack("{s:s, s:o, s:o}", "jsonrpc", "2.0", "id", copy, key, body);
}

json_t *
envelope_notification(const char *method, json_t *params)
{
	return json_pack("{s:s, s:s, s:o}", "jsonrpc", "2.0", "method", method, "params", params);
}

enum err
envelope_write(const char *channel, json_t *message, struct buf *b)
{
	json_t *envelope = channel != NULL ? json_pack("{s:s, s:o}", "channel", channel, "message", message) : json_pack("{s:o}", "message", message);

	return envelope_write_bare(envelope, b);
}

enum err
envelope_write_bare(json_t *message, struct buf *b)
{
	enum err e = message != NULL ? json_dump(message, b) : ERR_NO_MEMORY;

	json_decref(message);
	return e;
}
