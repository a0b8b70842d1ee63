/* SPDX-License-Identifier: Apache-2.0 */
#include "open.h"

#include "buf.h"
#include "hpke.h"
#include "so_pin.h"

#include <string.h>

static enum err
reseal(const struct key_kem *vault, const struct vault_request *q, struct vault_reply *reply)
{
	struct secret candidates[VAULT_ROWS_MAX] = { 0 };
	unsigned char plain[TRANSCRIPT_SEALED_LEN];
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < q->count; i++)
		e = transcript_open_escrow(vault, &q->token, q->rows[i].version, q->rows[i].sealed, &candidates[i]);
	if (e == ERR_OK)
		e = transcript_pack_release(q->nonce, candidates, q->count, plain);
	if (e == ERR_OK)
		e = hpke_seal(q->to, q->h, sizeof(q->h), NULL, 0, plain, sizeof(plain), reply->answer.enc, reply->answer.ciphertext);
	wipe(plain, sizeof(plain));
	wipe(candidates, sizeof(candidates));
	return e;
}

/* A grant answer with the next SO PIN in it. */
static enum err
seal_grant(const struct vault_request *q, const struct secret *next, struct vault_answer *answer)
{
	struct buf info = buf_new(TRANSCRIPT_MAX);
	unsigned char plain[TRANSCRIPT_SEALED_LEN];
	enum err e = transcript_pack_grant(next, plain);

	transcript_grant_info(&info, q->h);
	if (e == ERR_OK)
		e = buf_error(&info);
	if (e == ERR_OK)
		e = hpke_seal(q->to, info.data, info.len, NULL, 0, plain, sizeof(plain), answer->enc, answer->ciphertext);
	wipe(plain, sizeof(plain));
	buf_free(&info);
	return e;
}

static enum err
renew(const struct key_kem *vault, const struct vault_request *q, struct vault_reply *reply)
{
	const struct vault_row *row = &q->rows[0];
	struct secret current = { 0 };
	struct secret next = { 0 };
	unsigned char pk[KEY_KEM_PK_LEN];
	enum err e;

	/* versions are whole numbers of JSON on the wire */
	if (row->version >= INT64_MAX)
		return ERR_VAULT_REFUSED;
	key_kem_public(vault, pk);
	reply->next.version = row->version + 1;
	e = transcript_open_escrow(vault, &q->token, row->version, row->sealed, &current);
	if (e == ERR_OK)
		e = so_pin_next(&current, &q->format, &next);
	if (e == ERR_OK)
		e = transcript_seal_escrow(pk, &q->token, reply->next.version, &next, reply->next.sealed);
	if (e == ERR_OK)
		e = seal_grant(q, &next, &reply->answer);
	secret_wipe(&current);
	secret_wipe(&next);
	return e;
}

static enum err
regrant(const struct key_kem *vault, const struct vault_request *q, struct vault_reply *reply)
{
	struct secret next = { 0 };
	enum err e = transcript_open_escrow(vault, &q->token, q->rows[0].version, q->rows[0].sealed, &next);

	if (e == ERR_OK)
		e = seal_grant(q, &next, &reply->answer);
	secret_wipe(&next);
	return e;
}

static enum err (*const verbs[VAULT_VERB_COUNT])(const struct key_kem *vault, const struct vault_request *q, struct vault_reply *reply) = {
	[VAULT_RESEAL] = reseal,
	[VAULT_RENEW] = renew,
	[VAULT_REGRANT] = regrant,
};

enum err
open_run(const struct key_kem *vault, const struct vault_request *q, struct vault_reply *ret_reply)
{
	struct vault_reply reply = { 0 };
	enum err e;

	if (!key_kem_public_ok(q->to))
		return ERR_VAULT_REFUSED;
	e = verbs[q->verb](vault, q, &reply);
	if (e == ERR_OK)
		*ret_reply = reply;
	return e;
}
