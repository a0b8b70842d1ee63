/* SPDX-License-Identifier: Apache-2.0 */
#include "open.h"

#include "buf.h"
#include "hpke.h"
#include "so_pin.h"

#include <string.h>

static enum err
reseal(const struct ring *ring, struct open *o, const struct vault_request *q, struct vault_reply *reply)
{
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < q->count; i++)
		e = ring_open(ring, &q->token, &q->rows[i], &o->rows[i]);
	if (e == ERR_OK)
		e = transcript_pack_release(q->nonce, o->rows, q->count, o->plain);
	if (e == ERR_OK)
		e = hpke_seal(q->to, q->h, sizeof(q->h), NULL, 0, o->plain, sizeof(o->plain), reply->answer.enc, reply->answer.ciphertext);
	return e;
}

/* A grant answer with the next SO PIN in it. */
static enum err
seal_grant(struct open *o, const struct vault_request *q, const struct secret *next, struct vault_answer *answer)
{
	struct buf info = buf_new(TRANSCRIPT_MAX);
	enum err e = transcript_pack_grant(next, o->plain);

	transcript_grant_info(&info, q->h);
	if (e == ERR_OK)
		e = buf_error(&info);
	if (e == ERR_OK)
		e = hpke_seal(q->to, info.data, info.len, NULL, 0, o->plain, sizeof(o->plain), answer->enc, answer->ciphertext);
	buf_free(&info);
	return e;
}

static enum err
renew(const struct ring *ring, struct open *o, const struct vault_request *q, struct vault_reply *reply)
{
	const struct vault_row *row = &q->rows[0];
	enum err e;

	/* versions are whole numbers of JSON on the wire */
	if (row->version >= INT64_MAX)
		return ERR_VAULT_REFUSED;
	reply->next.version = row->version + 1;
	e = ring_open(ring, &q->token, row, &o->rows[0]);
	if (e == ERR_OK)
		e = so_pin_next(&o->rows[0], &q->format, &o->next);
	if (e == ERR_OK)
		e = ring_seal(ring, &q->token, &o->next, &reply->next);
	if (e == ERR_OK)
		e = seal_grant(o, q, &o->next, &reply->answer);
	return e;
}

static enum err
regrant(const struct ring *ring, struct open *o, const struct vault_request *q, struct vault_reply *reply)
{
	enum err e = ring_open(ring, &q->token, &q->rows[0], &o->rows[0]);

	return e == ERR_OK ? seal_grant(o, q, &o->rows[0], &reply->answer) : e;
}

static enum err
compare(const struct ring *ring, struct open *o, const struct vault_request *q, struct vault_reply *reply)
{
	enum err e = ring_open(ring, &q->token, &q->rows[0], &o->rows[0]);

	if (e == ERR_OK)
		e = ring_open(ring, &q->token, &q->rows[1], &o->rows[1]);
	if (e == ERR_OK)
		reply->equal = secret_equal(&o->rows[0], &o->rows[1]);
	return e;
}

static enum err
rewrap(const struct ring *ring, struct open *o, const struct vault_request *q, struct vault_reply *reply)
{
	enum err e = ring_open(ring, &q->token, &q->rows[0], &o->rows[0]);

	reply->next.version = q->rows[0].version;
	return e == ERR_OK ? ring_seal(ring, &q->token, &o->rows[0], &reply->next) : e;
}

static enum err
keys(const struct ring *ring, struct open *o, const struct vault_request *q, struct vault_reply *reply)
{
	(void)o;
	(void)q;
	reply->keys.count = ring->count;
	memcpy(reply->keys.ids, ring->ids, sizeof(reply->keys.ids));
	return ERR_OK;
}

static enum err
write_line(const struct keyring_key *key, enum err e, struct vault_reply *reply)
{
	if (e == ERR_OK)
		keyring_line(key, reply->line);
	return e;
}

static enum err
make(const struct ring *ring, struct open *o, const struct vault_request *q, struct vault_reply *reply)
{
	struct keyring_key key;

	(void)o;
	(void)q;
	return ring->hsm != NULL ? write_line(&key, hsm_make(ring->hsm, &key), reply) : ERR_CONFIG_INVALID;
}

static enum err
adopt(const struct ring *ring, struct open *o, const struct vault_request *q, struct vault_reply *reply)
{
	struct keyring_key key;

	(void)o;
	return ring->hsm != NULL ? write_line(&key, hsm_adopt(ring->hsm, q->name, &key), reply) : ERR_CONFIG_INVALID;
}

static enum err
check(const struct ring *ring, struct open *o, const struct vault_request *q, struct vault_reply *reply)
{
	enum err e = ring_try(ring);

	return e == ERR_OK ? keys(ring, o, q, reply) : e;
}

static const struct {
	enum err (*run)(const struct ring *ring, struct open *o, const struct vault_request *q, struct vault_reply *reply);
	bool for_a_machine; /* seals to the key that came with it */
} verbs[VAULT_VERB_COUNT] = {
	[VAULT_RESEAL] = { reseal, true },
	[VAULT_RENEW] = { renew, true },
	[VAULT_REGRANT] = { regrant, true },
	[VAULT_COMPARE] = { compare, false },
	[VAULT_REWRAP] = { rewrap, false },
	[VAULT_KEYS] = { keys, false },
	[VAULT_MAKE] = { make, false },
	[VAULT_ADOPT] = { adopt, false },
	[VAULT_CHECK] = { check, false },
};

enum err
open_run(const struct ring *ring, struct open *open, const struct vault_request *q, struct vault_reply *ret_reply)
{
	struct vault_reply reply = { .equal = false };
	enum err e;

	if (verbs[q->verb].for_a_machine && !key_kem_public_ok(q->to))
		return ERR_VAULT_REFUSED;
	e = verbs[q->verb].run(ring, open, q, &reply);
	wipe(open, sizeof(*open));
	if (e == ERR_OK)
		*ret_reply = reply;
	return e;
}
