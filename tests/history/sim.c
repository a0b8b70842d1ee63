/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L
#include "sim_inner.h"

#include "code.h"
#include "json.h"
#include "os.h"
#include "prompt.h"
#include "step_wire.h"
#include "text.h"
#include "tms_post.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- dice ---- */

/* SplitMix64: every seed is as good as another, also 0, 1, 2. */
uint64_t
dice_roll(struct dice *d, uint64_t sides)
{
	uint64_t z = d->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) % sides;
}

bool
dice_percent(struct dice *d, unsigned percent)
{
	return dice_roll(d, 100) < percent;
}

/* ---- who runs ---- */

struct actor {
	pthread_t thread;
	sem_t go;
	bool started;
	bool running; /* an operation that has begun and not ended */
	bool dead;
	bool no_sleep; /* it is being ended */
	int machine;
	const struct op *op;
	json_t *params;
	json_t *result;
	enum err error;
	struct dice dice;
	bool holds_token; /* os_lock() */
};

static struct actor actors[SIM_ACTORS];
static struct actor *current; /* NULL: the test itself */
static sem_t back;
struct sim *sim_world;
static int null_out = -1;
static uint64_t clock_ms;
static bool token_held[SIM_MACHINES];
static struct dice own_dice;

struct dice *
sim_dice(void)
{
	return current != NULL ? &current->dice : &own_dice;
}

int
sim_machine(void)
{
	return current != NULL ? current->machine : 0;
}

bool
sim_is_dead(void)
{
	return current != NULL && current->dead;
}

static void *
live(void *context)
{
	struct actor *a = context;

	for (;;) {
		struct op_call call = { .origin = "", .in = -1, .out = null_out, .token = -1 };
		sem_wait(&a->go);
		if (a->op == NULL)
			return NULL;
		call.profile = &sim_world->profile;
		call.params = a->params;
		a->error = a->op->run(&call);
		/* as main_worker.c does when the answer is out */
		if (call.token != -1)
			os_unlock(call.token);
		json_decref(call.detail);
		json_decref(a->params);
		json_decref(a->result);
		a->result = call.result;
		a->running = false;
		sem_post(&back);
	}
}

/* Lets an actor run until it sleeps or has ended. */
static void
hand_over(struct actor *a)
{
	struct actor *before = current;

	current = a;
	sem_post(&a->go);
	sem_wait(&back);
	current = before;
}

/* A border: here the worker may be killed, or stop for as long as it takes. */
void
sim_border(void)
{
	struct actor *a = current;

	if (a == NULL || a->dead)
		return;
	if (!a->no_sleep && dice_percent(&a->dice, sim_world->sleeps)) {
		sem_post(&back);
		sem_wait(&a->go);
	}
	if (dice_percent(&a->dice, sim_world->dies))
		a->dead = true;
}

void
sim_begin(struct sim *s)
{
	sim_world = s;
	own_dice = (struct dice){ .state = 0 };
	memset(token_held, 0, sizeof(token_held));
	if (null_out != -1)
		return;
	null_out = open("/dev/null", O_WRONLY | O_CLOEXEC);
	sem_init(&back, 0, 0);
}

void
sim_end(struct sim *s)
{
	for (int i = 0; i < SIM_ACTORS; i++) {
		if (actors[i].running)
			sim_kill(i);
		json_decref(actors[i].result);
		actors[i].result = NULL;
	}
	secret_wipe(&s->token.so_pin);
	secret_wipe(&s->token.user_pin);
	sim_world = NULL;
}

void
sim_close(void)
{
	for (int i = 0; i < SIM_ACTORS; i++) {
		if (!actors[i].started)
			continue;
		actors[i].op = NULL;
		sem_post(&actors[i].go);
		pthread_join(actors[i].thread, NULL);
		sem_destroy(&actors[i].go);
		actors[i].started = false;
	}
	close(null_out);
	null_out = -1;
}

static void
start(struct actor *a)
{
	sem_init(&a->go, 0, 0);
	if (pthread_create(&a->thread, NULL, live, a) != 0) {
		perror("pthread_create");
		exit(1);
	}
	a->started = true;
}

int
sim_run(struct sim *s, int where, const struct op *op, json_t *params, uint64_t seed)
{
	int i = 0;

	(void)s;
	while (i < SIM_ACTORS && actors[i].running)
		i++;
	if (i == SIM_ACTORS) {
		json_decref(params);
		return -1;
	}
	if (!actors[i].started)
		start(&actors[i]);
	actors[i].running = true;
	actors[i].dead = actors[i].no_sleep = actors[i].holds_token = false;
	actors[i].machine = where;
	actors[i].op = op;
	actors[i].params = params;
	actors[i].dice.state = seed;
	hand_over(&actors[i]);
	return i;
}

bool
sim_is_running(int i)
{
	return i >= 0 && i < SIM_ACTORS && actors[i].running;
}

void
sim_go_on(int i)
{
	if (sim_is_running(i))
		hand_over(&actors[i]);
}

void
sim_kill(int i)
{
	if (!sim_is_running(i))
		return;
	actors[i].dead = actors[i].no_sleep = true;
	hand_over(&actors[i]);
}

enum err
sim_error(int i)
{
	return actors[i].error;
}

const json_t *
sim_result(int i)
{
	return actors[i].result;
}

bool
sim_was_killed(int i)
{
	return actors[i].dead;
}

void
sim_remove(const char *folder)
{
	DIR *dir = opendir(folder);
	char path[600];

	for (struct dirent *e = dir != NULL ? readdir(dir) : NULL; e != NULL; e = readdir(dir)) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		if (unlink(path) != 0)
			sim_remove(path);
	}
	if (dir != NULL)
		closedir(dir);
	rmdir(folder);
}

struct sim_request *
sim_request_find(struct sim *s, const char *id)
{
	for (size_t i = 0; i < s->request_count; i++)
		if (strcmp(s->requests[i].id, id) == 0)
			return &s->requests[i];
	return NULL;
}

/* The request whose unlock the running worker is at; NULL for any other operation. */
struct sim_request *
sim_own_request(void)
{
	const char *id = current != NULL ? json_string_value(json_object_get(current->params, "request")) : NULL;

	return id != NULL ? sim_request_find(sim_world, id) : NULL;
}

/* ---- time, folders, locks ---- */

uint64_t __real_os_now_ms(void);
uint64_t __wrap_os_now_ms(void);
void __real_os_sleep_ms(unsigned ms);
void __wrap_os_sleep_ms(unsigned ms);
int64_t __wrap_os_time(void);
enum err __wrap_os_state_dir(char ret[OS_PATH_MAX]);
enum err __wrap_os_lock(const char *name, intptr_t *ret_lock);
void __wrap_os_unlock(intptr_t lock);
enum err __real_os_write_private(const char *path, const void *bytes, size_t len);
enum err __wrap_os_write_private(const char *path, const void *bytes, size_t len);
enum err __real_os_remove(const char *path);
enum err __wrap_os_remove(const char *path);
struct key_sig *__wrap_code_key(const struct secret *code, const unsigned char id[TRANSCRIPT_ID_LEN]);

uint64_t
__wrap_os_now_ms(void)
{
	return current != NULL ? ++clock_ms : __real_os_now_ms();
}

/* Nobody waits: another worker goes on only when the test says so. */
void
__wrap_os_sleep_ms(unsigned ms)
{
	if (current != NULL)
		clock_ms += ms;
	else
		__real_os_sleep_ms(ms);
}

int64_t
__wrap_os_time(void)
{
	return sim_world == NULL ? 1700000000 : current == NULL ? sim_world->now
								: sim_world->now + sim_world->skew[current->machine];
}

enum err
__wrap_os_state_dir(char ret[OS_PATH_MAX])
{
	return text_copy(ret, OS_PATH_MAX, sim_world->folder[sim_machine()]) ? ERR_OK : ERR_FILE_FAILED;
}

enum err
__wrap_os_lock(const char *name, intptr_t *ret_lock)
{
	(void)name; /* there is one token */
	if (token_held[sim_machine()])
		return ERR_BUSY;
	token_held[sim_machine()] = true;
	*ret_lock = 100 + sim_machine();
	return ERR_OK;
}

void
__wrap_os_unlock(intptr_t lock)
{
	token_held[lock - 100] = false;
}

static bool step_writes;

void
sim_keep(const char *keep, enum err e, const struct step_outcome *said)
{
	step_writes = true;
	step_keep_answer(keep, e, said);
	step_writes = false;
}

enum err
__wrap_os_write_private(const char *path, const void *bytes, size_t len)
{
	enum err e;

	if (step_writes)
		return __real_os_write_private(path, bytes, len);
	sim_border();
	if (sim_is_dead())
		return ERR_FILE_FAILED;
	e = __real_os_write_private(path, bytes, len);
	sim_border();
	return sim_is_dead() ? ERR_FILE_FAILED : e;
}

enum err
__wrap_os_remove(const char *path)
{
	return sim_is_dead() ? ERR_FILE_FAILED : __real_os_remove(path);
}

/* Without scrypt, which costs a tenth of a second. */
struct key_sig *
__wrap_code_key(const struct secret *code, const unsigned char id[TRANSCRIPT_ID_LEN])
{
	unsigned char bytes[SECRET_MAX + TRANSCRIPT_ID_LEN];
	unsigned char seed[KEY_SIG_SEED_LEN];

	memcpy(bytes, id, TRANSCRIPT_ID_LEN);
	memcpy(bytes + TRANSCRIPT_ID_LEN, code->bytes, code->len);
	return key_hash(bytes, TRANSCRIPT_ID_LEN + code->len, seed) == ERR_OK ? key_sig_from_seed(seed) : NULL;
}

/* ---- the network ---- */

struct tms_reply
tms_reply_new(void)
{
	return (struct tms_reply){ .body = buf_new(TMS_ANSWER_MAX) };
}

void
tms_reply_free(struct tms_reply *reply)
{
	buf_free(&reply->body);
}

enum err
tms_post(const struct profile *profile, const char *path, const struct buf *body, struct tms_reply *ret)
{
	json_t *message = NULL;
	json_t *answer;
	enum err e;

	(void)profile;
	sim_border();
	if (sim_is_dead() || dice_percent(sim_dice(), sim_world->loses))
		return ERR_TMS_UNREACHABLE;
	e = json_load(body->data, body->len, &message, NULL);
	if (e != ERR_OK)
		return e;
	answer = sim_world->serve(sim_world->context, path, message, &ret->status);
	json_decref(message);
	sim_border();
	if (answer == NULL || sim_is_dead() || dice_percent(sim_dice(), sim_world->loses)) {
		json_decref(answer);
		return ERR_TMS_UNREACHABLE;
	}
	ret->json = true;
	e = json_dump(answer, &ret->body);
	json_decref(answer);
	return e;
}

/* The doctor is in no history. */
enum err
tms_post_seen(const struct profile *profile, const char *path, const struct buf *body, struct tms_reply *ret, struct tms_sight *sight)
{
	(void)sight;
	return tms_post(profile, path, body, ret);
}

/* ---- the person ---- */

enum err
prompt_ask(const struct prompt_question *q, struct secret *ret_code, struct secret *ret_pin)
{
	struct sim_person p = { .closes = false };

	sim_border();
	if (sim_is_dead())
		return ERR_PROMPT_CANCELLED;
	sim_world->ask(sim_world->context, q->phrase, sim_dice(), &p);
	sim_border();
	if (sim_is_dead() || p.closes)
		return ERR_PROMPT_CANCELLED;
	return secret_set(ret_code, p.code, strlen(p.code)) && secret_set(ret_pin, p.pin, strlen(p.pin)) ? ERR_OK : ERR_NO_MEMORY;
}
