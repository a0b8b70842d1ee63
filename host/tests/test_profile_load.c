/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of profiles: who may write it, what its files are called, what no two may share. Run on a stage, where /etc/mokhoa is ours. */
#define _POSIX_C_SOURCE 200809L
#include "profile.h"

#include "check.h"
#include "json.h"
#include "stage.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "/etc/mokhoa/profiles.d"

static char where[PROFILE_WHERE_MAX];

static void
remove_file(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), FOLDER "/%s", name);
	unlink(path);
}

static enum err
load(void)
{
	struct profile_set *set = NULL;
	enum err e = profile_load_all(FOLDER, &set, where);

	if (e == ERR_OK)
		profile_set_free(set);
	return e;
}

static void
test_missing(void)
{
	CHECK(load() == ERR_PROFILE_MISSING && strstr(where, FOLDER) != NULL);
	/* a file where the folder should be */
	CHECK(symlink("/dev/null", FOLDER) == 0 && load() == ERR_PROFILE_INVALID && strstr(where, FOLDER) != NULL && unlink(FOLDER) == 0);
	mkdir(FOLDER, 0755);
	CHECK(load() == ERR_PROFILE_MISSING);
	stage_write("README", "not a profile");
	stage_write("old.json~", "not a profile");
	CHECK(load() == ERR_PROFILE_MISSING);
}

static void
test_lookup(void)
{
	struct profile_set *set;

	stage_write_profile("a.json", "https://a.example", "", "false");
	stage_write_profile("b-2.json", "https://b.example", "", "false");
	if (!CHECK(profile_load_all(FOLDER, &set, NULL) == ERR_OK))
		return;
	CHECK(profile_count(set) == 2 && profile_at(set, 2) == NULL);
	CHECK_TEXT(profile_at(set, 0)->name, "a");
	CHECK(profile_by_name(set, "b-2") == profile_at(set, 1) && profile_by_name(set, "b") == NULL && profile_by_name(set, "") == NULL);
	CHECK(profile_by_origin(set, "https://a.example") == profile_at(set, 0));
	CHECK(profile_by_origin(set, "https://a.example/") == NULL && profile_by_origin(set, "https://a.exampl") == NULL);
	CHECK(profile_by_origin(set, "https://A.example") == NULL && profile_by_origin(set, "") == NULL);
	profile_set_free(set);
}

static void
test_names(void)
{
	static const char *const bad[] = { ".json", "A.json", "a_b.json", "a b.json", "ă.json", ".x.json", "a.b.json",
		"a12345678901234567890123456789012.json" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		stage_write_profile(bad[i], "https://c.example", "", "false");
		/* a hidden file may be passed over as no file of the folder at all; it must never be read as a profile */
		if (bad[i][0] != '.')
			CHECK(load() == ERR_PROFILE_INVALID && strstr(where, bad[i]) != NULL);
		else
			CHECK(load() == ERR_PROFILE_INVALID || load() == ERR_OK);
		remove_file(bad[i]);
	}
	stage_write_profile("a1234567890123456789012345678901.json", "https://c.example", "", "false");
	CHECK(load() == ERR_OK);
	remove_file("a1234567890123456789012345678901.json");
}

static void
test_two(void)
{
	char name[32], origin[64];

	stage_write_profile("c.json", "https://a.example", "", "false");
	CHECK(load() == ERR_PROFILE_INVALID && strstr(where, "c.json") != NULL && strstr(where, "origins[0]") != NULL && strstr(where, ": a has") != NULL);
	stage_write("c.json", "{\n}");
	CHECK(load() == ERR_PROFILE_INVALID && strstr(where, "c.json") != NULL && strstr(where, "tms") != NULL);
	remove_file("c.json");
	for (int i = 0; i < 15; i++) {
		CHECK(load() == ERR_OK);
		snprintf(name, sizeof(name), "n%02d.json", i);
		snprintf(origin, sizeof(origin), "https://n%02d.example", i);
		stage_write_profile(name, origin, "", "false");
	}
	CHECK(load() == ERR_PROFILE_INVALID && strstr(where, "16") != NULL);
	for (int i = 0; i < 15; i++) {
		snprintf(name, sizeof(name), "n%02d.json", i);
		remove_file(name);
	}
}

static void
test_unsafe(void)
{
	static const mode_t modes[] = { 0664, 0646, 0666, 0622, 0777 };
	char *big = malloc(70000);

	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		chmod(FOLDER "/a.json", modes[i]);
		CHECK(load() == ERR_PROFILE_UNSAFE && strstr(where, "a.json") != NULL);
	}
	chmod(FOLDER "/a.json", 0644);
	chmod(FOLDER, 0775);
	CHECK(load() == ERR_PROFILE_UNSAFE);
	chmod(FOLDER, 01777);
	CHECK(load() == ERR_PROFILE_UNSAFE);
	chmod(FOLDER, 0755);
	chmod("/etc/mokhoa", 0757);
	CHECK(load() == ERR_PROFILE_UNSAFE);
	chmod("/etc/mokhoa", 0755);
	CHECK(load() == ERR_OK);
	if (chown(FOLDER "/a.json", 1, 0) == 0) /* a namespace of one user has no second one to give it to */
		CHECK(load() == ERR_PROFILE_UNSAFE);
	CHECK(chown(FOLDER "/a.json", 0, 0) == 0);
	if (big != NULL) {
		memset(big, ' ', 69999);
		big[69999] = '\0';
		stage_write("big.json", big);
		CHECK(load() == ERR_PROFILE_INVALID && strstr(where, "big.json") != NULL);
		remove_file("big.json");
		free(big);
	}
}

int
main(void)
{
	if (!stage_is_set())
		return STAGE_SKIP;
	json_open();
	CHECK_TEXT(profile_folder(), FOLDER);
	test_missing();
	test_lookup();
	test_names();
	test_two();
	test_unsafe();
	return CHECK_DONE();
}
