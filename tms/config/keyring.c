/* SPDX-License-Identifier: Apache-2.0 */
#include "keyring.h"

#include "buf.h"
#include "log.h"
#include "os.h"
#include "secret.h"
#include "text.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX 512 /* bytes; a line has 43 and its end */

/* One line from at on, whose end is passed over; false where it holds no key. */
static bool
take_line(const struct buf *b, size_t *at, unsigned char ret[KEY_KEM_SK_LEN])
{
	size_t end = *at;
	size_t line, got = 0;

	while (end < b->len && b->data[end] != '\n')
		end++;
	line = end - *at;
	if (line != 0 && b->data[end - 1] == '\r')
		line--;
	if (!text_b64_decode((const char *)b->data + *at, line, ret, KEY_KEM_SK_LEN, &got) || got != KEY_KEM_SK_LEN)
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
		good = ret->count < KEYRING_MAX && take_line(&b, &at, ret->keys[ret->count]);
		ret->count += good;
	}
	buf_free(&b);
	if (good)
		return ERR_OK;
	log_error("config", "file=%s cause=missing, or not 1 to %d lines of base64url of %d bytes", path, KEYRING_MAX, KEY_KEM_SK_LEN);
	keyring_wipe(ret);
	return ERR_CONFIG_INVALID;
}

/* root may replace the file of the vault's user, who must then still be the one that can read it. */
static bool
give_back(const char *path, const struct stat *before)
{
	return (before->st_uid == geteuid() || chown(path, before->st_uid, before->st_gid) == 0) && chmod(path, S_IRUSR) == 0;
}

enum err
keyring_write(const char *path, const struct keyring *ring)
{
	struct buf b = buf_new(FILE_MAX);
	char line[TEXT_B64_LEN(KEY_KEM_SK_LEN) + 1];
	struct stat before = { .st_uid = geteuid() };
	enum err e;

	(void)stat(path, &before);
	for (size_t i = 0; i < ring->count; i++) {
		text_b64_encode(ring->keys[i], KEY_KEM_SK_LEN, line);
		buf_add_text(&b, line);
		buf_add_text(&b, "\n");
	}
	wipe(line, sizeof(line));
	e = buf_error(&b);
	if (e == ERR_OK)
		e = os_write_private(path, b.data, b.len);
	if (e == ERR_OK && !give_back(path, &before))
		e = ERR_JOURNAL_FAILED;
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
	struct key_kem *key = key_kem_from_private(ring->keys[at]);

	if (key == NULL)
		return ERR_CONFIG_INVALID;
	key_kem_public(key, ret_pk);
	key_kem_free(key);
	return keyring_id(ret_pk, ret_id);
}
