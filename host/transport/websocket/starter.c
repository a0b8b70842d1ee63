/* SPDX-License-Identifier: Apache-2.0 */
#include "starter.h"

#include "log.h"

#include <string.h>

#define HOST	    "mokhoa-host"
#define PATIENCE_MS 3000 /* for a host to be started on a machine that is busy */

/* What passes between the two: a number, and behind it an origin or how it went. */
struct question {
	uint32_t number;
	char origin[STARTER_ORIGIN_MAX + 1]; /* its NUL is not sent */
};

enum how {
	STARTED,
	TOO_MANY,
	FAILED
};

struct answer {
	uint32_t number;
	uint32_t how;
};

/* ---- the side that starts ---- */

struct starter {
	struct starter_line *line;
	const char *const *origins;
	size_t origin_count;
	struct os_child hosts[STARTER_HOSTS_MAX]; /* process is 0 where the place is free */
};

/* A free place; hosts that have ended leave theirs. */
static struct os_child *
find_place(struct starter *s)
{
	struct os_child *place = NULL;
	int status;

	for (size_t i = 0; i < STARTER_HOSTS_MAX; i++) {
		if (s->hosts[i].process > 0 && os_child_wait(&s->hosts[i], 0, &status))
			s->hosts[i].process = 0;
		if (s->hosts[i].process <= 0)
			place = &s->hosts[i];
	}
	return place;
}

static bool
is_known(const struct starter *s, const char *origin)
{
	for (size_t i = 0; i < s->origin_count; i++)
		if (strcmp(s->origins[i], origin) == 0)
			return true;
	return false;
}

static enum err
start(struct starter *s, const char *origin, struct os_child **ret_host)
{
	const char *const argv[] = { HOST, "--page", origin, NULL };
	struct os_child *place = find_place(s);
	char path[OS_PATH_MAX];

	/* asked of us by a process that reads foreign bytes, so we look again */
	if (!is_known(s, origin))
		return ERR_ORIGIN_REFUSED;
	if (place == NULL)
		return ERR_BUSY;
	if (os_program_path(NULL, HOST, path) != ERR_OK)
		return ERR_WORKER_FAILED;
	*ret_host = place;
	return os_spawn(path, argv, NULL, 0, place);
}

/* False when the other end is closed. */
static bool
serve_one(struct starter *s)
{
	struct question q = { 0 };
	struct answer a = { .how = FAILED };
	struct os_child *host = NULL;
	intptr_t pipes[OS_LINK_HANDLES];
	long got = os_link_receive(&s->line->link, -1, &q, sizeof(q.number) + STARTER_ORIGIN_MAX, NULL);
	enum err e;

	if (got < (long)sizeof(q.number))
		return false;
	e = start(s, q.origin, &host);
	if (e != ERR_OK)
		log_error("starter", "error=%s", err_name(e));
	a = (struct answer){ q.number, e == ERR_OK ? STARTED : e == ERR_BUSY ? TOO_MANY
									     : FAILED };
	if (e == ERR_OK) {
		pipes[0] = host->in;
		pipes[1] = host->out;
	}
	if (!os_link_send(&s->line->link, &a, sizeof(a), e == ERR_OK ? pipes : NULL))
		log_error("starter", "the answer could not be given");
	if (e == ERR_OK) {
		os_close(host->in);
		os_close(host->out);
		host->in = host->out = -1;
	}
	return true;
}

void
starter_serve(struct starter_line *line, const char *const *origins, size_t origin_count)
{
	struct starter s = { .line = line, .origins = origins, .origin_count = origin_count };

	while (serve_one(&s))
		;
}

/* ---- the side in front ---- */

static void
close_pipes(const intptr_t pipes[OS_LINK_HANDLES])
{
	for (size_t i = 0; i < OS_LINK_HANDLES; i++)
		os_close(pipes[i]);
}

bool
starter_drain(struct starter_line *line)
{
	struct answer late;
	intptr_t pipes[OS_LINK_HANDLES];
	long got;

	while ((got = os_link_receive(&line->link, 0, &late, sizeof(late), pipes)) > 0)
		close_pipes(pipes);
	return got != 0;
}

enum err
starter_ask(struct starter_line *line, const char *origin, intptr_t *ret_in, intptr_t *ret_out)
{
	struct question q = { .number = ++line->asked };
	size_t len = strlen(origin);
	struct answer a;
	intptr_t pipes[OS_LINK_HANDLES];

	if (len > STARTER_ORIGIN_MAX)
		return ERR_WORKER_FAILED;
	memcpy(q.origin, origin, len);
	if (!os_link_send(&line->link, &q, sizeof(q.number) + len, NULL))
		return ERR_WORKER_FAILED;
	for (;;) {
		if (os_link_receive(&line->link, PATIENCE_MS, &a, sizeof(a), pipes) != (long)sizeof(a))
			return ERR_WORKER_FAILED;
		if (a.number == q.number)
			break;
		close_pipes(pipes); /* of a page that has stopped waiting: it ends with its pipes */
	}
	if (a.how == STARTED && pipes[0] != -1 && pipes[1] != -1) {
		*ret_in = pipes[0];
		*ret_out = pipes[1];
		return ERR_OK;
	}
	close_pipes(pipes);
	return a.how == TOO_MANY ? ERR_BUSY : ERR_WORKER_FAILED;
}
