/* SPDX-License-Identifier: Apache-2.0 */
/* A worker that does its work, and all that one can do instead. */
#define _POSIX_C_SOURCE 200809L
#include "worker_link.h"

#include "check.h"
#include "json.h"
#include "os.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Takes one message or error; a worker that says nothing for five seconds is an ERR_TIMEOUT. */
static enum err
hear(struct link *link, struct link_message *m)
{
	intptr_t handle = link_handle(link);
	bool ready;

	for (;;) {
		enum err e = link_next(link, m);
		if (e != ERR_OK || m->kind != LINK_NOTHING)
			return e;
		if (!os_wait(&handle, 1, 5000, &ready))
			return ERR_TIMEOUT;
		e = link_read(link);
		if (e != ERR_OK)
			return e;
	}
}

static struct link *
start_one(const char *play, bool survives)
{
	json_t *order = json_pack("{s:s, s:{}}", "op", "x", "params");
	char plays[64];
	struct link *link = NULL;

	snprintf(plays, sizeof(plays), "x=%s", play);
	setenv("FAKE_WORKER", plays, 1);
	CHECK(link_start(order, survives, os_now_ms() + 5000, &link) == ERR_OK);
	json_decref(order);
	return link;
}

static struct link *
start(const char *play)
{
	return start_one(play, false);
}

static void
test_work(void)
{
	struct link_message m;
	struct link *link = start("echo");

	CHECK(hear(link, &m) == ERR_OK && m.kind == LINK_RESULT);
	CHECK_TEXT(json_string_value(json_object_get(json_object_get(m.body, "order"), "op")), "x");
	json_decref(m.body);
	CHECK(hear(link, &m) == ERR_WORKER_FAILED);
	link_free(link);

	link = start("busy");
	CHECK(hear(link, &m) == ERR_OK && m.kind == LINK_ERROR);
	CHECK_TEXT(m.name, "token_busy");
	json_decref(m.body);
	link_free(link);

	link = start("progress");
	CHECK(hear(link, &m) == ERR_OK && m.kind == LINK_NOTIFICATION);
	CHECK_TEXT(m.name, "unlock.progress");
	CHECK_TEXT(json_string_value(json_object_get(m.body, "stage")), "prompting");
	json_decref(m.body);
	link_free(link);
}

static void
test_failure(void)
{
	static const char *const plays[] = { "crash", "half", "endless", "silent", "garbage", "list", "number", "both", "extra", "twin", "unnamed", "unknown",
		"number2", "fine", "mute" };
	struct link_message m;

	for (size_t i = 0; i < sizeof(plays) / sizeof(*plays); i++) {
		struct link *link = start(plays[i]);
		if (!CHECK(hear(link, &m) == ERR_WORKER_FAILED))
			printf("  %s\n", plays[i]);
		link_free(link);
	}
}

/* The worker's process is gone when the link is. */
static void
test_end(void)
{
	struct link *link = start("hang");
	uint64_t began = os_now_ms();
	struct link_message m;

	CHECK(link_next(link, &m) == ERR_OK && m.kind == LINK_NOTHING);
	CHECK(link_deadline(link) > began);
	link_free(link);
	CHECK(os_now_ms() - began < 3000);
	link_free(NULL);
}

/* What a worker says behind its answer is not heard. */
static void
test_linger(void)
{
	struct link *link = start("twice");
	struct link_message m;

	CHECK(hear(link, &m) == ERR_OK && m.kind == LINK_RESULT);
	json_decref(m.body);
	link_linger(link);
	CHECK(link_next(link, &m) == ERR_OK && m.kind == LINK_NOTHING);
	CHECK(link_deadline(link) <= os_now_ms() + 5000);
	link_free(link);
}

static bool
takes(const char *path, int tries)
{
	while (remove(path) != 0)
		if (tries-- == 0)
			return false;
		else
			os_sleep_ms(10);
	return true;
}

/* The fake says that it is there, and writes its file when it is told to go on. */
static bool
does_its_work(bool survives)
{
	static const char path[] = "test_link.mark";
	struct link *link;
	FILE *go;
	bool done;

	(void)remove(path);
	setenv("FAKE_MARK", path, 1);
	link = start_one("mark", survives);
	CHECK(takes("test_link.mark.there", 3000));
	link_free(link);
	go = fopen("test_link.mark.go", "w");
	CHECK(go != NULL && fclose(go) == 0);
	done = takes(path, survives ? 3000 : 100);
	(void)remove("test_link.mark.go");
	return done;
}

static void
test_survival(void)
{
	CHECK(does_its_work(true));
	CHECK(!does_its_work(false));
}

int
main(void)
{
	json_open();
	os_harden();
	test_work();
	test_failure();
	test_end();
	test_linger();
	test_survival();
	return CHECK_DONE();
}
