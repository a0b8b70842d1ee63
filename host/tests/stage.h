/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage: what the tests that need profiles share. Profiles lie in /etc/mokhoa and must be root's, so such a test runs on a stage
 * (tests/stage/enter.sh) whose root folder is root's, too; that of a user who is not root is not.
 */
#ifndef MOKHOA_TEST_STAGE_H
#define MOKHOA_TEST_STAGE_H

#include "profile.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define STAGE_SKIP 77

/* What the profiles of these tests have in common, for a printf with origin, extensions and portal_launch. */
#define STAGE_PROFILE \
	"{\"tms\": \"https://tms.example\", \"tls\": \"system\", \"tms_keys\": [\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"]," \
	" \"origins\": [\"%s\"], \"extensions\": [%s], \"portal_launch\": %s, \"modules\": [{\"name\": \"a\", \"path\": \"/a.so\"}]," \
	" \"prompt\": \"/usr/bin/pinentry\", \"hotline\": \"1900\", \"languages\": [\"vi\", \"en\"]}"

static inline bool
stage_is_set(void)
{
	struct stat s;

	if (getenv("MOKHOA_STAGE") == NULL)
		puts("run me by tests/stage/enter.sh: I write to /etc/mokhoa");
	else if (stat("/", &s) != 0 || s.st_uid != 0)
		puts("run me as root: on the stage of another user no file is root's");
	else
		return true;
	return false;
}

/* The folder is made where it is missing. */
static inline void
stage_write(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	(void)mkdir(profile_folder(), 0755);
	(void)chmod(profile_folder(), 0755);
	snprintf(path, sizeof(path), "%s/%s", profile_folder(), name);
	f = fopen(path, "w");
	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0 || chmod(path, 0644) != 0) {
		perror(path);
		exit(1);
	}
}

static inline void
stage_write_profile(const char *name, const char *origin, const char *extensions, const char *portal_launch)
{
	char text[1024];

	snprintf(text, sizeof(text), STAGE_PROFILE, origin, extensions, portal_launch);
	stage_write(name, text);
}

#endif
