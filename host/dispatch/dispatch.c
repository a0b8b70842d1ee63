/* SPDX-License-Identifier: Apache-2.0 */
#include "dispatch.h"

#include "caller.h"
#include "envelope.h"
#include "frame.h"
#include "hello.h"
#include "json.h"
#include "log.h"
#include "os.h"
#include "params.h"
#include "text.h"
#include "worker_link.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define CHANNEL_MAX 64

/* One request, from its message to the end of its worker. */
struct call {
	uint64_t began_ms;
	char channel[CHANNEL_MAX + 1]; /* empty without one */
	json_t *id;		       /* NULL where none could be read */
	const char *origin;	       /* empty: the local user; NULL: not one that may stand in the log */
	const char *op;		       /* NULL: none that we have */
	json_t *order;		       /* what the worker was told */
	struct link *link;	       /* NULL: the slot is free */
	bool answered;		       /* the worker is only given time to end */
};

struct dispatch {
	struct dispatch_port port;
	struct call calls[DISPATCH_CALLS_MAX];
	struct call watchers[DISPATCH_WATCHERS_MAX]; /* token.watch without an answer yet: an order each, and no worker of its own */
	struct link *watch;			     /* the worker of them all; NULL where nobody watches */
	const struct profile *watched;
};

struct dispatch *
dispatch_new(const struct dispatch_port *port)
{
	struct dispatch *d = calloc(1, sizeof(*d));

	if (d != NULL)
		d->port = *port;
	return d;
}

static void
call_free(struct call *c)
{
	json_decref(c->id);
	json_decref(c->order);
	*c = (struct call){ 0 };
}

void
dispatch_free(struct dispatch *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < DISPATCH_CALLS_MAX; i++) {
		link_free(d->calls[i].link);
		call_free(&d->calls[i]);
	}
	for (size_t i = 0; i < DISPATCH_WATCHERS_MAX; i++)
		call_free(&d->watchers[i]);
	link_free(d->watch);
	free(d);
}

/* ---- answers ---- */

static enum err
send_message(struct dispatch *d, const struct call *c, json_t *message)
{
	struct buf b = buf_new(FRAME_OUT_MAX);
	enum err e = d->port.origin != NULL ? envelope_write_bare(message, &b)
					    : envelope_write(c->channel[0] != '\0' ? c->channel : NULL, message, &b);

	if (e == ERR_OK)
		d->port.send(d->port.context, b.data, b.len);
	buf_free(&b);
	return e;
}

static const char *
shown_origin(const struct call *c)
{
	if (c->origin == NULL)
		return "-";
	return c->origin[0] != '\0' ? c->origin : "cli";
}

/* The id as JSON, so that no id can look like another field of the line. */
static void
log_request(const struct call *c, const char *result)
{
	struct buf id = buf_new(512);
	const char *shown = "null";

	if (c->id != NULL)
		shown = json_dump(c->id, &id) == ERR_OK ? buf_text(&id) : "?";
	log_info("request", "origin=%s op=%s id=%s result=%s ms=%llu", shown_origin(c), c->op != NULL ? c->op : "-", shown, result,
	    (unsigned long long)(os_now_ms() - c->began_ms));
	buf_free(&id);
}

/*
 * Sends an answer, e being what it says. One that cannot be sent, above all one that is longer than an answer may be, becomes the error that
 * says so. The page has its answer before the log has its line.
 */
static void
answer(struct dispatch *d, struct call *c, enum err e, const char *key, json_t *body)
{
	enum err sent = send_message(d, c, envelope_answer(c->id, key, body));

	if (sent != ERR_OK) {
		e = sent;
		sent = send_message(d, c, envelope_answer(c->id, "error", json_error(e, NULL)));
	}
	if (sent != ERR_OK)
		log_error("dispatch", "there is no memory for an answer");
	c->answered = true;
	log_request(c, err_name(e));
}

static void
answer_error(struct dispatch *d, struct call *c, enum err e)
{
	answer(d, c, e, "error", json_error(e, NULL));
}

/* ---- workers ---- */

static bool
is_notification(const char *name)
{
	static const char *const names[] = {
#define NOTIFICATION(symbol, wire_name) wire_name,
#include "notification.def"
#undef NOTIFICATION
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static void
forward(struct dispatch *d, struct call *c, const char *name, json_t *params)
{
	enum err e = ERR_INTERNAL;

	if (is_notification(name))
		e = send_message(d, c, envelope_notification(name, params));
	else
		json_decref(params);
	if (e != ERR_OK)
		log_error("dispatch", "a notification of %s was dropped: %s", c->op, err_name(e));
}

/* Takes what the worker says until it has said all for now. */
static enum err
hear(struct dispatch *d, struct call *c)
{
	struct link_message m;
	enum err e = link_read(c->link);

	for (;;) {
		if (e == ERR_OK)
			e = link_next(c->link, &m);
		if (e != ERR_OK || m.kind == LINK_NOTHING)
			return e;
		if (m.kind == LINK_NOTIFICATION) {
			forward(d, c, m.name, m.body);
			continue;
		}
		if (m.kind == LINK_RESULT)
			answer(d, c, ERR_OK, "result", m.body);
		else
			answer(d, c, err_from_name(m.name), "error", m.body);
		link_linger(c->link);
	}
}

static void
end_call(struct call *c)
{
	link_free(c->link);
	call_free(c);
}

static size_t
count_running(const struct dispatch *d)
{
	size_t n = 0;

	for (size_t i = 0; i < DISPATCH_CALLS_MAX; i++)
		n += d->calls[i].link != NULL && !d->calls[i].answered;
	return n;
}

static bool
is_same_unlock(const struct call *c, enum op_id op, const json_t *params)
{
	return !c->answered && op == OP_UNLOCK && strcmp(c->op, op_rule(op)->name) == 0 &&
	       json_equal(json_object_get(c->order, "params"), params);
}

/*
 * A free slot, or that of the worker whose answer is the oldest. ERR_BUSY where no more may run; ERR_TOKEN_BUSY where this very unlock does, whose window is
 * open somewhere on the screen.
 */
static enum err
find_slot(struct dispatch *d, enum op_id op, const json_t *params, struct call **ret_slot)
{
	struct call *slot = NULL;
	for (size_t i = 0; i < DISPATCH_CALLS_MAX; i++) {
		struct call *c = &d->calls[i];
		if (c->link == NULL) {
			slot = c;
			continue;
		}
		if (is_same_unlock(c, op, params))
			return ERR_TOKEN_BUSY;
		if (c->answered && (slot == NULL || (slot->link != NULL && c->began_ms < slot->began_ms)))
			slot = c;
	}
	if (slot == NULL || count_running(d) >= DISPATCH_RUNNING_MAX)
		return ERR_BUSY;
	if (slot->link != NULL)
		end_call(slot);
	*ret_slot = slot;
	return ERR_OK;
}

/* What the worker is told; the call's origin is the order's from here on. */
static enum err
make_order(struct call *c, const struct profile *profile, const struct op_rule *rule, json_t *params)
{
	c->order = json_pack("{s:s, s:s, s:s, s:o}",
	    "op", rule->name,
	    "profile", profile->name,
	    "origin", c->origin,
	    "params", params != NULL ? json_incref(params) : json_object());
	if (c->order == NULL)
		return ERR_NO_MEMORY;
	c->origin = json_string_value(json_object_get(c->order, "origin"));
	return ERR_OK;
}

/* Moves the call into a slot with its worker. */
static enum err
start_worker(struct dispatch *d, struct call *c, const struct profile *profile, enum op_id op, json_t *params)
{
	const struct op_rule *rule = op_rule(op);
	struct call *slot;
	enum err e = find_slot(d, op, params, &slot);

	if (e == ERR_OK)
		e = make_order(c, profile, rule, params);
	if (e == ERR_OK)
		e = link_start(c->order, (rule->flags & OP_SURVIVES) != 0, c->began_ms + rule->deadline_s * UINT64_C(1000), &c->link);
	if (e != ERR_OK)
		return e;
	*slot = *c;
	*c = (struct call){ 0 };
	return ERR_OK;
}

/* ---- who watches for tokens ---- */

static json_t *
watch_ended(void)
{
	return json_pack("{s:s}", "watch", "ended");
}

static size_t
count_watchers(const struct dispatch *d)
{
	size_t n = 0;

	for (size_t i = 0; i < DISPATCH_WATCHERS_MAX; i++)
		n += d->watchers[i].op != NULL;
	return n;
}

/* Answers those that watch, of one channel or (NULL) all; the worker ends with the last of them. */
static void
end_watch(struct dispatch *d, const char *channel, enum err e)
{
	for (size_t i = 0; i < DISPATCH_WATCHERS_MAX; i++) {
		struct call *w = &d->watchers[i];

		if (w->op == NULL || (channel != NULL && strcmp(w->channel, channel) != 0))
			continue;
		if (e == ERR_OK)
			answer(d, w, ERR_OK, "result", watch_ended());
		else
			answer_error(d, w, e);
		call_free(w);
	}
	if (count_watchers(d) != 0)
		return;
	link_free(d->watch);
	d->watch = NULL;
}

/* One worker watches for all; a second profile's page looks from time to time. */
static enum err
begin_watch(struct dispatch *d, struct call *c, const struct profile *profile, enum op_id op)
{
	const struct op_rule *rule = op_rule(op);
	struct call *place = NULL;
	enum err e;

	end_watch(d, c->channel, ERR_OK);
	for (size_t i = 0; i < DISPATCH_WATCHERS_MAX && place == NULL; i++)
		if (d->watchers[i].op == NULL)
			place = &d->watchers[i];
	if (place == NULL || (d->watch != NULL && d->watched != profile))
		return ERR_BUSY;
	e = make_order(c, profile, rule, NULL);
	if (e == ERR_OK && d->watch == NULL)
		e = link_start(c->order, false, c->began_ms + rule->deadline_s * UINT64_C(1000), &d->watch);
	if (e != ERR_OK)
		return e;
	d->watched = profile;
	*place = *c;
	*c = (struct call){ 0 };
	return ERR_OK;
}

/* What the worker says goes to all. Its answer is theirs: it has watched for as long as it does, and they ask again. */
static void
hear_watch(struct dispatch *d)
{
	struct link_message m = { .kind = LINK_NOTHING };
	enum err e = link_read(d->watch);

	while (e == ERR_OK && (e = link_next(d->watch, &m)) == ERR_OK && m.kind == LINK_NOTIFICATION) {
		for (size_t i = 0; i < DISPATCH_WATCHERS_MAX; i++)
			if (d->watchers[i].op != NULL)
				forward(d, &d->watchers[i], m.name, json_incref(m.body));
		json_decref(m.body);
	}
	if (e == ERR_OK && m.kind == LINK_ERROR)
		e = err_from_name(m.name);
	if (e == ERR_OK && m.kind == LINK_NOTHING)
		return;
	if (m.kind == LINK_RESULT || m.kind == LINK_ERROR)
		json_decref(m.body);
	end_watch(d, NULL, e);
}

static enum err
run(struct dispatch *d, struct call *c, const struct profile *profile, enum op_id op, json_t *params)
{
	if (!params_ok(op, params))
		return ERR_INVALID_PARAMS;
	if ((op_rule(op)->flags & OP_SHARED) != 0)
		return begin_watch(d, c, profile, op);
	if (op == OP_TOKEN_UNWATCH) {
		end_watch(d, c->channel, ERR_OK);
		answer(d, c, ERR_OK, "result", watch_ended());
		return ERR_OK;
	}
	if ((op_rule(op)->flags & OP_LOCAL) == 0)
		return start_worker(d, c, profile, op, params);
	/* the other one without a worker */
	answer(d, c, ERR_OK, "result", hello_result(profile, d->port.origin != NULL ? "websocket" : "native"));
	return ERR_OK;
}

/* ---- what transports call ---- */

/* Judges in the order of protocol/README.md and runs. */
static enum err
take_message(struct dispatch *d, struct call *c, const struct envelope *v)
{
	const struct profile *profile;
	struct request r;
	enum err e;

	if (text_is_origin(v->origin, strlen(v->origin)))
		c->origin = v->origin;
	if (d->port.profiles == NULL)
		return d->port.profiles_error;
	e = d->port.origin != NULL ? caller_page_profile(d->port.profiles, v->origin, &profile)
				   : caller_profile(d->port.profiles, d->port.extension, v->origin, &profile);
	if (e != ERR_OK)
		return e;
	e = envelope_request(v, &r);
	if (e != ERR_OK)
		return e;
	if ((op_rule(r.op)->flags & OP_PAGE) == 0)
		return ERR_METHOD_NOT_FOUND;
	c->op = op_rule(r.op)->name;
	return run(d, c, profile, r.op, r.params);
}

static struct call
new_call(const char *origin)
{
	return (struct call){ .began_ms = os_now_ms(), .origin = origin };
}

void
dispatch_message(struct dispatch *d, const void *bytes, size_t len)
{
	struct call c = new_call(NULL);
	struct envelope v;
	enum err e = d->port.origin != NULL ? envelope_read_bare(bytes, len, d->port.origin, &v) : envelope_read(bytes, len, &v);

	if (v.channel != NULL)
		text_copy(c.channel, sizeof(c.channel), v.channel);
	c.id = json_incref(v.id);
	if (e == ERR_OK)
		e = take_message(d, &c, &v);
	if (e != ERR_OK)
		answer_error(d, &c, e);
	call_free(&c);
	envelope_free(&v);
}

void
dispatch_unreadable(struct dispatch *d, enum err e)
{
	struct call c = new_call(NULL);

	answer_error(d, &c, e);
}

void
dispatch_command(struct dispatch *d, const struct profile *profile, const char *method, json_t *params)
{
	struct call c = new_call("");
	enum op_id op = op_from_name(method);
	enum err e = ERR_METHOD_NOT_FOUND;

	if (op != OP_COUNT) {
		c.op = op_rule(op)->name;
		e = run(d, &c, profile, op, params);
	}
	if (e != ERR_OK)
		answer_error(d, &c, e);
	call_free(&c);
}

size_t
dispatch_handles(const struct dispatch *d, intptr_t ret_handles[DISPATCH_HANDLES_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < DISPATCH_CALLS_MAX; i++)
		if (d->calls[i].link != NULL)
			ret_handles[n++] = link_handle(d->calls[i].link);
	if (d->watch != NULL)
		ret_handles[n++] = link_handle(d->watch);
	return n;
}

int
dispatch_timeout(const struct dispatch *d)
{
	uint64_t now = os_now_ms();
	uint64_t left = UINT64_MAX;

	if (d->watch != NULL)
		left = link_deadline(d->watch) > now ? link_deadline(d->watch) - now : 0;
	for (size_t i = 0; i < DISPATCH_CALLS_MAX; i++) {
		uint64_t deadline = d->calls[i].link != NULL ? link_deadline(d->calls[i].link) : UINT64_MAX;
		if (deadline <= now)
			return 0;
		if (deadline - now < left)
			left = deadline - now;
	}
	return left < INT_MAX ? (int)left : -1;
}

void
dispatch_turn(struct dispatch *d, const bool *ready)
{
	bool watched = d->watch != NULL;
	size_t n = 0;

	for (size_t i = 0; i < DISPATCH_CALLS_MAX; i++) {
		struct call *c = &d->calls[i];
		enum err e = ERR_OK;

		if (c->link == NULL)
			continue;
		if (ready[n++])
			e = hear(d, c);
		if (e == ERR_OK && os_now_ms() >= link_deadline(c->link))
			e = ERR_TIMEOUT;
		if (e == ERR_OK)
			continue;
		if (!c->answered)
			answer_error(d, c, e);
		end_call(c);
	}
	if (watched && ready[n])
		hear_watch(d);
	if (d->watch != NULL && os_now_ms() >= link_deadline(d->watch))
		end_watch(d, NULL, ERR_OK);
}

size_t
dispatch_running(const struct dispatch *d)
{
	return count_running(d) + count_watchers(d);
}
