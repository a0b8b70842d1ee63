/* SPDX-License-Identifier: Apache-2.0 */
#include "serve.h"

#include "call.h"
#include "escrow_log.h"
#include "log.h"
#include "os.h"
#include "outbox.h"
#include "server.h"
#include "service.h"
#include "store.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#define SWEEP_S 15 /* seconds between two looks at what time has done */

struct running {
	struct service *service;
	struct store *store; /* of the sweep */
	struct outbox *outbox;
	struct server *customers;
	struct server *desk;
};

/* The signals that end the server, blocked in this thread and in all that it starts. */
static sigset_t
block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	return set;
}

static void
stop(struct running *r)
{
	server_stop(r->customers);
	server_stop(r->desk);
	outbox_stop(r->outbox);
	store_close(r->store);
	service_free(r->service);
}

static enum err
start(const struct config *config, struct running *r)
{
	enum err e = escrow_log_check(config);

	if (e == ERR_OK)
		e = service_new(config, &r->service);
	if (e == ERR_OK)
		e = store_open(config->database, &r->store);
	if (e == ERR_OK)
		e = outbox_start(config, &r->outbox);
	if (e == ERR_OK)
		e = server_start(r->service, r->outbox, false, &r->customers);
	if (e == ERR_OK)
		e = server_start(r->service, r->outbox, true, &r->desk);
	return e;
}

static void
sweep(const struct running *r)
{
	struct call c = { .service = r->service, .store = r->store, .now = os_time(), .address = "" };
	size_t count = 0;
	enum err e = op_sweep(&c, &count);

	if (e == ERR_OK)
		e = op_alarm(&c);
	if (e == ERR_OK)
		e = op_announce(&c);
	if (e != ERR_OK)
		log_error("serve", "sweep=%s", err_name(e));
	else if (count != 0)
		log_info("serve", "swept=%zu", count);
	if (c.mailed)
		outbox_wake(r->outbox);
}

static void
sweep_until(const struct running *r, const sigset_t *signals)
{
	const struct timespec pause = { .tv_sec = SWEEP_S };

	for (;;) {
		sweep(r);
		int got = sigtimedwait(signals, NULL, &pause);
		if (got > 0)
			return;
		if (errno != EAGAIN && errno != EINTR) {
			log_error("serve", "cause=the wait for signals failed");
			return;
		}
	}
}

int
serve(const struct config *config)
{
	struct running r = { .service = NULL };
	sigset_t signals = block_signals();
	enum err e = start(config, &r);

	if (e == ERR_OK) {
		log_info("serve", "public=%s admin=%s kid=%s", config->listen.public_socket, config->listen.admin_socket, r.service->kid);
		sweep_until(&r, &signals);
		log_info("serve", "stopping");
	} else {
		log_error("serve", "result=%s", err_name(e));
	}
	stop(&r);
	return e == ERR_OK ? 0 : 1;
}

int
serve_check(const struct config *config)
{
	struct service *service = NULL;
	struct store *store = NULL;
	int64_t tokens = 0;
	int64_t shared = 0;
	int64_t must_rotate = 0;
	enum err e = escrow_log_check(config);

	if (e == ERR_OK)
		e = service_new(config, &service);
	if (e == ERR_OK)
		e = store_open(config->database, &store);
	if (e == ERR_OK)
		e = store_token_count(store, &tokens);
	if (e == ERR_OK)
		e = store_token_count_shared(store, &shared, &must_rotate);
	if (e == ERR_OK)
		printf("ok kid=%s tokens=%lld shared=%lld must_rotate=%lld\n", service->kid, (long long)tokens, (long long)shared, (long long)must_rotate);
	else
		fprintf(stderr, "mokhoa-tms: %s %s\n", err_sentence(e, config->language), err_hint(e, config->language));
	store_close(store);
	service_free(service);
	return e == ERR_OK ? 0 : 1;
}
