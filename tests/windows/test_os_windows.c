/* SPDX-License-Identifier: Apache-2.0 */
/* The os layer of Windows. The program starts itself: with an argument it is the child of that name. wine_admin.c says who the administrator is. */
#include "check.h"
#include "children.h"
#include "os.h"
#include "os_windows.h"

#include <windows.h>

#include <sddl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char folder[OS_PATH_MAX];

/* ---- the children ---- */

static int
be_child(const char *name)
{
	char bytes[512];
	intptr_t lock;

	if (strcmp(name, "echo") == 0) {
		intptr_t in, out;
		os_take_stdio(&in, &out);
		puts("noise");
		fflush(stdout);
		for (long len = os_read(in, bytes, sizeof(bytes)); len > 0; len = os_read(in, bytes, sizeof(bytes)))
			if (!os_write_all(out, bytes, (size_t)len))
				return 1;
		return 42;
	}
	if (strcmp(name, "hold") == 0) {
		puts(os_lock("windows-test", &lock) == ERR_OK ? "y" : "n");
		fflush(stdout);
		os_sleep_ms(60000);
	}
	if (strcmp(name, "environment") == 0) {
		const char *given = getenv("MOKHOA_TEST"), *home = getenv("MOKHOA_OTHER"), *root = getenv("SystemRoot");
		printf("given=%s other=%s root=%s", given != NULL ? given : "", home != NULL ? home : "", root != NULL ? "yes" : "no");
	}
	if (strcmp(name, "ends") == 0 && os_end_after(200))
		os_sleep_ms(60000);
	if (strcmp(name, "tree") == 0) {
		const char *const argv[] = { "test_os_windows", "hold", NULL };
		struct os_child child;
		CHECK(os_spawn(self, argv, NULL, 0, &child) == ERR_OK);
		CHECK(os_read(child.out, bytes, 1) == 1);
		puts("grown");
		fflush(stdout);
		os_sleep_ms(60000);
	}
	return 0;
}

/* ---- programs and pipes ---- */

static void
every_byte_goes_through_a_child(void)
{
	struct os_child child = started("echo", NULL, NULL, 0);
	unsigned char sent[256], got[256];
	size_t len = 0;
	int status = -2;
	bool ready = true;

	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (unsigned char)i;
	CHECK(!os_wait(&child.out, 1, 50, &ready) && !ready);
	CHECK(os_write_all(child.in, sent, sizeof(sent)));
	while (len < sizeof(got)) {
		long n;
		CHECK(os_wait(&child.out, 1, 20000, &ready) && ready);
		n = os_read(child.out, got + len, 7 < sizeof(got) - len ? 7 : sizeof(got) - len);
		if (!CHECK(n > 0))
			break;
		len += (size_t)n;
	}
	CHECK(memcmp(sent, got, sizeof(got)) == 0);
	CHECK(!os_child_wait(&child, 30, &status));
	close_handle(&child.in);
	CHECK(os_wait(&child.out, 1, 20000, &ready) && ready && os_read(child.out, got, 1) == 0);
	CHECK(os_child_wait(&child, 20000, &status) && status == 42);
	os_child_end(&child);
	os_child_end(&child);
	CHECK(child.process == -1 && child.in == -1 && child.out == -1);
}

static void
an_environment_is_the_whole_but_for_what_windows_needs(void)
{
	static const char *const env[] = { "MOKHOA_TEST=gi\xc3\xa1 tr\xe1\xbb\x8b", NULL };
	struct os_child child;

	SetEnvironmentVariableW(L"MOKHOA_OTHER", L"ours");
	(void)_putenv("MOKHOA_OTHER=ours");
	child = started("environment", NULL, env, 0);
	CHECK_TEXT(all_output(&child), "given=gi\xc3\xa1 tr\xe1\xbb\x8b other= root=yes");
	os_child_end(&child);
	child = started("environment", NULL, NULL, OS_SPAWN_DETACH);
	CHECK_TEXT(all_output(&child), "given= other=ours root=yes");
	os_child_end(&child);
}

static void
arguments_arrive_as_they_were(void)
{
	static const char *const hard[] = { "", " ", "a b", "\"", "\\", "a\\\"b", "c:\\x y\\", "\\\\\"", "Nguy\xe1\xbb\x85n" };

	for (size_t i = 0; i < sizeof(hard) / sizeof(hard[0]); i++) {
		struct os_child child = started("argument", hard[i], NULL, 0);
		CHECK_TEXT(all_output(&child), hard[i]);
		os_child_end(&child);
	}
}

static void
a_child_that_has_its_time_ends(void)
{
	uint64_t before = os_now_ms();
	struct os_child child = started("ends", NULL, NULL, 0);
	int status = 0;

	CHECK(os_child_wait(&child, 30000, &status) && status == -1 && os_now_ms() - before >= 200);
	os_child_end(&child);
}

static void
the_end_of_a_detached_child_is_the_end_of_its_children(void)
{
	struct os_child child = started("tree", NULL, NULL, OS_SPAWN_DETACH);
	intptr_t lock;
	char text[16] = "";
	enum err e = ERR_OK;

	CHECK(os_read(child.out, text, sizeof(text) - 1) >= 5 && memcmp(text, "grown", 5) == 0);
	CHECK(os_lock("windows-test", &lock) == ERR_BUSY);
	os_child_end(&child);
	for (unsigned i = 0; i < 500 && (e = os_lock("windows-test", &lock)) == ERR_BUSY; i++)
		os_sleep_ms(20);
	if (CHECK(e == ERR_OK))
		os_unlock(lock);
}

static void
a_lock_has_one_holder_and_dies_with_him(void)
{
	struct os_child child = started("hold", NULL, NULL, 0);
	intptr_t lock = -1, again = -1;
	char said = '?';
	enum err e = ERR_OK;

	CHECK(os_read(child.out, &said, 1) == 1 && said == 'y');
	CHECK(os_lock("windows-test", &lock) == ERR_BUSY);
	os_child_end(&child);
	for (unsigned i = 0; i < 500 && (e = os_lock("windows-test", &lock)) == ERR_BUSY; i++)
		os_sleep_ms(20);
	CHECK(e == ERR_OK && os_lock("windows-test", &again) == ERR_BUSY);
	os_unlock(lock);
	CHECK(os_lock("A", &lock) == ERR_INTERNAL && os_lock("", &lock) == ERR_INTERNAL);
}

static void
what_cannot_be_started_says_so(void)
{
	const char *const argv[] = { "x", NULL };
	struct os_child child = { 5, 6, 7 }, never = { 0 };

	CHECK(os_spawn("C:\\no\\such\\program", argv, NULL, 0, &child) == ERR_WORKER_FAILED);
	CHECK(child.process == -1 && child.in == -1 && child.out == -1);
	CHECK(os_spawn("cmd.exe", argv, NULL, 0, &child) == ERR_WORKER_FAILED);
	os_child_end(&child);
	os_child_end(&never);
}

/* ---- files ---- */

static const char *
path_of(const char *name)
{
	static char path[OS_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static bool
raw_has(const char *path, const char *text)
{
	char bytes[4096];
	FILE *f = fopen(path, "rb");
	size_t len = f != NULL ? fread(bytes, 1, sizeof(bytes), f) : 0;
	bool found = false;

	for (size_t i = 0; i + strlen(text) <= len && !found; i++)
		found = memcmp(bytes + i, text, strlen(text)) == 0;
	if (f != NULL)
		fclose(f);
	return found;
}

static void
append_name(const char *name, void *context)
{
	buf_add_text(context, name);
	buf_add_text(context, " ");
}

static void
private_files_are_sealed_and_replaced_as_a_whole(void)
{
	struct buf b = buf_new(64), small = buf_new(3);
	int64_t age = -1;

	CHECK(os_write_private(path_of("nh\xe1\xba\xadt k\xc3\xbd"), "first secret", 12) == ERR_OK);
	CHECK(!raw_has(path_of("nh\xe1\xba\xadt k\xc3\xbd"), "secret"));
	CHECK(os_write_private(path_of("nh\xe1\xba\xadt k\xc3\xbd"), "second", 6) == ERR_OK);
	CHECK(os_read_file(path_of("nh\xe1\xba\xadt k\xc3\xbd"), &b) == ERR_OK);
	CHECK_TEXT(buf_text(&b), "second");
	CHECK(os_read_file(path_of("nh\xe1\xba\xadt k\xc3\xbd"), &small) == ERR_FRAME_TOO_LARGE);
	CHECK(os_file_age(path_of("nh\xe1\xba\xadt k\xc3\xbd"), &age) == ERR_OK && age >= 0 && age < 600);
	CHECK(os_write_private(path_of("empty"), NULL, 0) == ERR_OK);
	buf_reset(&b);
	CHECK(os_read_file(path_of("empty"), &b) == ERR_OK && b.len == 0);
	CHECK(os_list(folder, append_name, &b) == ERR_OK);
	CHECK_TEXT(buf_text(&b), "empty nh\xe1\xba\xadt k\xc3\xbd ");
	CHECK(os_write_private(path_of("missing/x"), "x", 1) == ERR_FILE_FAILED);
	CHECK(os_read_file(path_of("none"), &b) == ERR_FILE_MISSING && os_read_file(folder, &b) == ERR_FILE_FAILED);
	CHECK(os_file_age(path_of("none"), &age) == ERR_FILE_MISSING && os_file_age(folder, &age) == ERR_FILE_FAILED);
	buf_free(&b);
	buf_free(&small);
}

/* As a virus scanner does: it reads what was just written, and lets nobody take it away meanwhile. */
static DWORD WINAPI
let_go_later(void *file)
{
	Sleep(150);
	CloseHandle(file);
	return 0;
}

static void
a_file_that_is_looked_at_is_replaced_a_moment_later(void)
{
	struct buf b = buf_new(64);
	HANDLE scanner, thread;

	CHECK(os_write_private(path_of("scanned"), "old", 3) == ERR_OK);
	scanner = CreateFileA(path_of("scanned"), GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
	thread = CreateThread(NULL, 0, let_go_later, scanner, 0, NULL);
	CHECK(scanner != INVALID_HANDLE_VALUE && thread != NULL);
	CHECK(os_write_private(path_of("scanned"), "new", 3) == ERR_OK);
	WaitForSingleObject(thread, INFINITE);
	CloseHandle(thread);
	CHECK(os_read_file(path_of("scanned"), &b) == ERR_OK);
	CHECK_TEXT(buf_text(&b), "new");
	CHECK(os_remove(path_of("scanned")) == ERR_OK);
	buf_free(&b);
}

static void
removing_takes_leftovers_along(void)
{
	struct buf b = buf_new(256);
	FILE *f = fopen(path_of(".empty.0123456789abcdef"), "wb");

	CHECK(f != NULL && fclose(f) == 0);
	CHECK(os_remove(path_of("empty")) == ERR_OK && os_remove(path_of("empty")) == ERR_OK);
	CHECK(os_read_file(path_of(".empty.0123456789abcdef"), &b) == ERR_FILE_MISSING);
	CHECK(os_list(path_of("none"), append_name, &b) == ERR_OK && b.len == 0);
	buf_free(&b);
}

static void
a_lock_file_has_one_holder(void)
{
	intptr_t lock = -1, again = -1;
	struct buf b = buf_new(16);

	CHECK(os_lock_file(path_of("a.lock"), &lock) == ERR_OK && os_lock_file(path_of("a.lock"), &again) == ERR_BUSY);
	os_unlock_file(lock, path_of("a.lock"));
	CHECK(os_read_file(path_of("a.lock"), &b) == ERR_FILE_MISSING);
	CHECK(os_lock_file(path_of("a.lock"), &lock) == ERR_OK);
	os_unlock_file(lock, path_of("a.lock"));
	CHECK(os_lock_file(path_of("none/a.lock"), &lock) == ERR_FILE_FAILED);
	/* "access denied", and nobody holds it */
	CHECK(os_lock_file(folder, &lock) == ERR_FILE_FAILED);
	buf_free(&b);
}

static void
paths_have_one_spelling(void)
{
	static const char *const plain[] = { "C:\\a", "c:/Program Files/Mokhoa/x.json", "D:\\Ch\xe1\xbb\xaf k\xc3\xbd\\m.dll" };
	static const char *const odd[] = { "", "a", "\\a", "/a", "C:", "C:a", "C:\\", "C:\\\\a", "C:\\a\\", "C:\\.", "C:\\..\\a", "C:\\a\\..\\b", "C:\\a.", "C:\\a \\b",
		"C:\\a:stream", "\\\\server\\share\\a", "\\\\?\\C:\\a", "C:\\a*", "1:\\a" };

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		CHECK(os_path_is_plain(plain[i]));
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		if (!CHECK(!os_path_is_plain(odd[i])))
			puts(odd[i]);
}

/* ---- who may write ---- */

static bool
judged(const wchar_t *sddl, enum os_windows_place place)
{
	PSECURITY_DESCRIPTOR sd = NULL;
	bool good;

	if (!CHECK(ConvertStringSecurityDescriptorToSecurityDescriptorW(sddl, SDDL_REVISION_1, &sd, NULL)))
		printf("%ls\n", sddl);
	good = os_windows_only_admins_write(sd, place);
	LocalFree(sd);
	return good;
}

/* Access lists as Windows 10 has them (icacls), and what is done to them by mistake or on purpose. */
static void
access_lists_are_judged(void)
{
	static const struct {
		const wchar_t *sddl;
		bool file, folder, above;
	} cases[] = {
		/* C:\ and Program Files */
		{ L"O:SYD:P(A;;LC;;;AU)(A;OICIIO;SDGXGWGR;;;AU)(A;;FA;;;SY)(A;OICIIO;GA;;;SY)(A;OICIIO;GA;;;BA)(A;;FA;;;BA)(A;OICI;GXGR;;;BU)", false, false, true },
		{ L"O:SYD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)(A;OICIIO;GA;;;CO)(A;OICI;0x1200a9;;;S-1-15-2-1)", true, true, true },
		/* everybody may read, and nobody is named */
		{ L"O:BAD:(A;;FR;;;WD)", true, true, true },
		{ L"O:BAD:", true, true, true },
		/* another's, or no list */
		{ L"O:BUD:(A;;FR;;;WD)", false, false, false },
		{ L"O:WDD:", false, false, false },
		{ L"O:BA", false, false, false },
		/* one right too many */
		{ L"O:BAD:(A;;FW;;;BU)", false, false, true },
		{ L"O:BAD:(A;;FA;;;AU)", false, false, false },
		{ L"O:BAD:(A;;0x2;;;WD)", false, false, true },
		{ L"O:BAD:(A;;0x4;;;WD)", false, false, true },
		{ L"O:BAD:(A;;0x40;;;WD)", false, false, false },
		{ L"O:BAD:(A;;SD;;;BU)", false, false, false },
		{ L"O:BAD:(A;;WD;;;BU)", false, false, false },
		{ L"O:BAD:(A;;WO;;;BU)", false, false, false },
		{ L"O:BAD:(A;;GA;;;BU)", false, false, false },
		/* for what is made in it, not for itself; a denial gives nothing */
		{ L"O:BAD:(A;OICIIO;GA;;;BU)", true, true, true },
		{ L"O:BAD:(D;;GA;;;BU)", true, true, true },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool file = judged(cases[i].sddl, OS_WINDOWS_FILE), in = judged(cases[i].sddl, OS_WINDOWS_FOLDER), above = judged(cases[i].sddl, OS_WINDOWS_ABOVE);
		if (!CHECK(file == cases[i].file && in == cases[i].folder && above == cases[i].above))
			printf("%ls: %d %d %d\n", cases[i].sddl, file, in, above);
	}
}

/* A kind that is for other objects: who knows what it gives. */
static void
strange_entries_are_refused(void)
{
	PSECURITY_DESCRIPTOR sd = NULL;
	BOOL present, by_default;
	PACL dacl = NULL;
	void *ace = NULL;

	CHECK(ConvertStringSecurityDescriptorToSecurityDescriptorW(L"O:BAD:(A;;FR;;;BU)", SDDL_REVISION_1, &sd, NULL));
	CHECK(os_windows_only_admins_write(sd, OS_WINDOWS_FILE));
	if (CHECK(GetSecurityDescriptorDacl(sd, &present, &dacl, &by_default) && GetAce(dacl, 0, &ace))) {
		((ACE_HEADER *)ace)->AceType = ACCESS_ALLOWED_CALLBACK_ACE_TYPE;
		CHECK(!os_windows_only_admins_write(sd, OS_WINDOWS_FILE));
	}
	LocalFree(sd);
}

static void
trusted_files_are_read(void)
{
	char path[OS_PATH_MAX];
	struct buf b = buf_new(64), small = buf_new(1);
	FILE *f;

	snprintf(path, sizeof(path), "%s\\p.json", folder);
	f = fopen(path, "wb");
	CHECK(f != NULL && fputs("{}", f) >= 0 && fclose(f) == 0);
	CHECK(os_check_trusted(path) == ERR_OK && os_read_trusted(path, &b) == ERR_OK);
	CHECK_TEXT(buf_text(&b), "{}");
	CHECK(os_read_trusted(path, &small) == ERR_PROFILE_INVALID);
	CHECK(os_check_trusted(folder) == ERR_FILE_MISSING);
	CHECK(os_check_trusted(path_of("none.json")) == ERR_FILE_MISSING && os_check_trusted("p.json") == ERR_PROFILE_UNSAFE);
	CHECK(os_remove(path) == ERR_OK);
	buf_free(&b);
	buf_free(&small);
}

static void
libraries_are_loaded_by_path_alone(void)
{
	char name[OS_LIBRARY_NAME_MAX];
	void *library = NULL;
	FILE *f = fopen(path_of("text.dll"), "wb");

	CHECK(f != NULL && fputs("no library", f) >= 0 && fclose(f) == 0);
	CHECK(os_library_open("kernel32.dll", &library) == ERR_MODULE_MISSING);
	CHECK(os_library_open("C:\\no\\such.dll", &library) == ERR_MODULE_MISSING);
	CHECK(os_library_open(path_of("text.dll"), &library) == ERR_MODULE_FAILED && library == NULL);
	CHECK(os_library_fault(name) != OS_LIBRARY_FINE && os_library_fault(name) != OS_LIBRARY_NEEDS);
	CHECK(os_library_open("C:\\windows\\system32\\version.dll", &library) == ERR_OK);
	CHECK(os_library_symbol(library, "GetFileVersionInfoW") != NULL && os_library_symbol(library, "C_GetFunctionList") == NULL);
	CHECK(os_remove(path_of("text.dll")) == ERR_OK);
}

static void
folders_are_the_systems(void)
{
	char got[OS_PATH_MAX];

	CHECK(os_config_dir(got) == ERR_OK);
	CHECK_TEXT(got, "C:\\Program Files\\Mokhoa");
	CHECK(os_state_dir(got) == ERR_OK && strstr(got, "\\AppData\\Local\\Mokhoa") != NULL);
}

int
main(int argc, char **argv)
{
	children_of("test_os_windows");
	if (argc > 2 && strcmp(argv[1], "argument") == 0)
		return fputs(argv[2], stdout) < 0;
	if (argc > 1)
		return be_child(argv[1]);
	os_harden();
	folders_are_the_systems();
	CHECK(os_state_dir(folder) == ERR_OK);
	snprintf(folder + strlen(folder), 64, "\\test-%lu", (unsigned long)GetCurrentProcessId());
	CHECK(os_make_private(folder) == ERR_OK);
	every_byte_goes_through_a_child();
	an_environment_is_the_whole_but_for_what_windows_needs();
	arguments_arrive_as_they_were();
	a_child_that_has_its_time_ends();
	a_lock_has_one_holder_and_dies_with_him();
	the_end_of_a_detached_child_is_the_end_of_its_children();
	what_cannot_be_started_says_so();
	private_files_are_sealed_and_replaced_as_a_whole();
	a_file_that_is_looked_at_is_replaced_a_moment_later();
	removing_takes_leftovers_along();
	a_lock_file_has_one_holder();
	paths_have_one_spelling();
	access_lists_are_judged();
	strange_entries_are_refused();
	trusted_files_are_read();
	libraries_are_loaded_by_path_alone();
	CHECK(os_remove(path_of("nh\xe1\xba\xadt k\xc3\xbd")) == ERR_OK && RemoveDirectoryA(folder));
	return CHECK_DONE();
}
