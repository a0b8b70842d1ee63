/* SPDX-License-Identifier: Apache-2.0 */
#include "address.h"

#include <string.h>

#define LOCAL_MAX 64 /* RFC 5321, 4.5.3.1.1 */
#define LABEL_MAX 63 /* RFC 1035, 2.3.4 */

static bool
is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* RFC 5322, 3.2.3; strchr would find the NUL, too. */
static bool
is_atom_character(char c)
{
	return is_letter_or_digit(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* Words of is_in characters, one dot between each two. */
static bool
is_dotted(const char *text, size_t len, size_t word_max, bool (*is_in)(char c))
{
	size_t word = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '.') {
			if (word == 0)
				return false;
			word = 0;
		} else if (!is_in(text[i]) || ++word > word_max) {
			return false;
		}
	}
	return word != 0;
}

static bool
is_label_character(char c)
{
	return is_letter_or_digit(c) || c == '-';
}

/* No label begins or ends with a hyphen (RFC 1035, 2.3.1, as RFC 1123 has it). */
static bool
has_loose_hyphen(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] == '-' && (i == 0 || text[i - 1] == '.' || i + 1 == len || text[i + 1] == '.'))
			return true;
	return false;
}

bool
address_ok(const char *text, size_t len)
{
	const char *at = len <= ADDRESS_MAX ? memchr(text, '@', len) : NULL;
	size_t local, domain;

	if (at == NULL)
		return false;
	local = (size_t)(at - text);
	domain = len - local - 1;
	return local <= LOCAL_MAX && is_dotted(text, local, LOCAL_MAX, is_atom_character) &&
	       is_dotted(at + 1, domain, LABEL_MAX, is_label_character) && !has_loose_hyphen(at + 1, domain);
}

const char *
address_domain(const char *address)
{
	return strchr(address, '@') + 1;
}
