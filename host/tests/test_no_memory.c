/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every single allocation on the way of a request fails once: there is one answer all the same, and nothing is lost or read twice (the
 * sanitizers say so). Those inside jansson are another matter, because jansson does not bear it: there the process ends. Linked with --wrap, so
 * that our own calls come through here. Run on a stage.
 */
#define _POSIX_C_SOURCE 200809L
#include "dispatch.h"

#include "check.h"
#include "json.h"
#include "os.h"
#include "seen.h"
#include "stage.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

void *__real_malloc(size_t len);
void *__real_calloc(size_t count, size_t len);
void *__real_realloc(void *p, size_t len);
void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t count, size_t len);
void *__wrap_realloc(void *p, size_t len);

static long allocations; /* since the last request */
static long fails = -1;	 /* the one that fails */

static int
is_failing(void)
{
	return allocations++ == fails;
}

void *
__wrap_malloc(size_t len)
{
	return is_failing() ? NULL : __real_malloc(len);
}

void *
__wrap_calloc(size_t count, size_t len)
{
	return is_failing() ? NULL : __real_calloc(count, len);
}

void *
__wrap_realloc(void *p, size_t len)
{
	return is_failing() ? NULL : __real_realloc(p, len);
}

static size_t answers;
static size_t no_memory;

static void
take(void *context, const void *bytes, size_t len)
{
	static const char name[] = "\"no_memory\"";
	const char *text = bytes;

	(void)context;
	for (size_t i = 0; i + 5 <= len; i++)
		answers += memcmp(text + i, "\"id\":", 5) == 0; /* no notification has one */
	for (size_t i = 0; i + sizeof(name) - 1 <= len; i++)
		no_memory += memcmp(text + i, name, sizeof(name) - 1) == 0;
}

/* One request from its text to its answer, with the k-th allocation failing; how many there were. */
static long
run(const struct profile_set *profiles, const char *text, long k)
{
	const struct dispatch_port port = { .profiles = profiles, .extension = "mokhoa@example.vn", .send = take };
	struct dispatch *d = dispatch_new(&port);
	intptr_t handles[DISPATCH_HANDLES_MAX];
	long count;

	answers = 0;
	allocations = 0;
	fails = k;
	dispatch_message(d, text, strlen(text));
	while (dispatch_running(d) != 0) {
		bool ready[DISPATCH_HANDLES_MAX] = { false };
		size_t n = dispatch_handles(d, handles);
		(void)os_wait(handles, n, dispatch_timeout(d), ready);
		dispatch_turn(d, ready);
	}
	count = allocations;
	fails = -1;
	dispatch_free(d);
	return count;
}

static void
sweep(const struct profile_set *profiles, const char *text)
{
	long count = run(profiles, text, -1);

	CHECK(answers == 1 && count > 1);
	no_memory = 0;
	for (long k = 0; k < count; k++) {
		run(profiles, text, k);
		if (!CHECK(answers == 1))
			printf("  %zu answers when allocation %ld of %ld failed: %s\n", answers, k, count, text);
	}
	if (CHECK(no_memory > 0))
		seen("no_memory", "test_no_memory");
	printf("%ld allocations, %zu times no_memory: %s\n", count, no_memory, text);
}

/* In a child each: a load whose k-th allocation fails ends the process by our own word and not by a broken heap. */
static void
test_jansson(void)
{
	static const char text[] = "{\"origin\": \"https://a-name-that-is-longer-than-what-jansson-allocates-first.example\", \"n\": [12345678901234567]}";
	json_t *object;
	long count;

	allocations = 0;
	CHECK(json_load(text, sizeof(text) - 1, &object, NULL) == ERR_OK);
	count = allocations;
	CHECK(count > 10);
	json_decref(object);
	for (long k = 0; k < count; k++) {
		int status = 0;
		pid_t child = fork();

		if (child == 0) {
			allocations = 0;
			fails = k;
			_exit(json_load(text, sizeof(text) - 1, &object, NULL) == ERR_OK);
		}
		if (!CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT))
			printf("  allocation %ld of %ld: status %#x\n", k, count, (unsigned)status);
	}
}

int
main(void)
{
	struct profile_set *profiles;

	if (!stage_is_set())
		return STAGE_SKIP;
	os_harden();
	json_open();
	test_jansson();
	json_set_alloc_funcs(__real_malloc, free);
	setenv("FAKE_WORKER", "token.info=progress unlock.status=busy", 1);
	stage_write_profile("a.json", "https://a.example", "\"mokhoa@example.vn\"", "false");

	allocations = 0;
	if (!CHECK(profile_load_all(profile_folder(), &profiles, NULL) == ERR_OK))
		return CHECK_DONE();
	for (long k = 0, count = allocations; k < count; k++) {
		struct profile_set *none = NULL;
		allocations = 0;
		fails = k;
		CHECK(profile_load_all(profile_folder(), &none, NULL) != ERR_OK || none != NULL);
		fails = -1;
		profile_set_free(none);
	}
	sweep(profiles, "{\"origin\": \"https://a.example\", \"message\": {\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"hello\"}}");
	sweep(profiles, "{\"origin\": \"https://a.example\", \"channel\": \"c\", \"message\": {\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"token.info\"}}");
	sweep(profiles, "{\"origin\": \"https://a.example\", \"channel\": \"c\", \"message\": {\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"unlock.status\"}}");
	sweep(profiles, "{\"origin\": \"https://evil.example\", \"channel\": \"c\", \"message\": {}}");
	profile_set_free(profiles);
	return CHECK_DONE();
}
