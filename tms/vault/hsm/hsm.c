/* SPDX-License-Identifier: Apache-2.0 */
/* The vault's side: the process that has the module is started, asked, given up. */
#define _GNU_SOURCE
#include "hsm.h"

#include "hsm_process.h"
#include "key.h"
#include "log.h"
#include "os.h"
#include "secret.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINK_FD	   3
#define REAP_MS	   200 /* that a process has to be gone after SIGKILL; one that waits for a device is left behind */
#define REAP_STEPS 20

struct hsm {
	const struct config_hsm *config;
	uid_t user;
	void (*forget)(void *context);
	void *context;
	pid_t process;	     /* 0: none */
	pid_t stuck;	     /* one that could not be ended yet; 0: none */
	struct os_link link; /* to the process */
	bool ready;	     /* it is logged in */
	bool slow;	     /* somebody has waited for that in vain, and nobody waits any more */
	bool presented;	     /* it has the PIN before the module, and has not said what became of it */
	bool accepted;	     /* the PIN was taken before */
	enum err refused;    /* nothing is presented any more; ERR_OK: it may be */
	uint64_t started;
	uint64_t not_before; /* of the next start */
	enum err failed;     /* what is said until then */
};

/* ---- the process ---- */

/* With the groups of that user, by which an HSM's devices and sockets are often guarded. */
static bool
become(uid_t user)
{
	const struct passwd *entry;

	if (user == geteuid())
		return true;
	entry = getpwuid(user);
	if (entry != NULL)
		return initgroups(entry->pw_name, entry->pw_gid) == 0 && setgid(entry->pw_gid) == 0 && setuid(user) == 0;
	return setgroups(0, NULL) == 0 && setgid((gid_t)user) == 0 && setuid(user) == 0;
}

/* What the vault knows and holds is gone before anything of the vendor's is loaded; the process ends with the vault, wherever the module hangs. */
static void
run(struct hsm *h, int fd, pid_t parent)
{
	const struct os_link link = { .in = LINK_FD, .out = LINK_FD };

	if (h->forget != NULL)
		h->forget(h->context);
	if ((fd != LINK_FD && dup2(fd, LINK_FD) != LINK_FD) || close_range(LINK_FD + 1, ~0u, 0) != 0)
		return;
	if (!become(h->user)) {
		log_error("hsm", "user=%u cause=%s", (unsigned)h->user, strerror(errno));
		return;
	}
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		return;
	hsm_process(h->config, &link);
}

static bool
is_gone(pid_t process)
{
	return waitpid(process, NULL, WNOHANG) != 0;
}

static void
end(struct hsm *h)
{
	if (h->process == 0)
		return;
	kill(h->process, SIGKILL);
	os_close(h->link.in);
	for (int i = 0; i < REAP_STEPS && h->process != 0; i++) {
		if (is_gone(h->process))
			h->process = 0;
		else
			os_sleep_ms(REAP_MS / REAP_STEPS);
	}
	h->stuck = h->process;
	h->process = 0;
	h->ready = false;
	h->slow = false;
	/* a first login that gave no answer may have counted as a wrong one, and the next might be the last */
	if (h->presented && !h->accepted) {
		log_error("hsm", "cause=the first login ended without a word on the PIN, and is not tried again");
		h->refused = ERR_HSM_PIN_REFUSED;
	}
	h->presented = false;
}

static enum err
start(struct hsm *h)
{
	uint64_t now = os_now_ms();
	pid_t parent = getpid();
	int ends[2];

	if (h->refused != ERR_OK)
		return h->refused;
	if (h->stuck != 0 && is_gone(h->stuck))
		h->stuck = 0;
	if (h->stuck != 0)
		return ERR_HSM_UNAVAILABLE;
	if (now < h->not_before)
		return h->failed;
	h->not_before = now + HSM_PAUSE_MS;
	h->failed = ERR_HSM_UNAVAILABLE;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return ERR_HSM_UNAVAILABLE;
	fflush(NULL);
	h->process = fork();
	if (h->process == 0) {
		run(h, ends[1], parent);
		_exit(0);
	}
	os_close(ends[1]);
	if (h->process < 0) {
		os_close(ends[0]);
		h->process = 0;
		return ERR_HSM_UNAVAILABLE;
	}
	h->link = (struct os_link){ .in = ends[0], .out = ends[0] };
	h->started = now;
	return ERR_OK;
}

/* ---- what it says ---- */

/* Milliseconds until then, for os_link_receive(). */
static int
left(uint64_t deadline)
{
	uint64_t now = os_now_ms();

	return deadline > now ? (int)(deadline - now) : 0;
}

/* The login has come to an end, one way or the other. */
static enum err
take_ready(struct hsm *h, const struct hsm_tell *t)
{
	bool judged = t->error == ERR_HSM_PIN_REFUSED || t->error == ERR_HSM_PIN_LOCKED;

	h->presented = t->unsure && !judged;
	h->failed = t->error;
	if (t->error == ERR_OK) {
		h->ready = true;
		h->accepted = true;
		h->not_before = 0;
		return ERR_OK;
	}
	if (judged)
		h->refused = t->error;
	end(h);
	return h->refused != ERR_OK ? h->refused : t->error;
}

/* Waits until it is logged in. One that takes longer than the caller has may go on, within its own time; who comes after him only looks whether it is there by now. */
static enum err
await_ready(struct hsm *h, uint64_t deadline)
{
	uint64_t last = h->started + HSM_LOGIN_MS;
	struct hsm_tell t;

	while (!h->ready) {
		long got = os_link_receive(&h->link, h->slow ? 0 : left(deadline < last ? deadline : last), &t, sizeof(t), NULL);
		if (got == (long)sizeof(t) && t.news == HSM_PRESENTING) {
			h->presented = true;
		} else if (got == (long)sizeof(t) && t.news == HSM_READY) {
			return take_ready(h, &t);
		} else {
			/* it has died, or talks nonsense, or its time is over; or only the caller's is */
			h->slow = true;
			if (got >= 0 || os_now_ms() >= last)
				end(h);
			return h->refused != ERR_OK ? h->refused : ERR_HSM_UNAVAILABLE;
		}
	}
	return ERR_OK;
}

static enum err
exchange(struct hsm *h, const struct hsm_ask *q, uint64_t deadline, struct hsm_tell *ret)
{
	long got = -1;
	enum err e;

	if (os_link_send(&h->link, q, sizeof(*q), NULL))
		got = os_link_receive(&h->link, left(deadline), ret, sizeof(*ret), NULL);
	else
		got = 0;
	e = got == (long)sizeof(*ret) && ret->news == HSM_ANSWER ? ret->error : ERR_HSM_UNAVAILABLE;
	if (e != ERR_HSM_UNAVAILABLE)
		return e;
	/* one that hangs is not asked again at once; whatever else has ended the session may be over with a fresh one */
	h->not_before = got == -1 ? os_now_ms() + HSM_PAUSE_MS : 0;
	h->failed = e;
	if (got == -1)
		log_error("hsm", "cause=no answer in time; the process is ended");
	end(h);
	return e;
}

/* Nothing is asked where q is NULL. */
static enum err
try_once(struct hsm *h, const struct hsm_ask *q, uint64_t deadline, struct hsm_tell *ret)
{
	enum err e = h->process == 0 ? start(h) : ERR_OK;

	if (e == ERR_OK)
		e = await_ready(h, deadline);
	return e == ERR_OK && q != NULL ? exchange(h, q, deadline, ret) : e;
}

/* Where the process was there before: what it says of its state may be old, so a fresh one has the last word. A key is made once. */
static enum err
ask(struct hsm *h, const struct hsm_ask *q, unsigned ms, struct hsm_tell *ret)
{
	uint64_t deadline = os_now_ms() + ms;
	bool was_there = h->process != 0;
	bool once = q != NULL && q->verb == HSM_MAKE;
	enum err e = try_once(h, q, deadline, ret);

	if (e != ERR_OK && was_there && h->process == 0 && h->refused == ERR_OK && !once)
		e = try_once(h, q, deadline, ret);
	return e;
}

/* ---- to the vault ---- */

struct hsm *
hsm_new(const struct config_hsm *config, uid_t user, void (*forget)(void *context), void *context)
{
	struct hsm *h = calloc(1, sizeof(*h));

	if (h != NULL) {
		h->config = config;
		h->user = user;
		h->forget = forget;
		h->context = context;
		h->refused = ERR_OK;
	}
	return h;
}

void
hsm_free(struct hsm *h)
{
	if (h == NULL)
		return;
	end(h);
	free(h);
}

void
hsm_begin(struct hsm *h)
{
	if (h->process == 0)
		(void)start(h);
}

enum err
hsm_login(struct hsm *h)
{
	return ask(h, NULL, HSM_MAKE_MS, NULL);
}

static enum err
agree(void *context, const unsigned char peer_pk[KEY_KEM_PK_LEN], unsigned char ret_x[KEY_KEM_X_LEN])
{
	const struct hsm_half *half = context;
	struct hsm_ask q = { .verb = HSM_AGREE, .object = half->object };
	struct hsm_tell t;
	enum err e;

	memcpy(q.point, peer_pk, sizeof(q.point));
	e = ask(half->hsm, &q, HSM_MS, &t);
	if (e == ERR_OK)
		memcpy(ret_x, t.x, KEY_KEM_X_LEN);
	wipe(&t, sizeof(t));
	return e;
}

struct key_kem *
hsm_key(struct hsm *h, const struct keyring_key *key, struct hsm_half *half)
{
	*half = (struct hsm_half){ .hsm = h, .object = key->object };
	return key_kem_elsewhere(key->pk, agree, half);
}

/* An agreement with a key of our own, from both sides. */
enum err
hsm_try(struct hsm *h, const struct keyring_key *key)
{
	struct hsm_half half;
	struct key_kem *there = hsm_key(h, key, &half);
	struct key_kem *ours = key_kem_new();
	unsigned char pk[KEY_KEM_PK_LEN];
	unsigned char x[2][KEY_KEM_X_LEN];
	enum err e = there != NULL && ours != NULL ? ERR_OK : ERR_NO_MEMORY;

	if (e == ERR_OK) {
		key_kem_public(ours, pk);
		e = key_kem_agree(there, pk, x[0]);
	}
	if (e == ERR_OK)
		e = key_kem_agree(ours, key->pk, x[1]);
	if (e == ERR_OK && memcmp(x[0], x[1], sizeof(x[0])) != 0) {
		log_error("hsm", "cause=the private half is not that of the public one");
		e = ERR_HSM_KEY_UNFIT;
	}
	wipe(x, sizeof(x));
	key_kem_free(there);
	key_kem_free(ours);
	return e;
}

static enum err
take_key(struct hsm *h, const struct hsm_ask *q, struct keyring_key *ret)
{
	struct keyring_key key = { .in_hsm = true };
	struct hsm_tell t;
	enum err e = ask(h, q, HSM_MAKE_MS, &t);

	if (e == ERR_OK) {
		key.object = t.object;
		memcpy(key.pk, t.point, sizeof(key.pk));
		e = hsm_try(h, &key);
	}
	if (e == ERR_OK)
		*ret = key;
	return e;
}

enum err
hsm_make(struct hsm *h, struct keyring_key *ret)
{
	const struct hsm_ask q = { .verb = HSM_MAKE };

	return take_key(h, &q, ret);
}

enum err
hsm_adopt(struct hsm *h, const char *name, struct keyring_key *ret)
{
	struct hsm_ask q = { .verb = HSM_ADOPT };

	if (strlen(name) >= sizeof(q.name))
		return ERR_HSM_KEY_MISSING;
	memcpy(q.name, name, strlen(name) + 1);
	return take_key(h, &q, ret);
}
