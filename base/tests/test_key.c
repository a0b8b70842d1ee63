/* SPDX-License-Identifier: Apache-2.0 */
#include "key.h"
#include "check.h"
#include "hex.h"

/* NIST CAVP, ECC CDH, P-256, count 0 */
#define CAVP_SK	  "7d7dc5f71eb29ddaf80d6214632eeae03d9058af1fb6d22ed80badb62bc1a534"
#define CAVP_PK	  "04ead218590119e8876b29146ff89ca61770c4edbbf97d38ce385ed281d8a6b23028af61281fd35e2fa7002523acc85a429cb06ee6648325389f59edfce1405141"
#define CAVP_PEER "04700c48f77f56584c5cc632ca65640db91b6bacce3a4df6b42ce7cc838833d287db71e509e3fd9b060ddb20ba5c51dcc5948d46fbf640dfe0441782cab85fa4ac"
#define CAVP_X	  "46fc62106420ff012e54a434fbdd2d25ccc5852060561e68040dd7778997bd7b"
#define P256_N	  "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
#define P256_N_1  "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550"

static void
agreement_is_the_one_of_cavp(void)
{
	unsigned char sk[32], pk[65], peer[65], x[32];
	struct key_kem *key;

	hex_bytes(CAVP_SK, sk, sizeof(sk));
	hex_bytes(CAVP_PEER, peer, sizeof(peer));
	key = key_kem_from_private(sk);
	CHECK(key != NULL);
	key_kem_public(key, pk);
	CHECK(hex_equal(pk, sizeof(pk), CAVP_PK));
	memset(sk, 0, sizeof(sk));
	key_kem_private(key, sk);
	CHECK(hex_equal(sk, sizeof(sk), CAVP_SK));
	CHECK(key_kem_agree(key, peer, x) == ERR_OK && hex_equal(x, sizeof(x), CAVP_X));
	key_kem_free(key);
}

static void
fresh_keys_agree_and_differ(void)
{
	struct key_kem *a = key_kem_new(), *b = key_kem_new();
	unsigned char a_pk[65], b_pk[65], a_x[32], b_x[32];

	CHECK(a != NULL && b != NULL);
	key_kem_public(a, a_pk);
	key_kem_public(b, b_pk);
	CHECK(memcmp(a_pk, b_pk, 65) != 0 && key_kem_public_ok(a_pk));
	CHECK(key_kem_agree(a, b_pk, a_x) == ERR_OK && key_kem_agree(b, a_pk, b_x) == ERR_OK && memcmp(a_x, b_x, 32) == 0);
	key_kem_free(a);
	key_kem_free(b);
	key_kem_free(NULL);
}

/* What keeps a private half elsewhere, and what it was asked. */
struct elsewhere {
	struct key_kem *kept;
	enum err says;
	unsigned asked;
};

static enum err
agree_elsewhere(void *context, const unsigned char peer_pk[KEY_KEM_PK_LEN], unsigned char ret_x[KEY_KEM_X_LEN])
{
	struct elsewhere *there = context;

	there->asked++;
	return there->says == ERR_OK ? key_kem_agree(there->kept, peer_pk, ret_x) : there->says;
}

static void
a_private_half_may_be_elsewhere(void)
{
	struct elsewhere there = { .kept = key_kem_new(), .says = ERR_OK };
	struct key_kem *peer = key_kem_new(), *key;
	unsigned char pk[65], got_pk[65], peer_pk[65], x[32], peer_x[32], sk[32], none[32] = { 0 };

	key_kem_public(there.kept, pk);
	key_kem_public(peer, peer_pk);
	key = key_kem_elsewhere(pk, agree_elsewhere, &there);
	CHECK(key != NULL);
	key_kem_public(key, got_pk);
	CHECK(memcmp(got_pk, pk, sizeof(pk)) == 0);
	CHECK(key_kem_agree(key, peer_pk, x) == ERR_OK && key_kem_agree(peer, pk, peer_x) == ERR_OK && memcmp(x, peer_x, sizeof(x)) == 0);
	key_kem_private(key, sk);
	CHECK(memcmp(sk, none, sizeof(sk)) == 0);
	there.says = ERR_HSM_UNAVAILABLE;
	CHECK(key_kem_agree(key, peer_pk, x) == ERR_HSM_UNAVAILABLE && there.asked == 2);
	/* it is never asked about what is no point */
	peer_pk[64] ^= 1;
	CHECK(key_kem_agree(key, peer_pk, x) == ERR_SEALED_INVALID && there.asked == 2);
	pk[64] ^= 1;
	CHECK(key_kem_elsewhere(pk, agree_elsewhere, &there) == NULL);
	key_kem_free(key);
	key_kem_free(peer);
	key_kem_free(there.kept);
}

static void
bad_points_are_refused(void)
{
	struct key_kem *key = key_kem_new();
	unsigned char good[65], bad[65], x[32];
	unsigned taken = 0;

	hex_bytes(CAVP_PEER, good, sizeof(good));
	CHECK(key_kem_public_ok(good));
	for (unsigned first = 0; first < 256; first++) {
		memcpy(bad, good, sizeof(bad));
		bad[0] = (unsigned char)first;
		taken += key_kem_public_ok(bad) ? 1 : 0;
	}
	CHECK(taken == 1);
	for (unsigned bit = 8; bit < 8 * 65; bit += 13) {
		memcpy(bad, good, sizeof(bad));
		bad[bit / 8] ^= (unsigned char)(1u << bit % 8);
		CHECK(!key_kem_public_ok(bad) && key_kem_agree(key, bad, x) == ERR_SEALED_INVALID);
	}
	memset(bad, 0, sizeof(bad));
	CHECK(!key_kem_public_ok(bad));
	bad[0] = 4;
	CHECK(!key_kem_public_ok(bad));
	memset(bad + 1, 0xff, sizeof(bad) - 1);
	CHECK(!key_kem_public_ok(bad));
	key_kem_free(key);
}

static void
private_numbers_have_a_range(void)
{
	unsigned char sk[32] = { 0 };
	struct key_kem *key;

	CHECK(key_kem_from_private(sk) == NULL);
	sk[31] = 1;
	key = key_kem_from_private(sk);
	CHECK(key != NULL);
	key_kem_free(key);
	hex_bytes(P256_N_1, sk, sizeof(sk));
	key = key_kem_from_private(sk);
	CHECK(key != NULL);
	key_kem_free(key);
	hex_bytes(P256_N, sk, sizeof(sk));
	CHECK(key_kem_from_private(sk) == NULL);
	memset(sk, 0xff, sizeof(sk));
	CHECK(key_kem_from_private(sk) == NULL);
}

/* RFC 8032, 7.1: TEST 1 to TEST 3 */
static void
signatures_are_those_of_rfc_8032(void)
{
	static const struct {
		const char *seed;
		const char *pk;
		const char *message;
		const char *signature;
	} cases[] = {
		{ "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
		    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b" },
		{ "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
		    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00" },
		{ "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
		    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned char seed[32], pk[32], message[2], signature[64];
		size_t len = strlen(cases[i].message) / 2;
		struct key_sig *key;

		hex_bytes(cases[i].seed, seed, sizeof(seed));
		hex_bytes(cases[i].message, message, len);
		key = key_sig_from_seed(seed);
		CHECK(key != NULL);
		key_sig_public(key, pk);
		CHECK(hex_equal(pk, sizeof(pk), cases[i].pk));
		memset(seed, 0, sizeof(seed));
		key_sig_private(key, seed);
		CHECK(hex_equal(seed, sizeof(seed), cases[i].seed));
		CHECK(key_sig_sign(key, message, len, signature) == ERR_OK && hex_equal(signature, sizeof(signature), cases[i].signature));
		CHECK(key_sig_verify(pk, message, len, signature));
		key_sig_free(key);
	}
}

static void
a_changed_bit_breaks_a_signature(void)
{
	struct key_sig *key = key_sig_new(), *other = key_sig_new();
	unsigned char pk[32], other_pk[32], signature[64], message[] = "F(mokhoa-release-request-v1)F(h)";

	CHECK(key != NULL && other != NULL);
	key_sig_public(key, pk);
	key_sig_public(other, other_pk);
	CHECK(key_sig_sign(key, message, sizeof(message), signature) == ERR_OK && key_sig_verify(pk, message, sizeof(message), signature));
	CHECK(!key_sig_verify(other_pk, message, sizeof(message), signature) && !key_sig_verify(pk, message, sizeof(message) - 1, signature));
	for (unsigned bit = 0; bit < 8 * 64; bit += 11) {
		signature[bit / 8] ^= (unsigned char)(1u << bit % 8);
		CHECK(!key_sig_verify(pk, message, sizeof(message), signature));
		signature[bit / 8] ^= (unsigned char)(1u << bit % 8);
	}
	message[3] ^= 1;
	CHECK(!key_sig_verify(pk, message, sizeof(message), signature));
	key_sig_free(key);
	key_sig_free(other);
	key_sig_free(NULL);
}

static void
hashes(void)
{
	unsigned char hash[32], salt[14 + 16];

	CHECK(key_hash("abc", 3, hash) == ERR_OK && hex_equal(hash, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
	CHECK(key_hash(NULL, 0, hash) == ERR_OK && hex_equal(hash, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));

	/* RFC 7914 has no vector for our N; this one was made with its pseudo code, which reproduces those it has */
	memcpy(salt, "mokhoa-code-v1", 14);
	for (unsigned char i = 0; i < 16; i++)
		salt[14 + i] = i;
	CHECK(key_scrypt("K7Q2M9X4T8RB", 12, salt, sizeof(salt), hash) == ERR_OK);
	CHECK(hex_equal(hash, 32, "1c1e2da1208629707b3e21d2bba1047977340db3a7e69886533bba21db91900f"));
}

int
main(void)
{
	agreement_is_the_one_of_cavp();
	fresh_keys_agree_and_differ();
	a_private_half_may_be_elsewhere();
	bad_points_are_refused();
	private_numbers_have_a_range();
	signatures_are_those_of_rfc_8032();
	a_changed_bit_breaks_a_signature();
	hashes();
	return CHECK_DONE();
}
