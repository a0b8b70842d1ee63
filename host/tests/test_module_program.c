/* SPDX-License-Identifier: Apache-2.0 */
/* Which of our programs a module is loaded by. Programs and modules are files with a head and nothing behind it. */
#define _GNU_SOURCE
#include "module_program.h"

#include "check.h"
#include "folder.h"

#include <stdlib.h>

static char folder[] = "/tmp/module_program.XXXXXX";

static const char *
path_of(const char *name)
{
	static char path[sizeof(folder) + 64];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static const unsigned char elf_64[] = { 0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 62, 0 };
static const unsigned char elf_32[] = { 0x7f, 'E', 'L', 'F', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 3, 0 };
static const unsigned char elf_arm[] = { 0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 183, 0 };
static const unsigned char pe_64[] = { 'M', 'Z', [0x3c] = 0x40, [0x40] = 'P', 'E', 0, 0, 0x64, 0x86 };

static void
put(const char *name, const void *bytes, size_t len)
{
	FILE *f = fopen(path_of(name), "wb");

	CHECK(f != NULL && fwrite(bytes, 1, len, f) == len && fclose(f) == 0);
}

/* The name of the program, or of the error. */
static const char *
program_of(const char *module)
{
	static char ret[OS_PATH_MAX];
	enum err e = module_program(folder, path_of(module), ret);

	if (e != ERR_OK)
		return err_name(e);
	CHECK(strncmp(ret, folder, strlen(folder)) == 0);
	return strrchr(ret, '/') + 1;
}

static void
put_modules(void)
{
	put("module-64", elf_64, sizeof(elf_64));
	put("module-32", elf_32, sizeof(elf_32));
	put("module-arm", elf_arm, sizeof(elf_arm));
	put("module-pe", pe_64, sizeof(pe_64));
	put("module-text", "not a library\n", 14);
}

static void
each_module_has_the_program_of_its_kind(void)
{
	put("mokhoa-worker", elf_64, sizeof(elf_64));
	put("mokhoa-worker-x86", elf_32, sizeof(elf_32));
	CHECK_TEXT(program_of("module-64"), "mokhoa-worker");
	CHECK_TEXT(program_of("module-32"), "mokhoa-worker-x86");
	CHECK_TEXT(program_of("module-arm"), "module_architecture");
	CHECK_TEXT(program_of("module-pe"), "module_architecture");
}

static void
what_is_no_library_is_for_the_worker_to_say(void)
{
	CHECK_TEXT(program_of("module-text"), "mokhoa-worker");
	CHECK_TEXT(program_of("module-missing"), "mokhoa-worker");
	CHECK_TEXT(program_of("."), "mokhoa-worker");
}

static void
a_script_is_taken_at_its_word(void)
{
	put("mokhoa-worker", "#!/bin/sh\n", 10);
	CHECK_TEXT(program_of("module-64"), "mokhoa-worker");
	CHECK_TEXT(program_of("module-arm"), "mokhoa-worker");
}

static void
a_program_that_is_not_there_loads_nothing(void)
{
	CHECK(remove(path_of("mokhoa-worker-x86")) == 0);
	CHECK_TEXT(program_of("module-64"), "mokhoa-worker");
	CHECK_TEXT(program_of("module-32"), "module_architecture");
	CHECK(remove(path_of("mokhoa-worker")) == 0);
	CHECK_TEXT(program_of("module-64"), "module_architecture");
	CHECK_TEXT(program_of("module-text"), "mokhoa-worker");
}

static void
without_a_folder_it_is_our_own(void)
{
	char ours[OS_PATH_MAX], got[OS_PATH_MAX];

	CHECK(os_program_dir(ours) == ERR_OK && module_program(NULL, path_of("module-text"), got) == ERR_OK);
	CHECK(strncmp(got, ours, strlen(ours)) == 0 && strcmp(got + strlen(ours), "/mokhoa-worker") == 0);
}

int
main(void)
{
	if (mkdtemp(folder) == NULL)
		return 1;
	put_modules();
	each_module_has_the_program_of_its_kind();
	what_is_no_library_is_for_the_worker_to_say();
	a_program_that_is_not_there_loads_nothing();
	a_script_is_taken_at_its_word();
	without_a_folder_it_is_our_own();
	CHECK(folder_remove(folder));
	return CHECK_DONE();
}
