/* SPDX-License-Identifier: Apache-2.0 */
/* What a vault says of the hour that one before it has left. */
#include "check.h"

#include "json.h"
#include "keyfile.h"
#include "log.h"
#include "tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static char key_path[96];
static char hour_path[112];

/* What is said in the log of an hour that is not there, or not one. */
static void
check_said(const char *level)
{
	struct tally t = { .hours = { { .max = 0 } } };
	char said_path[112];
	char said[512] = "";
	char want[64];
	int before = dup(STDERR_FILENO);
	FILE *f;

	snprintf(said_path, sizeof(said_path), "%s/said", folder);
	f = fopen(said_path, "w+");
	if (!CHECK(f != NULL && before >= 0 && dup2(fileno(f), STDERR_FILENO) >= 0))
		exit(1);
	tally_open(&t, key_path);
	dup2(before, STDERR_FILENO);
	close(before);
	rewind(f);
	snprintf(want, sizeof(want), " %s vault file=", level);
	CHECK(fgets(said, sizeof(said), f) != NULL && strstr(said, want) != NULL && fgets(said, sizeof(said), f) == NULL);
	fclose(f);
	unlink(said_path);
}

/* A vault that is new is no fault. */
static void
test_first_hour(void)
{
	check_said("info");
	CHECK(keyfile_write(hour_path, "x", 1) == ERR_OK);
	check_said("error");
	unlink(hour_path);
}

/* What could not be counted on the disk was not done, and takes nothing of the hour. */
static void
test_full_device(void)
{
	struct tally t = { .hours = { [TALLY_ROWS] = { .max = 2 }, [TALLY_COMPARES] = { .max = 1 } } };

	tally_open(&t, key_path);
	CHECK(mkdir(hour_path, 0700) == 0);
	for (int i = 0; i < 5; i++)
		CHECK(tally_take(&t, TALLY_ROWS, 2) == ERR_VAULT_REFUSED);
	CHECK(rmdir(hour_path) == 0);
	CHECK(tally_take(&t, TALLY_ROWS, 2) == ERR_OK && tally_take(&t, TALLY_ROWS, 1) == ERR_VAULT_LIMIT);
	unlink(hour_path);
}

int
main(void)
{
	json_open();
	log_open("test_tally");
	snprintf(folder, sizeof(folder), "/tmp/mokhoa-tally-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(key_path, sizeof(key_path), "%s/vault.key", folder);
	snprintf(hour_path, sizeof(hour_path), "%s.hour", key_path);
	test_first_hour();
	test_full_device();
	rmdir(folder);
	return CHECK_DONE();
}
