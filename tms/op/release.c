/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/requests/{id}/release: the sealed candidates for the SO PIN, for whoever proves the code on the machine that asked. */
#include "anchor.h"
#include "answer.h"
#include "call.h"
#include "decode.h"
#include "os.h"
#include "vault_client.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#define ATTEMPTS_MAX 5
#define TRY_S	     15 /* longer than an attempt takes, the 10 seconds of the vault included; one that is older has died with its server */

/* ---- who calls ---- */

/* h with the approval that the caller names: nobody else can have signed it, so it tells a stranger nothing about the request. */
static enum err
check_caller(const struct store_request *r, const struct decode_release *d, unsigned char ret_h[KEY_HASH_LEN])
{
	struct buf transcript = buf_new(TRANSCRIPT_MAX);
	enum err e = call_hash(r, d->approval, ret_h);

	if (e != ERR_OK)
		return e;
	transcript_release_request(&transcript, ret_h);
	return call_check_signature(r, &transcript, d->signature);
}

/* The approval that was named is the one that was given: only then is the caller's h the server's own. */
static enum err
check_approval(struct call *c, const struct store_request *r, const struct decode_release *d)
{
	struct store_approval a;
	enum err e = store_approval_of(c->store, r->number, &a);

	if (e == ERR_OK && CRYPTO_memcmp(a.id, d->approval, sizeof(a.id)) != 0)
		e = ERR_SIGNATURE_REFUSED;
	return e;
}

/* ---- the code ---- */

static bool
is_proved_by(const struct store_code *code, const unsigned char h[KEY_HASH_LEN], const unsigned char proof[KEY_SIG_LEN])
{
	struct buf transcript = buf_new(TRANSCRIPT_MAX);
	bool ok;

	transcript_code_proof(&transcript, h);
	ok = buf_error(&transcript) == ERR_OK && key_sig_verify(code->public_key, transcript.data, transcript.len, proof);
	buf_free(&transcript);
	return ok;
}

/* A code must have lived at that time. At most STORE_CODES_MAX keys are tried. */
static enum err
check_code(struct call *c, const struct store_request *r, const struct decode_release *d, const unsigned char h[KEY_HASH_LEN], int64_t at)
{
	struct store_code codes[STORE_CODES_MAX];
	size_t count = 0;
	enum err e = store_code_list(c->store, r->number, codes, &count);

	if (e != ERR_OK)
		return e;
	for (size_t i = 0; i < count; i++)
		if (is_proved_by(&codes[i], h, d->proof))
			return codes[i].expires > at ? ERR_OK : ERR_CODE_EXPIRED;
	return ERR_CODE_WRONG;
}

/* An attempt is under way. One that a server began and died, or whose time lies ahead because the clock was put back, is none. */
static bool
is_tried(const struct store_request *r, int64_t now)
{
	return r->trying > now - TRY_S && r->trying < now + TRY_S;
}

/*
 * Committed before anything is checked, so that no crash gives a free try; one at a time, so that right codes which come at once are not
 * counted against each other, and wrong ones are no more than five.
 */
static enum err
count_attempt(struct call *c, struct store_request *r)
{
	enum state before = r->state;
	enum err e = call_begin(c);

	if (e != ERR_OK)
		return e;
	e = store_request_by_number(c->store, r->number, r);
	/* another call of this request is faster: asked again, this one gets what became of it */
	if (e == ERR_OK && (r->state != before || is_tried(r, c->now)))
		e = ERR_BUSY;
	else if (e == ERR_OK && r->attempts >= ATTEMPTS_MAX)
		e = call_move(c, r, MACHINE_LOCK_OUT, "");
	else if (e == ERR_OK)
		e = store_request_begin_try(c->store, r->number, c->now, TRY_S);
	e = call_end(c, e);
	if (e == ERR_OK && r->state == before)
		r->attempts++;
	return e;
}

/*
 * Writes down a code that was not right; the last try ends the request, unless it was ended otherwise in between. In either case what was
 * tried stays written down.
 */
static enum err
refuse_code(struct call *c, struct store_request *r, enum err why)
{
	unsigned left = r->attempts < ATTEMPTS_MAX ? ATTEMPTS_MAX - r->attempts : 0;
	enum err e = call_begin(c);

	if (e != ERR_OK)
		return e;
	e = store_request_by_number(c->store, r->number, r);
	if (e == ERR_OK)
		e = call_audit(c, NULL, r->number, "code", "error=%s tries_left=%u", err_name(why), left);
	if (e == ERR_OK)
		e = store_request_end_try(c->store, r->number, c->now, false);
	if (e == ERR_OK && left == 0 && !state_is_final(r->state))
		e = call_move(c, r, MACHINE_LOCK_OUT, "");
	e = call_end(c, e);
	if (e != ERR_OK)
		return e;
	if (r->state == STATE_LOCKED_OUT)
		return ERR_REQUEST_LOCKED_OUT;
	if (why == ERR_CODE_WRONG)
		c->detail = json_pack("{s:i}", "tries_left", (int)left);
	return why;
}

/* A code that was right is no failed try, whatever came after it: e, or why that could not be written down. */
static enum err
forgive_attempt(struct call *c, const struct store_request *r, enum err e)
{
	enum err forgiven = store_request_end_try(c->store, r->number, c->now, true);

	return e == ERR_OK ? forgiven : e;
}

/*
 * The code, counted; ERR_REQUEST_LOCKED_OUT where there were too many wrong ones. One that is right is counted until forgive_attempt(), so that
 * the request stays taken while it is worked on.
 */
static enum err
try_code(struct call *c, struct store_request *r, const struct decode_release *d, const unsigned char h[KEY_HASH_LEN], int64_t at)
{
	enum err e = count_attempt(c, r);

	if (e == ERR_OK && r->state == STATE_LOCKED_OUT)
		e = ERR_REQUEST_LOCKED_OUT;
	if (e != ERR_OK)
		return e;
	e = check_code(c, r, d, h, at);
	if (e == ERR_CODE_WRONG || e == ERR_CODE_EXPIRED)
		return refuse_code(c, r, e);
	/* nobody knows whether it was right: not counted, and the next one need not wait for this one to be given up */
	return e == ERR_OK ? e : forgive_attempt(c, r, e);
}

/* ---- the token ---- */

/*
 * Whether the token has its next SO PIN more likely than the active one: it was granted, and a machine that says nothing after that has most likely rotated. One that
 * people have entered is less likely than what a machine has said of the token since.
 */
static enum err
is_next_likelier(struct call *c, const struct store_token *token, bool *ret)
{
	struct store_done d;
	enum err e = store_token_has_successor(c->store, token, ret);

	if (e != ERR_OK || !*ret)
		return e;
	e = store_done_of_next(c->store, &token->name, token->next, &d);
	*ret = e == ERR_STATE_WRONG || (e == ERR_OK && call_rotation(d.rotated, d.stage, d.error, d.cryptoki) == CALL_ROTATION_LIKELY);
	return e == ERR_STATE_WRONG ? ERR_OK : e;
}

/*
 * The candidate that the token has refused when it was released for last, or 0. That machine may not have come to the other one: where it could not tell what had
 * become of an earlier attempt, its tries were used up.
 */
static enum err
find_refused(struct call *c, const struct store_token *token, int64_t *ret_id)
{
	struct store_release released;
	struct store_done d;
	enum err e = store_done_of(c->store, token->release, &d);

	*ret_id = 0;
	if (e != ERR_OK || strcmp(d.stage, stage_name(STAGE_SETTING_PIN)) != 0 || strcmp(d.error, err_name(ERR_TOKEN_SO_REFUSED)) != 0)
		return e == ERR_STATE_WRONG ? ERR_OK : e;
	e = store_release_of(c->store, token->release, &released);
	if (e == ERR_OK)
		*ret_id = released.candidates[0];
	return e;
}

/* The candidates in the order in which the machine is to try them: the likelier first, so that a recovery seldom costs a try. The second may be 0. */
static enum err
order_candidates(struct call *c, const struct store_token *token, int64_t ret_ids[2])
{
	bool next_first = false;
	int64_t refused = 0;
	enum err e = is_next_likelier(c, token, &next_first);

	if (e == ERR_OK && token->next != 0)
		e = find_refused(c, token, &refused);
	if (refused != 0 && refused == (next_first ? token->next : token->active))
		next_first = !next_first;
	ret_ids[0] = next_first ? token->next : token->active;
	ret_ids[1] = next_first ? token->active : token->next;
	return e;
}

static enum err
read_candidates(struct call *c, const int64_t ids[2], struct vault_row rows[2], size_t *ret_count)
{
	struct store_escrow row;
	enum err e = ERR_OK;
	size_t count = 0;

	for (size_t i = 0; e == ERR_OK && i < 2 && ids[i] != 0; i++) {
		e = store_escrow_by_id(c->store, ids[i], &row);
		if (e != ERR_OK)
			break;
		rows[count].version = row.version;
		memcpy(rows[count++].sealed, row.sealed, sizeof(row.sealed));
	}
	*ret_count = count;
	return e == ERR_OK && count == 0 ? ERR_ESCROW_MISSING : e;
}

/* The vault seals the candidates to the machine's key. */
static enum err
reseal(struct call *c, const struct store_request *r, const struct store_token *token, struct store_release *release)
{
	struct vault_answer answer;
	struct vault_row rows[2];
	size_t count;
	enum err e = order_candidates(c, token, release->candidates);

	if (e == ERR_OK)
		e = read_candidates(c, release->candidates, rows, &count);
	if (e != ERR_OK)
		return e;
	os_random(release->nonce, sizeof(release->nonce));
	e = vault_reseal(c->service->config->vault.socket, &r->token, rows, count, r->host_kem_pk, release->h, release->nonce, &answer);
	if (e != ERR_OK)
		return e == ERR_SEALED_INVALID ? ERR_VAULT_REFUSED : e;
	memcpy(release->answer.enc, answer.enc, sizeof(answer.enc));
	memcpy(release->answer.ciphertext, answer.ciphertext, sizeof(answer.ciphertext));
	release->answer.ciphertext_len = sizeof(answer.ciphertext);
	return ERR_OK;
}

/*
 * In a transaction. The vault was asked outside of it, so what it was asked about is looked at again: ERR_BUSY where the token's candidates
 * are others by now, and nothing where people have said meanwhile that it is lost.
 */
static enum err
keep(struct call *c, struct store_request *r, const struct store_token *before, const struct store_release *release)
{
	struct store_token token;
	char detail[64];
	enum state to;
	enum err e = store_request_by_number(c->store, r->number, r);

	snprintf(detail, sizeof(detail), "candidates=%d family=%s rotation=%s", before->next != 0 ? 2 : 1, family_name(release->family),
	    release->rotation ? "yes" : "no");
	if (e == ERR_OK)
		e = machine_next(r->state, MACHINE_RELEASE, &to);
	if (e == ERR_OK)
		e = store_token_by_name(c->store, &r->token, &token);
	if (e == ERR_OK)
		e = call_check_life(&token);
	if (e == ERR_OK && (r->state != STATE_APPROVED || token.active != before->active || token.next != before->next || token.state == STORE_SUSPECT))
		e = ERR_BUSY;
	if (e == ERR_OK)
		e = store_release_insert(c->store, release);
	if (e == ERR_OK)
		e = store_token_released(c->store, token.id, r->number, c->now);
	if (e == ERR_OK)
		e = store_request_end_try(c->store, r->number, c->now, true);
	if (e == ERR_OK)
		e = call_move(c, r, MACHINE_RELEASE, detail);
	return e;
}

static enum err
release(struct call *c, struct store_request *r, const struct store_token *token, const struct store_type *type,
    const unsigned char h[KEY_HASH_LEN], struct store_release *ret_release)
{
	struct store_escrow active;
	enum err e = store_escrow_by_id(c->store, token->active, &active);

	if (e != ERR_OK)
		return forgive_attempt(c, r, e);
	*ret_release = (struct store_release){ .number = r->number, .family = type->policy.family, .created = c->now };
	/* what other tokens have, too, is not left in the hands of a machine, whatever the type says, where the family can */
	ret_release->rotation = (type->rotation || active.shared) && type->policy.family == FAMILY_SO_PIN;
	memcpy(ret_release->h, h, KEY_HASH_LEN);
	e = reseal(c, r, token, ret_release);
	if (e == ERR_OK)
		e = call_begin(c);
	if (e == ERR_OK)
		e = call_end(c, keep(c, r, token, ret_release));
	return e == ERR_OK ? e : forgive_attempt(c, r, e);
}

/* The first time: the code must be right and the token one that a release may be made for. */
static enum err
release_first(struct call *c, struct store_request *r, const struct decode_release *d, const unsigned char h[KEY_HASH_LEN],
    struct store_release *ret_release)
{
	struct store_token token;
	struct store_type type;
	enum err e = call_check_token(c, r, &token, &type);

	if (e == ERR_OK)
		e = try_code(c, r, d, h, c->now);
	return e == ERR_OK ? release(c, r, &token, &type, h, ret_release) : e;
}

/* Nothing can come any more of a request whose token was released to a newer one: told so, and final, so that its machine lets go of its keys. */
static enum err
overtaken(struct call *c, struct store_request *r)
{
	enum err e = call_begin(c);

	if (e == ERR_OK)
		e = call_end(c, call_move(c, r, MACHINE_GIVE_UP, "cause=overtaken"));
	return e == ERR_OK ? ERR_STATE_WRONG : e;
}

/*
 * Asked again, because the machine died or the token was pulled out: what was given is given again, to whoever has the code. It may be days
 * later, so that it is enough that the code lived when the release was made. Also where people have entered another value meanwhile: if they were wrong, this
 * machine is the one that can show it (done.c), and if not it costs the token no more tries than this request has been good for anyway.
 */
static enum err
release_again(struct call *c, struct store_request *r, const struct decode_release *d, const unsigned char h[KEY_HASH_LEN],
    struct store_release *ret_release)
{
	struct store_token token;
	enum err e = store_release_of(c->store, r->number, ret_release);

	if (e == ERR_OK)
		e = call_check_newest(c, r, &token);
	if (e == ERR_STATE_WRONG)
		return overtaken(c, r);
	if (e == ERR_OK)
		e = call_check_life(&token);
	if (e == ERR_OK)
		e = try_code(c, r, d, h, ret_release->created);
	if (e == ERR_OK)
		e = forgive_attempt(c, r, e);
	/* what people have said while the code was looked at */
	if (e == ERR_OK)
		e = store_token_by_name(c->store, &r->token, &token);
	return e == ERR_OK ? call_check_life(&token) : e;
}

enum err
op_release(struct call *c, json_t **ret_answer)
{
	struct decode_release d;
	struct store_request r;
	struct store_release given;
	unsigned char h[KEY_HASH_LEN];
	int64_t anchored = 0;
	enum state to;
	enum err e = decode_release(c->body, &d);

	if (e == ERR_OK)
		e = call_find(c, &r);
	if (e == ERR_OK)
		e = check_caller(&r, &d, h);
	if (e == ERR_OK)
		e = machine_next(r.state, MACHINE_RELEASE, &to);
	if (e == ERR_OK)
		e = check_approval(c, &r, &d);
	if (e != ERR_OK)
		return e;
	e = to == r.state ? release_again(c, &r, &d, h, &given) : release_first(c, &r, &d, h, &given);
	/* an anchor that cannot be written is logged and tried again by the sweep: what was committed is answered */
	if (e == ERR_OK)
		(void)anchor_write(c->service, c->store, c->now, &anchored);
	return e == ERR_OK ? answer_release(c, &given, ret_answer) : e;
}
