/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory runs out: every single allocation of ours on the way of every call fails once, in worker and server, which are both in this process. What is asked then ends in an
 * error with a name or goes well, nothing is written half (the checker looks, and the same call goes well when it is made again), and the sanitizers see no use of what was
 * given back and, at the end, no leak. Linked with --wrap, so that our own calls come through here. What jansson allocates is another matter: where it fails the
 * process ends (host/tests/test_no_memory.c), which for the state that is left is a worker or server killed at that point (test_histories.c).
 */
#define _POSIX_C_SOURCE 200809L
#include "history_parts.h"

#include "check.h"
#include "json.h"
#include "open.h"
#include "open_request.h"
#include "ring.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOKENS_MAX 100 /* of one server */

/* ---- allocations ---- */

void *__real_malloc(size_t len);
void *__real_calloc(size_t count, size_t len);
void *__real_realloc(void *p, size_t len);
void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t count, size_t len);
void *__wrap_realloc(void *p, size_t len);

static bool counts; /* while a flow runs */
static long allocations;
static long fails = -1; /* the one that fails */

static bool
is_failing(void)
{
	return counts && allocations++ == fails;
}

void *
__wrap_malloc(size_t len)
{
	return is_failing() ? NULL : __real_malloc(len);
}

void *
__wrap_calloc(size_t count, size_t len)
{
	return is_failing() ? NULL : __real_calloc(count, len);
}

void *
__wrap_realloc(void *p, size_t len)
{
	return is_failing() ? NULL : __real_realloc(p, len);
}

static void *
json_malloc(size_t len)
{
	return __real_malloc(len);
}

/* ---- flows ---- */

static struct history_server server;
static struct history *h;
static struct history_totals totals;

static void
new_history(void)
{
	struct dice d = { .state = 1 };

	if (server.world == NULL || server.tokens >= TOKENS_MAX) {
		if (server.world != NULL)
			world_free(server.world);
		history_server_open(&server);
		/* what jansson asks for is not counted */
		json_set_alloc_funcs(json_malloc, free);
	}
	h = history_new(&server, &d, &totals);
	h->checker.fits = true;
	secret_set(&h->sim.token.so_pin, WORLD_SO_PIN, strlen(WORLD_SO_PIN));
	h->sim.token.flags = SIM_FLAGS_NEVER;
	h->sim.token.so_left = h->sim.token.so_max = 10;
	history_calm(h);
}

/* A flow makes ready what it needs, runs once with an allocation that may fail, and then once more without. */
struct flow {
	const char *name;
	void (*prepare)(void);
	enum err (*run)(void);
};

static const struct sim_request *
newest(void)
{
	return &h->sim.requests[h->sim.request_count - 1];
}

static int64_t
newest_number(void)
{
	return history_number_of(h, newest()->id);
}

static enum err
page(const struct op *op, json_t *params)
{
	return sim_error(history_page(h, 0, op, params));
}

static json_t *
request_param(void)
{
	return json_pack("{s:s}", "request", newest()->id);
}

/* Another token. */
static void
nothing(void)
{
	while (h->sim.request_count != 0) {
		(void)history_desk(h, op_admin_refuse, newest_number(), json_pack("{s:s}", "reason", "x"));
		h->sim.request_count--;
	}
	if (!CHECK(checker_look(&h->checker)))
		printf("  %s\n", h->checker.wrong);
	/* the checker knows so many requests of one token, and the journal would list them all */
	history_free(h);
	new_history();
}

static void
requested(void)
{
	nothing();
	CHECK(page(&op_unlock_request, history_request_params(h)) == ERR_OK && h->sim.request_count == 1 && checker_look(&h->checker));
}

static void
approved(void)
{
	requested();
	CHECK(history_approve(h, newest_number()) == ERR_OK && checker_look(&h->checker));
	history_send_mails(h);
}

static enum err
run_info(void)
{
	return page(&op_token_info, json_object());
}

static enum err
run_request(void)
{
	return page(&op_unlock_request, history_request_params(h));
}

static enum err
run_status(void)
{
	return page(&op_unlock_status, json_object());
}

static enum err
run_unlock(void)
{
	return page(&op_unlock, request_param());
}

static enum err
run_cancel(void)
{
	enum err e = page(&op_unlock_cancel, request_param());

	return e == ERR_REQUEST_CANCELLED ? ERR_OK : e;
}

static enum err
run_resend(void)
{
	enum err e = page(&op_unlock_resend, request_param());

	return e == ERR_RESEND_TOO_SOON ? ERR_OK : e;
}

static void
approved_long_ago(void)
{
	approved();
	h->sim.now += 700;
}

static enum err
run_approve(void)
{
	enum err e = history_approve(h, newest_number());

	return e == ERR_REQUEST_DECIDED ? ERR_OK : e;
}

/* Its entry goes out and comes back, and so does the list of all. */
static enum err
run_journal(void)
{
	unsigned char id[TRANSCRIPT_ID_LEN];
	struct journal_list list = { .ids = NULL };
	struct open_request r;
	json_t *text = json_string(newest()->id);
	enum err e = request_id_from_json(text, id) ? ERR_OK : ERR_INTERNAL;

	json_decref(text);
	if (e == ERR_OK)
		e = request_open(&h->sim.profile, id, 0, &r);
	if (e == ERR_OK) {
		e = journal_save(r.journal);
		request_close(&r);
	}
	if (e == ERR_OK)
		e = journal_list(h->sim.profile.name, &list);
	journal_list_free(&list);
	return e;
}

/* What the vault's process does with each of its verbs, and how it reads and answers them. */
static enum err
run_vault(void)
{
	struct store_token t = world_token(h->w, &h->sim.token.name);
	struct vault_request q = { .token = h->sim.token.name };
	struct ring ring = { .count = 0 };
	struct open open = { .plain = { 0 } };
	struct vault_reply reply;
	struct store_escrow row;
	enum err e = store_escrow_by_id(h->w->scratch.store, t.active, &row);

	if (e == ERR_OK)
		e = ring_load(&ring, h->w->config.vault.private_key);
	q.rows[0].version = row.version;
	memcpy(q.rows[0].sealed, row.sealed, sizeof(row.sealed));
	q.rows[1] = q.rows[0];
	key_kem_public(h->w->vault_key, q.to);
	for (int verb = 0; e == ERR_OK && verb < VAULT_VERB_COUNT; verb++) {
		q.verb = (enum vault_verb)verb;
		q.count = q.verb == VAULT_COMPARE ? 2 : 1;
		e = open_run(&ring, &open, &q, &reply);
		/* there is no HSM here to have a key made in */
		if (e == ERR_CONFIG_INVALID && (q.verb == VAULT_MAKE || q.verb == VAULT_ADOPT))
			e = ERR_OK;
	}
	ring_free(&ring);
	return e;
}

static const struct flow flows[] = {
	{ "token.info", nothing, run_info },
	{ "unlock.request, create", nothing, run_request },
	{ "unlock.status, status", requested, run_status },
	{ "unlock: prompt, release, grant, done", approved, run_unlock },
	{ "unlock.cancel, cancel", requested, run_cancel },
	{ "unlock.resend, resend", approved_long_ago, run_resend },
	{ "approve", requested, run_approve },
	{ "journal", requested, run_journal },
	{ "vault", nothing, run_vault },
};

static enum err
run_counted(const struct flow *f, long k)
{
	enum err e;

	allocations = 0;
	fails = k;
	counts = true;
	e = f->run();
	counts = false;
	return e;
}

static void
sweep_flow(const struct flow *f)
{
	unsigned refused = 0;
	long count;

	f->prepare();
	CHECK(run_counted(f, -1) == ERR_OK && checker_look(&h->checker));
	count = allocations;
	for (long k = 0; k < count; k++) {
		enum err e;
		enum err again;
		f->prepare();
		e = run_counted(f, k);
		refused += e != ERR_OK;
		checker_look(&h->checker);
		again = f->run();
		if (!CHECK(again == ERR_OK && checker_look(&h->checker)))
			printf("  %s: allocation %ld of %ld: %s, then %s; %s\n", f->name, k, count, err_name(e), err_name(again), h->checker.wrong);
	}
	printf("%-40s %4ld allocations, %4u errors\n", f->name, count, refused);
}

int
main(void)
{
	unsetenv("MOKHOA_ERRORS_SEEN");
	if (access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 1);
	if (freopen("/dev/null", "w", stderr) == NULL)
		return 1;
	new_history();
	for (size_t i = 0; i < sizeof(flows) / sizeof(flows[0]); i++)
		sweep_flow(&flows[i]);
	history_free(h);
	sim_close();
	world_free(server.world);
	return CHECK_DONE();
}
