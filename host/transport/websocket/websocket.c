/* SPDX-License-Identifier: Apache-2.0 */
#include "websocket.h"

#include "doors.h"
#include "front.h"
#include "front_process.h"
#include "log.h"
#include "os.h"
#include "profile.h"
#include "sandbox.h"
#include "starter.h"
#include "ws_talk.h"

#include <stdio.h>

#define STATUS_USAGE 2
#define ORIGINS_MAX  (PROFILE_MAX * PROFILE_LIST_MAX)

struct opened {
	struct door doors[DOORS_MAX];
	size_t door_count;
	bool given; /* by the service manager */
	intptr_t lock;
	intptr_t peers;
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

/* One a user and desk: a second one would take a second port for nothing. Another user may hold the name, as he may hold the ports. */
static bool
is_first(struct opened *o)
{
	char name[OS_LOCK_NAME_MAX + 1];
	char desk[OS_DESK_NAME_MAX + 1];

	os_desk_name(desk);
	(void)snprintf(name, sizeof(name), "ws-%s", desk);
	return desk[0] != '\0' && os_lock(name, &o->lock) == ERR_OK;
}

static enum err
open_doors(void *context)
{
	struct opened *o = context;
	enum err e = doors_open(o->doors, &o->door_count, &o->given);

	if (e == ERR_OK)
		e = os_peers_open(&o->peers);
	if (e != ERR_OK)
		log_error("websocket", "error=%s %s", err_name(e), err_sentence(e, "en"));
	return e;
}

static void
close_doors(struct opened *o)
{
	for (size_t i = 0; i < o->door_count; i++)
		os_socket_close(o->doors[i].socket);
	o->door_count = 0;
	os_close(o->peers);
	o->peers = -1;
}

static int
serve_in_front(void *context, struct starter_line *line)
{
	struct opened *o = context;
	struct front_setup setup = { .doors = o->doors, .door_count = o->door_count, .ends_idle = o->given, .origins = o->origins, .origin_count = o->origin_count, .starter = line, .peers = o->peers };
	enum err e = ws_library_open(FRONT_CONVERSATIONS_MAX, &setup.library);

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

static void
start_hosts(void *context, struct starter_line *line)
{
	struct opened *o = context;

	close_doors(o); /* those are the front's now */
	starter_serve(line, o->origins, o->origin_count);
}

int
websocket_run(int argc, char *const argv[])
{
	struct opened o = { .lock = -1, .peers = -1 };
	const struct front_process both = { .open = open_doors, .front = serve_in_front, .starter = start_hosts, .context = &o };
	bool is_front = front_process_is_front(argc, argv);
	int status = 1;

	if (argc != 1 && !is_front) {
		fprintf(stderr, "%s\n%s\nmokhoa-websocket\n", err_sentence(ERR_USAGE, "vi"), err_sentence(ERR_USAGE, "en"));
		return STATUS_USAGE;
	}
	if (!is_front && !is_first(&o)) {
		log_info("websocket", "this user has one already");
		return 0;
	}
	if (load_origins(&o) == ERR_OK)
		status = front_process_run(&both, is_front);
	close_doors(&o);
	profile_set_free(o.profiles);
	os_close(o.lock);
	return status;
}
