/* SPDX-License-Identifier: Apache-2.0 */
/* What is read as a code reads again as the same, and with any one character changed as none. */
#include "code.h"
#include "fuzz.h"

#include <string.h>

/* The code with its check character, which is found by trying. */
static struct secret
with_check(const struct secret *code)
{
	static const char all[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ*~$=U";
	struct secret whole = *code, again;
	unsigned fitting = 0, at = 0;

	whole.len = 13;
	for (unsigned i = 0; all[i] != '\0'; i++) {
		whole.bytes[12] = (unsigned char)all[i];
		if (code_read(&whole, &again)) {
			must(secret_equal(&again, code));
			fitting++;
			at = i;
		}
	}
	must(fitting == 1);
	whole.bytes[12] = (unsigned char)all[at];
	return whole;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct secret typed = { 0 }, code, again;
	char text[SECRET_MAX + 1];

	if (size > SECRET_MAX)
		return 0;
	must(secret_set(&typed, data, size));
	memcpy(text, typed.bytes, size);
	text[size] = '\0';
	(void)code_phrase_equal(text, "3FZP-825H");
	if (!code_read(&typed, &code)) {
		must(code.len == 0);
		return 0;
	}
	must(code.len == 12 && size >= 13);
	typed = with_check(&code);
	for (size_t at = 0; at < 12; at++) {
		typed.bytes[at] = typed.bytes[at] == 'Z' ? '0' : 'Z';
		must(!code_read(&typed, &again));
		typed.bytes[at] = code.bytes[at];
	}
	must(!code_phrase_equal(text, "3FZP-825H"));
	return 0;
}
