/* SPDX-License-Identifier: Apache-2.0 */
#include "gate.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define HEADERS_MAX 40 /* browsers send about 15 */
#define NAME_MAX    64
#define KEY_LEN	    24 /* base64 of 16 bytes */

struct span {
	const char *at;
	size_t len;
};

/* The headers that are compared, each there exactly once. */
enum field {
	HOST,
	ORIGIN,
	UPGRADE,
	CONNECTION,
	VERSION,
	KEY,
	SUBPROTOCOL,
	FIELDS
};

static const char *const field_names[FIELDS] = {
	[HOST] = "host",
	[ORIGIN] = "origin",
	[UPGRADE] = "upgrade",
	[CONNECTION] = "connection",
	[VERSION] = "sec-websocket-version",
	[KEY] = "sec-websocket-key",
	[SUBPROTOCOL] = "sec-websocket-protocol",
};

/* What announces a body, or another protocol than ours. */
static const char *const forbidden_names[] = { "content-length", "transfer-encoding", "trailer", "te", "expect", "http2-settings", "sec-websocket-accept" };

struct head {
	struct span names[HEADERS_MAX];
	size_t count;
	struct span fields[FIELDS]; /* at is NULL where it has not come */
};

/* ---- bytes ---- */

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool
is_text(struct span s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.at, text, s.len) == 0;
}

static bool
is_same_nocase(struct span a, struct span b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (lower(a.at[i]) != lower(b.at[i]))
			return false;
	return true;
}

static bool
is_text_nocase(struct span s, const char *text)
{
	return is_same_nocase(s, (struct span){ text, strlen(text) });
}

/* Takes what stands before the separator, which goes too. False where there is none. */
static bool
take_until(struct span *s, const char *separator, struct span *ret)
{
	size_t len = strlen(separator);

	for (size_t i = 0; i + len <= s->len; i++) {
		if (memcmp(s->at + i, separator, len) != 0)
			continue;
		*ret = (struct span){ s->at, i };
		s->at += i + len;
		s->len -= i + len;
		return true;
	}
	return false;
}

/* RFC 9110 section 5.6.2 */
static bool
is_token(struct span s)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < s.len; i++) {
		char c = lower(s.at[i]);
		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && (c == '\0' || strchr(others, c) == NULL))
			return false;
	}
	return s.len != 0 && s.len <= NAME_MAX;
}

/* Neither a control character, a tab included, nor a byte above ASCII: all that a line ends with or is folded by is among them. */
static bool
is_printable(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] < ' ' || s.at[i] > '~')
			return false;
	return true;
}

static struct span
trimmed(struct span s)
{
	while (s.len != 0 && s.at[0] == ' ') {
		s.at++;
		s.len--;
	}
	while (s.len != 0 && s.at[s.len - 1] == ' ')
		s.len--;
	return s;
}

/* ---- the lines ---- */

static bool
is_forbidden(struct span name)
{
	for (size_t i = 0; i < sizeof(forbidden_names) / sizeof(*forbidden_names); i++)
		if (is_text_nocase(name, forbidden_names[i]))
			return true;
	return false;
}

/* One header; NULL, or what is wrong with it. */
static const char *
take_header(struct head *h, struct span line)
{
	struct span name;

	if (!take_until(&line, ":", &name) || !is_token(name))
		return "name of a header";
	if (!is_printable(line))
		return "value of a header";
	if (h->count == HEADERS_MAX)
		return "too many headers";
	if (is_forbidden(name))
		return "header of a body or of another protocol";
	for (size_t i = 0; i < h->count; i++)
		if (is_same_nocase(h->names[i], name))
			return "header twice";
	h->names[h->count++] = name;
	for (size_t i = 0; i < FIELDS; i++)
		if (is_text_nocase(name, field_names[i]))
			h->fields[i] = trimmed(line);
	return NULL;
}

static const char *
take_lines(struct span all, struct head *ret_head)
{
	struct span line;
	const char *why = NULL;

	if (!take_until(&all, "\r\n", &line) || !is_text(line, "GET " GATE_PATH " HTTP/1.1"))
		return "request line";
	while (why == NULL && take_until(&all, "\r\n", &line))
		why = take_header(ret_head, line);
	if (why != NULL)
		return why;
	for (size_t i = 0; i < FIELDS; i++)
		if (ret_head->fields[i].at == NULL)
			return "header missing";
	return NULL;
}

/* ---- what they say ---- */

static bool
is_host(struct span host, unsigned port)
{
	static const char *const names[] = { "127.0.0.1", "localhost" };
	char wanted[32];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(wanted, sizeof(wanted), "%s:%u", names[i], port);
		if (is_text(host, wanted))
			return true;
	}
	return false;
}

/* Chromium says "Upgrade", Firefox "keep-alive, Upgrade". */
static bool
is_connection(struct span list)
{
	bool upgrades = false;

	for (bool last = false; !last;) {
		struct span word;
		last = !take_until(&list, ",", &word);
		word = trimmed(last ? list : word);
		if (is_text_nocase(word, "upgrade"))
			upgrades = true;
		else if (!is_text_nocase(word, "keep-alive"))
			return false;
	}
	return upgrades;
}

/* 16 bytes in base64 as their one spelling: the last character before the padding has no loose bits (RFC 4648 section 3.5). */
static bool
is_key(struct span key)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	if (key.len != KEY_LEN || memcmp(key.at + KEY_LEN - 2, "==", 2) != 0)
		return false;
	for (size_t i = 0; i < KEY_LEN - 2; i++)
		if (key.at[i] == '\0' || strchr(letters, key.at[i]) == NULL)
			return false;
	return strchr("AQgw", key.at[KEY_LEN - 3]) != NULL;
}

static const char *
known_origin(const struct gate_rule *rule, struct span origin)
{
	for (size_t i = 0; i < rule->origin_count; i++)
		if (is_text(origin, rule->origins[i]))
			return rule->origins[i];
	return NULL;
}

static const char *
judge_fields(const struct gate_rule *rule, const struct head *h, const char **ret_origin)
{
	*ret_origin = known_origin(rule, h->fields[ORIGIN]);
	if (!is_host(h->fields[HOST], rule->port))
		return "host";
	if (*ret_origin == NULL)
		return "origin";
	if (!is_text_nocase(h->fields[UPGRADE], "websocket") || !is_connection(h->fields[CONNECTION]))
		return "upgrade";
	if (!is_text(h->fields[VERSION], "13"))
		return "version";
	if (!is_key(h->fields[KEY]))
		return "key";
	if (!is_text(h->fields[SUBPROTOCOL], GATE_SUBPROTOCOL))
		return "subprotocol";
	return NULL;
}

static bool
write_pass(const struct head *h, const char *origin, struct gate_pass *ret_pass)
{
	int len = snprintf(ret_pass->head, sizeof(ret_pass->head),
	    "GET " GATE_PATH " HTTP/1.1\r\nHost: %.*s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: %.*s\r\nSec-WebSocket-Protocol: " GATE_SUBPROTOCOL "\r\n\r\n",
	    (int)h->fields[HOST].len, h->fields[HOST].at, (int)h->fields[KEY].len, h->fields[KEY].at);

	if (len < 0 || (size_t)len >= sizeof(ret_pass->head))
		return false;
	ret_pass->head_len = (size_t)len;
	ret_pass->origin = origin;
	return true;
}

enum gate_verdict
gate_judge(const struct gate_rule *rule, const void *bytes, size_t len, struct gate_pass *ret_pass, const char **ret_why)
{
	struct span rest = { bytes, len < GATE_HEAD_MAX ? len : GATE_HEAD_MAX };
	struct span lines = { bytes, 0 };
	struct head h = { .count = 0 };
	const char *origin;

	if (rest.len == 0)
		return GATE_MORE;
	if (!take_until(&rest, "\r\n\r\n", &lines)) {
		*ret_why = "head too long";
		return len < GATE_HEAD_MAX ? GATE_MORE : GATE_REFUSE;
	}
	lines.len += 2; /* each line has its end */
	*ret_why = lines.len + 2 != len ? "bytes behind the head" : take_lines(lines, &h);
	if (*ret_why == NULL)
		*ret_why = judge_fields(rule, &h, &origin);
	if (*ret_why != NULL)
		return GATE_REFUSE;
	*ret_why = "no room";
	return write_pass(&h, origin, ret_pass) ? GATE_PASS : GATE_REFUSE;
}
