/* SPDX-License-Identifier: Apache-2.0 */
/* On POSIX systems: everything is opened, then the process is two (starter.h), of which the one in front goes into the sandbox. */
#define _GNU_SOURCE
#include "websocket.h"

#include "front.h"
#include "doors.h"
#include "log.h"
#include "os.h"
#include "profile.h"
#include "sandbox.h"
#include "starter.h"
#include "ws_talk.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define STATUS_USAGE 2
#define ORIGINS_MAX  (PROFILE_MAX * PROFILE_LIST_MAX)

struct opened {
	struct door doors[DOORS_MAX];
	size_t door_count;
	bool given; /* by the service manager */
	intptr_t lock;
	intptr_t peers;
	intptr_t ends[2]; /* the starter's, and that of the one in front */
	struct profile_set *profiles;
	const char *origins[ORIGINS_MAX]; /* borrowed from profiles */
	size_t origin_count;
};

static enum err
load_origins(struct opened *o)
{
	char where[PROFILE_WHERE_MAX];
	enum err e = profile_load_all(profile_folder(), &o->profiles, where);

	if (e != ERR_OK) {
		log_error("profile", "error=%s %s", err_name(e), where);
		return e;
	}
	for (size_t i = 0; i < profile_count(o->profiles); i++) {
		const struct profile *p = profile_at(o->profiles, i);
		for (size_t k = 0; k < p->origin_count; k++)
			o->origins[o->origin_count++] = p->origins[k];
	}
	return ERR_OK;
}

/* One a user: a second one would take a second port for nothing. Another user may hold the name, as he may hold the ports. */
static bool
is_first(struct opened *o)
{
	char name[OS_LOCK_NAME_MAX + 1];

	snprintf(name, sizeof(name), "websocket-%lu", (unsigned long)geteuid());
	return os_lock(name, &o->lock) == ERR_OK;
}

static enum err
open_all(struct opened *o)
{
	enum err e = load_origins(o);

	if (e == ERR_OK)
		e = doors_open(o->doors, &o->door_count, &o->given);
	if (e == ERR_OK)
		e = os_peers_open(&o->peers);
	if (e == ERR_OK)
		e = starter_pair(o->ends);
	return e;
}

static void
close_all(struct opened *o)
{
	for (size_t i = 0; i < o->door_count; i++)
		close(o->doors[i].socket);
	os_close(o->peers);
	os_close(o->ends[0]);
	os_close(o->ends[1]);
	profile_set_free(o->profiles);
	os_close(o->lock);
}

/* The one in front, in its own process. Signals that end us are the starter's: its end is what we notice. */
static int
serve_in_front(struct opened *o)
{
	struct front_setup setup = { .doors = o->doors, .door_count = o->door_count, .ends_idle = o->given, .origins = o->origins, .origin_count = o->origin_count, .starter = o->ends[1], .peers = o->peers };
	enum err e;

	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	os_close(o->ends[0]);
	o->ends[0] = -1;
	e = ws_library_open(FRONT_CONVERSATIONS_MAX, &setup.library);
	if (e == ERR_OK)
		e = sandbox_enter();
	if (e == ERR_OK) {
		log_info("door", "listens port=%u%s", (unsigned)o->doors[0].port, o->door_count > 1 ? " and others" : "");
		e = front_serve(&setup);
	}
	if (e != ERR_OK)
		log_error("door", "error=%s", err_name(e));
	ws_library_close(setup.library);
	return e == ERR_OK ? 0 : 1;
}

static int
serve(struct opened *o)
{
	int status = -1;
	pid_t front = fork();

	if (front < 0) {
		log_error("websocket", "fork: %s", strerror(errno));
		return 1;
	}
	if (front == 0)
		_exit(serve_in_front(o)); /* what the parent opened is the parent's to free */
	os_close(o->ends[1]);
	o->ends[1] = -1;
	for (size_t i = 0; i < o->door_count; i++)
		close(o->doors[i].socket);
	o->door_count = 0;
	starter_serve(o->ends[0], o->origins, o->origin_count);
	os_close(o->ends[0]);
	o->ends[0] = -1;
	while (waitpid(front, &status, 0) < 0)
		if (errno != EINTR)
			return 1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}

int
websocket_run(int argc, char *const argv[])
{
	struct opened o = { .lock = -1, .peers = -1, .ends = { -1, -1 } };
	int status = 1;
	enum err e;

	(void)argv;
	if (argc != 1) {
		fprintf(stderr, "%s\n%s\nmokhoa-websocket\n", err_sentence(ERR_USAGE, "vi"), err_sentence(ERR_USAGE, "en"));
		return STATUS_USAGE;
	}
	if (!is_first(&o)) {
		log_info("websocket", "this user has one already");
		return 0;
	}
	e = open_all(&o);
	if (e == ERR_OK)
		status = serve(&o);
	else
		log_error("websocket", "error=%s %s", err_name(e), err_sentence(e, "en"));
	close_all(&o);
	return status;
}
