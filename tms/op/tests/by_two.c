/* SPDX-License-Identifier: Apache-2.0 */
#include "by_two.h"

#include "inventory.h"
#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a test needs before it begins. */
static void
must(bool holds)
{
	if (holds)
		return;
	fprintf(stderr, "by_two: the desk does not work\n");
	exit(1);
}

json_t *
reason(void)
{
	return json_pack("{s:s}", "reason", "khách đến quầy trình báo");
}

/* One call of the desk; its answer is not looked at. */
enum err
desk(struct world *w, unsigned who, enum err (*op)(struct call *, json_t **), int64_t number, json_t *body)
{
	json_t *answer = NULL;
	enum err e = world_desk(w, who, op, number, body, &answer);

	json_decref(answer);
	return e;
}

struct store_token
token_of(struct world *w, unsigned n)
{
	struct store_token t = scratch_token(n);

	return world_token(w, &t.name);
}

enum err
seal(struct world *w, unsigned n, const char *text, json_t **ret_body)
{
	struct store_token t = scratch_token(n);
	unsigned char row[TRANSCRIPT_ESCROW_ROW_LEN];
	unsigned char pk[KEY_KEM_PK_LEN];
	struct secret so_pin = { 0 };

	key_kem_public(w->vault_key, pk);
	must(secret_set(&so_pin, text, strlen(text)));
	*ret_body = NULL;
	if (transcript_seal_escrow(pk, &t.name, 1, &so_pin, row) == ERR_OK)
		*ret_body = json_pack("{s:o, s:s}", "sealed", json_b64(row, sizeof(row)), "reason", "biên bản của hãng");
	secret_wipe(&so_pin);
	return *ret_body != NULL ? ERR_OK : ERR_INTERNAL;
}

enum err
propose_replace(struct world *w, unsigned who, unsigned n, const char *so_pin)
{
	json_t *body;

	must(seal(w, n, so_pin, &body) == ERR_OK);
	return desk(w, who, op_admin_token_replace, token_of(w, n).id, body);
}

/* The proposal that waits for that token. */
int64_t
waiting(struct world *w, unsigned n)
{
	struct store_proposal p = { .id = 0 };

	must(store_proposal_open_of(w->scratch.store, token_of(w, n).id, &p) == ERR_OK);
	return p.id;
}

enum err
confirm(struct world *w, unsigned who, int64_t proposal)
{
	return desk(w, who, op_admin_proposal_confirm, proposal, json_object());
}

struct machine *
approved(struct world *w, unsigned n)
{
	struct machine *m = machine_new(w, n, MACHINE_OWN);

	must(machine_create(m) == ERR_OK && machine_approve(m) == ERR_OK);
	machine_mail(m, 900);
	must(machine_verb(m, "status") == ERR_OK);
	return m;
}

/* A release that nobody reports; the sweep gives it up. */
static void
fail_once(struct world *w, unsigned n)
{
	struct machine *m = approved(w, n);
	const struct machine_report failed = { .result = "failed", .proof_mechanism = "" };

	must(machine_release(m) == ERR_OK && machine_done(m, &failed) == ERR_OK);
	machine_free(m);
}

void
make_suspect(struct world *w, unsigned n)
{
	struct machine *m;

	fail_once(w, n);
	fail_once(w, n);
	m = machine_new(w, n, MACHINE_OWN);
	must(machine_create(m) == ERR_OK && machine_approve(m) == ERR_ESCROW_SUSPECT && token_of(w, n).state == STORE_SUSPECT);
	machine_free(m);
}

bool
is_other(const struct secret *s)
{
	struct secret other = { 0 };
	bool same = secret_set(&other, OTHER_SO_PIN, strlen(OTHER_SO_PIN)) && secret_equal(&other, s);

	secret_wipe(&other);
	return same;
}

unsigned
log_lines(const struct world *w)
{
	FILE *f = fopen(w->config.escrow_log, "r");
	unsigned lines = 0;

	for (int c = f != NULL ? fgetc(f) : EOF; c != EOF; c = fgetc(f))
		lines += c == '\n';
	if (f != NULL)
		fclose(f);
	return lines;
}
