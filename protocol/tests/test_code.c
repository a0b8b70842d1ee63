/* SPDX-License-Identifier: Apache-2.0 */
#include "code.h"
#include "check.h"
#include "hex.h"

#define SAMPLE 300 /* codes on which every single mistake is tried */

static const unsigned char id[TRANSCRIPT_ID_LEN] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

static struct secret
secret_of(const char *text)
{
	struct secret s = { 0 };

	CHECK(secret_set(&s, text, strlen(text)));
	return s;
}

static bool
reads_as(const char *typed, const char *want)
{
	struct secret s = secret_of(typed), code = { 0 };
	bool taken = code_read(&s, &code);

	CHECK(taken || code.len == 0);
	return taken && code.len == strlen(want) && memcmp(code.bytes, want, code.len) == 0;
}

static bool
is_refused(const char *typed)
{
	struct secret s = secret_of(typed), code = secret_of("left from before");

	return !code_read(&s, &code) && code.len == 0 && code.bytes[0] == 0;
}

static void
a_code_is_read_as_people_type_it(void)
{
	CHECK(reads_as("0000-0000-0000-0", "000000000000"));
	CHECK(reads_as("ZZZZ-ZZZZ-ZZZZ-9", "ZZZZZZZZZZZZ"));
	CHECK(reads_as("3DMV-9EK3-1WTE-=", "3DMV9EK31WTE"));
	CHECK(reads_as("3dmv9ek31wte=", "3DMV9EK31WTE"));
	CHECK(reads_as("  3dmv 9EK3--iwte - = ", "3DMV9EK31WTE"));
	CHECK(reads_as("3DMV-9EK3-LWTE-=", "3DMV9EK31WTE") && reads_as("3DMV-9EK3-lWTE-=", "3DMV9EK31WTE"));
	CHECK(reads_as("oOo0-0000-0000-o", "000000000000"));
	CHECK(is_refused("") && is_refused("-") && is_refused("3DMV-9EK3-1WTE") && is_refused("3DMV-9EK3-1WTE-=0") && is_refused("3DMV-9EK3-1WTE-E"));
	CHECK(is_refused("3DMV-9EK3-1WTU-=") && is_refused("3DMV-9EK3-1WT=-E") && is_refused("3DMV\t9EK3-1WTE-=") && is_refused("3DMV_9EK3-1WTE-="));
	CHECK(is_refused("3DMV\xe2\x80\x93"
			 "9EK3-1WTE-=") &&
	      is_refused("3DMV.9EK3.1WTE.="));
}

static void
a_nul_is_a_wrong_character(void)
{
	struct secret typed = secret_of("3DMV9EK31WTE=0"), code = { 0 };

	typed.bytes[13] = '\0';
	CHECK(!code_read(&typed, &code));
}

static void
fresh_codes_are_as_shown(void)
{
	struct secret shown, code, again;

	for (unsigned i = 0; i < 200; i++) {
		code_new(&shown);
		CHECK(shown.len == CODE_SHOWN_LEN && shown.bytes[4] == '-' && shown.bytes[9] == '-' && shown.bytes[14] == '-');
		CHECK(code_read(&shown, &code) && code.len == 12);
		CHECK(memcmp(shown.bytes, code.bytes, 4) == 0 && memcmp(shown.bytes + 5, code.bytes + 4, 4) == 0 && memcmp(shown.bytes + 10, code.bytes + 8, 4) == 0);
	}
	code_new(&again);
	CHECK(!secret_equal(&shown, &again));
}

/* As a reader takes it: what maps to the same character is no mistake. */
static char
meant(char c)
{
	return (char)(c == 'O' ? '0' : c == 'I' || c == 'L' ? '1'
							    : c);
}

static unsigned
wrong_characters_taken(const struct secret *right)
{
	struct secret typed = *right, code;
	unsigned taken = 0;

	for (size_t at = 0; at < right->len; at++) {
		if (right->bytes[at] == '-')
			continue;
		for (int c = 0; c < 256; c++) {
			char upper = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
			typed.bytes[at] = (unsigned char)c;
			if (meant(upper) != (char)right->bytes[at] && code_read(&typed, &code))
				taken++;
		}
		typed.bytes[at] = right->bytes[at];
	}
	return taken;
}

static unsigned
swaps_taken(const struct secret *right)
{
	unsigned taken = 0;

	for (size_t at = 0; at < right->len; at++) {
		struct secret typed = *right, code;
		size_t next = at + 1 < right->len && right->bytes[at + 1] == '-' ? at + 2 : at + 1;
		if (next >= right->len || right->bytes[at] == '-' || right->bytes[at] == right->bytes[next])
			continue;
		typed.bytes[at] = right->bytes[next];
		typed.bytes[next] = right->bytes[at];
		taken += code_read(&typed, &code) ? 1 : 0;
	}
	return taken;
}

static void
every_single_mistake_is_caught(void)
{
	unsigned characters = 0, swaps = 0;

	for (unsigned i = 0; i < SAMPLE; i++) {
		struct secret code;
		code_new(&code);
		characters += wrong_characters_taken(&code);
		swaps += swaps_taken(&code);
	}
	CHECK(characters == 0);
	CHECK(swaps == 0);
}

static void
the_code_opens_one_key(void)
{
	struct secret code = secret_of("K7Q2M9X4T8RB");
	struct key_sig *key = code_key(&code, id);
	unsigned char pk[KEY_SIG_PK_LEN], other_id[TRANSCRIPT_ID_LEN] = { 0 }, other_pk[KEY_SIG_PK_LEN];

	CHECK(key != NULL);
	key_sig_public(key, pk);
	CHECK(hex_equal(pk, sizeof(pk), "7e53ae24d842fc8715fb61e5c77bb00aa1d3ec65fd9be8575cf3c4fe4f2ef671"));
	key_sig_free(key);
	key = code_key(&code, other_id);
	key_sig_public(key, other_pk);
	CHECK(memcmp(pk, other_pk, sizeof(pk)) != 0);
	key_sig_free(key);
}

static void
the_phrase_names_the_request_and_its_keys(void)
{
	unsigned char kem_pk[KEY_KEM_PK_LEN], sig_pk[KEY_SIG_PK_LEN];
	char phrase[CODE_PHRASE_LEN + 1], other[CODE_PHRASE_LEN + 1];

	hex_bytes("04fe8c19ce0905191ebc298a9245792531f26f0cece2460639e8bc39cb7f706a826a779b4cf969b8a0e539c7f62fb3d30ad6aa8f80e30f1d128aafd68a2ce72ea0", kem_pk, sizeof(kem_pk));
	hex_bytes("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", sig_pk, sizeof(sig_pk));
	CHECK(code_phrase(id, kem_pk, sig_pk, phrase) == ERR_OK);
	CHECK_TEXT(phrase, "3FZP-825H");
	sig_pk[31] ^= 1;
	CHECK(code_phrase(id, kem_pk, sig_pk, other) == ERR_OK && strcmp(phrase, other) != 0);

	CHECK(code_phrase_equal("3FZP-825H", "3FZP-825H") && code_phrase_equal(" 3fzp 825h", "3FZP-825H") && code_phrase_equal("oil0-0000", "0110-0000"));
	CHECK(!code_phrase_equal("3FZP-825", "3FZP-825H") && !code_phrase_equal("3FZP-825HH", "3FZP-825H") && !code_phrase_equal("3FZP-825J", "3FZP-825H"));
	CHECK(!code_phrase_equal("", "3FZP-825H") && !code_phrase_equal("", ""));
}

int
main(void)
{
	a_code_is_read_as_people_type_it();
	a_nul_is_a_wrong_character();
	fresh_codes_are_as_shown();
	every_single_mistake_is_caught();
	the_code_opens_one_key();
	the_phrase_names_the_request_and_its_keys();
	return CHECK_DONE();
}
