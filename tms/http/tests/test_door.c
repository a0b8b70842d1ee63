/* SPDX-License-Identifier: Apache-2.0 */
/* A door is one server's, and who asks whether somebody listens there is not held up by many who wait. */
#define _GNU_SOURCE
#include "check.h"
#include "door.h"
#include "folder.h"
#include "os.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define ASKED_MS 50
#define MANY	 200 /* more than wait behind a listener */

static void
test_one_server(const char *path)
{
	intptr_t caller;
	int fd = -1;
	int other = -1;

	CHECK(os_unix_connect(path, 0) == -1 && errno == ENOENT);
	if (!CHECK(door_open(path, NULL, &fd) == ERR_OK))
		return;
	caller = os_unix_connect(path, 0);
	CHECK(caller != -1);
	os_close(caller);
	CHECK(door_open(path, NULL, &other) == ERR_CONFIG_INVALID && other == -1);
	caller = os_unix_connect(path, ASKED_MS);
	CHECK(caller != -1);
	os_close(caller);
	os_close(fd);
	/* what a killed server left behind is taken away */
	CHECK(os_unix_connect(path, 0) == -1 && errno == ECONNREFUSED);
	CHECK(door_open(path, NULL, &fd) == ERR_OK);
	os_close(fd);
}

static void
test_full(const char *path)
{
	intptr_t callers[MANY];
	size_t count = 0;
	int fd = -1;

	if (!CHECK(door_open(path, NULL, &fd) == ERR_OK))
		return;
	while (count < MANY && (callers[count] = os_unix_connect(path, ASKED_MS)) != -1)
		count++;
	CHECK(count != 0 && count < MANY && errno == EAGAIN);
	while (count != 0)
		os_close(callers[--count]);
	os_close(fd);
}

static void
test_path(const char *path)
{
	char long_path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	int fd = -1;

	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[0] = '/';
	long_path[sizeof(long_path) - 1] = '\0';
	CHECK(os_unix_connect(long_path, 0) == -1 && errno == ENAMETOOLONG);
	CHECK(door_open(long_path, NULL, &fd) == ERR_CONFIG_INVALID);
	/* something that is no socket stays where it is */
	CHECK(os_write_private(path, "kept", 4) == ERR_OK);
	CHECK(os_unix_connect(path, 0) == -1 && errno == ECONNREFUSED);
	CHECK(door_open(path, NULL, &fd) == ERR_CONFIG_INVALID && access(path, F_OK) == 0);
}

int
main(void)
{
	char folder[] = "/tmp/mokhoa-door-XXXXXX";
	char path[64];

	if (!CHECK(mkdtemp(folder) != NULL))
		return CHECK_DONE();
	snprintf(path, sizeof(path), "%s/a.sock", folder);
	test_one_server(path);
	test_full(path);
	snprintf(path, sizeof(path), "%s/file", folder);
	test_path(path);
	CHECK(folder_remove(folder));
	return CHECK_DONE();
}
