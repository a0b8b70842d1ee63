/* SPDX-License-Identifier: Apache-2.0 */
/* Who approves, who reads mail and types what it says, and the pages that customers look at. */
#define _POSIX_C_SOURCE 200809L
#include "history_parts.h"

#include "code.h"
#include "inventory.h"
#include "json.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

/* ---- people ---- */

enum err
history_approve(struct history *h, int64_t number)
{
	struct store_request r;
	char phrase[CODE_PHRASE_LEN + 1];
	enum err e = store_request_by_number(h->w->scratch.store, number, &r);

	if (e == ERR_OK)
		e = code_phrase(r.id, r.host_kem_pk, r.host_sig_pk, phrase);
	return e == ERR_OK ? history_desk(h, op_admin_approve, number, json_pack("{s:s, s:s, s:s}", "how", "call_back", "reference", "BM-01", "phrase", phrase)) : e;
}

/* One of the token's requests, by dice; 0 where there is none. */
static int64_t
any_request(struct history *h)
{
	int64_t count = 0;
	struct store_request r;

	while (store_request_by_number(h->w->scratch.store, h->checker.first + count, &r) == ERR_OK)
		count++;
	return count != 0 ? h->checker.first + (int64_t)dice_roll(&h->dice, (uint64_t)count) : 0;
}

void
history_decide(struct history *h, bool yes)
{
	int64_t number = any_request(h);

	if (number != 0 && yes)
		(void)history_approve(h, number);
	else if (number != 0)
		(void)history_desk(h, op_admin_refuse, number, json_pack("{s:s}", "reason", "Sai số"));
}

/* ---- what takes two people ---- */

/* Proposed by one and confirmed by the other, who may also find what somebody has proposed before. */
static enum err
do_by_two(struct history *h, enum err (*op)(struct call *c, json_t **ret_answer), json_t *body, enum store_proposal_kind kind)
{
	int64_t token = world_token(h->w, &h->sim.token.name).id;
	struct store_proposal p;
	int64_t before = 0;
	enum err e;

	if (store_proposal_open_of(h->w->scratch.store, token, &p) == ERR_OK) {
		before = p.id;
		(void)history_desk_of(h, 0, op_admin_proposal_reject, p.id, json_pack("{s:s}", "reason", "x"));
	}
	(void)history_desk_of(h, 0, op, token, body);
	e = store_proposal_open_of(h->w->scratch.store, token, &p);
	/* where the server died over the rejection the one that stands there is not what these two want */
	if (e != ERR_OK || p.kind != kind || p.id == before)
		return ERR_PROPOSAL_CLOSED;
	(void)history_desk_of(h, 1, op_admin_proposal_confirm, p.id, json_object());
	e = store_proposal_by_id(h->w->scratch.store, p.id, &p);
	if (e == ERR_OK && p.state == STORE_PROPOSAL_CONFIRMED) {
		if (kind != STORE_RESTORE) {
			h->checker.in_vain = 0;
			h->checker.in_doubt = false;
			h->checker.forgiven = true;
		}
		return ERR_OK;
	}
	return e == ERR_OK ? ERR_PROPOSAL_CLOSED : e;
}

static json_t *
seal(struct history *h, const struct secret *so_pin)
{
	unsigned char row[TRANSCRIPT_ESCROW_ROW_LEN];
	unsigned char pk[KEY_KEM_PK_LEN];

	key_kem_public(h->w->vault_key, pk);
	if (transcript_seal_escrow(pk, &h->sim.token.name, 1, so_pin, row) != ERR_OK)
		return NULL;
	return json_pack("{s:o, s:s}", "sealed", json_b64(row, sizeof(row)), "reason", "x");
}

/*
 * What people enter is what they have just made the token's SO PIN, who had it in hand and knew the value of its maker; or something else by mistake; or the value that
 * is on record. The server may die over it, but where what people did to the token itself would be forgotten with it, or where the log has no room for all that the token may have
 * (inventory_change.c).
 */
void
history_replace(struct history *h)
{
	enum {
		RIGHT,
		WRONG,
		SAME
	} how = dice_percent(&h->dice, 50) ? RIGHT : dice_percent(&h->dice, 50) ? WRONG
										: SAME;
	enum crash_mode mode = crash.mode;
	uint64_t crashes = h->totals->crashes;
	const struct secret *on_record = checker_active(&h->checker);
	struct secret so_pin = { 0 };
	char text[24];

	/* the token is with its customer */
	if (how == RIGHT && h->sim.token.at >= 0)
		how = SAME;
	snprintf(text, sizeof(text), "entered-%06u", h->entered++);
	if (how != SAME || on_record == NULL || !secret_set(&so_pin, (const char *)on_record->bytes, on_record->len))
		secret_set(&so_pin, text, strlen(text));
	if (how == RIGHT || world_token(h->w, &h->sim.token.name).next != 0)
		crash.mode = CRASH_NOT;
	/* while a machine has the candidates in hand the desk is told to wait */
	if (dice_percent(&h->dice, 70)) {
		h->sim.now += 3601;
		history_sweep(h);
	}
	if (do_by_two(h, op_admin_token_replace, seal(h, &so_pin), STORE_REPLACE) == ERR_OK) {
		if (how == RIGHT) {
			h->sim.token.so_pin = so_pin;
			h->sim.token.so_left = h->sim.token.so_max;
			h->sim.token.wrong_in_a_row = 0;
		}
		if (how == WRONG)
			h->checker.fits = false;
		if (h->say)
			printf("    replaced: %s\n", how == RIGHT ? "as it is now" : how == WRONG ? "by mistake"
												  : "by the same");
	}
	if (crash.mode == CRASH_NOT && crashes == h->totals->crashes)
		crash.mode = mode;
	secret_wipe(&so_pin);
}

/*
 * What was on record before, rightly or by mistake. As above the log has no room for all that the token may have where two values stand on record, or two come back.
 */
void
history_reinstate(struct history *h)
{
	struct store_token t = world_token(h->w, &h->sim.token.name);
	int64_t ids[STORE_CANDIDATES_MAX] = { 0 };
	enum crash_mode mode = crash.mode;
	uint64_t crashes = h->totals->crashes;

	if (store_token_before(h->w->scratch.store, &t, ids) != ERR_OK)
		return;
	if (t.next != 0 || ids[1] != 0)
		crash.mode = CRASH_NOT;
	h->sim.now += 3601;
	history_sweep(h);
	if (do_by_two(h, op_admin_token_reinstate, json_pack("{s:s}", "reason", "x"), STORE_REINSTATE) == ERR_OK) {
		/* the checker looks whether it is so */
		h->checker.fits = false;
		h->totals->reinstated++;
		if (h->say)
			printf("    reinstated\n");
	}
	if (crash.mode == CRASH_NOT && crashes == h->totals->crashes)
		crash.mode = mode;
}

void
history_cure(struct history *h)
{
	if (do_by_two(h, op_admin_token_cure, json_pack("{s:s}", "reason", "x"), STORE_CURE) == ERR_OK && h->say)
		printf("    cured\n");
}

enum err
history_make_active(struct history *h)
{
	if (world_token(h->w, &h->sim.token.name).life == STORE_ACTIVE)
		return ERR_OK;
	return do_by_two(h, op_admin_token_restore, json_pack("{s:s}", "reason", "x"), STORE_RESTORE);
}

void
history_change_life(struct history *h)
{
	struct store_token t = world_token(h->w, &h->sim.token.name);

	if (t.life != STORE_ACTIVE)
		(void)history_make_active(h);
	else
		(void)history_desk(h, dice_percent(&h->dice, 50) ? op_admin_token_lost : op_admin_token_retire, t.id, json_pack("{s:s}", "reason", "x"));
}

/* ---- mail ---- */

static void
make_code(struct history *h, char ret[16])
{
	for (int i = 0; i < 12; i++)
		ret[i] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[dice_roll(&h->dice, 32)];
	ret[12] = '\0';
}

/* The mail worker: a code is made when it is sent, and its public half is committed before. */
static void
send_code(struct history *h, const struct store_outbox *row)
{
	struct store_code code = { .number = row->number, .created = h->sim.now, .expires = h->sim.now + h->w->config.code_valid_s };
	struct mail *m = &h->mails[h->mail_count % MAILS_MAX];
	struct secret text = { 0 };
	struct store_request r;
	struct key_sig *key;
	int64_t id;

	if (store_request_by_number(h->w->scratch.store, row->number, &r) != ERR_OK || r.state != STATE_APPROVED)
		return;
	m->number = row->number;
	make_code(h, m->code);
	secret_set(&text, m->code, strlen(m->code));
	key = code_key(&text, r.id);
	key_sig_public(key, code.public_key);
	key_sig_free(key);
	if (store_code_insert(h->w->scratch.store, &code, &id) == ERR_OK)
		h->mail_count++;
}

void
history_send_mails(struct history *h)
{
	struct store_outbox row;
	bool found = true;

	while (store_outbox_claim(h->w->scratch.store, h->sim.now, h->sim.now + 60, &row, &found) == ERR_OK && found) {
		if (row.kind == STORE_MAIL_CODE && row.number >= h->checker.first)
			send_code(h, &row);
		if (store_outbox_finish(h->w->scratch.store, row.id, STORE_OUTBOX_SENT, h->sim.now, "") != ERR_OK)
			return;
	}
}

int64_t
history_number_of(struct history *h, const char *id)
{
	unsigned char bytes[TRANSCRIPT_ID_LEN];
	struct store_request r;
	size_t len;

	if (!text_b64_decode(id, strlen(id), bytes, sizeof(bytes), &len) || store_request_by_id(h->w->scratch.store, bytes, &r) != ERR_OK)
		return 0;
	return r.number;
}

/* The newest code of that request, most of the time. */
void
history_ask(void *context, const char *phrase, struct dice *d, struct sim_person *ret)
{
	struct history *h = context;
	const struct mail *mail = NULL;
	int64_t number = 0;

	for (size_t i = 0; i < h->sim.request_count; i++)
		if (strcmp(h->sim.requests[i].phrase, phrase) == 0)
			number = history_number_of(h, h->sim.requests[i].id);
	for (size_t i = 0; i < h->mail_count && i < MAILS_MAX; i++)
		if (h->mails[i].number == number)
			mail = &h->mails[i];
	snprintf(ret->pin, sizeof(ret->pin), "pin-%06u", h->pins++);
	if (mail == NULL || (!h->honest && dice_percent(d, 5)))
		ret->closes = true;
	else if (!h->honest && dice_percent(d, 10))
		snprintf(ret->code, sizeof(ret->code), "%s", "000000000000");
	else
		snprintf(ret->code, sizeof(ret->code), "%s", mail->code);
}

size_t
history_sign(void *context, const void *message, size_t len, unsigned char ret[STEP_PROOF_MAX])
{
	struct history *h = context;
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	size_t signature = STEP_PROOF_MAX;
	bool made = c != NULL && EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, h->w->token_key) == 1 && EVP_DigestSign(c, ret, &signature, message, len) == 1;

	EVP_MD_CTX_free(c);
	return made ? signature : 0;
}

/* ---- customers ---- */

/* A page has been told of a request. */
static void
meet(struct history *h, int machine, const json_t *request)
{
	const char *id = json_string_value(json_object_get(request, "request"));
	struct sim_request *r;

	if (id == NULL || sim_request_find(&h->sim, id) != NULL || h->sim.request_count == SIM_REQUESTS)
		return;
	r = &h->sim.requests[h->sim.request_count++];
	*r = (struct sim_request){ .machine = machine };
	snprintf(r->id, sizeof(r->id), "%s", id);
	snprintf(r->phrase, sizeof(r->phrase), "%s", json_string_value(json_object_get(request, "phrase")));
}

static int machine_of[SIM_ACTORS];
static const struct op *op_of[SIM_ACTORS];

/* What a page hears at the end of a call. */
void
history_hear(struct history *h, int actor)
{
	const json_t *result = sim_result(actor);
	const json_t *listed;
	size_t i;

	if (actor < 0 || sim_is_running(actor) || op_of[actor] == NULL)
		return;
	if (sim_was_killed(actor)) {
		h->totals->kills++;
	} else if (sim_error(actor) == ERR_OK) {
		if (op_of[actor] == &op_unlock) {
			struct sim_request *r = sim_request_find(&h->sim, json_string_value(json_object_get(result, "request")));
			h->totals->unlocks += !r->succeeded;
			r->succeeded = true;
		}
		if (op_of[actor] == &op_unlock_request)
			meet(h, machine_of[actor], result);
		json_array_foreach(json_object_get(result, "requests"), i, listed)
		    meet(h, machine_of[actor], listed);
	}
	if (h->say)
		printf("    %s: %s%s\n", op_of[actor]->name, err_name(sim_error(actor)), sim_was_killed(actor) ? " (killed)" : "");
	op_of[actor] = NULL;
}

int
history_page(struct history *h, int machine, const struct op *op, json_t *params)
{
	int actor = sim_run(&h->sim, machine, op, params, dice_roll(&h->dice, UINT64_MAX));

	if (actor < 0)
		return actor;
	machine_of[actor] = machine;
	op_of[actor] = op;
	history_hear(h, actor);
	return actor;
}

json_t *
history_request_params(const struct history *h)
{
	return json_pack("{s:o, s:s, s:s}", "token", token_name_json(&h->sim.token.name), "reason", "locked", "language", "vi");
}

/* On one of the requests that the page knows of, the newer the likelier. */
void
history_page_on_request(struct history *h, const struct op *op)
{
	size_t i = h->sim.request_count;

	if (i == 0)
		return;
	do
		i--;
	while (i > 0 && dice_percent(&h->dice, 40));
	history_page(h, h->sim.requests[i].machine, op, json_pack("{s:s}", "request", h->sim.requests[i].id));
}
