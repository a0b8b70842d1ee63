/* SPDX-License-Identifier: Apache-2.0 */
/* What is sealed in an unlock: the fields of its plaintexts, their padding, and the escrow row. The promises are in transcript.h. */
#include "hpke.h"
#include "transcript.h"

#include <assert.h>
#include <string.h>

#define ESCROW_INFO   "mokhoa-escrow-v1"
#define ESCROW_CT_LEN (TRANSCRIPT_ESCROW_LEN + HPKE_TAG_LEN)

static_assert(TRANSCRIPT_ESCROW_ROW_LEN == HPKE_ENC_LEN + ESCROW_CT_LEN, "an escrow row is enc and ciphertext");

/* What is left to be read of a plaintext. */
struct reader {
	const unsigned char *at;
	size_t left;
};

/* F(x); false where it reaches beyond the end. */
static bool
read_field(struct reader *r, const unsigned char **ret_bytes, size_t *ret_len)
{
	size_t len = r->left >= 2 ? (size_t)r->at[0] << 8 | r->at[1] : 0;

	if (r->left < 2 || len > r->left - 2)
		return false;
	*ret_bytes = r->at + 2;
	*ret_len = len;
	r->at += 2 + len;
	r->left -= 2 + len;
	return true;
}

static bool
is_so_pin_len(size_t len)
{
	return len >= 1 && len <= TRANSCRIPT_SO_PIN_MAX;
}

/* F(SO PIN) into ret, which is emptied where it is none. */
static bool
read_so_pin(struct reader *r, struct secret *ret)
{
	const unsigned char *bytes;
	size_t len;

	if (read_field(r, &bytes, &len) && is_so_pin_len(len))
		return secret_set(ret, bytes, len);
	secret_wipe(ret);
	return false;
}

/* F("") */
static bool
read_end(struct reader *r)
{
	struct reader before = *r;
	const unsigned char *bytes;
	size_t len;

	if (read_field(r, &bytes, &len) && len == 0)
		return true;
	*r = before;
	return false;
}

/* Every byte is looked at, so that the time says nothing of where the padding begins. */
static bool
is_padding(const struct reader *r)
{
	unsigned all = 0;

	for (size_t i = 0; i < r->left; i++)
		all |= r->at[i];
	return all == 0;
}

/* The fields in b, filled up with zeros to len; b is freed. */
static enum err
pad_and_free(struct buf *b, size_t len, unsigned char *ret_plain)
{
	enum err e = buf_error(b);

	if (e == ERR_OK) {
		memset(ret_plain, 0, len);
		memcpy(ret_plain, b->data, b->len);
	}
	buf_free(b);
	return e;
}

enum err
transcript_pack_release(const unsigned char nonce[TRANSCRIPT_ID_LEN], const struct secret *candidates, size_t count,
    unsigned char ret_plain[TRANSCRIPT_SEALED_LEN])
{
	struct buf b = buf_new(TRANSCRIPT_SEALED_LEN);

	if (count < 1 || count > 2)
		return ERR_SEALED_INVALID;
	for (size_t i = 0; i < count; i++)
		if (!is_so_pin_len(candidates[i].len))
			return ERR_SEALED_INVALID;
	transcript_field(&b, nonce, TRANSCRIPT_ID_LEN);
	for (size_t i = 0; i < count; i++)
		transcript_field(&b, candidates[i].bytes, candidates[i].len);
	transcript_text(&b, "");
	return pad_and_free(&b, TRANSCRIPT_SEALED_LEN, ret_plain);
}

enum err
transcript_unpack_release(const unsigned char plain[TRANSCRIPT_SEALED_LEN], unsigned char ret_nonce[TRANSCRIPT_ID_LEN],
    struct secret ret_candidates[2], size_t *ret_count)
{
	struct reader r = { plain, TRANSCRIPT_SEALED_LEN };
	const unsigned char *nonce;
	size_t nonce_len, count = 0;
	bool ended = false;

	secret_wipe(&ret_candidates[0]);
	secret_wipe(&ret_candidates[1]);
	if (!read_field(&r, &nonce, &nonce_len) || nonce_len != TRANSCRIPT_ID_LEN)
		return ERR_SEALED_INVALID;
	while (!ended && count < 2 && read_so_pin(&r, &ret_candidates[count])) {
		count++;
		ended = read_end(&r);
	}
	if (!ended || !is_padding(&r)) {
		secret_wipe(&ret_candidates[0]);
		secret_wipe(&ret_candidates[1]);
		return ERR_SEALED_INVALID;
	}
	memcpy(ret_nonce, nonce, TRANSCRIPT_ID_LEN);
	*ret_count = count;
	return ERR_OK;
}

enum err
transcript_pack_grant(const struct secret *next, unsigned char ret_plain[TRANSCRIPT_SEALED_LEN])
{
	struct buf b = buf_new(TRANSCRIPT_SEALED_LEN);

	if (!is_so_pin_len(next->len))
		return ERR_SEALED_INVALID;
	transcript_field(&b, next->bytes, next->len);
	transcript_text(&b, "");
	return pad_and_free(&b, TRANSCRIPT_SEALED_LEN, ret_plain);
}

enum err
transcript_unpack_grant(const unsigned char plain[TRANSCRIPT_SEALED_LEN], struct secret *ret_next)
{
	struct reader r = { plain, TRANSCRIPT_SEALED_LEN };

	if (read_so_pin(&r, ret_next) && read_end(&r) && is_padding(&r))
		return ERR_OK;
	secret_wipe(ret_next);
	return ERR_SEALED_INVALID;
}

enum err
transcript_seal_escrow(const unsigned char vault_pk[KEY_KEM_PK_LEN], const struct token_name *t, uint64_t version,
    const struct secret *so_pin, unsigned char ret_row[TRANSCRIPT_ESCROW_ROW_LEN])
{
	unsigned char plain[TRANSCRIPT_ESCROW_LEN] = { 0 };
	struct buf aad = buf_new(TRANSCRIPT_MAX), b = buf_new(TRANSCRIPT_ESCROW_LEN);
	enum err e = is_so_pin_len(so_pin->len) ? ERR_OK : ERR_SEALED_INVALID;

	transcript_escrow_aad(&aad, t, version);
	transcript_field(&b, so_pin->bytes, so_pin->len);
	if (e == ERR_OK)
		e = buf_error(&aad);
	if (e == ERR_OK)
		e = pad_and_free(&b, sizeof(plain), plain);
	if (e == ERR_OK)
		e = hpke_seal(vault_pk, ESCROW_INFO, strlen(ESCROW_INFO), aad.data, aad.len, plain, sizeof(plain), ret_row, ret_row + HPKE_ENC_LEN);
	wipe(plain, sizeof(plain));
	buf_free(&b);
	buf_free(&aad);
	return e;
}

enum err
transcript_open_escrow(const struct key_kem *vault, const struct token_name *t, uint64_t version,
    const unsigned char row[TRANSCRIPT_ESCROW_ROW_LEN], struct secret *ret_so_pin)
{
	unsigned char plain[TRANSCRIPT_ESCROW_LEN] = { 0 };
	struct reader r = { plain, sizeof(plain) };
	struct buf aad = buf_new(TRANSCRIPT_MAX);
	enum err e;

	secret_wipe(ret_so_pin);
	transcript_escrow_aad(&aad, t, version);
	e = buf_error(&aad);
	if (e == ERR_OK)
		e = hpke_open(vault, row, ESCROW_INFO, strlen(ESCROW_INFO), aad.data, aad.len, row + HPKE_ENC_LEN, ESCROW_CT_LEN, plain);
	if (e == ERR_OK && !(read_so_pin(&r, ret_so_pin) && is_padding(&r))) {
		secret_wipe(ret_so_pin);
		e = ERR_SEALED_INVALID;
	}
	wipe(plain, sizeof(plain));
	buf_free(&aad);
	return e;
}
