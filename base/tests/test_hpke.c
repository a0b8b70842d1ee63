/* SPDX-License-Identifier: Apache-2.0 */
#include "hpke.h"
#include "check.h"
#include "hex.h"
#include "hpke_internal.h"

/* RFC 9180, A.3.1: base mode, the encryption with sequence number 0 */
#define SK_EM "4995788ef4b9d6132b249ce59a77281493eb39af373d236a1fe415cb0c2d7beb"
#define SK_RM "f3ce7fdae57e1a310d87f1ebbde6f328be0a99cdbcadf4d6589cf29de4b8ffd2"
#define PK_RM "04fe8c19ce0905191ebc298a9245792531f26f0cece2460639e8bc39cb7f706a826a779b4cf969b8a0e539c7f62fb3d30ad6aa8f80e30f1d128aafd68a2ce72ea0"
#define ENC   "04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325ac98536d7b61a1af4b78e5b7f951c0900be863c403ce65c9bfcb9382657222d18c4"
#define INFO  "4f6465206f6e2061204772656369616e2055726e"
#define AAD   "436f756e742d30"
#define PT    "4265617574792069732074727574682c20747275746820626561757479"
#define CT    "5ad590bb8baa577f8619db35a36311226a896e7342a6d836d8b7bcd2f20b6c7f9076ac232e3ab2523f39513434"

#define PT_LEN 29
#define CT_LEN (PT_LEN + HPKE_TAG_LEN)

struct vector {
	struct key_kem *recipient;
	unsigned char info[20], aad[7], plain[PT_LEN];
	unsigned char enc[HPKE_ENC_LEN], ct[CT_LEN];
};

static struct key_kem *
kem_of(const char *sk_text)
{
	unsigned char sk[KEY_KEM_SK_LEN];

	hex_bytes(sk_text, sk, sizeof(sk));
	return key_kem_from_private(sk);
}

static struct vector
vector_of_the_rfc(void)
{
	struct vector v = { .recipient = kem_of(SK_RM) };

	hex_bytes(INFO, v.info, sizeof(v.info));
	hex_bytes(AAD, v.aad, sizeof(v.aad));
	hex_bytes(PT, v.plain, sizeof(v.plain));
	hex_bytes(ENC, v.enc, sizeof(v.enc));
	hex_bytes(CT, v.ct, sizeof(v.ct));
	return v;
}

static enum err
open_it(const struct vector *v, unsigned char *ret_plain)
{
	return hpke_open(v->recipient, v->enc, v->info, sizeof(v->info), v->aad, sizeof(v->aad), v->ct, sizeof(v->ct), ret_plain);
}

static void
sealing_is_the_one_of_rfc_9180(void)
{
	struct vector v = vector_of_the_rfc();
	struct key_kem *ephemeral = kem_of(SK_EM);
	unsigned char pk[KEY_KEM_PK_LEN], enc[HPKE_ENC_LEN], ct[CT_LEN], plain[PT_LEN];

	CHECK(v.recipient != NULL && ephemeral != NULL);
	key_kem_public(v.recipient, pk);
	CHECK(hex_equal(pk, sizeof(pk), PK_RM));
	CHECK(hpke_seal_with(ephemeral, pk, v.info, sizeof(v.info), v.aad, sizeof(v.aad), v.plain, PT_LEN, enc, ct) == ERR_OK);
	CHECK(hex_equal(enc, sizeof(enc), ENC));
	CHECK(hex_equal(ct, sizeof(ct), CT));
	CHECK(open_it(&v, plain) == ERR_OK && hex_equal(plain, sizeof(plain), PT));
	key_kem_free(ephemeral);
	key_kem_free(v.recipient);
}

static void
expect_refused(const struct vector *v)
{
	static const unsigned char zeros[PT_LEN];
	unsigned char plain[PT_LEN];

	memset(plain, 'p', sizeof(plain));
	CHECK(open_it(v, plain) == ERR_SEALED_INVALID && memcmp(plain, zeros, sizeof(plain)) == 0);
}

static void
flip_each(struct vector *v, unsigned char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bytes[i] ^= (unsigned char)(1u << i % 8);
		expect_refused(v);
		bytes[i] ^= (unsigned char)(1u << i % 8);
	}
}

static void
a_changed_bit_anywhere_is_refused(void)
{
	struct vector v = vector_of_the_rfc();
	struct key_kem *right = v.recipient;

	flip_each(&v, v.enc, sizeof(v.enc));
	flip_each(&v, v.ct, sizeof(v.ct));
	flip_each(&v, v.info, sizeof(v.info));
	flip_each(&v, v.aad, sizeof(v.aad));
	v.recipient = key_kem_new();
	expect_refused(&v);
	key_kem_free(v.recipient);
	key_kem_free(right);
}

static void
a_short_ciphertext_is_refused(void)
{
	struct vector v = vector_of_the_rfc();
	unsigned char plain[PT_LEN];

	for (size_t len = 0; len < CT_LEN; len++)
		CHECK(hpke_open(v.recipient, v.enc, v.info, sizeof(v.info), v.aad, sizeof(v.aad), v.ct, len, plain) == ERR_SEALED_INVALID);
	key_kem_free(v.recipient);
}

static void
what_is_sealed_opens(void)
{
	static const size_t lengths[] = { 0, 1, 16, 64, 256, 5000 };
	static unsigned char plain[5000], back[5000], ct[5000 + HPKE_TAG_LEN];
	struct key_kem *key = key_kem_new();
	unsigned char pk[KEY_KEM_PK_LEN], enc[HPKE_ENC_LEN], enc_again[HPKE_ENC_LEN];

	key_kem_public(key, pk);
	memset(plain, 's', sizeof(plain));
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		CHECK(hpke_seal(pk, "info", 4, NULL, 0, plain, lengths[i], enc, ct) == ERR_OK);
		CHECK(hpke_open(key, enc, "info", 4, NULL, 0, ct, lengths[i] + HPKE_TAG_LEN, back) == ERR_OK && memcmp(plain, back, lengths[i]) == 0);
		CHECK(hpke_open(key, enc, NULL, 0, NULL, 0, ct, lengths[i] + HPKE_TAG_LEN, back) == ERR_SEALED_INVALID);
	}
	CHECK(hpke_seal(pk, "info", 4, NULL, 0, plain, 16, enc_again, ct) == ERR_OK && memcmp(enc, enc_again, sizeof(enc)) != 0);
	pk[7] ^= 1;
	CHECK(hpke_seal(pk, "info", 4, NULL, 0, plain, 16, enc, ct) == ERR_SEALED_INVALID);
	key_kem_free(key);
}

int
main(void)
{
	sealing_is_the_one_of_rfc_9180();
	a_changed_bit_anywhere_is_refused();
	a_short_ciphertext_is_refused();
	what_is_sealed_opens();
	return CHECK_DONE();
}
