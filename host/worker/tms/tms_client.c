/* SPDX-License-Identifier: Apache-2.0 */
#include "tms_client.h"

#include "json.h"
#include "log.h"
#include "os.h"
#include "text.h"
#include "tms_answer.h"
#include "tms_post.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define BODY_MAX     16384u /* bytes of a call, the server's bound */
#define PATH_MAX_LEN 64
#define PAUSE_MS     400u  /* before the second try; each one after that waits twice as long */
#define PAUSE_MAX_MS 5000u /* but no longer than this, unless the server asks for more */

/* ---- patience ---- */

/* What may pass, and how long it is waited for: after ms nothing is begun again. */
static const struct {
	unsigned tries;
	uint64_t ms;
} lengths[] = {
	[TMS_ONCE] = { 1, 0 },
	[TMS_SHORT] = { 3, 12000 },
	[TMS_TYPED] = { UINT_MAX, 20000 },
	[TMS_HELD] = { UINT_MAX, 120000 },
};

struct tms_patience
tms_patience_new(enum tms_length length)
{
	return (struct tms_patience){ .begin_ms = os_now_ms(), .pause_ms = PAUSE_MS, .length = length };
}

bool
tms_is_worth_again(struct tms_patience *patience, enum err e, const struct tms_refusal *refusal)
{
	uint64_t waited = os_now_ms() - patience->begin_ms;
	uint64_t pause = patience->pause_ms;

	patience->tries++;
	if (refusal->retry_after > 0 && (uint64_t)refusal->retry_after * 1000 > pause)
		pause = (uint64_t)refusal->retry_after * 1000;
	if ((e != ERR_TMS_UNREACHABLE && !refusal->passing) || patience->tries >= lengths[patience->length].tries ||
	    waited + pause > lengths[patience->length].ms)
		return false;
	os_sleep_ms((unsigned)pause);
	patience->pause_ms = patience->pause_ms * 2 < PAUSE_MAX_MS ? patience->pause_ms * 2 : PAUSE_MAX_MS;
	return true;
}

/* ---- one call ---- */

static void
path_of(const unsigned char id[TRANSCRIPT_ID_LEN], const char *verb, char ret[PATH_MAX_LEN])
{
	char text[TEXT_B64_LEN(TRANSCRIPT_ID_LEN) + 1];

	text_b64_encode(id, TRANSCRIPT_ID_LEN, text);
	snprintf(ret, PATH_MAX_LEN, "/v1/requests/%s/%s", text, verb);
}

/* The signature of a transcript as JSON; NULL where it could not be made. */
static json_t *
signed_by(const struct key_sig *key, const struct buf *transcript)
{
	unsigned char signature[KEY_SIG_LEN];

	if (buf_error(transcript) != ERR_OK || key_sig_sign(key, transcript->data, transcript->len, signature) != ERR_OK)
		return NULL;
	return json_b64(signature, sizeof(signature));
}

/* An answer that is an error answer becomes that error. */
static enum err
post_once(struct tms *tms, const char *path, const struct buf *body, struct tms_reply *ret)
{
	enum err e;

	tms->refusal = (struct tms_refusal){ .tries_left = -1 };
	buf_reset(&ret->body);
	e = tms_post(tms->profile, path, body, ret);
	if (e != ERR_OK)
		return e;
	if (ret->status != 200)
		return tms_read_refusal(ret->status, ret->body.data, ret->body.len, &tms->refusal);
	return ret->json ? ERR_OK : ERR_TMS_ANSWER;
}

/* Sends the body (taken; NULL is a failure of memory) as often as that length allows, and gives the whole answer. The caller frees the reply. */
static enum err
call(struct tms *tms, const char *path, json_t *body, enum tms_length length, struct tms_reply *ret)
{
	struct tms_patience patience = tms_patience_new(length);
	struct buf text = buf_new(BODY_MAX);
	enum err e = body != NULL ? json_dump(body, &text) : ERR_NO_MEMORY;

	*ret = tms_reply_new();
	if (e == ERR_OK)
		do
			e = post_once(tms, path, &text, ret);
		while (tms_is_worth_again(&patience, e, &tms->refusal));
	log_debug("tms", "path=%s status=%ld result=%s", path, ret->status, err_name(e));
	buf_free(&text);
	json_decref(body);
	return e;
}

/* ---- create ---- */

static json_t *
create_body(const struct tms *tms, const struct transcript_create *c, const unsigned char r[KEY_HASH_LEN])
{
	struct buf transcript = buf_new(TRANSCRIPT_MAX);
	json_t *body;

	transcript_create_request(&transcript, r);
	body = json_pack("{s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o}",
	    "token", token_name_json(&c->token),
	    "certificate", json_b64(c->certificate, c->certificate_len),
	    "reason", c->reason,
	    "language", c->language,
	    "host_kem_pk", json_b64(c->host_kem_pk, sizeof(c->host_kem_pk)),
	    "host_sig_pk", json_b64(c->host_sig_pk, sizeof(c->host_sig_pk)),
	    "idempotency_key", json_b64(c->idempotency_key, sizeof(c->idempotency_key)),
	    "signature", signed_by(tms->host_sig, &transcript));
	buf_free(&transcript);
	return body;
}

enum err
tms_create(struct tms *tms, const struct transcript_create *create, struct tms_created *ret)
{
	unsigned char r[KEY_HASH_LEN];
	struct tms_reply reply;
	enum err e = transcript_create_hash(create, r);

	if (e != ERR_OK)
		return e;
	e = call(tms, "/v1/requests", create_body(tms, create, r), TMS_SHORT, &reply);
	if (e == ERR_OK)
		e = tms_read_created(tms->profile, reply.body.data, reply.body.len, r, ret);
	tms_reply_free(&reply);
	return e;
}

/* ---- status, resend, cancel ---- */

enum err
tms_verb(struct tms *tms, const char *verb, const unsigned char id[TRANSCRIPT_ID_LEN], uint64_t counter, struct tms_status *ret)
{
	struct buf transcript = buf_new(TRANSCRIPT_MAX);
	char path[PATH_MAX_LEN];
	struct tms_reply reply;
	enum err e;

	path_of(id, verb, path);
	transcript_verb_request(&transcript, verb, id, counter);
	e = call(tms, path, json_pack("{s:I, s:o}", "counter", (json_int_t)counter, "signature", signed_by(tms->host_sig, &transcript)), TMS_ONCE, &reply);
	if (e == ERR_OK)
		e = tms_read_status(tms->profile, reply.body.data, reply.body.len, id, counter, ret);
	tms_reply_free(&reply);
	buf_free(&transcript);
	return e;
}

/* ---- release ---- */

static json_t *
release_body(const struct tms *tms, const struct tms_release_call *c)
{
	struct buf request = buf_new(TRANSCRIPT_MAX);
	struct buf proof = buf_new(TRANSCRIPT_MAX);
	json_t *body;

	transcript_release_request(&request, c->h);
	transcript_code_proof(&proof, c->h);
	body = json_pack("{s:o, s:o, s:o}",
	    "approval", json_b64(c->release->approval, sizeof(c->release->approval)),
	    "signature", signed_by(tms->host_sig, &request),
	    "proof", signed_by(c->code_key, &proof));
	buf_free(&request);
	buf_free(&proof);
	return body;
}

/* What does not open or unpack was sealed to somebody else or made by nobody who knows the contract. */
static enum err
open_released(const struct tms_release_call *c, const struct tms_sealed *sealed, struct tms_released *ret)
{
	unsigned char plain[TRANSCRIPT_SEALED_LEN];
	enum err e = hpke_open(c->host_kem, sealed->enc, c->h, KEY_HASH_LEN, NULL, 0, sealed->ciphertext, sizeof(sealed->ciphertext), plain);

	if (e == ERR_OK)
		e = transcript_unpack_release(plain, ret->nonce, ret->candidates, &ret->count);
	ret->family = sealed->family;
	ret->rotation = sealed->rotation;
	wipe(plain, sizeof(plain));
	return e == ERR_SEALED_INVALID ? ERR_TMS_ANSWER : e;
}

enum err
tms_release(struct tms *tms, const struct tms_release_call *c, struct tms_released *ret)
{
	char path[PATH_MAX_LEN];
	struct tms_reply reply;
	struct tms_sealed sealed;
	enum err e;

	path_of(c->release->id, "release", path);
	e = call(tms, path, release_body(tms, c), TMS_TYPED, &reply);
	if (e == ERR_OK)
		e = tms_read_released(tms->profile, reply.body.data, reply.body.len, c->h, &sealed);
	if (e == ERR_OK)
		e = open_released(c, &sealed, ret);
	tms_reply_free(&reply);
	return e;
}

/* ---- grant ---- */

static enum err
open_granted(const struct key_kem *host_kem, const unsigned char h[KEY_HASH_LEN], const struct tms_sealed *sealed, struct secret *ret_next)
{
	unsigned char plain[TRANSCRIPT_SEALED_LEN];
	struct buf info = buf_new(TRANSCRIPT_MAX);
	enum err e;

	transcript_grant_info(&info, h);
	e = buf_error(&info);
	if (e == ERR_OK)
		e = hpke_open(host_kem, sealed->enc, info.data, info.len, NULL, 0, sealed->ciphertext, sizeof(sealed->ciphertext), plain);
	if (e == ERR_OK)
		e = transcript_unpack_grant(plain, ret_next);
	wipe(plain, sizeof(plain));
	buf_free(&info);
	return e == ERR_SEALED_INVALID ? ERR_TMS_ANSWER : e;
}

enum err
tms_grant(struct tms *tms, const unsigned char id[TRANSCRIPT_ID_LEN], const unsigned char h[KEY_HASH_LEN], unsigned active,
    const struct key_kem *host_kem, struct secret *ret_next)
{
	struct buf transcript = buf_new(TRANSCRIPT_MAX);
	char path[PATH_MAX_LEN];
	struct tms_reply reply;
	struct tms_sealed sealed;
	enum err e;

	path_of(id, "grant", path);
	transcript_grant_request(&transcript, h, active);
	e = call(tms, path, json_pack("{s:i, s:o}", "active", (int)active, "signature", signed_by(tms->host_sig, &transcript)), TMS_HELD, &reply);
	if (e == ERR_OK)
		e = tms_read_granted(tms->profile, reply.body.data, reply.body.len, h, active, &sealed);
	if (e == ERR_OK)
		e = open_granted(host_kem, h, &sealed, ret_next);
	tms_reply_free(&reply);
	buf_free(&transcript);
	return e;
}

/* ---- done ---- */

static json_t *
done_body(const struct tms *tms, const unsigned char id[TRANSCRIPT_ID_LEN], const struct transcript_done *d)
{
	struct buf transcript = buf_new(TRANSCRIPT_MAX);
	json_t *body;

	transcript_done_request(&transcript, id, d);
	body = json_pack("{s:I, s:s, s:s, s:I, s:s, s:b, s:s, s:o, s:o}",
	    "counter", (json_int_t)d->counter,
	    "result", d->result,
	    "stage", d->stage,
	    "cryptoki", (json_int_t)d->cryptoki,
	    "error", d->error,
	    "rotated", d->rotated ? 1 : 0,
	    "proof_mechanism", d->proof_mechanism,
	    "proof", json_b64(d->proof, d->proof_len),
	    "signature", signed_by(tms->host_sig, &transcript));
	buf_free(&transcript);
	return body;
}

enum err
tms_done(struct tms *tms, const unsigned char id[TRANSCRIPT_ID_LEN], const struct transcript_done *done, struct tms_status *ret)
{
	char path[PATH_MAX_LEN];
	struct tms_reply reply;
	enum err e;

	path_of(id, "done", path);
	e = call(tms, path, done_body(tms, id, done), TMS_ONCE, &reply);
	if (e == ERR_OK)
		e = tms_read_status(tms->profile, reply.body.data, reply.body.len, id, done->counter, ret);
	tms_reply_free(&reply);
	return e;
}
