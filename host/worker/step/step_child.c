/* SPDX-License-Identifier: Apache-2.0 */
#include "step_child.h"

#include "frame.h"
#include "json.h"
#include "log.h"
#include "os.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INSPECT_MS 15000
#define EXAMINE_MS 10000
#define TOKEN_MS   60000  /* a slow card, a key of 4096 bits */
#define WATCH_MS   330000 /* longer than a worker watches */
#define LATE_MS	   240000 /* no card works so long on one call */
#define SIGN_MS	   30000  /* libp11 may wait for ever for a token that was pulled out; only the signature is lost then */

int
step_deadline_ms(enum step_kind kind)
{
	if (kind == STEP_INSPECT)
		return INSPECT_MS;
	if (kind == STEP_EXAMINE || kind == STEP_READERS)
		return EXAMINE_MS;
	if (kind == STEP_WATCH)
		return WATCH_MS;
	return kind == STEP_SIGN ? SIGN_MS : TOKEN_MS;
}

int
step_late_ms(enum step_kind kind)
{
	return kind == STEP_SET_PIN || kind == STEP_UNBLOCK || kind == STEP_ROTATE || kind == STEP_PROVE_ROTATION ? LATE_MS : 0;
}

/* ---- the environment ---- */

/* What a module may learn of the user's session; MOKHOA_LOG is our own. */
static const char *const passed[] = { "PATH", "HOME", "LANG", "XDG_RUNTIME_DIR", "MOKHOA_LOG" };

#define PASSED_COUNT	(sizeof(passed) / sizeof(passed[0]))
#define ENVIRONMENT_MAX (PROFILE_LIST_MAX + PASSED_COUNT + 1)

struct environment {
	char *entry[ENVIRONMENT_MAX]; /* NAME=value, the last one NULL; ours */
	size_t count;
};

/*
 * Never in a step, not even where the profile says so: OPENSC_DEBUG writes PINs into a log from level 3 on, LD_* and PKCS11_* put other
 * code between us and the module.
 */
static bool
is_refused(const char *name)
{
	return strcmp(name, "OPENSC_DEBUG") == 0 || strncmp(name, "LD_", 3) == 0 || strncmp(name, "PKCS11_", 7) == 0;
}

static bool
add(struct environment *env, const char *name, const char *value)
{
	size_t size = strlen(name) + 1 + strlen(value) + 1;
	char *entry = malloc(size);

	if (entry == NULL)
		return false;
	(void)snprintf(entry, size, "%s=%s", name, value);
	env->entry[env->count++] = entry;
	return true;
}

static bool
is_named(const struct profile_module *module, const char *name)
{
	for (size_t i = 0; i < module->environment_count; i++)
		if (strcmp(module->environment[i].name, name) == 0)
			return true;
	return false;
}

static bool
environment_fill(struct environment *env, const struct profile_module *module)
{
	bool good = true;

	for (size_t i = 0; i < PASSED_COUNT && good; i++) {
		const char *value = getenv(passed[i]); /* NOLINT(concurrency-mt-unsafe): the worker is one thread */

		if (value != NULL && !is_named(module, passed[i]))
			good = add(env, passed[i], value);
	}
	for (size_t i = 0; i < module->environment_count && good; i++)
		if (!is_refused(module->environment[i].name))
			good = add(env, module->environment[i].name, module->environment[i].value);
	return good;
}

static void
environment_free(struct environment *env)
{
	for (size_t i = 0; i < env->count; i++)
		free(env->entry[i]);
}

/* ---- the process ---- */

static enum err
start(const struct step_child *child, const struct profile_module *module, struct os_child *ret)
{
	const char *const argv[] = { "mokhoa-worker", "step", NULL };
	struct environment env = { .count = 0 };
	enum err e = ERR_NO_MEMORY;

	if (environment_fill(&env, module))
		e = os_spawn(child->program, argv, (const char *const *)env.entry, 0, ret);
	environment_free(&env);
	return e;
}

static enum err
send_request(struct os_child *process, const json_t *request)
{
	struct buf b = buf_new(STEP_FRAME_MAX);
	enum err e = json_dump(request, &b);

	if (e == ERR_OK)
		e = frame_write(process->in, b.data, b.len, STEP_FRAME_MAX);
	buf_free(&b);
	return e;
}

/* A step that gave no frame: how it ended is for the log, the module failed in every case. */
static enum err
no_answer(struct os_child *process, const struct profile_module *module, enum err e)
{
	int status = 0;

	if (e == ERR_FRAME_TRUNCATED && os_child_wait(process, STEP_GRACE_MS, &status))
		log_debug("step", "module=%s error=\"no answer\" status=%d", module->path, status);
	else
		log_debug("step", "module=%s error=\"no answer\" why=%s", module->path, err_name(e));
	return ERR_MODULE_FAILED;
}

static enum err
take_answer(struct os_child *process, const struct profile_module *module, uint64_t deadline, json_t **ret_answer)
{
	struct frame_reader reader = frame_reader_new(STEP_FRAME_MAX);
	const unsigned char *bytes;
	uint32_t len;
	int status;
	enum err e = frame_read(&reader, process->out, deadline, &bytes, &len);

	if (e != ERR_OK)
		e = no_answer(process, module, e);
	else if (json_load(bytes, len, ret_answer, NULL) != ERR_OK)
		e = ERR_MODULE_FAILED;
	else if (!os_child_wait(process, STEP_GRACE_MS, &status))
		log_debug("step", "module=%s error=\"did not end after its answer\"", module->path);
	frame_reader_free(&reader);
	return e;
}

/* One that is late and left alone; there is no second one, because nobody begins a step behind it but who has ended it. */
static struct {
	bool there;
	struct os_child process;
	uint64_t until_ms;
} late;

/* The end of its input tells it that nobody waits for it any more: what it has begun goes on, and no PIN call is begun. */
static void
leave_late(struct os_child *process, int late_ms)
{
	step_late_end();
	os_close(process->in);
	process->in = -1;
	late.process = *process;
	late.until_ms = os_now_ms() + (uint64_t)late_ms;
	late.there = true;
	log_info("step", "late: it is left alone");
}

void
step_late_end(void)
{
	uint64_t now = os_now_ms();
	int status;

	if (!late.there)
		return;
	if (!os_child_wait(&late.process, late.until_ms > now ? (int)(late.until_ms - now) : 0, &status))
		log_info("step", "late: ended by force");
	os_child_end(&late.process);
	late.there = false;
}

enum err
step_child_ask(const struct step_child *child, const struct profile_module *module, const json_t *request, json_t **ret_answer)
{
	uint64_t deadline = os_now_ms() + (uint64_t)child->deadline_ms;
	struct os_child process;
	enum err e = start(child, module, &process);

	if (e != ERR_OK)
		return e;
	/*
	 * A child that ended before it had read all of the request says so by giving no answer. Its input stays open: the end of it tells the child that we
	 * are gone.
	 */
	(void)send_request(&process, request);
	e = take_answer(&process, module, deadline, ret_answer);
	if (e == ERR_MODULE_FAILED && child->late_ms > 0 && os_now_ms() >= deadline) {
		leave_late(&process, child->late_ms);
		return ERR_TIMEOUT;
	}
	os_child_end(&process);
	return e;
}

/* ---- one that takes its time ---- */

struct step_process {
	struct os_child child;
	const struct profile_module *module;
};

enum err
step_child_begin(const struct step_child *child, const struct profile_module *module, const json_t *request, struct step_process **ret)
{
	struct step_process *process = calloc(1, sizeof(*process));
	enum err e;

	if (process == NULL)
		return ERR_NO_MEMORY;
	process->module = module;
	e = start(child, module, &process->child);
	if (e == ERR_OK)
		e = send_request(&process->child, request);
	if (e != ERR_OK) {
		step_child_drop(process);
		return e;
	}
	*ret = process;
	return ERR_OK;
}

intptr_t
step_child_handle(const struct step_process *process)
{
	return process->child.out;
}

enum err
step_child_take(struct step_process *process, json_t **ret_answer)
{
	enum err e = take_answer(&process->child, process->module, os_now_ms() + STEP_GRACE_MS, ret_answer);

	step_child_drop(process);
	return e;
}

void
step_child_drop(struct step_process *process)
{
	if (process == NULL)
		return;
	os_child_end(&process->child);
	free(process);
}
