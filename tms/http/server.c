/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include "door.h"
#include "exchange.h"
#include "log.h"
#include "os.h"
#include "outbox.h"
#include "text.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DESK_THREADS	   4 /* one of them may wait a minute for a mail server */
#define CONNECTIONS_MAX	   256
#define IDLE_S		   75	     /* longer than nginx keeps a connection to us */
#define DRAIN_MS	   20000     /* longer than the vault is waited for */
#define DISCARD_MAX	   (1 << 20) /* bytes of a body that is too long and read anyway, so that its sender reads our answer */
#define CONNECTION_MEM_MAX (64 * 1024)

struct server {
	struct server_shared shared;
	const struct service *first; /* as it was at the start: its sockets, threads and database are ours to the end */
	bool desk;
	bool closed;
	const char *path;
	struct MHD_Daemon *daemon;
	pthread_key_t store; /* each thread's struct store */
	bool has_key;
	atomic_int under_way;
};

/* One request while its body comes in. */
struct incoming {
	struct buf body;
	size_t len; /* bytes seen, kept or not */
};

/* ---- a store connection for each thread ---- */

static void
close_store(void *store)
{
	store_close(store);
}

static struct store *
store_of_thread(struct server *s)
{
	struct store *store = pthread_getspecific(s->store);

	if (store != NULL)
		return store;
	if (store_open(s->first->config->database, &store) != ERR_OK)
		return NULL;
	if (pthread_setspecific(s->store, store) != 0) {
		store_close(store);
		return NULL;
	}
	return store;
}

/* ---- one request ---- */

static const char *
header(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* Too many keys are counted and not kept. */
static enum MHD_Result
add_pair(void *context, enum MHD_ValueKind kind, const char *key, const char *value)
{
	struct exchange_request *request = context;

	(void)kind;
	if (request->query_count < EXCHANGE_QUERY_MAX) {
		request->query[request->query_count].key = key;
		request->query[request->query_count].value = value;
	}
	request->query_count++;
	return MHD_YES;
}

/* nginx says what else pages need (tms/desk/nginx.c); these hold whoever stands in front. */
static enum MHD_Result
send_answer(struct MHD_Connection *connection, const struct exchange_answer *answer)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(answer->body.len, answer->body.data, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result = MHD_NO;

	if (response == NULL)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->content_type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, answer->cache);
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	if (answer->retry_after != 0) {
		char seconds[16];
		snprintf(seconds, sizeof(seconds), "%u", answer->retry_after);
		MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
	}
	/* a document goes out with its policy or not at all */
	if (answer->policy[0] == '\0' || MHD_add_response_header(response, "Content-Security-Policy", answer->policy) == MHD_YES)
		result = MHD_queue_response(connection, (unsigned)answer->status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result
answer(struct server *s, struct MHD_Connection *connection, const char *path, const char *method, const struct incoming *in)
{
	struct exchange_request request = {
		.desk = s->desk,
		.method = method,
		.path = path,
		.content_type = header(connection, MHD_HTTP_HEADER_CONTENT_TYPE),
		.origin = header(connection, "Origin"),
		.fetch_site = header(connection, "Sec-Fetch-Site"),
		.csrf = s->desk ? header(connection, "X-Mokhoa-CSRF") : NULL,
		.real_ip = header(connection, "X-Real-IP"),
		.certificate = s->desk ? header(connection, "X-Client-Certificate") : NULL,
		.body = in->body.data != NULL ? (const void *)in->body.data : "",
		.body_len = in->body.len,
		.too_long = in->len > EXCHANGE_BODY_MAX,
		.limit = s->shared.limit,
		.metrics = s->shared.metrics,
	};
	const struct service *service = current_take(s->shared.current);
	struct exchange_answer answered;
	enum MHD_Result result;

	MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, add_pair, &request);
	exchange_run(service, store_of_thread(s), &request, &answered);
	current_give(s->shared.current, service);
	if (answered.mailed && s->shared.outbox != NULL)
		outbox_wake(s->shared.outbox);
	result = send_answer(connection, &answered);
	buf_free(&answered.body);
	return result;
}

static struct incoming *
incoming_new(struct server *s)
{
	struct incoming *in = calloc(1, sizeof(*in));

	if (in == NULL)
		return NULL;
	in->body = buf_new(EXCHANGE_BODY_MAX);
	atomic_fetch_add(&s->under_way, 1);
	return in;
}

/* libmicrohttpd calls once with the head, then with each piece of the body, then once more. */
static enum MHD_Result
on_request(void *context, struct MHD_Connection *connection, const char *path, const char *method, const char *version, const char *upload,
    size_t *upload_len, void **kept)
{
	struct server *s = context;
	struct incoming *in = *kept;

	(void)version;
	if (in == NULL) {
		*kept = incoming_new(s);
		return *kept != NULL ? MHD_YES : MHD_NO;
	}
	if (*upload_len == 0)
		return answer(s, connection, path, method, in);
	if (in->len + *upload_len > DISCARD_MAX)
		return MHD_NO;
	in->len += *upload_len;
	if (in->len <= EXCHANGE_BODY_MAX)
		buf_add(&in->body, upload, *upload_len);
	*upload_len = 0;
	return MHD_YES;
}

static void
on_completed(void *context, struct MHD_Connection *connection, void **kept, enum MHD_RequestTerminationCode why)
{
	struct server *s = context;
	struct incoming *in = *kept;

	(void)connection;
	(void)why;
	if (in == NULL)
		return;
	buf_free(&in->body);
	free(in);
	*kept = NULL;
	atomic_fetch_sub(&s->under_way, 1);
}

/* Paths and queries are compared as they were sent: nothing that we serve needs escaping. */
static size_t
leave_escaped(void *context, struct MHD_Connection *connection, char *text)
{
	(void)context;
	(void)connection;
	return strlen(text);
}

#if defined(__GNUC__)
__attribute__((format(printf, 2, 0)))
#endif
static void
on_library_log(void *context, const char *format, va_list args)
{
	char text[256];

	(void)context;
	vsnprintf(text, sizeof(text), format, args);
	log_debug("http", "library=%s", text);
}

/* ---- start and stop ---- */

static enum err
start_daemon(struct server *s, int fd)
{
	unsigned threads = s->desk ? DESK_THREADS : s->first->config->listen.threads;

	s->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, s,
	    MHD_OPTION_EXTERNAL_LOGGER, on_library_log, NULL,
	    MHD_OPTION_LISTEN_SOCKET, fd,
	    MHD_OPTION_THREAD_POOL_SIZE, threads > 1 ? threads : 0u,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEM_MAX,
	    MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
	    MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
	    MHD_OPTION_STRICT_FOR_CLIENT, 1,
	    MHD_OPTION_END);
	if (s->daemon != NULL)
		return ERR_OK;
	log_error("http", "socket=%s cause=the HTTP library does not start", s->path);
	return ERR_INTERNAL;
}

enum err
server_start(const struct server_shared *shared, bool desk, struct server **ret_server)
{
	struct server *s = calloc(1, sizeof(*s));
	const struct config_listen *listen;
	int fd = -1;
	enum err e;

	if (s == NULL)
		return ERR_NO_MEMORY;
	s->shared = *shared;
	s->first = current_take(shared->current);
	s->desk = desk;
	listen = &s->first->config->listen;
	s->path = desk ? listen->admin_socket : listen->public_socket;
	s->has_key = pthread_key_create(&s->store, close_store) == 0;
	e = s->has_key ? door_open(s->path, listen->group, &fd) : ERR_NO_MEMORY;
	if (e == ERR_OK) {
		e = start_daemon(s, fd);
		if (e != ERR_OK)
			close(fd);
	}
	if (e != ERR_OK) {
		server_stop(s);
		return e;
	}
	*ret_server = s;
	return ERR_OK;
}

void
server_close_door(struct server *s)
{
	MHD_socket fd;

	if (s == NULL || s->daemon == NULL || s->closed)
		return;
	fd = MHD_quiesce_daemon(s->daemon);
	unlink(s->path);
	if (fd != MHD_INVALID_SOCKET)
		close(fd);
	s->closed = true;
}

void
server_stop(struct server *s)
{
	uint64_t until = os_now_ms() + DRAIN_MS;

	if (s == NULL)
		return;
	if (s->daemon != NULL) {
		server_close_door(s);
		while (atomic_load(&s->under_way) != 0 && os_now_ms() < until)
			os_sleep_ms(20);
		MHD_stop_daemon(s->daemon);
	}
	if (s->has_key)
		pthread_key_delete(s->store);
	current_give(s->shared.current, s->first);
	free(s);
}
