/* SPDX-License-Identifier: Apache-2.0 */
#include "json.h"
#include "check.h"

static enum err
load(const char *text)
{
	json_t *value = NULL;
	enum err e = json_load(text, strlen(text), &value, NULL);

	CHECK((e == ERR_OK) == (value != NULL));
	json_decref(value);
	return e;
}

static void
nested(char *ret, unsigned depth)
{
	size_t at = 0;

	memcpy(ret, "{\"a\":", 5);
	at = 5;
	for (unsigned i = 1; i < depth; i++)
		ret[at++] = '[';
	for (unsigned i = 1; i < depth; i++)
		ret[at++] = ']';
	ret[at++] = '}';
	ret[at] = '\0';
}

static void
loading_is_strict(void)
{
	static const char *const refused[] = { "", " ", "{", "{}x", "{} {}", "{\"a\":1,}", "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}", "{\"b\":{\"a\":1,\"a\":1}}",
		"{'a':1}", "{\"a\":\"\\u0000\"}", "{\"a\":9223372036854775808}", "{\"a\":-9223372036854775809}", "{\"a\":1e999}", "{\"a\":\"\xff\"}",
		"{\"a\":\"\xed\xa0\x80\"}", "{\"a\":\"\\ud800\"}", "{\"a\":NaN}", "{\"a\":01}", "\xef\xbb\xbf{}", "{\"a\":\"line\nend\"}", "nul" };
	char deep[128];

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (!CHECK(load(refused[i]) == ERR_PARSE))
			printf("input %zu: %s\n", i, refused[i]);
	CHECK(load("{}") == ERR_OK && load(" {\"a\": [1, 2.5, true, null, \"\\u1ede\"]} \n") == ERR_OK);
	CHECK(load("{\"a\":9223372036854775807,\"b\":-9223372036854775808}") == ERR_OK);
	CHECK(load("[]") == ERR_INVALID_REQUEST && load("1") == ERR_INVALID_REQUEST && load("\"{}\"") == ERR_INVALID_REQUEST);
	CHECK(load("null") == ERR_INVALID_REQUEST);
	nested(deep, 16);
	CHECK(load(deep) == ERR_OK);
	nested(deep, 17);
	CHECK(load(deep) == ERR_PARSE);
	CHECK(load("{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[[\"}") == ERR_OK);
	CHECK(load("{\"a\":\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[\"}") == ERR_OK);
}

static void
a_nul_is_no_end(void)
{
	json_t *value = NULL;

	CHECK(json_load("{}\0", 3, &value, NULL) == ERR_PARSE);
	CHECK(json_load("{\"a\0b\":1}", 9, &value, NULL) == ERR_PARSE && value == NULL);
	CHECK(json_load("\0\0", 2, &value, NULL) == ERR_PARSE);
}

static void
a_fault_is_told(void)
{
	char where[160];
	json_t *value = NULL;

	CHECK(json_load("{\n\"a\": }", 8, &value, where) == ERR_PARSE && strncmp(where, "line 2, ", 8) == 0);
	CHECK(json_load("[]", 2, &value, where) == ERR_INVALID_REQUEST);
	CHECK_TEXT(where, "not an object");
	CHECK(json_load("{}", 2, &value, where) == ERR_OK);
	CHECK_TEXT(where, "");
	json_decref(value);
}

static void
dumping_stays_within_the_buffer(void)
{
	json_t *value = json_pack("{s:i, s:s}", "a", 1, "b", "ở");
	struct buf b = buf_new(64), small = buf_new(10);

	CHECK(json_dump(value, &b) == ERR_OK);
	CHECK_TEXT(buf_text(&b), "{\"a\":1,\"b\":\"ở\"}");
	CHECK(json_dump(value, &small) == ERR_FRAME_TOO_LARGE);
	buf_reset(&b);
	CHECK(json_dump(NULL, &b) == ERR_INTERNAL);
	buf_free(&b);
	buf_free(&small);
	json_decref(value);
}

static void
binary_and_secrets_are_base64url(void)
{
	json_t *value = json_b64("\xfb\xff\xbf", 3), *number = json_integer(5), *empty = json_b64(NULL, 0), *broken = json_string("Zh");
	unsigned char bytes[4];
	struct secret secret = { 0 }, back = { 0 };
	json_t *sealed;
	size_t len = 0;

	CHECK_TEXT(json_string_value(value), "-_-_");
	CHECK_TEXT(json_string_value(empty), "");
	CHECK(json_b64_exact(value, bytes, 3) && memcmp(bytes, "\xfb\xff\xbf", 3) == 0);
	CHECK(!json_b64_exact(value, bytes, 4) && !json_b64_exact(value, bytes, 2) && !json_b64_exact(number, bytes, 3));
	CHECK(!json_b64_exact(NULL, bytes, 0));
	CHECK(json_b64_upto(value, bytes, 4, &len) && len == 3 && !json_b64_upto(value, bytes, 2, &len) && !json_b64_upto(broken, bytes, 4, &len));
	CHECK(json_b64_exact(empty, bytes, 0));

	CHECK(secret_set(&secret, "12\0"
				  "3456",
	    7));
	sealed = json_secret(&secret);
	CHECK(json_to_secret(sealed, &back) && secret_equal(&secret, &back));
	CHECK(!json_to_secret(number, &back) && back.len == 0 && back.bytes[0] == 0);
	CHECK(secret_set(&back, "x", 1) && !json_to_secret(broken, &back) && back.len == 0 && back.bytes[0] == 0);
	json_decref(sealed);
	json_decref(value);
	json_decref(number);
	json_decref(empty);
	json_decref(broken);
}

static void
text_has_bounds(void)
{
	json_t *value = json_string("ở đây"), *control = json_string("a\nb"), *number = json_integer(1);
	char text[10];

	CHECK(json_text(value, text, 1, 9));
	CHECK_TEXT(text, "ở đây");
	CHECK(!json_text(value, text, 0, 8) && !json_text(value, text, 10, 9) && !json_text(control, text, 0, 8));
	CHECK(!json_text(number, text, 0, 8) && !json_text(NULL, text, 0, 8));
	json_decref(value);
	json_decref(control);
	json_decref(number);
}

static void
an_error_is_an_object_of_the_wire(void)
{
	json_t *detail = json_pack("{s:i, s:s}", "tries_left", 2, "name", "forged");
	json_t *error = json_error(ERR_CODE_WRONG, detail), *plain = json_error(ERR_BUSY, NULL);
	const char *name, *message, *vi, *en, *hint_vi, *hint_en;
	int code, tries;

	CHECK(json_unpack(error, "{s:i, s:s, s:{s:s, s:{s:s, s:s !}, s:{s:s, s:s !}, s:i !} !}",
		  "code", &code,
		  "message", &message,
		  "data",
		  "name", &name,
		  "message",
		  "vi", &vi,
		  "en", &en,
		  "hint",
		  "vi", &hint_vi,
		  "en", &hint_en,
		  "tries_left", &tries) == 0);
	CHECK(code == err_number(ERR_CODE_WRONG) && tries == 2);
	CHECK_TEXT(name, "code_wrong");
	CHECK_TEXT(message, err_sentence(ERR_CODE_WRONG, "vi"));
	CHECK_TEXT(vi, message);
	CHECK_TEXT(en, err_sentence(ERR_CODE_WRONG, "en"));
	CHECK_TEXT(hint_vi, err_hint(ERR_CODE_WRONG, "vi"));
	CHECK_TEXT(hint_en, err_hint(ERR_CODE_WRONG, "en"));
	CHECK(json_object_size(json_object_get(plain, "data")) == 3);
	json_decref(error);
	json_decref(plain);
	json_decref(detail);
}

int
main(void)
{
	json_open();
	loading_is_strict();
	a_nul_is_no_end();
	a_fault_is_told();
	dumping_stays_within_the_buffer();
	binary_and_secrets_are_base64url();
	text_has_bounds();
	an_error_is_an_object_of_the_wire();
	return CHECK_DONE();
}
