/* SPDX-License-Identifier: Apache-2.0 */
#include "assuan.h"

#include "log.h"

#include <limits.h>
#include <string.h>

#define ANSWER_LINES_MAX 64	 /* more than this before OK or ERR is nonsense */
#define CODE_MASK	 0xffffu /* GPG_ERR_CODE_MASK: the rest names the program that failed */

/* Whether line begins with this word, alone or before a blank; the rest is what follows. */
static bool
has_keyword(const char *line, size_t len, const char *word, struct assuan_line *ret)
{
	size_t n = strlen(word);

	if (len < n || memcmp(line, word, n) != 0 || (len > n && line[n] != ' '))
		return false;
	if (len > n)
		n++;
	ret->rest = line + n;
	ret->rest_len = len - n;
	return true;
}

/* The number that an ERR line begins with, cut to its code; an ERR that says 0 or nothing is still an error. */
static unsigned
error_code(const char *text, size_t len)
{
	unsigned long code = 0;

	for (size_t i = 0; i < len && text[i] >= '0' && text[i] <= '9'; i++) {
		if (code > UINT32_MAX / 10)
			return CODE_MASK;
		code = code * 10 + (unsigned long)(text[i] - '0');
	}
	return (code & CODE_MASK) != 0 ? (unsigned)(code & CODE_MASK) : CODE_MASK;
}

struct assuan_line
assuan_parse(const char *line, size_t len)
{
	struct assuan_line ret = { .kind = ASSUAN_STRANGE, .rest = line, .rest_len = len };

	if (len == 0 || line[0] == '#') {
		ret.kind = ASSUAN_COMMENT;
	} else if (has_keyword(line, len, "OK", &ret)) {
		ret.kind = ASSUAN_OK;
	} else if (has_keyword(line, len, "ERR", &ret)) {
		ret.kind = ASSUAN_ERR;
		ret.code = error_code(ret.rest, ret.rest_len);
	} else if (has_keyword(line, len, "D", &ret)) {
		ret.kind = ASSUAN_DATA;
	} else if (has_keyword(line, len, "S", &ret)) {
		ret.kind = ASSUAN_STATUS;
	}
	return ret;
}

/* The value of a hexadecimal digit, or 16. */
static unsigned
digit(char c)
{
	static const char digits[] = "0123456789ABCDEFabcdef";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	if (at == NULL)
		return 16;
	return at - digits < 16 ? (unsigned)(at - digits) : (unsigned)(at - digits) - 6;
}

bool
assuan_unescape(const char *text, size_t len, struct secret *ret)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)text[i];
		if (byte == '%') {
			unsigned high = len - i > 2 ? digit(text[i + 1]) : 16;
			unsigned low = len - i > 2 ? digit(text[i + 2]) : 16;
			if (high > 15 || low > 15)
				goto broken;
			byte = (unsigned char)(high << 4 | low);
			i += 2;
		}
		if (ret->len == SECRET_MAX)
			goto broken;
		ret->bytes[ret->len++] = byte;
	}
	return true;
broken:
	secret_wipe(ret);
	return false;
}

void
assuan_escape(struct buf *b, const char *text)
{
	static const char digits[] = "0123456789ABCDEF";

	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		if (c >= ' ' && c != '%' && c != 0x7f) {
			buf_add(b, text, 1);
		} else {
			char escaped[3] = { '%', digits[c >> 4], digits[c & 15] };
			buf_add(b, escaped, sizeof(escaped));
		}
	}
}

/* Waits for more bytes of the program. */
static enum err
fill(struct assuan *a)
{
	uint64_t now = os_now_ms();
	uint64_t left = a->deadline_ms > now ? a->deadline_ms - now : 0;
	size_t room = a->in.max - a->in.len;
	unsigned char *at;
	bool ready;
	long got;

	if (!os_wait(&a->child.out, 1, left < INT_MAX ? (int)left : INT_MAX, &ready))
		return ERR_PROMPT_CANCELLED;
	at = room != 0 ? buf_room(&a->in, room) : NULL;
	got = at != NULL ? os_read(a->child.out, at, room) : -1;
	if (got <= 0)
		return ERR_PROMPT_FAILED;
	buf_grew(&a->in, (size_t)got);
	return ERR_OK;
}

/* The next line, without its end, at the head of the buffer; *ret_used is what the caller drops when it is done with it. */
static enum err
read_line(struct assuan *a, size_t *ret_len, size_t *ret_used)
{
	for (;;) {
		const unsigned char *end = a->in.len != 0 ? memchr(a->in.data, '\n', a->in.len) : NULL;
		if (end != NULL) {
			size_t len = (size_t)(end - a->in.data);
			*ret_used = len + 1;
			*ret_len = len != 0 && a->in.data[len - 1] == '\r' ? len - 1 : len;
			return ERR_OK;
		}
		enum err e = fill(a);
		if (e != ERR_OK)
			return e;
	}
}

/* What one line adds to the reply; *ret_end where it was the last. */
static enum err
take_line(const struct assuan_line *line, struct assuan_reply *reply, bool *ret_end)
{
	static const char repeated[] = "PIN_REPEATED";

	switch (line->kind) {
	case ASSUAN_OK:
		*ret_end = true;
		return ERR_OK;
	case ASSUAN_ERR:
		*ret_end = true;
		reply->error = line->code;
		return ERR_OK;
	case ASSUAN_DATA:
		if (!reply->too_long && !assuan_unescape(line->rest, line->rest_len, &reply->data))
			reply->too_long = true;
		return ERR_OK;
	case ASSUAN_STATUS:
		if (line->rest_len >= strlen(repeated) && memcmp(line->rest, repeated, strlen(repeated)) == 0)
			reply->repeated = true;
		return ERR_OK;
	case ASSUAN_COMMENT:
		return ERR_OK;
	case ASSUAN_STRANGE:
		break;
	}
	return ERR_PROMPT_FAILED;
}

static enum err
read_reply(struct assuan *a, struct assuan_reply *ret)
{
	bool end = false;

	*ret = (struct assuan_reply){ 0 };
	for (unsigned lines = 0; lines < ANSWER_LINES_MAX; lines++) {
		size_t len, used;
		enum err e = read_line(a, &len, &used);
		if (e == ERR_OK) {
			struct assuan_line line = assuan_parse((const char *)a->in.data, len);
			e = take_line(&line, ret, &end);
			buf_drop(&a->in, used);
		}
		if (e != ERR_OK) {
			secret_wipe(&ret->data);
			return e;
		}
		if (end)
			return ERR_OK;
	}
	secret_wipe(&ret->data);
	return ERR_PROMPT_FAILED;
}

static enum err
send_line(struct assuan *a, const char *command, const char *text)
{
	struct buf line = buf_new(ASSUAN_LINE_MAX + 1);
	enum err e;

	buf_add_text(&line, command);
	if (text != NULL) {
		buf_add_text(&line, " ");
		assuan_escape(&line, text);
	}
	buf_add_text(&line, "\n");
	e = buf_error(&line) == ERR_OK && os_write_all(a->child.in, line.data, line.len) ? ERR_OK : ERR_PROMPT_FAILED;
	buf_free(&line);
	return e;
}

enum err
assuan_open(struct assuan *a, const char *program, const char *const env[], uint64_t deadline_ms)
{
	const char *const argv[] = { program, NULL };
	struct assuan_reply greeting;
	enum err e;

	*a = (struct assuan){ .in = buf_new(ASSUAN_LINE_MAX + 2), .deadline_ms = deadline_ms };
	if (os_spawn(program, argv, env, 0, &a->child) != ERR_OK)
		return ERR_PROMPT_FAILED;
	e = read_reply(a, &greeting);
	if (e == ERR_OK && greeting.error == 0)
		return ERR_OK;
	log_debug("prompt", "greeting=%s code=%u", err_name(e), greeting.error);
	assuan_close(a);
	return ERR_PROMPT_FAILED;
}

void
assuan_close(struct assuan *a)
{
	int status;

	if (send_line(a, "BYE", NULL) == ERR_OK)
		os_child_wait(&a->child, 500, &status);
	os_child_end(&a->child);
	buf_free(&a->in);
}

enum err
assuan_ask(struct assuan *a, const char *command, const char *text, struct assuan_reply *ret)
{
	enum err e = send_line(a, command, text);

	if (e != ERR_OK) {
		*ret = (struct assuan_reply){ 0 };
		return e;
	}
	return read_reply(a, ret);
}
