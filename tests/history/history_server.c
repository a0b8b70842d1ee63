/* SPDX-License-Identifier: Apache-2.0 */
/* The real server as the history calls it: over the network, from the desk, and dying in the middle. */
#define _POSIX_C_SOURCE 200809L
#include "history_parts.h"

#include "json.h"
#include "query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- a server that crashes ---- */

struct crash crash;

enum err __real_store_end(struct store *s, enum err e);
enum err __wrap_store_end(struct store *s, enum err e);

/* What a process that is gone would not write is not written. */
static void
go_down(struct store *s)
{
	crash.mode = CRASH_DOWN;
	(void)query_exec(s, "PRAGMA query_only = 1");
}

enum err
__wrap_store_end(struct store *s, enum err e)
{
	bool now = crash.mode != CRASH_NOT && crash.mode != CRASH_DOWN && crash.in-- == 0;
	enum crash_mode mode = crash.mode;

	if (now && mode == CRASH_BEFORE) {
		store_rollback(s);
		go_down(s);
		return ERR_STORE_FAILED;
	}
	e = __real_store_end(s, e);
	if (now)
		go_down(s);
	return now ? ERR_STORE_FAILED : e;
}

void
history_server_open(struct history_server *ret)
{
	struct world *w = world_new();

	*ret = (struct history_server){ .world = w };
	world_vault_stop(w);
	w->config.vault.rows_per_hour = 1000000000;
	w->config.unidentified_max = 1000000;
	w->config.unidentified_by_address = 1000000;
	world_vault_start(w);
}

void
history_restart(struct history *h)
{
	store_close(h->w->scratch.store);
	crash.mode = CRASH_NOT;
	if (store_open(h->w->scratch.path, &h->w->scratch.store) != ERR_OK) {
		fprintf(stderr, "the store does not open\n");
		exit(1);
	}
}

/* ---- calls ---- */

typedef enum err operation(struct call *c, json_t **ret_answer);

/* NULL: the server died over it. */
static json_t *
finish_call(struct history *h, struct call *c, operation *op, enum err *ret_error)
{
	json_t *answer = NULL;

	c->service = h->w->service;
	c->store = h->w->scratch.store;
	c->now = h->sim.now;
	*ret_error = op(c, &answer);
	if (crash.mode == CRASH_DOWN) {
		json_decref(answer);
		json_decref(c->detail);
		history_restart(h);
		h->totals->crashes++;
		*ret_error = ERR_TMS_UNREACHABLE;
		return NULL;
	}
	if (*ret_error != ERR_OK)
		answer = json_pack("{s:o}", "error", json_error(*ret_error, c->detail));
	json_decref(c->detail);
	return answer;
}

static operation *
operation_of(const char *verb)
{
	static const struct {
		const char *verb;
		operation *op;
	} verbs[] = { { "status", op_status }, { "resend", op_resend }, { "cancel", op_cancel }, { "release", op_release }, { "grant", op_grant }, { "done", op_done } };

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].verb, verb) == 0)
			return verbs[i].op;
	return op_create;
}

static json_t *
call_server(struct history *h, const char *path, json_t *body, enum err *ret_error)
{
	struct call c = { .address = "203.0.113.7", .body = body };
	const char *verb = "";
	char id[32] = "";
	json_t *answer;

	if (sscanf(path, "/v1/requests/%31[^/]", id) == 1) {
		c.id = id;
		verb = strrchr(path, '/') + 1;
	}
	h->totals->messages++;
	answer = finish_call(h, &c, operation_of(verb), ret_error);
	if (h->say)
		printf("      %s %s\n", verb[0] != '\0' ? verb : "create", err_name(*ret_error));
	if (*ret_error == ERR_OK && (verb[0] == '\0' || strcmp(verb, "release") == 0 || strcmp(verb, "grant") == 0))
		checker_answer(&h->checker, path, body, answer);
	return answer;
}

/* What the network carries is written down, to come again. */
json_t *
history_serve(void *context, const char *path, json_t *body, long *ret_status)
{
	struct history *h = context;
	struct message *m = h->message_count < MESSAGES_MAX ? &h->messages[h->message_count++] : NULL;
	enum err e;
	json_t *answer;

	if (m != NULL) {
		*m = (struct message){ .body = json_deep_copy(body) };
		snprintf(m->path, sizeof(m->path), "%s", path);
	}
	answer = call_server(h, path, body, &e);
	if (m != NULL)
		m->answered = answer != NULL;
	*ret_status = err_http(e);
	return answer;
}

/* The right one out of many that were signed for one use. */
static bool
is_counted(const char *path)
{
	const char *verb = strrchr(path, '/') + 1;

	return strcmp(verb, "status") == 0 || strcmp(verb, "resend") == 0 || strcmp(verb, "cancel") == 0 || strcmp(verb, "done") == 0;
}

void
history_replay(struct history *h)
{
	struct message *m;
	enum err e;

	if (h->message_count == 0)
		return;
	m = &h->messages[dice_roll(&h->dice, h->message_count)];
	h->totals->replays++;
	json_decref(call_server(h, m->path, m->body, &e));
	if (m->answered && is_counted(m->path) && e != ERR_SIGNATURE_REFUSED && e != ERR_TMS_UNREACHABLE)
		checker_wrong(&h->checker, "a message that came again was taken: %s %s", m->path, err_name(e));
}

enum err
history_desk(struct history *h, operation *op, int64_t number, json_t *body)
{
	return history_desk_of(h, (unsigned)dice_roll(&h->dice, 2), op, number, body);
}

enum err
history_desk_of(struct history *h, unsigned who, operation *op, int64_t number, json_t *body)
{
	struct call c = { .address = "", .person = &h->w->people[who], .number = number, .body = body };
	enum err e;

	json_decref(finish_call(h, &c, op, &e));
	json_decref(body);
	return e;
}

void
history_sweep(struct history *h)
{
	struct call c = { .service = h->w->service, .store = h->w->scratch.store, .now = h->sim.now };
	size_t count;

	(void)op_sweep(&c, &count);
	if (crash.mode == CRASH_DOWN) {
		history_restart(h);
		h->totals->crashes++;
	}
}
