/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "code.h"
#include "pin_rule.h"

static struct secret code;  /* the 12 characters that count */
static struct secret shown; /* as the mail shows it */

static enum prompt_word
fault_of(const char *pin)
{
	struct secret s = { 0 };

	secret_set(&s, pin, strlen(pin));
	return pin_fault(&s, 6, 8, CHARACTERS_ANY, &code);
}

static void
length_is_the_tokens(void)
{
	struct secret s = { 0 };

	CHECK(fault_of("73915") == PROMPT_PIN_LENGTH);
	CHECK(fault_of("739152") == PROMPT_NONE);
	CHECK(fault_of("73915246") == PROMPT_NONE);
	CHECK(fault_of("739152468") == PROMPT_PIN_LENGTH);
	CHECK(fault_of("") == PROMPT_PIN_LENGTH);
	CHECK(pin_fault(&s, 0, 0, CHARACTERS_ANY, &code) == PROMPT_PIN_LENGTH);
	secret_set(&s, "7391524688664", 13);
	CHECK(pin_fault(&s, 4, 0, CHARACTERS_ANY, &code) == PROMPT_NONE);
}

static void
an_input_method_is_noticed(void)
{
	CHECK(fault_of("mậtkh") == PROMPT_INPUT_METHOD);
	CHECK(fault_of("73915\t2") == PROMPT_INPUT_METHOD);
	CHECK(fault_of("7391 52") == PROMPT_NONE);
	CHECK(fault_of("~739152") == PROMPT_NONE);
	CHECK(fault_of("\x7f"
		       "739152") == PROMPT_INPUT_METHOD);
}

static void
what_is_guessed_first_is_refused(void)
{
	static const char *const easy[] = { "000000", "888888", "123456", "12345678", "654321", "87654321", "abcdef", "123123", "123321", "112233",
		"121212", "12341234", "11223344", "abcd1234", "password" };

	for (size_t i = 0; i < sizeof(easy) / sizeof(easy[0]); i++)
		CHECK(fault_of(easy[i]) == PROMPT_PIN_EASY);
	CHECK(fault_of("135791") == PROMPT_NONE);
	CHECK(fault_of("123457") == PROMPT_NONE);
	CHECK(fault_of("888889") == PROMPT_NONE);
}

static void
the_code_is_no_pin(void)
{
	struct secret spaced = { 0 };

	CHECK(pin_fault(&code, 4, 16, CHARACTERS_ANY, &code) == PROMPT_PIN_IS_CODE);
	CHECK(pin_fault(&shown, 4, 16, CHARACTERS_ANY, &code) == PROMPT_PIN_IS_CODE);
	for (size_t i = 0; i < shown.len; i++) {
		unsigned char c = shown.bytes[i];
		spaced.bytes[spaced.len++] = c >= 'A' && c <= 'Z' ? (unsigned char)(c - 'A' + 'a') : c;
	}
	CHECK(pin_fault(&spaced, 4, 16, CHARACTERS_ANY, &code) == PROMPT_PIN_IS_CODE);
}

static void
test_characters(void)
{
	static const struct {
		const char *pin;
		enum characters characters;
		enum prompt_word fault;
	} rows[] = {
		{ "739102", CHARACTERS_DIGITS, PROMPT_NONE },
		{ "73910a", CHARACTERS_DIGITS, PROMPT_PIN_DIGITS },
		{ "7391 2", CHARACTERS_DIGITS, PROMPT_PIN_DIGITS },
		{ "739aF2", CHARACTERS_HEXADECIMAL, PROMPT_NONE },
		{ "739gF2", CHARACTERS_HEXADECIMAL, PROMPT_PIN_HEXADECIMAL },
		{ "zX9102", CHARACTERS_ALPHANUMERIC, PROMPT_NONE },
		{ "zX9-02", CHARACTERS_ALPHANUMERIC, PROMPT_PIN_ALPHANUMERIC },
		{ "zX9-02", CHARACTERS_ANY, PROMPT_NONE },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct secret s = { 0 };

		secret_set(&s, rows[i].pin, strlen(rows[i].pin));
		CHECK(pin_fault(&s, 6, 8, rows[i].characters, &code) == rows[i].fault);
	}
}

int
main(void)
{
	code_new(&shown);
	CHECK(code_read(&shown, &code));
	length_is_the_tokens();
	an_input_method_is_noticed();
	what_is_guessed_first_is_refused();
	the_code_is_no_pin();
	test_characters();
	return CHECK_DONE();
}
