/* SPDX-License-Identifier: Apache-2.0 */
#include "csrf.h"

#include "buf.h"
#include "key.h"
#include "text.h"

#include <openssl/crypto.h>

#include <string.h>

#define TIME_LEN    8
#define TOKEN_LEN   (TIME_LEN + KEY_HASH_LEN)
#define LABEL	    "mokhoa-csrf-v1"
#define MESSAGE_MAX 128

/* Everything in it has a length of its own that is fixed. */
static enum err
mac(const struct service *service, const struct store_person *person, const unsigned char ends[TIME_LEN], unsigned char ret[KEY_HASH_LEN])
{
	struct buf message = buf_new(MESSAGE_MAX);
	enum err e;

	buf_add_text(&message, LABEL);
	buf_add(&message, person->fingerprint, sizeof(person->fingerprint));
	buf_add(&message, ends, TIME_LEN);
	e = buf_error(&message);
	if (e == ERR_OK)
		e = key_mac(service->csrf_key, message.data, message.len, ret);
	buf_free(&message);
	return e;
}

enum err
csrf_make(const struct service *service, const struct store_person *person, int64_t now, char ret[CSRF_LEN + 1])
{
	unsigned char token[TOKEN_LEN];
	uint64_t ends = (uint64_t)now + CSRF_VALID_S;
	enum err e;

	for (size_t i = 0; i < TIME_LEN; i++)
		token[i] = (unsigned char)(ends >> (8 * (TIME_LEN - 1 - i)));
	e = mac(service, person, token, token + TIME_LEN);
	if (e == ERR_OK)
		text_b64_encode(token, sizeof(token), ret);
	return e;
}

bool
csrf_ok(const struct service *service, const struct store_person *person, int64_t now, const char *text)
{
	unsigned char token[TOKEN_LEN];
	unsigned char want[KEY_HASH_LEN];
	uint64_t ends = 0;
	size_t len = 0;

	if (text == NULL || !text_b64_decode(text, strlen(text), token, sizeof(token), &len) || len != sizeof(token))
		return false;
	for (size_t i = 0; i < TIME_LEN; i++)
		ends = ends << 8 | token[i];
	if (mac(service, person, token, want) != ERR_OK || CRYPTO_memcmp(want, token + TIME_LEN, sizeof(want)) != 0)
		return false;
	return ends > (uint64_t)now;
}
