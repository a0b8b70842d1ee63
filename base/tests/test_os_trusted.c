/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files are the administrator's. The whole path counts, from / on, so the test makes a small root of its own and moves into it:
 * as root at once, otherwise in a user namespace, where the cases with a foreign owner cannot be made. Skipped (77) where neither is allowed.
 */
#define _GNU_SOURCE
#include "check.h"
#include "folder.h"
#include "os.h"

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define STRANGER 4711

static char root[] = "/tmp/mokhoa-root-XXXXXX";
static bool has_strangers;

static bool
write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return written;
}

/* Root of a namespace in which we own what we owned before. */
static bool
become_root(void)
{
	char map[64];

	has_strangers = geteuid() == 0;
	if (has_strangers)
		return true;
	snprintf(map, sizeof(map), "0 %ld 1", (long)geteuid());
	return unshare(CLONE_NEWUSER) == 0 && write_text("/proc/self/uid_map", map);
}

static enum err
judged(const char *path)
{
	struct buf b = buf_new(64);
	enum err read = os_read_trusted(path, &b), checked = os_check_trusted(path);

	if (read == ERR_OK)
		CHECK_TEXT(buf_text(&b), "{}");
	CHECK(read == checked);
	buf_free(&b);
	return read;
}

static void
make_root(void)
{
	CHECK(chmod("/", 0755) == 0 && mkdir("/etc", 0755) == 0 && mkdir("/etc/mokhoa", 0755) == 0 && mkdir("/home", 0777) == 0 && chmod("/home", 0777) == 0);
	CHECK(write_text("/etc/mokhoa/p.json", "{}") && chmod("/etc/mokhoa/p.json", 0644) == 0);
	CHECK(write_text("/home/p.json", "{}"));
}

static void
every_mode_of_the_file(void)
{
	for (unsigned mode = 0; mode < 01000; mode++) {
		CHECK(chmod("/etc/mokhoa/p.json", mode) == 0);
		if (!CHECK(os_check_trusted("/etc/mokhoa/p.json") == ((mode & 022) != 0 ? ERR_PROFILE_UNSAFE : ERR_OK)))
			printf("mode %o\n", mode);
	}
	CHECK(chmod("/etc/mokhoa/p.json", 0644) == 0 && judged("/etc/mokhoa/p.json") == ERR_OK);
}

static void
every_mode_of_the_folders(void)
{
	static const char *const folders[] = { "/", "/etc", "/etc/mokhoa" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		for (unsigned mode = 0700; mode < 02000; mode++) {
			if ((mode & 0700) != 0700)
				continue;
			CHECK(chmod(folders[i], mode) == 0);
			if (!CHECK(os_check_trusted("/etc/mokhoa/p.json") == ((mode & 022) != 0 ? ERR_PROFILE_UNSAFE : ERR_OK)))
				printf("%s mode %o\n", folders[i], mode);
		}
		CHECK(chmod(folders[i], 0755) == 0);
	}
	CHECK(judged("/etc/mokhoa/p.json") == ERR_OK && judged("/home/p.json") == ERR_PROFILE_UNSAFE);
}

static void
every_owner(void)
{
	static const char *const parts[] = { "/", "/etc", "/etc/mokhoa", "/etc/mokhoa/p.json", "/etc/foreign" };

	CHECK(symlink("mokhoa/p.json", "/etc/foreign") == 0 && judged("/etc/foreign") == ERR_OK);
	for (size_t i = 0; has_strangers && i < sizeof(parts) / sizeof(parts[0]); i++) {
		CHECK(lchown(parts[i], STRANGER, 0) == 0);
		CHECK(judged("/etc/foreign") == ERR_PROFILE_UNSAFE);
		CHECK(lchown(parts[i], 0, STRANGER) == 0); /* a group may own what it cannot write */
		CHECK(judged("/etc/foreign") == ERR_OK);
		CHECK(lchown(parts[i], 0, 0) == 0);
	}
}

static void
links_are_judged_by_where_they_lead(void)
{
	static const struct {
		const char *target;
		const char *link;
		enum err want;
	} cases[] = {
		{ "/etc/mokhoa/p.json", "/etc/absolute", ERR_OK },
		{ "../etc/./mokhoa/../mokhoa//p.json", "/etc/crooked", ERR_OK },
		{ "../../../../etc/mokhoa/p.json", "/etc/above-root", ERR_OK },
		{ "absolute", "/etc/twice", ERR_OK },
		{ "/home/p.json", "/etc/out", ERR_PROFILE_UNSAFE },
		{ "/home/../etc/mokhoa/p.json", "/etc/through", ERR_PROFILE_UNSAFE },
		{ "/etc/mokhoa/p.json", "/home/in", ERR_PROFILE_UNSAFE },
		{ "loop", "/etc/loop", ERR_PROFILE_UNSAFE },
		{ "nowhere", "/etc/dangling", ERR_FILE_MISSING },
		{ "/etc/mokhoa", "/etc/to-folder", ERR_FILE_MISSING },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CHECK(symlink(cases[i].target, cases[i].link) == 0);
		if (!CHECK(judged(cases[i].link) == cases[i].want))
			printf("%s -> %s\n", cases[i].link, cases[i].target);
	}
	CHECK(judged("/etc/to-folder/p.json") == ERR_OK);
}

static void
a_chain_of_links_has_an_end(void)
{
	char link[32], target[32] = "/etc/mokhoa/p.json";

	for (int i = 1; i <= 41; i++) {
		snprintf(link, sizeof(link), "/etc/chain%d", i);
		CHECK(symlink(target, link) == 0);
		memcpy(target, link, sizeof(target));
	}
	CHECK(judged("/etc/chain40") == ERR_OK && judged("/etc/chain41") == ERR_PROFILE_UNSAFE);
}

static void
paths_and_kinds(void)
{
	static char long_path[OS_PATH_MAX + 32];

	CHECK(judged("//etc///mokhoa/./p.json") == ERR_OK && judged("/../etc/mokhoa/../mokhoa/p.json") == ERR_OK);
	CHECK(judged("etc/mokhoa/p.json") == ERR_PROFILE_UNSAFE && judged("") == ERR_PROFILE_UNSAFE);
	CHECK(judged("/") == ERR_FILE_MISSING && judged("/etc/mokhoa") == ERR_FILE_MISSING && judged("/etc/mokhoa/") == ERR_FILE_MISSING);
	CHECK(judged("/etc/none/p.json") == ERR_FILE_MISSING && judged("/etc/mokhoa/none") == ERR_FILE_MISSING);
	CHECK(judged("/etc/mokhoa/p.json/x") == ERR_FILE_MISSING && judged("/etc/mokhoa/p.json/../p.json") == ERR_FILE_MISSING);
	CHECK(mkfifo("/etc/pipe", 0600) == 0 && judged("/etc/pipe") == ERR_PROFILE_UNSAFE);
	CHECK(mkdir("/etc/closed", 0700) == 0 && write_text("/etc/closed/p.json", "{}") && judged("/etc/closed/p.json") == ERR_OK);

	memset(long_path, '/', sizeof(long_path));
	memcpy(long_path + OS_PATH_MAX - 1 - 17, "etc/mokhoa/p.json", 18);
	CHECK(judged(long_path) == ERR_OK);
	memset(long_path, '/', sizeof(long_path));
	memcpy(long_path + OS_PATH_MAX - 17, "etc/mokhoa/p.json", 18);
	CHECK(judged(long_path) == ERR_PROFILE_UNSAFE);
}

static void
what_we_may_not_read_is_not_called_unsafe(void)
{
	struct buf b = buf_new(64);

	if (!has_strangers)
		return;
	CHECK(write_text("/etc/secret.json", "{}") && chmod("/etc/secret.json", 0600) == 0 && seteuid(STRANGER) == 0);
	CHECK(os_read_trusted("/etc/secret.json", &b) == ERR_PROFILE_INVALID && os_check_trusted("/etc/secret.json") == ERR_OK);
	CHECK(os_read_trusted("/etc/closed/p.json", &b) == ERR_PROFILE_INVALID && judged("/etc/mokhoa/p.json") == ERR_OK);
	CHECK(seteuid(0) == 0);
	buf_free(&b);
}

static void
a_file_has_a_bound(void)
{
	struct buf small = buf_new(1), exact = buf_new(2);

	CHECK(os_read_trusted("/etc/mokhoa/p.json", &small) == ERR_PROFILE_INVALID);
	CHECK(os_read_trusted("/etc/mokhoa/p.json", &exact) == ERR_OK && exact.len == 2);
	buf_free(&small);
	buf_free(&exact);
}

int
main(void)
{
	int outside = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	umask(0);
	if (outside < 0 || !become_root() || mkdtemp(root) == NULL || chroot(root) != 0 || chdir("/") != 0) {
		printf("skipped: this needs root or a user namespace\n");
		return 77;
	}
	make_root();
	every_mode_of_the_file();
	every_mode_of_the_folders();
	every_owner();
	links_are_judged_by_where_they_lead();
	a_chain_of_links_has_an_end();
	paths_and_kinds();
	what_we_may_not_read_is_not_called_unsafe();
	a_file_has_a_bound();
	CHECK(fchdir(outside) == 0 && chroot(".") == 0);
	CHECK(folder_remove(root));
	close(outside);
	return CHECK_DONE();
}
