/* SPDX-License-Identifier: Apache-2.0 */
#include "step.h"

#include "buf.h"
#include "key.h"
#include "os.h"
#include "text.h"
#include "transcript.h"

enum err
step_hold(const struct token_name *token, intptr_t *ret_lock)
{
	unsigned char hash[KEY_HASH_LEN];
	char name[2 * KEY_HASH_LEN + 1];
	struct buf t = buf_new(TRANSCRIPT_MAX);
	enum err e;

	transcript_token(&t, token);
	e = buf_error(&t);
	if (e == ERR_OK)
		e = key_hash(t.data, t.len, hash);
	buf_free(&t);
	if (e != ERR_OK)
		return e;
	text_hex(hash, sizeof(hash), name);
	e = os_lock(name, ret_lock);
	return e == ERR_BUSY ? ERR_TOKEN_BUSY : e;
}
