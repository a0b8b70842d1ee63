/* SPDX-License-Identifier: Apache-2.0 */
#include "so_pin.h"

#include "os.h"

#include <string.h>

#define DIGITS "0123456789"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LOWER  "abcdefghijklmnopqrstuvwxyz"

struct alphabet {
	const char *all;  /* a PIN of these characters */
	const char *next; /* is followed by one of these */
};

/* From the narrowest: the first that has every character of the current PIN counts. */
static const struct alphabet alphabets[] = {
	{ DIGITS, DIGITS },
	{ DIGITS "ABCDEF", DIGITS "ABCDEF" },
	{ DIGITS "abcdef", DIGITS "abcdef" },
	{ DIGITS "ABCDEFabcdef", DIGITS "ABCDEF" },
	{ DIGITS UPPER, DIGITS UPPER },
	{ DIGITS LOWER, DIGITS LOWER },
	{ DIGITS UPPER LOWER, DIGITS UPPER LOWER },
};

static bool
has_all(const char *alphabet, const struct secret *pin)
{
	for (size_t i = 0; i < pin->len; i++)
		if (pin->bytes[i] == '\0' || strchr(alphabet, pin->bytes[i]) == NULL)
			return false;
	return true;
}

static bool
is_typed(const struct secret *pin)
{
	for (size_t i = 0; i < pin->len; i++)
		if (pin->bytes[i] < 0x21 || pin->bytes[i] > 0x7e)
			return false;
	return pin->len != 0;
}

static const char *
alphabet_after(const struct secret *pin)
{
	for (size_t i = 0; i < sizeof(alphabets) / sizeof(alphabets[0]); i++)
		if (has_all(alphabets[i].all, pin))
			return alphabets[i].next;
	/* with punctuation: letters and digits are a part of what the card takes */
	return DIGITS UPPER LOWER;
}

static const char *
alphabet_of(const struct vault_format *format, const struct secret *current)
{
	switch (format->characters) {
	case CHARACTERS_DIGITS:
		return DIGITS;
	case CHARACTERS_HEXADECIMAL:
		return DIGITS "ABCDEF";
	case CHARACTERS_ALPHANUMERIC:
		return DIGITS UPPER LOWER;
	case CHARACTERS_ANY:
	case CHARACTERS_COUNT:
		break;
	}
	return alphabet_after(current);
}

/* A byte below the largest multiple of count that a byte can hold, so that no remainder is likelier than another. */
static unsigned char
draw(size_t count)
{
	unsigned char byte;

	do
		os_random(&byte, 1);
	while (byte >= 256 - 256 % count);
	return (unsigned char)(byte % count);
}

enum err
so_pin_next(const struct secret *current, const struct vault_format *format, struct secret *ret_next)
{
	const char *alphabet;
	size_t count, len;

	if (!is_typed(current))
		return ERR_VAULT_REFUSED;
	alphabet = alphabet_of(format, current);
	len = format->length;
	if (len == 0)
		len = current->len < SO_PIN_NEXT_MIN ? SO_PIN_NEXT_MIN : current->len;
	count = strlen(alphabet);
	do {
		ret_next->len = len;
		for (size_t i = 0; i < len; i++)
			ret_next->bytes[i] = (unsigned char)alphabet[draw(count)];
	} while (secret_equal(ret_next, current));
	return ERR_OK;
}
