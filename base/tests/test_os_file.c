/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "check.h"
#include "folder.h"
#include "os.h"
#include "seen.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char folder[] = "/tmp/mokhoa-test-XXXXXX";

static const char *
path_of(const char *name)
{
	static char path[sizeof(folder) + 64];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static mode_t
mode_of(const char *path)
{
	struct stat s = { 0 };

	return lstat(path, &s) == 0 ? s.st_mode & 07777u : 0;
}

static void
write_file(const char *name, const char *text)
{
	FILE *f = fopen(path_of(name), "w");

	CHECK(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void
a_file_is_replaced_as_a_whole(void)
{
	struct buf b = buf_new(64);
	FILE *reader;
	char old[8] = "";

	CHECK(os_write_private(path_of("journal"), "first", 5) == ERR_OK);
	CHECK(mode_of(path_of("journal")) == 0600);
	reader = fopen(path_of("journal"), "r");
	CHECK(chmod(path_of("journal"), 0644) == 0);
	CHECK(os_write_private(path_of("journal"), "second one", 10) == ERR_OK);
	CHECK(mode_of(path_of("journal")) == 0600);
	CHECK(os_read_file(path_of("journal"), &b) == ERR_OK);
	CHECK_TEXT(buf_text(&b), "second one");
	CHECK(reader != NULL && fread(old, 1, sizeof(old) - 1, reader) == 5);
	CHECK_TEXT(old, "first");
	if (reader != NULL)
		fclose(reader);
	CHECK(os_write_private(path_of("journal"), NULL, 0) == ERR_OK);
	buf_reset(&b);
	CHECK(os_read_file(path_of("journal"), &b) == ERR_OK && b.len == 0);
	buf_free(&b);
}

static void
a_link_is_replaced_and_not_followed(void)
{
	struct buf b = buf_new(64);

	write_file("precious", "untouched");
	CHECK(symlink("precious", path_of("link")) == 0);
	CHECK(os_write_private(path_of("link"), "new", 3) == ERR_OK);
	CHECK(mode_of(path_of("link")) == 0600);
	CHECK(os_read_file(path_of("precious"), &b) == ERR_OK);
	CHECK_TEXT(buf_text(&b), "untouched");
	buf_free(&b);
}

static void
a_file_is_given_before_it_has_its_name(void)
{
	char given[sizeof(folder) + 64];
	struct stat st;

	snprintf(given, sizeof(given), "%s", path_of("given"));
	CHECK(os_write_as(path_of("given"), "x", 1, 0444, path_of("given")) == ERR_OK);
	CHECK(stat(path_of("given"), &st) == 0 && (st.st_mode & 0777) == 0444 && st.st_uid == geteuid());
	if (geteuid() == 0) {
		CHECK(chown(path_of("given"), 4711, 4712) == 0);
		CHECK(os_write_as(path_of("given"), "y", 1, 0400, path_of("given")) == ERR_OK);
		CHECK(os_write_as(path_of("beside"), "z", 1, 0400, given) == ERR_OK);
		CHECK(stat(path_of("given"), &st) == 0 && (st.st_mode & 0777) == 0400 && st.st_uid == 4711 && st.st_gid == 4712);
		CHECK(stat(path_of("beside"), &st) == 0 && st.st_uid == 4711 && unlink(path_of("beside")) == 0);
	} else {
		/* what is somebody else's stays his, and as it was */
		CHECK(os_write_as(path_of("given"), "y", 1, 0400, "/") == ERR_FILE_FAILED);
		CHECK(stat(path_of("given"), &st) == 0 && (st.st_mode & 0777) == 0444);
	}
	CHECK(unlink(path_of("given")) == 0);
}

static void
what_cannot_be_written_leaves_nothing(void)
{
	CHECK(os_write_private(path_of("missing/journal"), "x", 1) == ERR_FILE_FAILED);
	CHECK(mkdir(path_of("taken"), 0700) == 0);
	CHECK(os_write_private(path_of("taken"), "x", 1) == ERR_FILE_FAILED);
	CHECK(rmdir(path_of("taken")) == 0);
}

static void
append_name(const char *name, void *context)
{
	struct buf *b = context;

	buf_add_text(b, name);
	buf_add_text(b, " ");
}

static void
a_list_is_in_byte_order_without_hidden_files(void)
{
	struct buf b = buf_new(512);

	write_file("b.json", "");
	write_file("a.json", "");
	write_file("B.json", "");
	write_file(".hidden", "");
	CHECK(mkdir(path_of("sub"), 0700) == 0 && symlink("nowhere", path_of("dangling")) == 0);
	CHECK(os_list(folder, append_name, &b) == ERR_OK);
	CHECK_TEXT(buf_text(&b), "B.json a.json b.json journal link precious ");
	buf_reset(&b);
	CHECK(os_list(path_of("no-such-folder"), append_name, &b) == ERR_OK && b.len == 0);
	CHECK(os_list(path_of("a.json"), append_name, &b) == ERR_FILE_FAILED);
	buf_free(&b);
}

static void
removing_takes_leftovers_along(void)
{
	write_file(".journal.0123456789abcdef", "left by a kill");
	write_file(".journal2.0123456789abcdef", "another one's");
	CHECK(os_remove(path_of("journal")) == ERR_OK);
	CHECK(access(path_of("journal"), F_OK) != 0 && access(path_of(".journal.0123456789abcdef"), F_OK) != 0);
	CHECK(access(path_of(".journal2.0123456789abcdef"), F_OK) == 0);
	CHECK(os_remove(path_of("journal")) == ERR_OK && os_remove(path_of("missing/journal")) == ERR_OK);
	CHECK(os_remove(path_of("sub")) == ERR_FILE_FAILED && access(path_of("sub"), F_OK) == 0);
}

static void
a_file_has_an_age(void)
{
	struct timespec then[2] = { { .tv_sec = time(NULL) - 1000 }, { .tv_sec = time(NULL) - 1000 } };
	int64_t age = -1;

	write_file("aged", "");
	CHECK(os_file_age(path_of("aged"), &age) == ERR_OK && age >= 0 && age < 100);
	CHECK(utimensat(AT_FDCWD, path_of("aged"), then, 0) == 0);
	CHECK(os_file_age(path_of("aged"), &age) == ERR_OK && age >= 1000 && age < 1100);
	then[1].tv_sec += 5000;
	CHECK(utimensat(AT_FDCWD, path_of("aged"), then, 0) == 0);
	CHECK(os_file_age(path_of("aged"), &age) == ERR_OK && age == 0);
	CHECK(os_file_age(path_of("no-such-file"), &age) == ERR_FILE_MISSING);
	CHECK(os_file_age(path_of("sub"), &age) == ERR_FILE_FAILED && os_file_age(path_of("dangling"), &age) == ERR_FILE_FAILED);
	CHECK(os_remove(path_of("aged")) == ERR_OK);
}

static void
reading_has_a_bound_and_takes_files_only(void)
{
	struct buf exact = buf_new(9), small = buf_new(8), none = buf_new(0);

	char head[16];
	size_t len = 0;

	CHECK(os_read_file(path_of("precious"), &exact) == ERR_OK && exact.len == 9);
	CHECK(os_read_head(path_of("precious"), head, 4, &len) == ERR_OK && len == 4 && memcmp(head, "unto", 4) == 0);
	CHECK(os_read_head(path_of("precious"), head, sizeof(head), &len) == ERR_OK && len == 9);
	CHECK(os_read_head(path_of("no-such-file"), head, sizeof(head), &len) == ERR_FILE_MISSING);
	CHECK(os_read_head(path_of("sub"), head, sizeof(head), &len) == ERR_FILE_FAILED);
	CHECK(os_read_file(path_of("precious"), &small) == ERR_FRAME_TOO_LARGE);
	CHECK(os_read_file(path_of("a.json"), &none) == ERR_OK);
	CHECK(os_read_file(path_of("no-such-file"), &none) == ERR_FILE_MISSING);
	seen(err_name(ERR_FILE_MISSING), "test_os_file"); /* who reads a file says what it was for: none of ours hands this name on */
	CHECK(os_read_file(path_of("sub"), &none) == ERR_FILE_FAILED);
	CHECK(mkfifo(path_of("pipe"), 0600) == 0 && os_read_file(path_of("pipe"), &none) == ERR_FILE_FAILED);
	buf_free(&exact);
	buf_free(&small);
	buf_free(&none);
}

static void
the_state_folder_is_private(void)
{
	char got[OS_PATH_MAX], want[sizeof(folder) + 64];

	CHECK(mkdir(path_of("home"), 0755) == 0);
	setenv("HOME", path_of("home"), 1);
	unsetenv("XDG_STATE_HOME");
	snprintf(want, sizeof(want), "%s/home/.local/state/mokhoa", folder);
	CHECK(os_state_dir(got) == ERR_OK);
	CHECK_TEXT(got, want);
	CHECK(mode_of(want) == 0700 && mode_of(path_of("home/.local")) == 0700);
	CHECK(chmod(want, 0755) == 0 && os_state_dir(got) == ERR_OK && mode_of(want) == 0700);

	setenv("XDG_STATE_HOME", path_of("state"), 1);
	snprintf(want, sizeof(want), "%s/state/mokhoa", folder);
	CHECK(os_state_dir(got) == ERR_OK);
	CHECK_TEXT(got, want);
	setenv("XDG_STATE_HOME", "relative", 1);
	snprintf(want, sizeof(want), "%s/home/.local/state/mokhoa", folder);
	CHECK(os_state_dir(got) == ERR_OK);
	CHECK_TEXT(got, want);
	unsetenv("HOME");
	CHECK(os_state_dir(got) == ERR_FILE_FAILED);
	setenv("HOME", path_of("a.json"), 1);
	CHECK(os_state_dir(got) == ERR_FILE_FAILED);
}

int
main(void)
{
	umask(022);
	if (mkdtemp(folder) == NULL)
		return 1;
	a_file_is_replaced_as_a_whole();
	a_link_is_replaced_and_not_followed();
	a_file_is_given_before_it_has_its_name();
	what_cannot_be_written_leaves_nothing();
	a_list_is_in_byte_order_without_hidden_files();
	removing_takes_leftovers_along();
	a_file_has_an_age();
	reading_has_a_bound_and_takes_files_only();
	the_state_folder_is_private();
	CHECK(folder_remove(folder));
	return CHECK_DONE();
}
