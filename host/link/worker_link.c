/* SPDX-License-Identifier: Apache-2.0 */
#include "worker_link.h"

#include "frame.h"
#include "json.h"
#include "log.h"
#include "os.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORKER	  "mokhoa-worker"
#define LINGER_MS 5000 /* what a worker has after its answer to close its files and end */
#define ENDING_MS 100  /* what one has that has closed its side */

struct link {
	struct os_child child;
	struct frame_reader reader;
	uint64_t deadline_ms;
	bool survives;
	bool lingers;
	bool ended; /* it has closed its side */
};

static enum err
spawn_worker(unsigned flags, struct os_child *ret_child)
{
	static const char *const argv[] = { WORKER, NULL };
	char path[OS_PATH_MAX];

	if (os_program_path(NULL, WORKER, path) != ERR_OK)
		return ERR_WORKER_FAILED;
	return os_spawn(path, argv, NULL, flags, ret_child);
}

/* An order is far below what a pipe holds, so that this does not wait for the worker to read. */
static enum err
write_order(struct link *link, const json_t *order)
{
	struct buf b = buf_new(FRAME_OUT_MAX);
	enum err e = json_dump(order, &b);

	if (e == ERR_OK && frame_write(link->child.in, b.data, b.len, FRAME_OUT_MAX) != ERR_OK)
		e = ERR_WORKER_FAILED;
	buf_free(&b);
	/* left open where the worker is to end with us: it sees the end of it when we are gone, however we went */
	if (link->survives) {
		os_close(link->child.in);
		link->child.in = -1;
	}
	return e;
}

enum err
link_start(const json_t *order, bool survives, uint64_t deadline_ms, struct link **ret_link)
{
	struct link *link = calloc(1, sizeof(*link));
	enum err e;

	if (link == NULL)
		return ERR_NO_MEMORY;
	link->reader = frame_reader_new(FRAME_OUT_MAX);
	link->deadline_ms = deadline_ms;
	link->survives = survives;
	e = spawn_worker(survives ? OS_SPAWN_DETACH : 0, &link->child);
	if (e != ERR_OK) {
		free(link);
		return e;
	}
	e = write_order(link, order);
	if (e != ERR_OK) {
		link_free(link);
		return e;
	}
	*ret_link = link;
	return ERR_OK;
}

intptr_t
link_handle(const struct link *link)
{
	return link->child.out;
}

uint64_t
link_deadline(const struct link *link)
{
	return link->deadline_ms;
}

void
link_linger(struct link *link)
{
	link->lingers = true;
	link->deadline_ms = os_now_ms() + LINGER_MS;
}

enum err
link_read(struct link *link)
{
	bool clean;

	if (link->lingers)
		buf_reset(&link->reader.bytes);
	link->ended = frame_fill(&link->reader, link->child.out, &clean) != ERR_OK;
	return link->ended ? ERR_WORKER_FAILED : ERR_OK;
}

/* The error object of a worker: one that the list has, with the number that goes with its name. */
static bool
is_error(const json_t *body, char ret_name[33])
{
	const json_t *name = json_object_get(json_object_get(body, "data"), "name");
	enum err e;

	if (!json_is_string(name))
		return false;
	e = err_from_name(json_string_value(name));
	if (e == ERR_OK || strcmp(err_name(e), json_string_value(name)) != 0)
		return false;
	if (json_integer_value(json_object_get(body, "code")) != err_number(e) || !json_is_string(json_object_get(body, "message")))
		return false;
	snprintf(ret_name, 33, "%s", err_name(e));
	return true;
}

static bool
read_message(json_t *frame, struct link_message *m)
{
	json_t *notification;

	if (json_unpack(frame, "{s:o, s:o !}", "notification", &notification, "params", &m->body) == 0) {
		m->kind = LINK_NOTIFICATION;
		return json_text(notification, m->name, 1, sizeof(m->name) - 1) && json_is_object(m->body);
	}
	if (json_unpack(frame, "{s:o !}", "result", &m->body) == 0) {
		m->kind = LINK_RESULT;
		return json_is_object(m->body);
	}
	if (json_unpack(frame, "{s:o !}", "error", &m->body) == 0) {
		m->kind = LINK_ERROR;
		return is_error(m->body, m->name);
	}
	return false;
}

enum err
link_next(struct link *link, struct link_message *ret_message)
{
	struct link_message m = { .kind = LINK_NOTHING };
	const unsigned char *bytes;
	uint32_t len;
	json_t *frame;

	*ret_message = m;
	if (link->lingers)
		return ERR_OK;
	if (frame_next(&link->reader, &bytes, &len) != ERR_OK)
		return ERR_WORKER_FAILED;
	if (bytes == NULL)
		return ERR_OK;
	if (json_load(bytes, len, &frame, NULL) != ERR_OK)
		return ERR_WORKER_FAILED;
	frame_done(&link->reader);
	if (!read_message(frame, &m)) {
		json_decref(frame);
		return ERR_WORKER_FAILED;
	}
	json_incref(m.body);
	json_decref(frame);
	*ret_message = m;
	return ERR_OK;
}

void
link_free(struct link *link)
{
	int status;

	if (link == NULL)
		return;
	/* one that has closed its side is a moment from its end: collecting it, and its status in the log, is worth that moment */
	if (os_child_wait(&link->child, link->ended ? ENDING_MS : 0, &status))
		log_debug("link", "worker ended with status %d", status);
	if (link->survives)
		os_close(link->child.out);
	else
		os_child_end(&link->child);
	frame_reader_free(&link->reader);
	free(link);
}
