/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include "check.h"
#include "json.h"
#include "keyfile.h"
#include "os.h"
#include "seen.h"
#include "text.h"
#include "vault.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void
must(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "the test's world fails: %s\n", what);
	exit(1);
}

static const char *
path_in(struct world *w, unsigned i, const char *name)
{
	snprintf(w->paths[i], sizeof(w->paths[i]), "%s/%s", w->scratch.folder, name);
	return w->paths[i];
}

/* ---- the vault's process ---- */

static int
answers(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	int ok;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	ok = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
	close(fd);
	return ok;
}

void
world_vault_start(struct world *w)
{
	fflush(NULL);
	w->vault = fork();
	must(w->vault >= 0, "fork");
	if (w->vault == 0) {
		/* a test that gives up leaves none behind; its log is not the test's */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		must(freopen("/dev/null", "w", stderr) != NULL, "/dev/null");
		_exit(vault_main(&w->config));
	}
	for (int i = 0; i < 500 && !answers(w->config.vault.socket); i++)
		os_sleep_ms(10);
	must(answers(w->config.vault.socket), "the vault does not answer");
}

void
world_vault_stop(struct world *w)
{
	if (w->vault <= 0)
		return;
	kill(w->vault, SIGTERM);
	waitpid(w->vault, NULL, 0);
	unlink(w->config.vault.socket);
	w->vault = 0;
}

/* ---- the server ---- */

static void
write_keys(struct world *w)
{
	unsigned char pk[KEY_KEM_PK_LEN];
	unsigned char sk[KEY_KEM_SK_LEN];
	unsigned char seed[KEY_SIG_SEED_LEN];
	struct key_sig *sig = key_sig_new();

	w->vault_key = key_kem_new();
	must(sig != NULL && w->vault_key != NULL, "keys");
	key_kem_public(w->vault_key, pk);
	key_kem_private(w->vault_key, sk);
	key_sig_private(sig, seed);
	key_sig_public(sig, w->tms_pk);
	must(keyfile_write(w->config.signing_key, seed, sizeof(seed)) == ERR_OK, "signing key");
	must(keyfile_write(w->config.vault.public_key, pk, sizeof(pk)) == ERR_OK, "vault public key");
	must(keyfile_write(w->config.vault.private_key, sk, sizeof(sk)) == ERR_OK, "vault private key");
	key_sig_free(sig);
}

static void
fill_config(struct world *w)
{
	w->config = (struct config){
		.data = w->scratch.folder,
		.database = w->scratch.path,
		.signing_key = path_in(w, 0, "signing.key"),
		.vault = { .socket = path_in(w, 1, "vault.sock"), .public_key = path_in(w, 2, "vault.pub"), .private_key = path_in(w, 3, "vault.key"), .rows_per_hour = 1000, .compares_per_hour = 1000 },
		.issuers = path_in(w, 4, "issuers.pem"),
		.admin_ca = path_in(w, 4, "issuers.pem"),
		.escrow_log = path_in(w, 5, "escrow.log"),
		.escrow_log_same_device = true,
		.audit_anchor = path_in(w, 6, "audit-anchor.log"),
		.console_origin = "https://console.example",
		.authority = "Thử nghiệm CA",
		.hotline = "1900 1234",
		.language = "vi",
		.request_valid_s = 3600,
		.approval_valid_s = 7200,
		.code_valid_s = 900,
		.unknown_after_s = 600,
		.failed_after_s = 2592000,
		.unidentified_max = 6,
		.unidentified_by_address = 4,
	};
}

struct world *
world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));

	must(w != NULL, "memory");
	signal(SIGPIPE, SIG_IGN); /* as the program has it */
	json_open();
	w->scratch = scratch_new();
	w->now = SCRATCH_NOW;
	w->address = "203.0.113.7";
	w->ca = world_ca_new("CA của nhà cung cấp");
	w->foreign = world_ca_new("CA khác");
	w->token_key = world_key_new(WORLD_EC);
	fill_config(w);
	write_keys(w);
	world_ca_write(&w->ca, w->config.issuers);
	must(service_new(&w->config, &w->service) == ERR_OK, "service");
	for (unsigned i = 0; i < 2; i++) {
		w->people[i] = scratch_person(i, STORE_APPROVER);
		must(store_person_put(w->scratch.store, &w->people[i], &w->people[i].id) == ERR_OK, "a person");
	}
	world_vault_start(w);
	return w;
}

void
world_free(struct world *w)
{
	world_vault_stop(w);
	service_free(w->service);
	world_ca_free(&w->ca);
	world_ca_free(&w->foreign);
	EVP_PKEY_free(w->token_key);
	key_kem_free(w->vault_key);
	scratch_free(&w->scratch);
	free(w);
}

static void
import(struct world *w, unsigned n, const char *email, const char *certificate_serial)
{
	struct store_token t = scratch_token(n);
	unsigned char sealed[TRANSCRIPT_ESCROW_ROW_LEN];
	unsigned char pk[KEY_KEM_PK_LEN];
	struct secret so_pin = { 0 };
	int64_t id;

	snprintf(t.email, sizeof(t.email), "%s", email);
	snprintf(t.certificate_serial, sizeof(t.certificate_serial), "%s", certificate_serial);
	key_kem_public(w->vault_key, pk);
	must(secret_set(&so_pin, WORLD_SO_PIN, strlen(WORLD_SO_PIN)), "an SO PIN");
	must(transcript_seal_escrow(pk, &t.name, 1, &so_pin, sealed) == ERR_OK, "sealing");
	must(store_token_import(w->scratch.store, &t, 1, sealed, &id) == ERR_OK, "import");
}

void
world_import(struct world *w, unsigned n, const char *email)
{
	char serial[16];

	snprintf(serial, sizeof(serial), "%X", 0x1000 + n);
	import(w, n, email, serial);
}

void
world_import_bare(struct world *w, unsigned n, const char *email)
{
	import(w, n, email, "");
}

static enum err
run(struct world *w, enum err (*op)(struct call *, json_t **), struct call *c, json_t *body, json_t **ret_answer)
{
	enum err e;

	c->service = w->service;
	c->store = w->scratch.store;
	c->now = w->now;
	c->body = body;
	*ret_answer = NULL;
	e = op(c, ret_answer);
	w->tries_left = c->detail != NULL && json_object_get(c->detail, "tries_left") != NULL ? (int)json_integer_value(json_object_get(c->detail, "tries_left")) : -1;
	w->retry_after = c->detail != NULL ? json_integer_value(json_object_get(c->detail, "retry_after")) : 0;
	CHECK((*ret_answer != NULL) == (e == ERR_OK));
	seen(err_name(e), "tms/op/tests");
	json_decref(c->detail);
	json_decref(body);
	return e;
}

enum err
world_call(struct world *w, enum err (*op)(struct call *, json_t **), const char *id, json_t *body, json_t **ret_answer)
{
	struct call c = { .address = w->address, .id = id };

	return run(w, op, &c, body, ret_answer);
}

enum err
world_desk(struct world *w, unsigned who, enum err (*op)(struct call *, json_t **), int64_t number, json_t *body, json_t **ret_answer)
{
	struct call c = { .address = "", .person = &w->people[who], .number = number };

	return run(w, op, &c, body, ret_answer);
}

enum state
world_state(struct world *w, int64_t number)
{
	struct store_request r;

	must(store_request_by_number(w->scratch.store, number, &r) == ERR_OK, "a request's row");
	return r.state;
}

struct store_token
world_token(struct world *w, const struct token_name *name)
{
	struct store_token t = { .id = 0 };

	must(store_token_by_name(w->scratch.store, name, &t) == ERR_OK, "a token's row");
	return t;
}

int64_t
world_mails(struct world *w, int64_t number, enum store_mail kind)
{
	int64_t count = -1;
	int64_t newest;

	must(store_outbox_count(w->scratch.store, number, kind, 0, &count, &newest) == ERR_OK, "the outbox");
	return count;
}

struct audits {
	const char *what;
	unsigned count;
};

static void
count_audit(const struct store_audit *row, void *context)
{
	struct audits *a = context;

	a->count += strcmp(row->what, a->what) == 0;
}

unsigned
world_audits(struct world *w, int64_t number, const char *what)
{
	struct audits a = { .what = what };

	must(store_audit_list(w->scratch.store, number, count_audit, &a) == ERR_OK, "the audit");
	return a.count;
}
