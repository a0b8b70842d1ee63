/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "soft_hsm.h"

#include "folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MODULE "/usr/lib/softhsm/libsofthsm2.so"
#define TOOL   "/usr/bin/softhsm2-util"
#define LABEL  "Kho khoa"

static void
must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "SoftHSM: %s\n", what);
	exit(1);
}

/* What the tool prints, at most size - 1 bytes; false where it fails. */
static bool
run_tool(const char *const argv[], char *ret, size_t size)
{
	int pipe_ends[2];
	size_t len = 0;
	int status = -1;
	pid_t pid;

	must(pipe(pipe_ends) == 0, "pipe");
	pid = fork();
	if (pid == 0) {
		dup2(pipe_ends[1], 1);
		close(pipe_ends[0]);
		execv(TOOL, (char *const *)(void *)argv);
		_exit(127);
	}
	close(pipe_ends[1]);
	for (long got = 1; got > 0;) {
		got = read(pipe_ends[0], ret + len, size - 1 - len);
		len += got > 0 ? (size_t)got : 0;
	}
	ret[len] = '\0';
	close(pipe_ends[0]);
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void
write_text(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	must(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0 && chmod(path, mode) == 0, path);
}

/* Behind the first "Serial number:", which is that of the token: a slot without one comes last. */
static void
read_serial(struct soft_hsm *s)
{
	static const char *const show[] = { TOOL, "--show-slots", NULL };
	char text[8192];
	const char *at;

	must(run_tool(show, text, sizeof(text)), "softhsm2-util --show-slots");
	at = strstr(text, "Serial number:");
	must(at != NULL && sscanf(at, "Serial number: %16s", s->serial) == 1, "no serial number");
}

bool
soft_hsm_new(struct soft_hsm *s)
{
	static const char *const init[] = { TOOL, "--init-token", "--free", "--label", LABEL, "--so-pin", "00112233", "--pin", SOFT_HSM_PIN, NULL };
	char path[128];
	char text[1024];

	*s = (struct soft_hsm){ .folder = "/tmp/mokhoa-hsm-XXXXXX" };
	if (access(MODULE, R_OK) != 0 || access(TOOL, X_OK) != 0) {
		printf("skipped: SoftHSM is missing: apt-get install softhsm2\n");
		return false;
	}
	must(mkdtemp(s->folder) != NULL, "a folder");
	snprintf(path, sizeof(path), "%s/tokens", s->folder);
	must(mkdir(path, 0700) == 0, path);
	snprintf(text, sizeof(text), "directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n", path);
	snprintf(path, sizeof(path), "%s/softhsm2.conf", s->folder);
	write_text(path, text, 0600);
	setenv("SOFTHSM2_CONF", path, 1);
	must(run_tool(init, text, sizeof(text)), "softhsm2-util --init-token");
	read_serial(s);
	snprintf(s->pin_file, sizeof(s->pin_file), "%s/pin", s->folder);
	write_text(s->pin_file, SOFT_HSM_PIN "\n", 0400);
	s->config = (struct config_hsm){ .module = MODULE, .token = LABEL, .serial = s->serial, .key = "mokhoa-vault", .pin_file = s->pin_file };
	return true;
}

void
soft_hsm_free(struct soft_hsm *s)
{
	folder_remove(s->folder);
}

void
soft_hsm_unplug(struct soft_hsm *s, bool away)
{
	char tokens[128], aside[128];

	snprintf(tokens, sizeof(tokens), "%s/tokens", s->folder);
	snprintf(aside, sizeof(aside), "%s/aside", s->folder);
	if (away) {
		must(rename(tokens, aside) == 0 && mkdir(tokens, 0700) == 0, "unplug");
	} else {
		must(rmdir(tokens) == 0 && rename(aside, tokens) == 0, "plug in");
	}
}
