/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "hpke.h"
#include "transcript.h"

#include <stdio.h>

static const unsigned char nonce[TRANSCRIPT_ID_LEN] = "0123456789abcdef";
static const struct token_name token = { "CardContact", "PKCS#15 emulated", "DECM0102330" };

static struct secret
secret_of_len(size_t len)
{
	static const char text[SECRET_MAX + 1] = "3537363231383830-3537363231383830-3537363231383830-3537363231383830";
	struct secret s = { 0 };

	CHECK(secret_set(&s, text, len));
	return s;
}

static void
releases_are_packed_and_unpacked(void)
{
	unsigned char plain[TRANSCRIPT_SEALED_LEN], got_nonce[TRANSCRIPT_ID_LEN];
	struct secret candidates[2], got[2];
	size_t count;

	for (size_t len = 1; len <= TRANSCRIPT_SO_PIN_MAX; len++)
		for (size_t n = 1; n <= 2; n++) {
			candidates[0] = secret_of_len(len);
			candidates[1] = secret_of_len(TRANSCRIPT_SO_PIN_MAX + 1 - len);
			memset(plain, 'x', sizeof(plain));
			CHECK(transcript_pack_release(nonce, candidates, n, plain) == ERR_OK);
			CHECK(transcript_unpack_release(plain, got_nonce, got, &count) == ERR_OK && count == n);
			CHECK(memcmp(got_nonce, nonce, sizeof(nonce)) == 0 && secret_equal(&got[0], &candidates[0]));
			CHECK(n == 1 || secret_equal(&got[1], &candidates[1]));
		}
}

static void
what_does_not_fit_is_not_packed(void)
{
	unsigned char plain[TRANSCRIPT_SEALED_LEN];
	struct secret candidates[3] = { secret_of_len(6), secret_of_len(0), secret_of_len(6) }, long_one = secret_of_len(TRANSCRIPT_SO_PIN_MAX + 1);

	CHECK(transcript_pack_release(nonce, candidates, 0, plain) == ERR_SEALED_INVALID);
	CHECK(transcript_pack_release(nonce, candidates, 3, plain) == ERR_SEALED_INVALID);
	CHECK(transcript_pack_release(nonce, candidates, 2, plain) == ERR_SEALED_INVALID);
	CHECK(transcript_pack_release(nonce, &long_one, 1, plain) == ERR_SEALED_INVALID);
	CHECK(transcript_pack_grant(&candidates[1], plain) == ERR_SEALED_INVALID && transcript_pack_grant(&long_one, plain) == ERR_SEALED_INVALID);
}

static bool
release_unpacks(const unsigned char *plain)
{
	unsigned char got_nonce[TRANSCRIPT_ID_LEN];
	struct secret got[2] = { secret_of_len(5), secret_of_len(7) };
	size_t count = 7;
	enum err e = transcript_unpack_release(plain, got_nonce, got, &count);

	CHECK(e == ERR_OK || (e == ERR_SEALED_INVALID && got[0].len == 0 && got[1].len == 0 && got[0].bytes[0] == 0 && got[1].bytes[0] == 0 && count == 7));
	return e == ERR_OK;
}

/* A length that leaves anything but a second candidate and zeros behind it is refused, and so is any byte behind the end. */
static void
loose_bytes_are_refused(void)
{
	unsigned char plain[TRANSCRIPT_SEALED_LEN];
	struct secret candidates[2] = { secret_of_len(16), secret_of_len(8) };
	size_t end = 2 + TRANSCRIPT_ID_LEN + 2 + 16 + 2 + 8;

	CHECK(transcript_pack_release(nonce, candidates, 2, plain) == ERR_OK && release_unpacks(plain));
	for (size_t at = end; at < TRANSCRIPT_SEALED_LEN; at++) {
		plain[at] = 1;
		if (!CHECK(!release_unpacks(plain)))
			printf("byte %zu\n", at);
		plain[at] = 0;
	}
	for (unsigned len = 0; len < 0x1000; len++) {
		size_t first = 2 + TRANSCRIPT_ID_LEN;
		plain[first] = (unsigned char)(len >> 8);
		plain[first + 1] = (unsigned char)len;
		/* one that takes the second candidate in, with some of the padding, is a longer first one */
		CHECK(release_unpacks(plain) == (len == 16 || (len >= 16 + 2 + 8 && len <= TRANSCRIPT_SO_PIN_MAX)));
		plain[first] = 0;
		plain[first + 1] = 16;
	}
	plain[1] = 15;
	CHECK(!release_unpacks(plain));
	plain[1] = 17;
	CHECK(!release_unpacks(plain));
	memset(plain, 0, sizeof(plain));
	CHECK(!release_unpacks(plain));
	memset(plain, 0xff, sizeof(plain));
	CHECK(!release_unpacks(plain));
}

static void
three_candidates_or_none_are_refused(void)
{
	unsigned char plain[TRANSCRIPT_SEALED_LEN] = { 0 };

	plain[1] = TRANSCRIPT_ID_LEN;
	CHECK(!release_unpacks(plain)); /* F(nonce) F("") */
	plain[19] = plain[22] = 1;
	CHECK(release_unpacks(plain));
	plain[25] = 1;
	CHECK(!release_unpacks(plain));
}

static void
grants(void)
{
	unsigned char plain[TRANSCRIPT_SEALED_LEN];
	struct secret next, got = { 0 };

	for (size_t len = 1; len <= TRANSCRIPT_SO_PIN_MAX; len++) {
		next = secret_of_len(len);
		CHECK(transcript_pack_grant(&next, plain) == ERR_OK && transcript_unpack_grant(plain, &got) == ERR_OK && secret_equal(&next, &got));
	}
	for (size_t at = 2 + TRANSCRIPT_SO_PIN_MAX; at < TRANSCRIPT_SEALED_LEN; at++) {
		plain[at] = 0x80;
		CHECK(transcript_unpack_grant(plain, &got) == ERR_SEALED_INVALID && got.len == 0 && got.bytes[0] == 0);
		plain[at] = 0;
	}
	memset(plain, 0, sizeof(plain));
	CHECK(transcript_unpack_grant(plain, &got) == ERR_SEALED_INVALID);
}

static void
escrow_rows_belong_to_token_and_version(void)
{
	struct key_kem *vault = key_kem_new(), *thief = key_kem_new();
	unsigned char pk[KEY_KEM_PK_LEN], row[TRANSCRIPT_ESCROW_ROW_LEN];
	struct token_name other = token;
	struct secret pin = secret_of_len(TRANSCRIPT_SO_PIN_MAX), got = { 0 }, none = { 0 }, long_one = secret_of_len(TRANSCRIPT_SO_PIN_MAX + 1);

	CHECK(vault != NULL && thief != NULL);
	key_kem_public(vault, pk);
	CHECK(transcript_seal_escrow(pk, &token, 3, &pin, row) == ERR_OK);
	CHECK(transcript_open_escrow(vault, &token, 3, row, &got) == ERR_OK && secret_equal(&pin, &got));
	CHECK(transcript_open_escrow(vault, &token, 4, row, &got) == ERR_SEALED_INVALID && got.len == 0);
	CHECK(transcript_open_escrow(thief, &token, 3, row, &got) == ERR_SEALED_INVALID);
	other.serial[0] = 'd';
	CHECK(transcript_open_escrow(vault, &other, 3, row, &got) == ERR_SEALED_INVALID);
	row[100] ^= 1;
	CHECK(transcript_open_escrow(vault, &token, 3, row, &got) == ERR_SEALED_INVALID);
	pin = secret_of_len(1);
	CHECK(transcript_seal_escrow(pk, &token, 1, &pin, row) == ERR_OK && transcript_open_escrow(vault, &token, 1, row, &got) == ERR_OK && secret_equal(&pin, &got));
	CHECK(transcript_seal_escrow(pk, &token, 1, &none, row) == ERR_SEALED_INVALID && transcript_seal_escrow(pk, &token, 1, &long_one, row) == ERR_SEALED_INVALID);
	pk[1] ^= 1;
	CHECK(transcript_seal_escrow(pk, &token, 1, &pin, row) == ERR_SEALED_INVALID);
	key_kem_free(vault);
	key_kem_free(thief);
}

/* Somebody who has the vault's public key can seal anything; what opens is judged, too. */
static void
an_escrow_row_of_another_form_is_refused(void)
{
	static const struct {
		size_t at;
		unsigned char value;
	} cases[] = { { 0, 1 }, { 1, 0 }, { 1, 63 }, { 63, 1 }, { 3, 1 } };
	struct key_kem *vault = key_kem_new();
	unsigned char pk[KEY_KEM_PK_LEN], row[TRANSCRIPT_ESCROW_ROW_LEN], plain[TRANSCRIPT_ESCROW_LEN];
	struct buf aad = buf_new(256);
	struct secret got = { 0 };

	key_kem_public(vault, pk);
	transcript_escrow_aad(&aad, &token, 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(plain, 0, sizeof(plain));
		plain[1] = 1;
		plain[2] = '7';
		plain[cases[i].at] = cases[i].value;
		CHECK(hpke_seal(pk, "mokhoa-escrow-v1", 16, aad.data, aad.len, plain, sizeof(plain), row, row + HPKE_ENC_LEN) == ERR_OK);
		CHECK(transcript_open_escrow(vault, &token, 1, row, &got) == ERR_SEALED_INVALID && got.len == 0);
	}
	buf_free(&aad);
	key_kem_free(vault);
}

int
main(void)
{
	releases_are_packed_and_unpacked();
	what_does_not_fit_is_not_packed();
	loose_bytes_are_refused();
	three_candidates_or_none_are_refused();
	grants();
	escrow_rows_belong_to_token_and_version();
	an_escrow_row_of_another_form_is_refused();
	return CHECK_DONE();
}
