/* SPDX-License-Identifier: Apache-2.0 */
/* The list err.def holds what it promises: a number and a name that no other error has, and words for people in both languages. */
#include "err.h"
#include "check.h"
#include "text.h"

static int
is_wire_name(const char *name)
{
	return name[0] != '\0' && name[strspn(name, "abcdefghijklmnopqrstuvwxyz_")] == '\0';
}

static int
is_sentence(const char *text)
{
	size_t len = strlen(text);

	return len > 4 && text_is_showable(text, len) && (text[len - 1] == '.' || text[len - 1] == '"');
}

static int
is_number_of_ours(int number)
{
	return (number >= -32768 && number <= -32000) || (number >= 1001 && number <= 6999);
}

int
main(void)
{
	for (int i = ERR_OK + 1; i < ERR_COUNT; i++) {
		enum err e = (enum err)i;

		CHECK(is_number_of_ours(err_number(e)));
		CHECK(err_http(e) >= 400 && err_http(e) < 600);
		CHECK(is_wire_name(err_name(e)));
		CHECK(err_from_name(err_name(e)) == e);
		if (!is_sentence(err_sentence(e, "vi")) || !is_sentence(err_sentence(e, "en")) ||
		    !is_sentence(err_hint(e, "vi")) || !is_sentence(err_hint(e, "en")))
			CHECK_TEXT(err_name(e), "an error with four sentences");
		CHECK(strcmp(err_sentence(e, "vi"), err_sentence(e, "en")) != 0);
		for (int j = ERR_OK; j < i; j++) {
			CHECK(err_number(e) != err_number((enum err)j));
			CHECK(strcmp(err_name(e), err_name((enum err)j)) != 0);
		}
	}
	CHECK(err_number(ERR_OK) == 0 && err_http(ERR_OK) == 200);
	CHECK_TEXT(err_name(ERR_OK), "ok");
	CHECK(err_from_name("ok") == ERR_OK);
	CHECK(err_from_name("no_such_error") == ERR_INTERNAL && err_from_name("") == ERR_INTERNAL);
	CHECK(err_http(ERR_TMS_UNREACHABLE) == 500);
	CHECK_TEXT(err_name(ERR_COUNT), "internal_error");
	CHECK_TEXT(err_sentence(ERR_BUSY, "fr"), err_sentence(ERR_BUSY, "vi"));
	CHECK_TEXT(err_sentence(ERR_BUSY, NULL), err_sentence(ERR_BUSY, "vi"));
	CHECK_TEXT(err_hint(ERR_BUSY, "en"), "Wait a few seconds and try again.");
	return CHECK_DONE();
}
