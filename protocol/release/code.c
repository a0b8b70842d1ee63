/* SPDX-License-Identifier: Apache-2.0 */
#include "code.h"
#include "os.h"

#include <assert.h>
#include <string.h>

#define CODE_LEN    12 /* characters that count: 60 bits */
#define CHECK_PRIME 37
#define SALT_LABEL  "mokhoa-code-v1"

/* Crockford's base32; the last five are for the check character alone. */
static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ*~$=U";

static_assert(sizeof(alphabet) == CHECK_PRIME + 1, "one character for each remainder");

/* Five bits a character, highest first. */
static void
write_base32(uint64_t value, size_t len, char *ret)
{
	for (size_t i = len; i-- > 0; value >>= 5)
		ret[i] = alphabet[value & 31u];
}

/* A typed character as it counts: upper case, O for 0, I and L for 1; NUL for what is passed over. */
static char
normal(char c)
{
	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	switch (c) {
	case 'O':
		return '0';
	case 'I':
	case 'L':
		return '1';
	case ' ':
	case '-':
		return '\0';
	default:
		return c;
	}
}

/* The characters that count of a text, at most max of them; max + 1 where there are more. */
static size_t
normalise(const char *text, size_t len, char *ret, size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i] != '\0' ? normal(text[i]) : '?';
		if (c == '\0')
			continue;
		if (count == max)
			return max + 1;
		ret[count++] = c;
	}
	return count;
}

void
code_new(struct secret *ret_code)
{
	char text[CODE_LEN + 1], shown[CODE_SHOWN_LEN];
	uint64_t value;

	os_random(&value, sizeof(value));
	value &= (UINT64_C(1) << 60) - 1;
	write_base32(value, CODE_LEN, text);
	text[CODE_LEN] = alphabet[value % CHECK_PRIME];
	for (size_t i = 0, from = 0; i < CODE_SHOWN_LEN; i++)
		shown[i] = i % 5 == 4 ? '-' : text[from++];
	(void)secret_set(ret_code, shown, sizeof(shown));
	wipe(&value, sizeof(value));
	wipe(text, sizeof(text));
	wipe(shown, sizeof(shown));
}

/* The number modulo CHECK_PRIME that 12 characters of base32 write; -1 where one of them is none. */
static int
remainder_of(const char text[CODE_LEN])
{
	int rest = 0;

	for (size_t i = 0; i < CODE_LEN; i++) {
		const char *at = memchr(alphabet, text[i], 32);
		if (at == NULL)
			return -1;
		rest = (rest * 32 + (int)(at - alphabet)) % CHECK_PRIME;
	}
	return rest;
}

bool
code_read(const struct secret *typed, struct secret *ret_code)
{
	char text[CODE_LEN + 1];
	bool good = false;

	if (normalise((const char *)typed->bytes, typed->len, text, sizeof(text)) == sizeof(text)) {
		int rest = remainder_of(text);
		good = rest >= 0 && alphabet[rest] == text[CODE_LEN] && secret_set(ret_code, text, CODE_LEN);
	}
	if (!good)
		secret_wipe(ret_code);
	wipe(text, sizeof(text));
	return good;
}

struct key_sig *
code_key(const struct secret *code, const unsigned char id[TRANSCRIPT_ID_LEN])
{
	unsigned char salt[sizeof(SALT_LABEL) - 1 + TRANSCRIPT_ID_LEN], seed[KEY_SIG_SEED_LEN];
	struct key_sig *key = NULL;

	memcpy(salt, SALT_LABEL, sizeof(SALT_LABEL) - 1);
	memcpy(salt + sizeof(SALT_LABEL) - 1, id, TRANSCRIPT_ID_LEN);
	if (key_scrypt(code->bytes, code->len, salt, sizeof(salt), seed) == ERR_OK)
		key = key_sig_from_seed(seed);
	wipe(seed, sizeof(seed));
	return key;
}

enum err
code_phrase(const unsigned char id[TRANSCRIPT_ID_LEN], const unsigned char host_kem_pk[KEY_KEM_PK_LEN],
    const unsigned char host_sig_pk[KEY_SIG_PK_LEN], char ret_phrase[CODE_PHRASE_LEN + 1])
{
	struct buf b = buf_new(TRANSCRIPT_MAX);
	unsigned char hash[KEY_HASH_LEN];
	char text[8];
	uint64_t value = 0;
	enum err e;

	transcript_text(&b, "mokhoa-phrase-v1");
	transcript_field(&b, id, TRANSCRIPT_ID_LEN);
	transcript_field(&b, host_kem_pk, KEY_KEM_PK_LEN);
	transcript_field(&b, host_sig_pk, KEY_SIG_PK_LEN);
	e = buf_error(&b);
	if (e == ERR_OK)
		e = key_hash(b.data, b.len, hash);
	buf_free(&b);
	if (e != ERR_OK)
		return e;
	for (size_t i = 0; i < 5; i++)
		value = value << 8 | hash[i];
	write_base32(value, sizeof(text), text);
	memcpy(ret_phrase, text, 4);
	ret_phrase[4] = '-';
	memcpy(ret_phrase + 5, text + 4, 4);
	ret_phrase[CODE_PHRASE_LEN] = '\0';
	return ERR_OK;
}

bool
code_phrase_equal(const char *typed, const char *phrase)
{
	char a[8], b[8];

	return normalise(typed, strlen(typed), a, sizeof(a)) == sizeof(a) && normalise(phrase, strlen(phrase), b, sizeof(b)) == sizeof(b) &&
	       memcmp(a, b, sizeof(a)) == 0;
}
