/* SPDX-License-Identifier: Apache-2.0 */
#include "keyring.h"

#include "buf.h"
#include "log.h"
#include "os.h"
#include "secret.h"
#include "text.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX  (KEYRING_MAX * KEYRING_LINE_SIZE) /* bytes */
#define HSM_WORD  "hsm "
#define HSM_CHARS 4

/* ---- a line ---- */

void
keyring_line(const struct keyring_key *key, char ret[KEYRING_LINE_SIZE])
{
	size_t at = HSM_CHARS + 2 * key->object.len;

	static_assert(HSM_CHARS + 2 * KEYRING_OBJECT_MAX + 1 + TEXT_B64_LEN(KEY_KEM_PK_LEN) < KEYRING_LINE_SIZE, "the longest line");
	if (!key->in_hsm) {
		text_b64_encode(key->sk, KEY_KEM_SK_LEN, ret);
		return;
	}
	memcpy(ret, HSM_WORD, HSM_CHARS);
	text_hex(key->object.id, key->object.len, ret + HSM_CHARS);
	ret[at] = ' ';
	text_b64_encode(key->pk, KEY_KEM_PK_LEN, ret + at + 1);
}

/* What stands behind the word. */
static bool
read_hsm(const char *text, size_t len, struct keyring_key *ret)
{
	const char *blank = memchr(text, ' ', len);
	size_t object = blank != NULL ? (size_t)(blank - text) : 0;
	size_t got = 0;

	ret->in_hsm = true;
	return object != 0 && text_unhex(text, object, ret->object.id, sizeof(ret->object.id), &ret->object.len) && ret->object.len != 0 &&
	       text_b64_decode(blank + 1, len - object - 1, ret->pk, sizeof(ret->pk), &got) && got == sizeof(ret->pk) && key_kem_public_ok(ret->pk);
}

bool
keyring_key_from_line(const char *line, size_t len, struct keyring_key *ret)
{
	size_t got = 0;

	*ret = (struct keyring_key){ .in_hsm = false };
	if (len > HSM_CHARS && memcmp(line, HSM_WORD, HSM_CHARS) == 0)
		return read_hsm(line + HSM_CHARS, len - HSM_CHARS, ret);
	return text_b64_decode(line, len, ret->sk, KEY_KEM_SK_LEN, &got) && got == KEY_KEM_SK_LEN;
}

/* ---- the file ---- */

/* One line from at on, whose end is passed over; false where it holds no key. */
static bool
take_line(const struct buf *b, size_t *at, struct keyring_key *ret)
{
	size_t end = *at;
	size_t line;

	while (end < b->len && b->data[end] != '\n')
		end++;
	line = end - *at;
	if (line != 0 && b->data[end - 1] == '\r')
		line--;
	if (!keyring_key_from_line((const char *)b->data + *at, line, ret))
		return false;
	*at = end + 1;
	return true;
}

enum err
keyring_read(const char *path, struct keyring *ret)
{
	struct buf b = buf_new(FILE_MAX);
	size_t at = 0;
	bool good = os_read_file(path, &b) == ERR_OK && b.len != 0;

	*ret = (struct keyring){ .count = 0 };
	while (good && at < b.len) {
		good = ret->count < KEYRING_MAX && take_line(&b, &at, &ret->keys[ret->count]);
		ret->count += good;
	}
	buf_free(&b);
	if (good)
		return ERR_OK;
	log_error("config", "file=%s cause=missing, or not 1 to %d lines of a key each", path, KEYRING_MAX);
	keyring_wipe(ret);
	return ERR_CONFIG_INVALID;
}

enum err
keyring_write(const char *path, const struct keyring *ring, const char *like)
{
	struct buf b = buf_new(FILE_MAX);
	char line[KEYRING_LINE_SIZE];
	enum err e;

	for (size_t i = 0; i < ring->count; i++) {
		keyring_line(&ring->keys[i], line);
		buf_add_text(&b, line);
		buf_add_text(&b, "\n");
	}
	wipe(line, sizeof(line));
	e = buf_error(&b);
	if (e == ERR_OK)
		e = os_write_as(path, b.data, b.len, S_IRUSR, like);
	if (e != ERR_OK)
		log_error("config", "file=%s cause=%s", path, strerror(errno));
	buf_free(&b);
	return e;
}

void
keyring_wipe(struct keyring *ring)
{
	wipe(ring, sizeof(*ring));
}

bool
keyring_has(const struct keyring *ring, const struct keyring_key *key)
{
	for (size_t i = 0; i < ring->count; i++)
		if (ring->keys[i].in_hsm == key->in_hsm && memcmp(ring->keys[i].sk, key->sk, KEY_KEM_SK_LEN) == 0 && memcmp(ring->keys[i].pk, key->pk, KEY_KEM_PK_LEN) == 0)
			return true;
	return false;
}

bool
keyring_has_hsm(const struct keyring *ring)
{
	for (size_t i = 0; i < ring->count; i++)
		if (ring->keys[i].in_hsm)
			return true;
	return false;
}

enum err
keyring_id(const unsigned char pk[KEY_KEM_PK_LEN], char ret[KEYRING_ID_LEN + 1])
{
	unsigned char hash[KEY_HASH_LEN];
	enum err e = key_hash(pk, KEY_KEM_PK_LEN, hash);

	if (e == ERR_OK)
		text_hex(hash, KEYRING_ID_LEN / 2, ret);
	return e;
}

enum err
keyring_public(const struct keyring *ring, size_t at, unsigned char ret_pk[KEY_KEM_PK_LEN], char ret_id[KEYRING_ID_LEN + 1])
{
	const struct keyring_key *key = &ring->keys[at];
	struct key_kem *pair;

	if (key->in_hsm) {
		memcpy(ret_pk, key->pk, KEY_KEM_PK_LEN);
		return keyring_id(ret_pk, ret_id);
	}
	pair = key_kem_from_private(key->sk);
	if (pair == NULL)
		return ERR_CONFIG_INVALID;
	key_kem_public(pair, ret_pk);
	key_kem_free(pair);
	return keyring_id(ret_pk, ret_id);
}
