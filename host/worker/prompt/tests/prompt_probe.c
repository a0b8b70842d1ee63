/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prompt_probe PROGRAM LANGUAGE: asks once as an unlock would and prints the error's name, the code and the PIN, which are a test's and no
 * secret. `prompt_probe --code` prints a code.
 */
#include "code.h"
#include "os.h"
#include "prompt.h"

#include <stdio.h>
#include <string.h>

static int
print_code(void)
{
	struct secret code = { 0 };

	code_new(&code);
	printf("%.*s\n", (int)code.len, (const char *)code.bytes);
	return 0;
}

int
main(int argc, char **argv)
{
	struct prompt_question question = {
		.origin = "https://portal.example",
		.phrase = "ABCD-2345",
		.label = "Nguyễn Văn An",
		.serial = "DENK0100001",
		.pin_min = 6,
		.pin_max = 16,
	};
	struct secret code = { 0 };
	struct secret pin = { 0 };
	enum err e;

	os_harden();
	if (argc == 2 && strcmp(argv[1], "--code") == 0)
		return print_code();
	if (argc != 3)
		return 2;
	question.program = argv[1];
	question.language = argv[2];
	e = prompt_ask(&question, &code, &pin);
	printf("%s %.*s %.*s\n", err_name(e), (int)code.len, (const char *)code.bytes, (int)pin.len, (const char *)pin.bytes);
	return 0;
}
