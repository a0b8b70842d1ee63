/* SPDX-License-Identifier: Apache-2.0 */
#include "token_name.h"
#include "check.h"
#include "json.h"

static bool
reads(const char *text, struct token_name *ret)
{
	json_t *value = NULL;
	bool taken;

	CHECK(json_load(text, strlen(text), &value, NULL) == ERR_OK);
	taken = token_name_from_json(value, ret);
	json_decref(value);
	return taken;
}

static void
a_name_goes_to_json_and_back(void)
{
	struct token_name t = { "CardContact (www.cardcontact.de)", "PKCS#15 emulated", "DECM010233000000" }, back;
	json_t *value = token_name_json(&t);

	CHECK(token_name_from_json(value, &back) && token_name_equal(&t, &back));
	CHECK(json_object_size(value) == 3);
	json_decref(value);
	back.serial[15] = '1';
	CHECK(!token_name_equal(&t, &back));
	back = t;
	back.model[0] = 'p';
	CHECK(!token_name_equal(&t, &back));
	back = t;
	back.manufacturer[0] = 'c';
	CHECK(!token_name_equal(&t, &back));
}

static void
bounds(void)
{
	static const char *const good[] = { "{\"manufacturer\":\"\",\"model\":\"\",\"serial\":\"1\"}",
		"{\"manufacturer\":\"12345678901234567890123456789012\",\"model\":\"1234567890123456\",\"serial\":\"1234567890123456\"}",
		"{\"manufacturer\":\"Nhà sản xuất\",\"model\":\"ở\",\"serial\":\"ở\"}" };
	static const char *const bad[] = { "{}", "{\"manufacturer\":\"a\",\"model\":\"b\"}", "{\"manufacturer\":\"a\",\"model\":\"b\",\"serial\":\"\"}",
		"{\"manufacturer\":\"a\",\"model\":\"b\",\"serial\":\"c\",\"label\":\"d\"}", "{\"manufacturer\":\"a\",\"model\":\"b\",\"serial\":1}",
		"{\"manufacturer\":null,\"model\":\"b\",\"serial\":\"c\"}", "{\"manufacturer\":\"123456789012345678901234567890123\",\"model\":\"\",\"serial\":\"1\"}",
		"{\"manufacturer\":\"\",\"model\":\"12345678901234567\",\"serial\":\"1\"}", "{\"manufacturer\":\"\",\"model\":\"\",\"serial\":\"12345678901234567\"}",
		"{\"manufacturer\":\"a\\nb\",\"model\":\"\",\"serial\":\"1\"}", "{\"manufacturer\":\"\",\"model\":\"\",\"serial\":\"\\u202e1\"}" };
	struct token_name t = { "kept", "", "" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!reads(bad[i], &t));
	CHECK_TEXT(t.manufacturer, "kept");
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CHECK(reads(good[i], &t));
	CHECK(!token_name_from_json(NULL, &t));
}

int
main(void)
{
	json_open();
	a_name_goes_to_json_and_back();
	bounds();
	return CHECK_DONE();
}
