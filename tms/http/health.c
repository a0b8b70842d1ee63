/* SPDX-License-Identifier: Apache-2.0 */
#include "health.h"

#include "buf.h"
#include "door.h"
#include "log.h"
#include "os.h"
#include "outbox.h"
#include "store.h"
#include "vault_client.h"

#include <microhttpd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_MAX  (1 << 20)
#define BEAT_MS	    120000 /* the main loop looks every 15 seconds, and may wait a minute for a mail */
#define CONNECTIONS 16u
#define IDLE_S	    10u

struct health {
	struct health_of of;
	const struct service *first; /* its listener is ours to the end */
	struct store *store;	     /* of the one thread */
	struct MHD_Daemon *daemon;
	atomic_uint_fast64_t beat_ms;
	atomic_bool stopping;
	int64_t started;
	bool is_file; /* the listener is a Unix socket */
};

/* ---- what is asked ---- */

static enum err
vault_answers(struct health *h)
{
	const struct service *service = current_take(h->of.current);
	struct vault_keys keys;
	enum err e = vault_keys(service->config->vault.socket, &keys);

	current_give(h->of.current, service);
	return e;
}

static int
answer_live(struct health *h, struct buf *b)
{
	bool lives = os_now_ms() - atomic_load(&h->beat_ms) <= BEAT_MS;

	buf_add_text(b, lives ? "live\n" : "the main loop does not come round\n");
	return lives ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
}

static int
answer_ready(struct health *h, struct buf *b)
{
	struct store_gauges gauges;
	size_t begun;

	buf_add_text(b, "not ready:");
	begun = b->len;
	if (atomic_load(&h->stopping))
		buf_add_text(b, " stopping");
	if (store_gauges(h->store, os_time(), &gauges) != ERR_OK)
		buf_add_text(b, " database");
	if (vault_answers(h) != ERR_OK)
		buf_add_text(b, " vault");
	if (b->len == begun) {
		buf_reset(b);
		buf_add_text(b, "ready");
	}
	buf_add_text(b, "\n");
	return b->len == strlen("ready\n") ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
}

static void
write_store(struct health *h, struct buf *b)
{
	struct store_gauges g;
	int64_t now = os_time();
	bool up = store_gauges(h->store, now, &g) == ERR_OK;

	metrics_write_value(b, "mokhoa_store_up", "gauge", "Whether the database answers.", up);
	metrics_write_value(b, "mokhoa_store_memory_bytes", "gauge", "Memory that SQLite holds, what it keeps of its file above all.", store_memory());
	if (!up) {
		metrics_count_store_failure(h->of.metrics);
		return;
	}
	metrics_write_line(b, "# HELP mokhoa_requests_open Requests by state, of those in which something still happens.");
	metrics_write_line(b, "# TYPE mokhoa_requests_open gauge");
	for (int i = 0; i < STATE_COUNT; i++)
		if (g.open[i] >= 0)
			metrics_write_line(b, "mokhoa_requests_open{state=\"%s\"} %lld", state_name((enum state)i), (long long)g.open[i]);
	metrics_write_value(b, "mokhoa_outbox_depth", "gauge", "Mails that wait.", g.queued);
	metrics_write_value(b, "mokhoa_outbox_oldest_seconds", "gauge", "Age of the mail that waits longest.", g.oldest != 0 && g.oldest < now ? now - g.oldest : 0);
	metrics_write_value(b, "mokhoa_releases_last_hour", "gauge", "SO PINs released or exported within an hour.", g.released);
}

static void
write_mails(struct health *h, struct buf *b)
{
	struct outbox_tally t = { 0 };

	if (h->of.outbox != NULL)
		outbox_count(h->of.outbox, &t);
	metrics_write_line(b, "# HELP mokhoa_mails_total Tries to send a mail, by what came of them.");
	metrics_write_line(b, "# TYPE mokhoa_mails_total counter");
	metrics_write_line(b, "mokhoa_mails_total{result=\"sent\"} %llu", (unsigned long long)t.sent);
	metrics_write_line(b, "mokhoa_mails_total{result=\"later\"} %llu", (unsigned long long)t.later);
	metrics_write_line(b, "mokhoa_mails_total{result=\"failed\"} %llu", (unsigned long long)t.failed);
	metrics_write_value(b, "mokhoa_mail_alarms_total", "counter", "Tries that failed at login or TLS: an operator must look.", (int64_t)t.alarms);
}

static int
answer_metrics(struct health *h, struct buf *b)
{
	metrics_write_line(b, "# HELP mokhoa_build_info The running program.");
	metrics_write_line(b, "# TYPE mokhoa_build_info gauge");
	metrics_write_line(b, "mokhoa_build_info{version=\"%s\"} 1", h->of.version);
	metrics_write_value(b, "mokhoa_start_time_seconds", "gauge", "When it was started.", h->started);
	metrics_write_value(b, "mokhoa_vault_up", "gauge", "Whether the vault answers.", vault_answers(h) == ERR_OK);
	write_store(h, b);
	write_mails(h, b);
	metrics_write(h->of.metrics, b);
	return MHD_HTTP_OK;
}

static const struct {
	const char *path;
	int (*answer)(struct health *h, struct buf *b); /* the status */
} pages[] = {
	{ "/healthz", answer_live },
	{ "/readyz", answer_ready },
	{ "/metrics", answer_metrics },
};

static int
write_answer(struct health *h, const char *path, const char *method, struct buf *b)
{
	int status = MHD_HTTP_NOT_FOUND;

	for (size_t i = 0; strcmp(method, "GET") == 0 && i < sizeof(pages) / sizeof(pages[0]); i++)
		if (strcmp(pages[i].path, path) == 0)
			status = pages[i].answer(h, b);
	if (status == MHD_HTTP_NOT_FOUND)
		buf_add_text(b, "GET /healthz, /readyz or /metrics\n");
	return buf_error(b) == ERR_OK ? status : MHD_HTTP_INTERNAL_SERVER_ERROR;
}

static enum MHD_Result
on_request(void *context, struct MHD_Connection *connection, const char *path, const char *method, const char *version, const char *upload, size_t *upload_len, void **kept)
{
	struct buf b = buf_new(ANSWER_MAX);
	struct MHD_Response *response;
	enum MHD_Result result;
	int status;

	(void)version;
	(void)upload;
	/* the head alone comes first, and is answered once all is there; nobody has a body for us */
	if (*kept == NULL) {
		*kept = context;
		return MHD_YES;
	}
	if (*upload_len != 0)
		return MHD_NO;
	status = write_answer(context, path, method, &b);
	response = MHD_create_response_from_buffer(b.len, b.data, MHD_RESPMEM_MUST_COPY);
	buf_free(&b);
	if (response == NULL)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	result = MHD_queue_response(connection, (unsigned)status, response);
	MHD_destroy_response(response);
	return result;
}

/* ---- start and stop ---- */

static enum err
open_listener(struct health *h, int *ret_fd)
{
	const struct config_listen *listen = &h->first->config->listen;

	h->is_file = listen->metrics[0] == '/';
	return h->is_file ? door_open(listen->metrics, NULL, ret_fd) : door_open_port(listen->metrics, ret_fd);
}

enum err
health_start(const struct health_of *of, struct health **ret_health)
{
	struct health *h = calloc(1, sizeof(*h));
	int fd = -1;
	enum err e;

	if (h == NULL)
		return ERR_NO_MEMORY;
	h->of = *of;
	h->started = os_time();
	h->first = current_take(of->current);
	health_beat(h);
	e = store_open(h->first->config->database, &h->store);
	if (e == ERR_OK)
		e = open_listener(h, &fd);
	if (e == ERR_OK) {
		h->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, on_request, h, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS,
		    MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, MHD_OPTION_END);
		if (h->daemon == NULL) {
			close(fd);
			e = ERR_INTERNAL;
		}
	}
	if (e != ERR_OK) {
		health_stop(h);
		return e;
	}
	*ret_health = h;
	return ERR_OK;
}

void
health_beat(struct health *h)
{
	if (h != NULL)
		atomic_store(&h->beat_ms, os_now_ms());
}

void
health_stopping(struct health *h)
{
	if (h != NULL)
		atomic_store(&h->stopping, true);
}

void
health_stop(struct health *h)
{
	if (h == NULL)
		return;
	if (h->daemon != NULL) {
		MHD_stop_daemon(h->daemon);
		if (h->is_file)
			unlink(h->first->config->listen.metrics);
	}
	store_close(h->store);
	current_give(h->of.current, h->first);
	free(h);
}
