/* SPDX-License-Identifier: Apache-2.0 */
#include "bounce.h"

#include "key.h"
#include "text.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#define PREFIX		"bounce+"
#define LABEL		"mokhoa-bounce-v1"
#define MAC_LEN		10 /* bytes of it that stand in the address: a local part has 64 characters */
#define REPORT_LINE_MAX 998

static enum err
mac(const unsigned char key[BOUNCE_KEY_LEN], int64_t id, char ret[2 * MAC_LEN + 1])
{
	unsigned char hash[KEY_HASH_LEN];
	char message[64];
	enum err e;

	snprintf(message, sizeof(message), LABEL "%lld", (long long)id);
	e = key_mac(key, message, strlen(message), hash);
	if (e == ERR_OK)
		text_hex(hash, MAC_LEN, ret);
	return e;
}

enum err
bounce_address(const unsigned char key[BOUNCE_KEY_LEN], const char *domain, int64_t id, char ret[BOUNCE_ADDRESS_SIZE])
{
	char tag[2 * MAC_LEN + 1];
	enum err e = mac(key, id, tag);

	if (e == ERR_OK && snprintf(ret, BOUNCE_ADDRESS_SIZE, PREFIX "%lld.%s@%s", (long long)id, tag, domain) >= BOUNCE_ADDRESS_SIZE)
		e = ERR_MAIL_ADDRESS;
	return e;
}

/* Mail servers may change the case of a local part. */
bool
bounce_read(const unsigned char key[BOUNCE_KEY_LEN], const char *address, int64_t *ret_id)
{
	char want[2 * MAC_LEN + 1];
	char tag[2 * MAC_LEN + 1];
	char head[sizeof(PREFIX)] = "";
	const char *dot, *at;
	int64_t id;

	snprintf(head, sizeof(head), "%.*s", (int)strlen(PREFIX), address);
	if (!text_equal_nocase(head, PREFIX))
		return false;
	address += strlen(PREFIX);
	dot = strchr(address, '.');
	at = dot != NULL ? strchr(dot, '@') : NULL;
	if (at == NULL || at - dot - 1 != 2 * MAC_LEN || address[0] == '0' || !text_number(address, (size_t)(dot - address), &id))
		return false;
	for (size_t i = 0; i < 2 * MAC_LEN; i++)
		tag[i] = (char)(dot[1 + i] | 0x20); /* a digit stays what it is */
	if (mac(key, id, want) != ERR_OK || CRYPTO_memcmp(tag, want, 2 * MAC_LEN) != 0)
		return false;
	*ret_id = id;
	return true;
}

/* ---- the report: lines of it, wherever in the message they stand ---- */

struct reading {
	const char *at;
	const char *end;
	char line[REPORT_LINE_MAX + 1]; /* without its end; a longer one is cut */
};

static bool
next_line(struct reading *r)
{
	const char *end;
	size_t len;

	if (r->at >= r->end)
		return false;
	end = memchr(r->at, '\n', (size_t)(r->end - r->at));
	len = (size_t)((end != NULL ? end : r->end) - r->at);
	if (len > 0 && r->at[len - 1] == '\r')
		len--;
	if (len > REPORT_LINE_MAX)
		len = REPORT_LINE_MAX;
	memcpy(r->line, r->at, len);
	r->line[len] = '\0';
	r->at = end != NULL ? end + 1 : r->end;
	return true;
}

/* What stands behind "Name:" and blanks, or NULL for another field. */
static const char *
field(const char *line, const char *name)
{
	char head[64];
	size_t len = strlen(name);

	snprintf(head, sizeof(head), "%.*s", (int)len, line);
	if (!text_equal_nocase(head, name) || line[len] != ':')
		return NULL;
	return line + len + 1 + strspn(line + len + 1, " \t");
}

/* RFC 3463: class.subject.detail, of digits. */
static bool
read_status(const char *text, char ret[BOUNCE_STATUS_SIZE])
{
	size_t len = strspn(text, "0123456789.");

	if (len < 5 || len >= BOUNCE_STATUS_SIZE || (text[0] != '2' && text[0] != '4' && text[0] != '5') || text[1] != '.')
		return false;
	memcpy(ret, text, len);
	ret[len] = '\0';
	return true;
}

static bool
begins_with(const char *text, const char *word)
{
	char head[64];

	snprintf(head, sizeof(head), "%.*s", (int)strlen(word), text);
	return text_equal_nocase(head, word);
}

/* The fields of the part that is for programs, up to the next part. */
static enum err
read_part(struct reading *r, enum bounce_action *ret_action, char ret_status[BOUNCE_STATUS_SIZE])
{
	char status[BOUNCE_STATUS_SIZE] = "";
	bool found = false;
	bool failed = false;

	while (next_line(r) && strncmp(r->line, "--", 2) != 0) {
		const char *action = field(r->line, "Action");
		const char *value = field(r->line, "Status");
		if (action != NULL) {
			found = true;
			failed = failed || begins_with(action, "failed");
		} else if (value != NULL && status[0] != '5') {
			(void)read_status(value, status);
		}
	}
	if (!found || status[0] == '\0')
		return ERR_BOUNCE_INVALID;
	*ret_action = failed ? BOUNCE_FAILED : BOUNCE_OTHER;
	memcpy(ret_status, status, sizeof(status));
	return ERR_OK;
}

enum err
bounce_report(const void *report, size_t len, enum bounce_action *ret_action, char ret_status[BOUNCE_STATUS_SIZE])
{
	struct reading r = { .at = report, .end = (const char *)report + len };

	while (next_line(&r)) {
		const char *type = field(r.line, "Content-Type");
		if (type != NULL && begins_with(type, "message/delivery-status"))
			return read_part(&r, ret_action, ret_status);
	}
	return ERR_BOUNCE_INVALID;
}
