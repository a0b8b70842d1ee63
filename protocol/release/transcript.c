/* SPDX-License-Identifier: Apache-2.0 */
#include "transcript.h"

#include <stdio.h>
#include <string.h>

void
transcript_field(struct buf *b, const void *bytes, size_t len)
{
	const unsigned char head[2] = { (unsigned char)(len >> 8 & 255u), (unsigned char)(len & 255u) };

	if (len > 0xffff) {
		buf_fail(b, ERR_FRAME_TOO_LARGE);
		return;
	}
	buf_add(b, head, sizeof(head));
	buf_add(b, bytes, len);
}

void
transcript_text(struct buf *b, const char *text)
{
	transcript_field(b, text, strlen(text));
}

void
transcript_u64(struct buf *b, uint64_t n)
{
	unsigned char bytes[8];

	for (size_t i = sizeof(bytes); i-- > 0; n >>= 8)
		bytes[i] = (unsigned char)(n & 255u);
	transcript_field(b, bytes, sizeof(bytes));
}

void
transcript_token(struct buf *b, const struct token_name *t)
{
	transcript_text(b, t->manufacturer);
	transcript_text(b, t->model);
	transcript_text(b, t->serial);
}

static void
add_id(struct buf *b, const unsigned char id[TRANSCRIPT_ID_LEN])
{
	transcript_field(b, id, TRANSCRIPT_ID_LEN);
}

static void
add_hash(struct buf *b, const unsigned char hash[KEY_HASH_LEN])
{
	transcript_field(b, hash, KEY_HASH_LEN);
}

static void
add_host_keys(struct buf *b, const unsigned char kem_pk[KEY_KEM_PK_LEN], const unsigned char sig_pk[KEY_SIG_PK_LEN])
{
	transcript_field(b, kem_pk, KEY_KEM_PK_LEN);
	transcript_field(b, sig_pk, KEY_SIG_PK_LEN);
}

static enum err
hash_and_free(struct buf *b, unsigned char ret_hash[KEY_HASH_LEN])
{
	enum err e = buf_error(b);

	if (e == ERR_OK)
		e = key_hash(b->data, b->len, ret_hash);
	buf_free(b);
	return e;
}

/* ---- create ---- */

enum err
transcript_create_hash(const struct transcript_create *c, unsigned char ret_hash[KEY_HASH_LEN])
{
	struct buf b = buf_new(TRANSCRIPT_MAX);

	transcript_token(&b, &c->token);
	transcript_field(&b, c->certificate, c->certificate_len);
	transcript_text(&b, c->reason);
	transcript_text(&b, c->language);
	add_host_keys(&b, c->host_kem_pk, c->host_sig_pk);
	add_id(&b, c->idempotency_key);
	return hash_and_free(&b, ret_hash);
}

void
transcript_create_request(struct buf *b, const unsigned char r[KEY_HASH_LEN])
{
	transcript_text(b, "mokhoa-create-request-v1");
	add_hash(b, r);
}

void
transcript_create_answer(struct buf *b, const unsigned char id[TRANSCRIPT_ID_LEN], const unsigned char r[KEY_HASH_LEN],
    uint64_t expires, const char *hotline)
{
	transcript_text(b, "mokhoa-create-v1");
	add_id(b, id);
	add_hash(b, r);
	transcript_u64(b, expires);
	transcript_text(b, hotline);
}

/* ---- status, resend, cancel, done ---- */

void
transcript_verb_request(struct buf *b, const char *verb, const unsigned char id[TRANSCRIPT_ID_LEN], uint64_t counter)
{
	char label[64];
	int len = snprintf(label, sizeof(label), "mokhoa-%s-request-v1", verb);

	if (len < 0 || (size_t)len >= sizeof(label))
		buf_fail(b, ERR_INTERNAL);
	transcript_text(b, label);
	add_id(b, id);
	transcript_u64(b, counter);
}

static void
add_policy(struct buf *b, const struct token_policy *p)
{
	transcript_text(b, p != NULL ? family_name(p->family) : "");
	transcript_u64(b, p != NULL ? p->pin_min : 0);
	transcript_u64(b, p != NULL ? p->pin_max : 0);
	transcript_text(b, p != NULL ? characters_name(p->pin_characters) : "");
	transcript_u64(b, p != NULL && p->flags_reliable ? 1 : 0);
}

void
transcript_status_answer(struct buf *b, const unsigned char id[TRANSCRIPT_ID_LEN], uint64_t counter, const struct transcript_status *s)
{
	transcript_text(b, "mokhoa-status-v2");
	add_id(b, id);
	transcript_u64(b, counter);
	transcript_text(b, s->state);
	transcript_u64(b, s->expires);
	transcript_u64(b, s->code_expires);
	transcript_u64(b, s->retry_after);
	transcript_text(b, s->email);
	transcript_field(b, s->approval, s->approval != NULL ? TRANSCRIPT_ID_LEN : 0);
	transcript_text(b, s->note);
	add_policy(b, s->policy);
}

void
transcript_done_request(struct buf *b, const unsigned char id[TRANSCRIPT_ID_LEN], const struct transcript_done *d)
{
	transcript_text(b, "mokhoa-done-request-v1");
	add_id(b, id);
	transcript_u64(b, d->counter);
	transcript_text(b, d->result);
	transcript_text(b, d->stage);
	transcript_u64(b, d->cryptoki);
	transcript_text(b, d->error);
	transcript_u64(b, d->rotated ? 1 : 0);
	transcript_text(b, d->proof_mechanism);
	transcript_field(b, d->proof, d->proof_len);
}

/* ---- release ---- */

enum err
transcript_release_hash(const struct transcript_release *r, unsigned char ret_h[KEY_HASH_LEN])
{
	struct buf b = buf_new(TRANSCRIPT_MAX);

	transcript_text(&b, "mokhoa-release-v1");
	add_id(&b, r->id);
	add_id(&b, r->approval);
	add_host_keys(&b, r->host_kem_pk, r->host_sig_pk);
	transcript_token(&b, &r->token);
	transcript_field(&b, r->certificate_serial, r->certificate_serial_len);
	return hash_and_free(&b, ret_h);
}

void
transcript_release_request(struct buf *b, const unsigned char h[KEY_HASH_LEN])
{
	transcript_text(b, "mokhoa-release-request-v1");
	add_hash(b, h);
}

void
transcript_code_proof(struct buf *b, const unsigned char h[KEY_HASH_LEN])
{
	transcript_text(b, "mokhoa-code-proof-v1");
	add_hash(b, h);
}

void
transcript_release_answer(struct buf *b, const unsigned char h[KEY_HASH_LEN], const void *enc, size_t enc_len, const void *ct, size_t ct_len,
    enum family family, bool rotation)
{
	transcript_text(b, "mokhoa-release-answer-v2");
	add_hash(b, h);
	transcript_field(b, enc, enc_len);
	transcript_field(b, ct, ct_len);
	transcript_text(b, family_name(family));
	transcript_u64(b, rotation ? 1 : 0);
}

/* ---- grant and proof ---- */

void
transcript_grant_request(struct buf *b, const unsigned char h[KEY_HASH_LEN], uint64_t active)
{
	transcript_text(b, "mokhoa-grant-request-v1");
	add_hash(b, h);
	transcript_u64(b, active);
}

void
transcript_grant_answer(struct buf *b, const unsigned char h[KEY_HASH_LEN], uint64_t active, const void *enc, size_t enc_len,
    const void *ct, size_t ct_len)
{
	transcript_text(b, "mokhoa-grant-answer-v1");
	add_hash(b, h);
	transcript_u64(b, active);
	transcript_field(b, enc, enc_len);
	transcript_field(b, ct, ct_len);
}

void
transcript_grant_info(struct buf *b, const unsigned char h[KEY_HASH_LEN])
{
	transcript_text(b, "mokhoa-grant-v1");
	add_hash(b, h);
}

void
transcript_unlocked(struct buf *b, const unsigned char h[KEY_HASH_LEN], const unsigned char nonce[TRANSCRIPT_ID_LEN])
{
	transcript_text(b, "mokhoa-unlocked-v1");
	add_hash(b, h);
	add_id(b, nonce);
}

void
transcript_escrow_aad(struct buf *b, const struct token_name *t, uint64_t version)
{
	transcript_token(b, t);
	transcript_u64(b, version);
}
