/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token.watch: tells whenever a token was plugged in or pulled out. Each module of the profile is watched in a process of its own, which is
 * ended when this one is, and this one when the host is. What fails is tried again: readers and their service come and go.
 */
#include "operation.h"

#include "log.h"
#include "os.h"
#include "step.h"

#define WATCH_MS    280000 /* then the page asks again; below the operation's deadline */
#define RETRY_MS    5000   /* a module that could not be watched */
#define QUIET_MS    300	   /* several modules that show one reader have one thing to tell */
#define MODULES_MAX (OS_WAIT_MAX - 1)

struct watched {
	const struct profile_module *module;
	struct step_watch watch;
	uint64_t begin_ms; /* not before that */
};

struct watch {
	struct watched list[MODULES_MAX];
	size_t count;
	uint64_t told_ms; /* there is something to tell, from then on; UINT64_MAX: nothing */
};

static void
begin(struct watched *m)
{
	enum err e = step_watch_begin(m->module, &m->watch);

	if (e == ERR_OK)
		return;
	log_debug("watch", "module=%s result=%s", m->module->name, err_name(e));
	m->begin_ms = os_now_ms() + RETRY_MS;
}

static void
take(struct watch *w, struct watched *m)
{
	bool changed = false;
	enum err e = step_watch_take(&m->watch, &changed);

	if (e != ERR_OK) {
		log_debug("watch", "module=%s result=%s", m->module->name, err_name(e));
		m->begin_ms = os_now_ms() + RETRY_MS;
	}
	if (changed && w->told_ms == UINT64_MAX)
		w->told_ms = os_now_ms() + QUIET_MS;
}

/* Until a module has something, the host is gone (false), or the time is over that something may take. */
static bool
wait_once(struct watch *w, intptr_t in, uint64_t until)
{
	intptr_t handles[OS_WAIT_MAX] = { in };
	bool ready[OS_WAIT_MAX] = { false };
	uint64_t now = os_now_ms();

	for (size_t i = 0; i < w->count; i++) {
		struct watched *m = &w->list[i];

		if (m->watch.process == NULL && m->begin_ms <= now)
			begin(m);
		handles[i + 1] = step_watch_handle(&m->watch);
		if (handles[i + 1] == -1 && m->begin_ms < until)
			until = m->begin_ms;
	}
	if (w->told_ms < until)
		until = w->told_ms;
	(void)os_wait(handles, w->count + 1, until > now ? (int)(until - now) : 0, ready);
	for (size_t i = 0; i < w->count; i++)
		if (ready[i + 1])
			take(w, &w->list[i]);
	return !ready[0];
}

static enum err
run(struct op_call *call)
{
	struct watch w = { .told_ms = UINT64_MAX };
	uint64_t until = os_now_ms() + WATCH_MS;

	if (json_object_size(call->params) != 0)
		return ERR_INVALID_PARAMS;
	for (; w.count < call->profile->module_count && w.count < MODULES_MAX; w.count++)
		w.list[w.count] = (struct watched){ .module = &call->profile->modules[w.count] };
	while (os_now_ms() < until && wait_once(&w, call->in, until)) {
		if (w.told_ms > os_now_ms())
			continue;
		op_notify(call, "token.changed", json_object());
		w.told_ms = UINT64_MAX;
	}
	for (size_t i = 0; i < w.count; i++)
		step_watch_end(&w.list[i].watch);
	call->result = json_pack("{s:s}", "watch", "ended");
	return call->result != NULL ? ERR_OK : ERR_NO_MEMORY;
}

const struct op op_token_watch = { .name = "token.watch", .run = run };
