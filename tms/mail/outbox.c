/* SPDX-License-Identifier: Apache-2.0 */
#include "outbox.h"

#include "config.h"
#include "draft.h"
#include "keyfile.h"
#include "letter.h"
#include "log.h"
#include "os.h"
#include "secret.h"
#include "smtp.h"
#include "store.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LOOK_S	1   /* between two looks into an empty outbox: other processes write there, too */
#define REST_S	5   /* after the server could not be reached, or the store failed */
#define LEASE_S 300 /* a claimed row is free again; sending takes at most a fifth of that */

/* What a configuration says of mails, read and ready: a file that cannot be read later fails no mail. */
struct means {
	struct draft_means draft;
	struct smtp *smtp;
};

struct outbox {
	struct means means;
	struct store *store;
	pthread_t thread;
	pthread_mutex_t mutex; /* of what follows */
	pthread_cond_t changed;
	bool woken;
	bool stopping;
	struct means next; /* what the thread is to take over; without a configuration: nothing */
	struct outbox_tally tally;
};

/* ---- one mail ---- */

/* What follows from a try; error is the wire name that the row remembers. */
struct verdict {
	enum store_outbox_state state;
	int64_t due;
	enum err error;
	bool lost; /* the mail did not go out, so its code is nobody's */
};

static int64_t
retry_after(unsigned tries)
{
	static const int minutes[] = { 1, 2, 4, 8, 15 };
	size_t last = sizeof(minutes) / sizeof(minutes[0]) - 1;
	size_t i = tries > 0 ? tries - 1 : 0;

	return 60 * (int64_t)minutes[i < last ? i : last];
}

static struct verdict
judge(enum smtp_result result, const struct store_outbox *row, int64_t give_up, int64_t now)
{
	struct verdict v = { .state = STORE_OUTBOX_QUEUED, .due = now + retry_after(row->tries), .error = ERR_MAIL_UNREACHABLE };

	if (result == SMTP_SENT)
		return (struct verdict){ .state = STORE_OUTBOX_SENT, .error = ERR_OK };
	if (result == SMTP_REFUSED)
		return (struct verdict){ .state = STORE_OUTBOX_FAILED, .error = ERR_MAIL_REFUSED, .lost = true };
	v.lost = result != SMTP_UNKNOWN;
	if (v.due >= give_up)
		v.state = STORE_OUTBOX_FAILED;
	return v;
}

static enum err
audit(struct store *s, const struct store_outbox *row, const struct verdict *v, int64_t now)
{
	static const char *const words[STORE_OUTBOX_STATE_COUNT] = { "later", "later", "sent", "failed" };
	struct store_audit a = { .created = now, .who = "tms", .what = "mail", .number = row->number };

	snprintf(a.detail, sizeof(a.detail), "kind=%s outcome=%s error=%s try=%u", store_mail_name(row->kind), words[v->state], err_name(v->error), row->tries);
	return store_audit_add(s, &a);
}

/* A code that nobody got, the row and the audit change together or not at all. */
static enum err
finish(struct store *s, const struct store_outbox *row, const struct verdict *v, int64_t code, int64_t now)
{
	enum err e = store_begin(s);

	if (e == ERR_OK && v->lost && code != 0)
		e = store_code_delete(s, code);
	if (e == ERR_OK)
		e = store_outbox_finish(s, row->id, v->state, v->due, v->error == ERR_OK ? "" : err_name(v->error));
	if (e == ERR_OK)
		e = audit(s, row, v, now);
	return store_end(s, e);
}

static void
tally(struct outbox *o, const struct verdict *v, bool alarm)
{
	pthread_mutex_lock(&o->mutex);
	o->tally.sent += v->state == STORE_OUTBOX_SENT;
	o->tally.failed += v->state == STORE_OUTBOX_FAILED;
	o->tally.later += v->state == STORE_OUTBOX_QUEUED;
	o->tally.alarms += alarm;
	pthread_mutex_unlock(&o->mutex);
}

/* Sends one row that was claimed; *ret_rest says whether the next one had better wait. */
static enum err
send_row(struct outbox *o, const struct store_outbox *row, bool *ret_rest)
{
	enum smtp_result result = SMTP_SENT;
	struct draft d;
	struct verdict v;
	int64_t now = os_time();
	enum err e = draft_make(o->store, &o->means.draft, row, now, &d);

	if (e == ERR_OK) {
		result = smtp_send(o->means.smtp, d.sender, row->to, &d.message);
		v = judge(result, row, d.give_up, now);
		*ret_rest = result == SMTP_ABSENT || result == SMTP_ALARM;
	} else {
		v = (struct verdict){ .state = STORE_OUTBOX_FAILED, .error = e, .lost = true };
	}
	log_info("mail", "id=%lld request=%lld kind=%s try=%u result=%s", (long long)row->id, (long long)row->number, store_mail_name(row->kind),
	    row->tries, err_name(v.error));
	tally(o, &v, e == ERR_OK && result == SMTP_ALARM);
	/* without the store nothing can be said of the row: it is free again when its lease is over */
	if (e != ERR_STORE_FAILED && e != ERR_NO_MEMORY)
		e = finish(o->store, row, &v, d.code, now);
	draft_free(&d);
	return e;
}

/* ---- the thread ---- */

/* Sends what is due; false where there is nothing, or nothing can be sent just now. */
static bool
turn(struct outbox *o, int *ret_wait_s)
{
	struct store_outbox row;
	bool found = false;
	bool rest = false;
	int64_t now = os_time();
	enum err e = store_outbox_claim(o->store, now, now + LEASE_S, &row, &found);

	if (e == ERR_OK && found)
		e = send_row(o, &row, &rest);
	*ret_wait_s = e != ERR_OK || rest ? REST_S : LOOK_S;
	return e == ERR_OK && found && !rest;
}

static void
free_means(struct means *m)
{
	smtp_free(m->smtp);
	letters_free(m->draft.letters);
	wipe(m, sizeof(*m));
}

/* Between two mails: what an operator has had read. */
static void
take_over(struct outbox *o)
{
	struct means old = { .smtp = NULL };

	pthread_mutex_lock(&o->mutex);
	if (o->next.draft.config != NULL) {
		old = o->means;
		o->means = o->next;
		wipe(&o->next, sizeof(o->next));
		pthread_cond_broadcast(&o->changed);
	}
	pthread_mutex_unlock(&o->mutex);
	free_means(&old);
}

/* False once the thread is to end. A rest is not cut short by a new row. */
static bool
wait_for_more(struct outbox *o, int seconds)
{
	struct timespec until;
	bool go_on;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += seconds;
	pthread_mutex_lock(&o->mutex);
	while (!o->stopping && o->next.draft.config == NULL && !(o->woken && seconds <= LOOK_S))
		if (pthread_cond_timedwait(&o->changed, &o->mutex, &until) != 0)
			break;
	o->woken = false;
	go_on = !o->stopping;
	pthread_mutex_unlock(&o->mutex);
	return go_on;
}

static bool
is_stopping(struct outbox *o)
{
	bool stopping;

	pthread_mutex_lock(&o->mutex);
	stopping = o->stopping;
	pthread_mutex_unlock(&o->mutex);
	return stopping;
}

static void *
run(void *context)
{
	struct outbox *o = context;
	int seconds = LOOK_S;

	do {
		take_over(o);
		while (!is_stopping(o) && turn(o, &seconds))
			take_over(o);
	} while (wait_for_more(o, seconds));
	return NULL;
}

static bool
begin(struct outbox *o)
{
	pthread_condattr_t attributes;
	bool good;

	/* the wall clock may jump; this one does not */
	if (pthread_condattr_init(&attributes) != 0)
		return false;
	good = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 && pthread_cond_init(&o->changed, &attributes) == 0;
	pthread_condattr_destroy(&attributes);
	if (!good)
		return false;
	pthread_mutex_init(&o->mutex, NULL);
	if (pthread_create(&o->thread, NULL, run, o) == 0)
		return true;
	pthread_mutex_destroy(&o->mutex);
	pthread_cond_destroy(&o->changed);
	return false;
}

static void
release(struct outbox *o)
{
	free_means(&o->means);
	store_close(o->store);
	free(o);
}

static enum err
make_ready(const struct config *config, struct means *ret_means)
{
	struct means m = { .draft = { .config = config } };
	char where[TEMPLATE_WHERE_SIZE];
	enum err e = letters_load(config->mail.templates, &m.draft.letters, where);

	if (e != ERR_OK)
		log_error("mail", "result=%s cause=%s", err_name(e), where);
	if (e == ERR_OK && config->mail.bounce_key != NULL)
		e = keyfile_read(config->mail.bounce_key, m.draft.bounce_key, sizeof(m.draft.bounce_key));
	if (e == ERR_OK)
		e = smtp_new(&config->smtp, &m.smtp);
	if (e == ERR_OK)
		*ret_means = m;
	else
		letters_free(m.draft.letters);
	wipe(&m, sizeof(m));
	return e;
}

enum err
outbox_start(const struct config *config, struct outbox **ret_outbox)
{
	struct outbox *o = calloc(1, sizeof(*o));
	enum err e;

	if (o == NULL)
		return ERR_NO_MEMORY;
	e = make_ready(config, &o->means);
	if (e == ERR_OK)
		e = store_open(config->database, &o->store);
	if (e == ERR_OK && !begin(o))
		e = ERR_NO_MEMORY;
	if (e != ERR_OK) {
		release(o);
		return e;
	}
	*ret_outbox = o;
	return ERR_OK;
}

enum err
outbox_reload(struct outbox *o, const struct config *config)
{
	struct means next;
	enum err e = make_ready(config, &next);

	if (e != ERR_OK)
		return e;
	pthread_mutex_lock(&o->mutex);
	o->next = next;
	wipe(&next, sizeof(next));
	pthread_cond_broadcast(&o->changed);
	while (o->next.draft.config != NULL)
		pthread_cond_wait(&o->changed, &o->mutex);
	pthread_mutex_unlock(&o->mutex);
	return ERR_OK;
}

void
outbox_count(struct outbox *o, struct outbox_tally *ret)
{
	pthread_mutex_lock(&o->mutex);
	*ret = o->tally;
	pthread_mutex_unlock(&o->mutex);
}

void
outbox_wake(struct outbox *o)
{
	pthread_mutex_lock(&o->mutex);
	o->woken = true;
	pthread_cond_broadcast(&o->changed);
	pthread_mutex_unlock(&o->mutex);
}

void
outbox_stop(struct outbox *o)
{
	if (o == NULL)
		return;
	pthread_mutex_lock(&o->mutex);
	o->stopping = true;
	pthread_cond_broadcast(&o->changed);
	pthread_mutex_unlock(&o->mutex);
	pthread_join(o->thread, NULL);
	pthread_mutex_destroy(&o->mutex);
	pthread_cond_destroy(&o->changed);
	release(o);
}
