/* SPDX-License-Identifier: Apache-2.0 */
#include "serve.h"

#include "admin_audit.h"
#include "admin_backup.h"
#include "call.h"
#include "current.h"
#include "escrow_log.h"
#include "health.h"
#include "limit.h"
#include "log.h"
#include "metrics.h"
#include "options.h"
#include "os.h"
#include "outbox.h"
#include "reload.h"
#include "server.h"
#include "store.h"
#include "upkeep.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#define SWEEP_S 15 /* seconds between two looks at what time has done */

struct running {
	const char *config_file;
	struct current *current;
	const struct service *first; /* as it was at the start */
	struct store *store;	     /* of the sweep */
	struct outbox *outbox;
	struct limit *limit;
	struct metrics *metrics;
	struct health *health;
	struct server *customers;
	struct server *desk;
	struct upkeep upkeep;
};

/* The signals that we wait for, blocked in this thread and in all that it starts. */
static sigset_t
block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	return set;
}

/* ---- start and stop ---- */

/* Both doors first, so that nobody comes in while the others leave. */
static void
stop(struct running *r)
{
	health_stopping(r->health);
	server_close_door(r->customers);
	server_close_door(r->desk);
	server_stop(r->customers);
	server_stop(r->desk);
	health_stop(r->health);
	outbox_stop(r->outbox);
	admin_audit_end();
	admin_backup_wait();
	if (r->store != NULL)
		upkeep_end(&r->upkeep, r->first, r->store, os_time());
	store_close(r->store);
	if (r->first != NULL)
		current_give(r->current, r->first);
	current_free(r->current);
	limit_free(r->limit);
	metrics_free(r->metrics);
}

/* What the configuration says, as it is used: taken over by *ret_current. */
static enum err
make_current(struct config *config, struct current **ret_current)
{
	struct service *service = NULL;
	enum err e = escrow_log_check(config);

	if (e == ERR_OK)
		e = service_new(config, &service);
	if (e == ERR_OK)
		return current_new(service, config, ret_current);
	config_free(config);
	return e;
}

static enum err
make_counters(struct running *r)
{
	const struct config *config = r->first->config;

	r->limit = limit_new();
	r->metrics = metrics_new();
	if (r->limit == NULL || r->metrics == NULL)
		return ERR_NO_MEMORY;
	limit_set(r->limit, config->limits.address_per_minute, config->limits.person_per_minute);
	return ERR_OK;
}

static enum err
start_servers(struct running *r)
{
	const struct server_shared shared = { .current = r->current, .outbox = r->outbox, .limit = r->limit, .metrics = r->metrics };
	const struct health_of watched = { .current = r->current, .outbox = r->outbox, .metrics = r->metrics, .version = MOKHOA_VERSION };
	enum err e = ERR_OK;

	if (r->first->config->listen.metrics != NULL)
		e = health_start(&watched, &r->health);
	if (e == ERR_OK)
		e = server_start(&shared, false, &r->customers);
	return e == ERR_OK ? server_start(&shared, true, &r->desk) : e;
}

static enum err
start(struct config *config, struct running *r)
{
	enum err e = make_current(config, &r->current);

	if (e != ERR_OK)
		return e;
	r->first = current_take(r->current);
	log_configure(reload_log_format(r->first->config), reload_log_level(r->first->config));
	e = make_counters(r);
	if (e == ERR_OK)
		e = store_open(r->first->config->database, &r->store);
	/* else each grant would be refused, behind a release that was not */
	if (e == ERR_OK)
		e = escrow_log_check_known(r->first->config, r->store);
	if (e == ERR_OK)
		upkeep_clock(&r->upkeep, r->store, os_time(), os_now_ms());
	if (e == ERR_OK)
		e = outbox_start(r->first->config, &r->outbox);
	return e == ERR_OK ? start_servers(r) : e;
}

/* ---- while it runs ---- */

/* Each by itself: a request that cannot be moved must not keep the alarm back. The first error that there was. */
static enum err
take_steps(struct call *c, size_t *ret_count)
{
	enum err swept = op_sweep(c, ret_count);
	enum err alarmed = op_alarm(c);
	enum err announced = op_announce(c);

	if (swept != ERR_OK)
		return swept;
	return alarmed != ERR_OK ? alarmed : announced;
}

static void
sweep(struct running *r)
{
	const struct service *service = current_take(r->current);
	struct call c = { .service = service, .store = r->store, .now = os_time(), .address = "" };
	size_t count = 0;
	enum err e;

	upkeep_clock(&r->upkeep, r->store, c.now, os_now_ms());
	e = take_steps(&c, &count);
	upkeep_run(&r->upkeep, service, r->store, c.now);
	current_give(r->current, service);
	if (e != ERR_OK)
		log_error("serve", "sweep=%s", err_name(e));
	else if (count != 0)
		log_info("serve", "swept=%zu", count);
	if (e == ERR_STORE_FAILED)
		metrics_count_store_failure(r->metrics);
	if (c.mailed)
		outbox_wake(r->outbox);
	health_beat(r->health);
}

/* Until a signal ends it. */
static void
run(struct running *r, const sigset_t *signals)
{
	const struct reload reload = { .config_file = r->config_file, .current = r->current, .outbox = r->outbox, .limit = r->limit };
	const struct timespec pause = { .tv_sec = SWEEP_S };

	for (;;) {
		sweep(r);
		os_notify("WATCHDOG=1");
		int got = sigtimedwait(signals, NULL, &pause);
		if (got == SIGHUP) {
			reload_run(&reload);
			continue;
		}
		if (got > 0)
			return;
		if (errno != EAGAIN && errno != EINTR) {
			log_error("serve", "cause=the wait for signals failed");
			return;
		}
	}
}

int
serve(const char *config_file)
{
	struct running r = { .config_file = config_file };
	sigset_t signals = block_signals();
	struct config *config = NULL;
	enum err e = options_config(config_file, &config);

	if (e != ERR_OK)
		return 1;
	e = start(config, &r);
	if (e == ERR_OK) {
		const struct config_listen *listen = &r.first->config->listen;
		log_info("serve", "public=%s admin=%s metrics=%s kid=%s", listen->public_socket, listen->admin_socket, listen->metrics != NULL ? listen->metrics : "", r.first->kid);
		os_notify("READY=1\nSTATUS=serving");
		run(&r, &signals);
		log_info("serve", "stopping");
		os_notify("STOPPING=1\nSTATUS=answering what has begun");
	} else {
		log_error("serve", "result=%s", err_name(e));
	}
	stop(&r);
	if (e == ERR_OK)
		log_info("serve", "stopped");
	return e == ERR_OK ? 0 : 1;
}
