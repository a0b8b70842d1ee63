/* SPDX-License-Identifier: Apache-2.0 */
/* The vault's socket: who may speak, how long, and how much; what is done with a request is in open.c. */
#define _GNU_SOURCE
#include "vault.h"

#include "config.h"
#include "frame.h"
#include "json.h"
#include "log.h"
#include "open.h"
#include "os.h"
#include "ring.h"
#include "tally.h"
#include "user.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECTIONS   (OS_WAIT_MAX - 1) /* at once; the last place is the listener's */
#define CONNECTION_MS 3000		/* from accept to answer */

struct connection {
	intptr_t handle; /* -1 for a free place */
	uint64_t deadline;
	bool desk; /* root, or our own user */
	struct frame_reader reader;
};

struct vault {
	const char *private_key; /* file */
	struct hsm *hsm;	 /* NULL: there is none */
	struct ring ring;
	struct open open;
	struct tally tally;
	uid_t client; /* who may speak, beside ourselves */
	intptr_t listener;
	struct connection connections[CONNECTIONS];
};

/* ---- one request ---- */

/*
 * What is counted before it is done. A compare tells one bit where a release tells all, but of values that the caller may have made up, so it has a
 * count of its own; the rest tells nothing.
 */
static unsigned
counted(const struct vault_request *q, enum tally_kind *ret_kind)
{
	switch (q->verb) {
	case VAULT_RESEAL:
	case VAULT_RENEW:
	case VAULT_REGRANT:
		*ret_kind = TALLY_ROWS;
		return (unsigned)q->count;
	case VAULT_COMPARE:
		*ret_kind = TALLY_COMPARES;
		return 1;
	case VAULT_REWRAP:
	case VAULT_KEYS:
	case VAULT_MAKE:
	case VAULT_ADOPT:
	case VAULT_CHECK:
	case VAULT_VERB_COUNT:
		break;
	}
	return 0;
}

static enum err
decide(struct vault *v, bool desk, const struct vault_request *q, struct vault_reply *reply)
{
	enum tally_kind kind = TALLY_ROWS;
	unsigned count = counted(q, &kind);
	enum err e = !desk && vault_verb_is_desk(q->verb) ? ERR_VAULT_REFUSED : ERR_OK;

	if (e == ERR_OK && count != 0)
		e = tally_take(&v->tally, kind, count);
	if (e != ERR_OK)
		return e;
	ring_refresh(&v->ring, v->private_key);
	e = open_run(&v->ring, &v->open, q, reply);
	if (count != 0 && vault_is_hsm_error(e))
		tally_return(&v->tally, kind, count);
	return e;
}

static void
answer(struct vault *v, const struct connection *c, const unsigned char *bytes, size_t len)
{
	struct vault_request q = { .verb = VAULT_VERB_COUNT };
	struct vault_reply reply = { .equal = false };
	const struct hour *rows = &v->tally.hours[TALLY_ROWS];
	const struct hour *compares = &v->tally.hours[TALLY_COMPARES];
	struct buf b = buf_new(VAULT_FRAME_MAX);
	uint64_t began = os_now_ms();
	enum err e = vault_request_read(bytes, len, &q);

	if (e == ERR_OK)
		e = decide(v, c->desk, &q, &reply);
	if (vault_reply_write(q.verb, e, &reply, &b) == ERR_OK)
		(void)frame_write(c->handle, b.data, b.len, VAULT_FRAME_MAX);
	log_info("vault", "verb=%s rows=%zu result=%s ms=%u hour=%u/%u compares=%u/%u token=%s/%s/%s", vault_verb_name(q.verb), q.count, err_name(e),
	    (unsigned)(os_now_ms() - began), hour_sum(rows), rows->max, hour_sum(compares), compares->max, q.token.manufacturer, q.token.model, q.token.serial);
	buf_free(&b);
}

static void
refuse(intptr_t handle, enum err e)
{
	struct buf b = buf_new(VAULT_FRAME_MAX);

	if (vault_reply_write(VAULT_VERB_COUNT, e, NULL, &b) == ERR_OK)
		(void)frame_write(handle, b.data, b.len, VAULT_FRAME_MAX);
	buf_free(&b);
}

/* ---- connections ---- */

static void
drop(struct connection *c)
{
	os_close(c->handle);
	frame_reader_free(&c->reader);
	c->handle = -1;
}

/* What came in may be the whole frame, a part of it, or the end. */
static void
serve(struct vault *v, struct connection *c)
{
	const unsigned char *bytes = NULL;
	uint32_t len;
	bool clean;
	enum err e = frame_fill(&c->reader, c->handle, &clean);

	if (e == ERR_OK)
		e = frame_next(&c->reader, &bytes, &len);
	if (e == ERR_OK && bytes == NULL)
		return;
	if (e == ERR_OK)
		answer(v, c, bytes, len);
	else if (!clean)
		log_info("vault", "result=%s", err_name(e));
	if (e == ERR_FRAME_TOO_LARGE)
		refuse(c->handle, e);
	drop(c);
}

static struct connection *
free_place(struct vault *v)
{
	for (size_t i = 0; i < CONNECTIONS; i++)
		if (v->connections[i].handle == -1)
			return &v->connections[i];
	return NULL;
}

/* The kernel says who has connected; nobody else gets so far as to send a byte that is read. The operator's commands run as root, who could take any user's place. */
static void
welcome(struct vault *v)
{
	struct connection *c = free_place(v);
	struct ucred peer;
	socklen_t len = sizeof(peer);
	int fd = accept4((int)v->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (c == NULL || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0) {
		os_close(fd);
	} else if (peer.uid != v->client && peer.uid != geteuid() && peer.uid != 0) {
		log_error("vault", "result=%s uid=%u pid=%d", err_name(ERR_VAULT_REFUSED), (unsigned)peer.uid, (int)peer.pid);
		refuse(fd, ERR_VAULT_REFUSED);
		os_close(fd);
	} else {
		*c = (struct connection){ .handle = fd, .deadline = os_now_ms() + CONNECTION_MS, .desk = peer.uid == geteuid() || peer.uid == 0, .reader = frame_reader_new(VAULT_FRAME_MAX) };
	}
}

/* Ends what has had its time; milliseconds until the next one has, -1 without one. */
static int
drop_late(struct vault *v)
{
	uint64_t now = os_now_ms();
	uint64_t left = UINT64_MAX;

	for (size_t i = 0; i < CONNECTIONS; i++) {
		struct connection *c = &v->connections[i];
		if (c->handle != -1 && c->deadline <= now) {
			log_info("vault", "result=%s", err_name(ERR_TIMEOUT));
			drop(c);
		}
		if (c->handle != -1 && c->deadline - now < left)
			left = c->deadline - now;
	}
	return left == UINT64_MAX ? -1 : (int)left;
}

static void
turn(struct vault *v)
{
	intptr_t handles[OS_WAIT_MAX];
	bool ready[OS_WAIT_MAX] = { false };
	int timeout = drop_late(v);

	handles[CONNECTIONS] = free_place(v) != NULL ? v->listener : -1;
	for (size_t i = 0; i < CONNECTIONS; i++)
		handles[i] = v->connections[i].handle;
	if (!os_wait(handles, OS_WAIT_MAX, timeout, ready))
		return;
	for (size_t i = 0; i < CONNECTIONS; i++)
		if (ready[i])
			serve(v, &v->connections[i]);
	if (ready[CONNECTIONS])
		welcome(v);
}

/* ---- the beginning ---- */

/* One vault a socket, for as long as the process lives: a second one, started by hand, would take the first one's callers and leave nobody there when it ends. */
static bool
is_ours(const char *path)
{
	char lock[OS_PATH_MAX];
	intptr_t held;
	enum err e = ERR_FILE_FAILED;

	if (snprintf(lock, sizeof(lock), "%s.lock", path) < (int)sizeof(lock))
		e = os_lock_file(lock, &held);
	if (e != ERR_OK)
		log_error("vault", "socket=%s cause=%s", path, e == ERR_BUSY ? "another vault is there" : "its lock cannot be made");
	return e == ERR_OK;
}

/* Anybody may knock, because the kernel's word on who it is decides, and not the socket's mode. */
static intptr_t
listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	int fd;

	if (len >= sizeof(address.sun_path)) {
		log_error("vault", "socket=%s cause=longer than %zu bytes", path, sizeof(address.sun_path) - 1);
		return -1;
	}
	memcpy(address.sun_path, path, len);
	if (!is_ours(path))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	unlink(path);
	if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 && chmod(path, 0666) == 0 && listen(fd, 64) == 0)
		return fd;
	log_error("vault", "socket=%s cause=%s", path, strerror(errno));
	os_close(fd);
	return -1;
}

/* In the process that will have the HSM's module: the keys of the file are none of its business, nor is what was open when it had to be started anew. */
static void
forget(void *context)
{
	struct vault *v = context;

	ring_free(&v->ring);
	wipe(&v->open, sizeof(v->open));
}

static void
leave(struct vault *v)
{
	ring_free(&v->ring);
	hsm_free(v->hsm);
}

/* The HSM's process comes first, so that it is logged in when it is asked; what is wrong with it keeps nothing shut that a key of the file opens. */
static enum err
begin(struct vault *v, const struct config *config)
{
	if (config->vault.hsm.module != NULL) {
		v->hsm = hsm_new(&config->vault.hsm, geteuid(), forget, v);
		if (v->hsm == NULL)
			return ERR_NO_MEMORY;
		hsm_begin(v->hsm);
		v->ring.hsm = v->hsm;
	}
	if (ring_load(&v->ring, v->private_key) != ERR_OK)
		return ERR_CONFIG_INVALID;
	if (config->vault.client != NULL && !user_find(config->vault.client, &v->client)) {
		log_error("vault", "user=%s cause=there is no such user", config->vault.client);
		return ERR_CONFIG_INVALID;
	}
	v->listener = listen_at(config->vault.socket);
	return v->listener != -1 ? ERR_OK : ERR_CONFIG_INVALID;
}

int
vault_main(const struct config *config)
{
	struct vault v = { .private_key = config->vault.private_key, .client = geteuid() };

	if (begin(&v, config) != ERR_OK) {
		leave(&v);
		return 1;
	}
	v.tally.hours[TALLY_ROWS].max = config->vault.rows_per_hour;
	v.tally.hours[TALLY_COMPARES].max = config->vault.compares_per_hour;
	tally_open(&v.tally, v.private_key);
	for (size_t i = 0; i < CONNECTIONS; i++)
		v.connections[i].handle = -1;
	log_info("vault", "listening=%s client=%u hour=%u compares=%u", config->vault.socket, (unsigned)v.client, config->vault.rows_per_hour,
	    config->vault.compares_per_hour);
	os_notify("READY=1\nSTATUS=listening");
	for (;;)
		turn(&v);
}
