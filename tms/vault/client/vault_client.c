/* SPDX-License-Identifier: Apache-2.0 */
#include "vault_client.h"
#include "vault_wire.h"

#include "frame.h"
#include "log.h"
#include "os.h"

#include <errno.h>
#include <string.h>

static enum err
ask(const char *socket_path, const struct vault_request *q, struct vault_reply *ret)
{
	struct frame_reader reader = frame_reader_new(VAULT_FRAME_MAX);
	struct buf b = buf_new(VAULT_FRAME_MAX);
	uint64_t deadline = os_now_ms() + VAULT_CLIENT_MS;
	intptr_t handle = -1;
	const unsigned char *bytes;
	uint32_t len;
	enum err e = vault_request_write(q, &b);

	if (e != ERR_OK)
		goto out;
	e = ERR_VAULT_UNREACHABLE;
	handle = os_unix_connect(socket_path, VAULT_CLIENT_MS);
	if (handle == -1) {
		log_error("vault", "client socket=%s cause=%s", socket_path, strerror(errno));
		goto out;
	}
	/* a vault that refuses this user answers before it reads, so a failed write is not the end */
	(void)frame_write(handle, b.data, b.len, VAULT_FRAME_MAX);
	if (frame_read(&reader, handle, deadline, &bytes, &len) == ERR_OK)
		e = vault_reply_read(q->verb, bytes, len, ret);
	log_debug("vault", "client verb=%s result=%s", vault_verb_name(q->verb), err_name(e));
out:
	os_close(handle);
	buf_free(&b);
	frame_reader_free(&reader);
	return e;
}

static void
fill(struct vault_request *q, const struct token_name *token, const struct vault_row *rows, size_t count,
    const unsigned char to[KEY_KEM_PK_LEN], const unsigned char h[KEY_HASH_LEN])
{
	q->token = *token;
	q->count = count;
	memcpy(q->rows, rows, count * sizeof(*rows));
	memcpy(q->to, to, sizeof(q->to));
	memcpy(q->h, h, sizeof(q->h));
}

enum err
vault_reseal(const char *socket_path, const struct token_name *token, const struct vault_row *rows, size_t count,
    const unsigned char to[KEY_KEM_PK_LEN], const unsigned char h[KEY_HASH_LEN], const unsigned char nonce[TRANSCRIPT_ID_LEN],
    struct vault_answer *ret_answer)
{
	struct vault_request q = { .verb = VAULT_RESEAL };
	struct vault_reply reply;
	enum err e;

	if (count < 1 || count > VAULT_ROWS_MAX)
		return ERR_VAULT_REFUSED;
	fill(&q, token, rows, count, to, h);
	memcpy(q.nonce, nonce, sizeof(q.nonce));
	e = ask(socket_path, &q, &reply);
	if (e == ERR_OK)
		*ret_answer = reply.answer;
	return e;
}

enum err
vault_renew(const char *socket_path, const struct token_name *token, const struct vault_row *row, const struct vault_format *format,
    const unsigned char to[KEY_KEM_PK_LEN], const unsigned char h[KEY_HASH_LEN], struct vault_row *ret_next, struct vault_answer *ret_answer)
{
	struct vault_request q = { .verb = VAULT_RENEW, .format = *format };
	struct vault_reply reply;
	enum err e;

	fill(&q, token, row, 1, to, h);
	e = ask(socket_path, &q, &reply);
	if (e == ERR_OK) {
		*ret_next = reply.next;
		ret_next->version = row->version + 1; /* no answer says it */
		*ret_answer = reply.answer;
	}
	return e;
}

enum err
vault_regrant(const char *socket_path, const struct token_name *token, const struct vault_row *row, const unsigned char to[KEY_KEM_PK_LEN],
    const unsigned char h[KEY_HASH_LEN], struct vault_answer *ret_answer)
{
	struct vault_request q = { .verb = VAULT_REGRANT };
	struct vault_reply reply;
	enum err e;

	fill(&q, token, row, 1, to, h);
	e = ask(socket_path, &q, &reply);
	if (e == ERR_OK)
		*ret_answer = reply.answer;
	return e;
}

enum err
vault_compare(const char *socket_path, const struct token_name *token, const struct vault_row rows[2], bool *ret_equal)
{
	struct vault_request q = { .verb = VAULT_COMPARE, .token = *token, .rows = { rows[0], rows[1] }, .count = 2 };
	struct vault_reply reply;
	enum err e = ask(socket_path, &q, &reply);

	if (e == ERR_OK)
		*ret_equal = reply.equal;
	return e;
}

enum err
vault_rewrap(const char *socket_path, const struct token_name *token, const struct vault_row *row, struct vault_row *ret_row)
{
	struct vault_request q = { .verb = VAULT_REWRAP, .token = *token, .rows = { *row }, .count = 1 };
	struct vault_reply reply;
	enum err e = ask(socket_path, &q, &reply);

	if (e == ERR_OK) {
		*ret_row = reply.next;
		ret_row->version = row->version;
	}
	return e;
}

enum err
vault_make(const char *socket_path, const char *name, char ret_line[VAULT_LINE_SIZE])
{
	struct vault_request q = { .verb = name != NULL ? VAULT_ADOPT : VAULT_MAKE };
	struct vault_reply reply;
	enum err e;

	if (name != NULL && strlen(name) >= sizeof(q.name))
		return ERR_HSM_KEY_MISSING;
	if (name != NULL)
		memcpy(q.name, name, strlen(name) + 1);
	e = ask(socket_path, &q, &reply);
	if (e == ERR_OK)
		memcpy(ret_line, reply.line, VAULT_LINE_SIZE);
	return e;
}

static enum err
ask_keys(const char *socket_path, enum vault_verb verb, struct vault_keys *ret_keys)
{
	struct vault_request q = { .verb = verb };
	struct vault_reply reply;
	enum err e = ask(socket_path, &q, &reply);

	if (e == ERR_OK)
		*ret_keys = reply.keys;
	return e;
}

enum err
vault_keys(const char *socket_path, struct vault_keys *ret_keys)
{
	return ask_keys(socket_path, VAULT_KEYS, ret_keys);
}

enum err
vault_check(const char *socket_path, struct vault_keys *ret_keys)
{
	return ask_keys(socket_path, VAULT_CHECK, ret_keys);
}
