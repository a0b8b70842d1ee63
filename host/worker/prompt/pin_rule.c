/* SPDX-License-Identifier: Apache-2.0 */
#include "pin_rule.h"

#include "code.h"

#include <string.h>

#define DIGITS "0123456789"

bool
pin_is_typed_plainly(const struct secret *typed)
{
	for (size_t i = 0; i < typed->len; i++)
		if (typed->bytes[i] < ' ' || typed->bytes[i] > '~')
			return false;
	return true;
}

/* 888888, 12345678 and 654321: each character as far from the one before it as the last, and that far is at most one. */
static bool
is_a_run(const struct secret *pin)
{
	int step = pin->len > 1 ? pin->bytes[1] - pin->bytes[0] : 2;

	for (size_t i = 1; i < pin->len; i++)
		if (pin->bytes[i] - pin->bytes[i - 1] != step)
			return false;
	return step >= -1 && step <= 1;
}

/* What is guessed first after the runs. */
static bool
is_guessed_first(const struct secret *pin)
{
	static const char *const first[] = {
		"1234567890", "0987654321", "123123", "123321", "112233", "121212", "12341234", "11223344", "abcd1234", "password"
	};

	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
		if (pin->len == strlen(first[i]) && memcmp(pin->bytes, first[i], pin->len) == 0)
			return true;
	return false;
}

/* The code in any spelling, with or without its check character. */
static bool
is_the_code(const struct secret *pin, const struct secret *code)
{
	struct secret read = { 0 };
	bool same = secret_equal(pin, code) || (code_read(pin, &read) && secret_equal(&read, code));

	secret_wipe(&read);
	return same;
}

enum prompt_word
pin_characters_word(enum characters characters)
{
	switch (characters) {
	case CHARACTERS_DIGITS:
		return PROMPT_PIN_DIGITS;
	case CHARACTERS_HEXADECIMAL:
		return PROMPT_PIN_HEXADECIMAL;
	case CHARACTERS_ALPHANUMERIC:
		return PROMPT_PIN_ALPHANUMERIC;
	case CHARACTERS_ANY:
	case CHARACTERS_COUNT:
		break;
	}
	return PROMPT_NONE;
}

static bool
consists_of(const struct secret *pin, enum characters characters)
{
	static const char *const sets[CHARACTERS_COUNT] = {
		[CHARACTERS_DIGITS] = DIGITS,
		[CHARACTERS_HEXADECIMAL] = DIGITS "ABCDEFabcdef",
		[CHARACTERS_ALPHANUMERIC] = DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
	};

	if (pin_characters_word(characters) == PROMPT_NONE)
		return true;
	for (size_t i = 0; i < pin->len; i++)
		if (pin->bytes[i] == '\0' || strchr(sets[characters], pin->bytes[i]) == NULL)
			return false;
	return true;
}

enum prompt_word
pin_fault(const struct secret *pin, unsigned min, unsigned max, enum characters characters, const struct secret *code)
{
	if (!pin_is_typed_plainly(pin))
		return PROMPT_INPUT_METHOD;
	if (pin->len == 0 || pin->len < min || (max != 0 && pin->len > max))
		return PROMPT_PIN_LENGTH;
	if (!consists_of(pin, characters))
		return pin_characters_word(characters);
	if (is_the_code(pin, code))
		return PROMPT_PIN_IS_CODE;
	if (is_a_run(pin) || is_guessed_first(pin))
		return PROMPT_PIN_EASY;
	return PROMPT_NONE;
}
