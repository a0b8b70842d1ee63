/* SPDX-License-Identifier: Apache-2.0 */
/* What loads is an object, says so when it is written, and loads again as the same. */
#include "fuzz.h"
#include "json.h"

#include <string.h>

static void
look_into(json_t *object)
{
	unsigned char bytes[64];
	struct secret secret;
	char text[65];
	const char *key;
	json_t *value;
	size_t len;

	json_object_foreach(object, key, value)
	{
		if (json_text(value, text, 1, 64))
			must(strlen(text) == json_string_length(value));
		if (json_b64_upto(value, bytes, sizeof(bytes), &len)) {
			json_t *again = json_b64(bytes, len);
			must(json_equal(again, value));
			json_decref(again);
		}
		must(json_to_secret(value, &secret) || secret.len == 0);
		secret_wipe(&secret);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool opened;
	struct buf b = buf_new(1 << 20);
	char where[160];
	json_t *value = NULL, *again = NULL;
	enum err e;

	if (!opened)
		json_open();
	opened = true;
	e = json_load(data, size, &value, where);
	must((e == ERR_OK) == json_is_object(value) && (e == ERR_OK || e == ERR_PARSE || e == ERR_INVALID_REQUEST));
	must(strlen(where) < sizeof(where) && (e == ERR_OK) == (where[0] == '\0'));
	if (e == ERR_OK) {
		look_into(value);
		must(json_dump(value, &b) == ERR_OK);
		must(json_load(b.data, b.len, &again, NULL) == ERR_OK && json_equal(value, again));
	}
	json_decref(value);
	json_decref(again);
	buf_free(&b);
	return 0;
}
