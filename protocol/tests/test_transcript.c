/* SPDX-License-Identifier: Apache-2.0 */
/* The building stones of the transcripts and two whole ones; that each transcript is the contract's is held by the vectors. */
#include "transcript.h"
#include "check.h"
#include "hex.h"

static const struct token_name token = { "CardContact", "PKCS#15 emulated", "DECM0102330" };

static void
fields_carry_their_length(void)
{
	static const unsigned char big[0x10000];
	struct buf b = buf_new(0x20000);

	transcript_text(&b, "ab");
	transcript_field(&b, NULL, 0);
	transcript_u64(&b, UINT64_C(0x0102030405060708));
	CHECK(hex_equal(b.data, b.len, "00026162"
				       "0000"
				       "00080102030405060708"));
	buf_reset(&b);
	transcript_token(&b, &(struct token_name){ "a", "", "c" });
	CHECK(hex_equal(b.data, b.len, "000161"
				       "0000"
				       "000163"));
	buf_reset(&b);
	transcript_field(&b, big, 0xffff);
	CHECK(buf_error(&b) == ERR_OK && b.len == 0x10001 && b.data[0] == 0xff && b.data[1] == 0xff);
	transcript_field(&b, big, 0x10000);
	CHECK(buf_error(&b) == ERR_FRAME_TOO_LARGE && b.len == 0x10001);
	buf_free(&b);
}

static void
a_field_cannot_be_read_as_two(void)
{
	struct buf one = buf_new(64), two = buf_new(64);

	transcript_token(&one, &(struct token_name){ "ab", "c", "d" });
	transcript_token(&two, &(struct token_name){ "a", "bc", "d" });
	CHECK(one.len == two.len && memcmp(one.data, two.data, one.len) != 0);
	buf_free(&one);
	buf_free(&two);
}

static void
host_keys(unsigned char *ret_kem_pk, unsigned char *ret_sig_pk)
{
	hex_bytes("04fe8c19ce0905191ebc298a9245792531f26f0cece2460639e8bc39cb7f706a826a779b4cf969b8a0e539c7f62fb3d30ad6aa8f80e30f1d128aafd68a2ce72ea0", ret_kem_pk, KEY_KEM_PK_LEN);
	hex_bytes("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", ret_sig_pk, KEY_SIG_PK_LEN);
}

static void
a_create_request_is_hashed_whole(void)
{
	static const unsigned char certificate[] = { 0x30, 0x03, 0x02, 0x01, 0x05 };
	static unsigned char long_one[TRANSCRIPT_MAX];
	struct transcript_create c = { .token = token, .certificate = certificate, .certificate_len = sizeof(certificate), .reason = "locked", .language = "vi" };
	unsigned char r[KEY_HASH_LEN];

	host_keys(c.host_kem_pk, c.host_sig_pk);
	for (unsigned char i = 0; i < TRANSCRIPT_ID_LEN; i++)
		c.idempotency_key[i] = (unsigned char)(32 + i);
	CHECK(transcript_create_hash(&c, r) == ERR_OK);
	CHECK(hex_equal(r, sizeof(r), "350f1c77b4809dd186d536b968ce1c8cda52489d4d444dc522b8ab34f3fc124b"));
	c.certificate = long_one;
	c.certificate_len = 8192;
	CHECK(transcript_create_hash(&c, r) == ERR_OK);
	c.certificate_len = sizeof(long_one);
	CHECK(transcript_create_hash(&c, r) == ERR_FRAME_TOO_LARGE);
}

static void
a_release_is_hashed_whole(void)
{
	static const unsigned char serial[] = { 0x00, 0xc1 };
	struct transcript_release r = { .token = token, .certificate_serial = serial, .certificate_serial_len = sizeof(serial) };
	unsigned char h[KEY_HASH_LEN];

	host_keys(r.host_kem_pk, r.host_sig_pk);
	for (unsigned char i = 0; i < TRANSCRIPT_ID_LEN; i++) {
		r.id[i] = i;
		r.approval[i] = (unsigned char)(16 + i);
	}
	CHECK(transcript_release_hash(&r, h) == ERR_OK);
	CHECK(hex_equal(h, sizeof(h), "535055babe1cf29f9b416a84e6b60dc2cf32f11a5d72d6d2304a5ec70583009b"));
}

static void
a_verb_too_long_is_no_label(void)
{
	struct buf b = buf_new(TRANSCRIPT_MAX);
	static const unsigned char id[TRANSCRIPT_ID_LEN];

	transcript_verb_request(&b, "status", id, 1);
	CHECK(buf_error(&b) == ERR_OK && memcmp(b.data + 2, "mokhoa-status-request-v1", 24) == 0);
	transcript_verb_request(&b, "0123456789012345678901234567890123456789012345678901234567890123", id, 1);
	CHECK(buf_error(&b) == ERR_INTERNAL);
	buf_free(&b);
}

int
main(void)
{
	fields_carry_their_length();
	a_field_cannot_be_read_as_two();
	a_create_request_is_hashed_whole();
	a_release_is_hashed_whole();
	a_verb_too_long_is_no_label();
	return CHECK_DONE();
}
