/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transcript: the byte strings that are signed, hashed and sealed in an unlock (README.md, "Worker to TMS"), made of F(x): a 16-bit
 * big-endian length, then x. Both sides build them here, so that they cannot differ.
 *
 * Signed transcripts are appended to a buf; look at buf_error() once at the end. Pure functions; any thread.
 */
#ifndef MOKHOA_TRANSCRIPT_H
#define MOKHOA_TRANSCRIPT_H

#include "buf.h"
#include "err.h"
#include "key.h"
#include "op.h"
#include "secret.h"
#include "token_name.h"
#include "token_policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRANSCRIPT_MAX		  16384				    /* bytes of the longest: a create request with its certificate */
#define TRANSCRIPT_ID_LEN	  16				    /* request id, approval id, idempotency key, nonce */
#define TRANSCRIPT_SEALED_LEN	  256				    /* plaintext of release and grant answers */
#define TRANSCRIPT_ESCROW_LEN	  64				    /* plaintext of an escrow row */
#define TRANSCRIPT_ESCROW_ROW_LEN (65 + TRANSCRIPT_ESCROW_LEN + 16) /* enc, ciphertext, tag */
#define TRANSCRIPT_ESCROW_FIRST	  1				    /* version of a row that people have sealed: imported, or entered; each rotation has one more */
#define TRANSCRIPT_SO_PIN_MAX	  (TRANSCRIPT_ESCROW_LEN - 2)

void transcript_field(struct buf *b, const void *bytes, size_t len);
void transcript_text(struct buf *b, const char *text);
void transcript_u64(struct buf *b, uint64_t n);
void transcript_token(struct buf *b, const struct token_name *t);

struct transcript_create {
	struct token_name token;
	const unsigned char *certificate; /* DER, borrowed */
	size_t certificate_len;		  /* 0 without one */
	const char *reason;		  /* "locked" or "forgotten" */
	const char *language;		  /* "vi" or "en" */
	unsigned char host_kem_pk[KEY_KEM_PK_LEN];
	unsigned char host_sig_pk[KEY_SIG_PK_LEN];
	unsigned char idempotency_key[TRANSCRIPT_ID_LEN];
};

/* R */
enum err transcript_create_hash(const struct transcript_create *c, unsigned char ret_hash[KEY_HASH_LEN]);
void transcript_create_request(struct buf *b, const unsigned char r[KEY_HASH_LEN]);
void transcript_create_answer(struct buf *b, const unsigned char id[TRANSCRIPT_ID_LEN], const unsigned char r[KEY_HASH_LEN],
    uint64_t expires, const char *hotline);

/* verb is "status", "resend" or "cancel". */
void transcript_verb_request(struct buf *b, const char *verb, const unsigned char id[TRANSCRIPT_ID_LEN], uint64_t counter);

struct transcript_status {
	const char *state; /* wire name as the customer is told */
	uint64_t expires;
	uint64_t code_expires;
	uint64_t retry_after;
	const char *email;	       /* masked */
	const unsigned char *approval; /* TRANSCRIPT_ID_LEN bytes, or NULL */
	const char *note;
	const struct token_policy *policy; /* once approved, else NULL */
};

void transcript_status_answer(struct buf *b, const unsigned char id[TRANSCRIPT_ID_LEN], uint64_t counter, const struct transcript_status *s);

struct transcript_release {
	unsigned char id[TRANSCRIPT_ID_LEN];
	unsigned char approval[TRANSCRIPT_ID_LEN];
	unsigned char host_kem_pk[KEY_KEM_PK_LEN];
	unsigned char host_sig_pk[KEY_SIG_PK_LEN];
	struct token_name token;
	const unsigned char *certificate_serial; /* content bytes of the DER INTEGER, borrowed */
	size_t certificate_serial_len;		 /* 0 without a certificate */
};

/* h */
enum err transcript_release_hash(const struct transcript_release *r, unsigned char ret_h[KEY_HASH_LEN]);
void transcript_release_request(struct buf *b, const unsigned char h[KEY_HASH_LEN]);
void transcript_code_proof(struct buf *b, const unsigned char h[KEY_HASH_LEN]);
void transcript_release_answer(struct buf *b, const unsigned char h[KEY_HASH_LEN], const void *enc, size_t enc_len, const void *ct, size_t ct_len,
    enum family family, bool rotation);
void transcript_grant_request(struct buf *b, const unsigned char h[KEY_HASH_LEN], uint64_t active);
void transcript_grant_answer(struct buf *b, const unsigned char h[KEY_HASH_LEN], uint64_t active, const void *enc, size_t enc_len,
    const void *ct, size_t ct_len);
void transcript_grant_info(struct buf *b, const unsigned char h[KEY_HASH_LEN]);

struct transcript_done {
	uint64_t counter;
	const char *result; /* "completed" or "failed" */
	const char *stage;  /* stage.def */
	uint64_t cryptoki;  /* CK_RV, 0 where no call failed */
	const char *error;  /* err_name() */
	bool rotated;
	const char *proof_mechanism; /* "ecdsa-sha256", "rsa-pkcs1-sha256" or "" */
	const unsigned char *proof;  /* borrowed */
	size_t proof_len;
};

void transcript_done_request(struct buf *b, const unsigned char id[TRANSCRIPT_ID_LEN], const struct transcript_done *d);
void transcript_unlocked(struct buf *b, const unsigned char h[KEY_HASH_LEN], const unsigned char nonce[TRANSCRIPT_ID_LEN]);

void transcript_escrow_aad(struct buf *b, const struct token_name *t, uint64_t version);

/* Sealed plaintexts, with their padding. Unpacking refuses loose bytes behind the end (ERR_SEALED_INVALID). The caller wipes. */
enum err transcript_pack_release(const unsigned char nonce[TRANSCRIPT_ID_LEN], const struct secret *candidates, size_t count,
    unsigned char ret_plain[TRANSCRIPT_SEALED_LEN]);
enum err transcript_unpack_release(const unsigned char plain[TRANSCRIPT_SEALED_LEN], unsigned char ret_nonce[TRANSCRIPT_ID_LEN],
    struct secret ret_candidates[2], size_t *ret_count);
enum err transcript_pack_grant(const struct secret *next, unsigned char ret_plain[TRANSCRIPT_SEALED_LEN]);
enum err transcript_unpack_grant(const unsigned char plain[TRANSCRIPT_SEALED_LEN], struct secret *ret_next);

/* Seals one SO PIN to the vault: TRANSCRIPT_ESCROW_ROW_LEN bytes. Opening needs the vault's key (key.h), so it is the vault's. */
enum err transcript_seal_escrow(const unsigned char vault_pk[KEY_KEM_PK_LEN], const struct token_name *t, uint64_t version,
    const struct secret *so_pin, unsigned char ret_row[TRANSCRIPT_ESCROW_ROW_LEN]);
enum err transcript_open_escrow(const struct key_kem *vault, const struct token_name *t, uint64_t version,
    const unsigned char row[TRANSCRIPT_ESCROW_ROW_LEN], struct secret *ret_so_pin);

#endif
