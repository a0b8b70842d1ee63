/* SPDX-License-Identifier: Apache-2.0 */
#include "json.h"
#include "log.h"
#include "text.h"

#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 16
#define WHERE_MAX 160

/* In front of every block, so that free knows how much to wipe; as wide as what needs the strictest alignment. */
union header {
	size_t len;
	long double real;
	long long whole;
	void *pointer;
};

/*
 * Never NULL. jansson 2.14 does not see that its lexer's buffer could not grow and then reads and writes past it (akheron/jansson#362, measured),
 * so a process without memory ends here, in a way that the others expect of it at any moment.
 */
static void *
allocate(size_t len)
{
	union header *block = len < SIZE_MAX - sizeof(*block) ? malloc(sizeof(*block) + len) : NULL;

	if (block == NULL) {
		log_error("json", "error=%s", err_name(ERR_NO_MEMORY));
		abort();
	}
	block->len = len;
	return block + 1;
}

static void
release(void *p)
{
	union header *block = p;

	if (block == NULL)
		return;
	block--;
	wipe(block, sizeof(*block) + block->len);
	free(block);
}

void
json_open(void)
{
	json_set_alloc_funcs(allocate, release);
}

/* Whether brackets outside strings nest deeper than we take, and the line of the one that does. What is not JSON at all is jansson's to refuse. */
static bool
is_too_deep(const char *text, size_t len, unsigned *ret_line)
{
	unsigned depth = 0;
	bool quoted = false;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		*ret_line += c == '\n';
		if (quoted) {
			if (c == '\\')
				i++;
			else if (c == '"')
				quoted = false;
		} else if (c == '"') {
			quoted = true;
		} else if (c == '{' || c == '[') {
			if (++depth > DEPTH_MAX)
				return true;
		} else if ((c == '}' || c == ']') && depth != 0) {
			depth--;
		}
	}
	return false;
}

enum err
json_load(const void *bytes, size_t len, json_t **ret_object, char *where)
{
	json_error_t error;
	unsigned line = 1;
	json_t *value;

	if (where != NULL)
		where[0] = '\0';
	if (is_too_deep(bytes, len, &line)) {
		if (where != NULL)
			snprintf(where, WHERE_MAX, "line %u: nested deeper than %d", line, DEPTH_MAX);
		return ERR_PARSE;
	}
	value = json_loadb(bytes, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (value == NULL) {
		if (where != NULL)
			snprintf(where, WHERE_MAX, "line %d, column %d: %.120s", error.line, error.column, error.text);
		return ERR_PARSE;
	}
	if (!json_is_object(value)) {
		if (where != NULL)
			snprintf(where, WHERE_MAX, "not an object");
		json_decref(value);
		return ERR_INVALID_REQUEST;
	}
	*ret_object = value;
	return ERR_OK;
}

static int
add_to_buf(const char *text, size_t len, void *b)
{
	buf_add(b, text, len);
	return buf_error(b) == ERR_OK ? 0 : -1;
}

enum err
json_dump(const json_t *value, struct buf *b)
{
	if (json_dump_callback(value, add_to_buf, b, JSON_COMPACT | JSON_ENCODE_ANY) != 0)
		buf_fail(b, ERR_INTERNAL);
	return buf_error(b);
}

json_t *
json_b64(const void *bytes, size_t len)
{
	size_t text_len = TEXT_B64_LEN(len);
	char *text = malloc(text_len + 1);
	json_t *value = NULL;

	if (text == NULL)
		return NULL;
	text_b64_encode(bytes, len, text);
	value = json_stringn(text, text_len);
	wipe(text, text_len);
	free(text);
	return value;
}

bool
json_b64_upto(const json_t *value, void *ret, size_t max, size_t *ret_len)
{
	return json_is_string(value) && text_b64_decode(json_string_value(value), json_string_length(value), ret, max, ret_len);
}

bool
json_b64_exact(const json_t *value, void *ret, size_t len)
{
	size_t got;

	return json_b64_upto(value, ret, len, &got) && got == len;
}

json_t *
json_secret(const struct secret *s)
{
	return json_b64(s->bytes, s->len);
}

bool
json_to_secret(const json_t *value, struct secret *ret)
{
	secret_wipe(ret);
	if (json_b64_upto(value, ret->bytes, SECRET_MAX, &ret->len))
		return true;
	secret_wipe(ret);
	return false;
}

bool
json_text(const json_t *value, char *ret, size_t min, size_t max)
{
	size_t len = json_string_length(value);

	if (!json_is_string(value) || len < min || len > max || !text_is_showable(json_string_value(value), len))
		return false;
	memcpy(ret, json_string_value(value), len);
	ret[len] = '\0';
	return true;
}

json_t *
json_error(enum err e, const json_t *detail)
{
	json_t *data = json_pack("{s:s, s:{s:s, s:s}, s:{s:s, s:s}}",
	    "name", err_name(e),
	    "message",
	    "vi", err_sentence(e, "vi"),
	    "en", err_sentence(e, "en"),
	    "hint",
	    "vi", err_hint(e, "vi"),
	    "en", err_hint(e, "en"));

	/* keys of ours win over detail's; jansson takes no const container to copy from, and borrows only */
	if (detail != NULL)
		(void)json_object_update_missing(data, (json_t *)detail);
	return json_pack("{s:i, s:s, s:o}", "code", err_number(e), "message", err_sentence(e, "vi"), "data", data);
}
