/* SPDX-License-Identifier: Apache-2.0 */
/* Which heads pass the gate, and that each of their bytes matters. */
#include "gate.h"

#include "check.h"

#include <stdbool.h>
#include <stdlib.h>

#define HOST	 "Host: 127.0.0.1:21703\r\n"
#define ORIGIN	 "Origin: https://portal.example\r\n"
#define UPGRADE	 "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define KEY	 "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define PROTOCOL "Sec-WebSocket-Protocol: mokhoa.1\r\n"
#define LINE	 "GET /mokhoa HTTP/1.1\r\n"
#define GOOD	 LINE HOST ORIGIN UPGRADE KEY PROTOCOL "\r\n"

static const char *const origins[] = { "https://other.example:8443", "https://portal.example" };
static const struct gate_rule rule = { 21703, origins, 2 };

static enum gate_verdict
judge(const char *bytes, size_t len, struct gate_pass *ret_pass, const char **ret_why)
{
	/* a copy of exactly this length, so that a byte that is read behind it is seen */
	char *copy = malloc(len != 0 ? len : 1);
	enum gate_verdict v;

	if (copy == NULL)
		exit(1);
	memcpy(copy, bytes, len);
	v = gate_judge(&rule, copy, len, ret_pass, ret_why);
	free(copy);
	return v;
}

static const struct {
	const char *head;
	const char *why; /* NULL: it passes */
} heads[] = {
	{ GOOD, NULL },
	{ LINE "Host: localhost:21703\r\n" ORIGIN UPGRADE KEY PROTOCOL "\r\n", NULL },
	{ LINE HOST "oRiGiN:https://other.example:8443  \r\n" UPGRADE KEY PROTOCOL "\r\n", NULL },
	{ LINE HOST ORIGIN "Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n" KEY PROTOCOL "Pragma: no-cache\r\nEmpty:\r\n\r\n", NULL },

	{ "get /mokhoa HTTP/1.1\r\n" HOST ORIGIN UPGRADE KEY PROTOCOL "\r\n", "request line" },
	{ "POST /mokhoa HTTP/1.1\r\n" HOST ORIGIN UPGRADE KEY PROTOCOL "\r\n", "request line" },
	{ "GET /mokhoa/ HTTP/1.1\r\n" HOST ORIGIN UPGRADE KEY PROTOCOL "\r\n", "request line" },
	{ "GET /mokhoa HTTP/1.0\r\n" HOST ORIGIN UPGRADE KEY PROTOCOL "\r\n", "request line" },
	{ "GET  /mokhoa HTTP/1.1\r\n" HOST ORIGIN UPGRADE KEY PROTOCOL "\r\n", "request line" },
	{ "GET http://127.0.0.1:21703/mokhoa HTTP/1.1\r\n" HOST ORIGIN UPGRADE KEY PROTOCOL "\r\n", "request line" },
	{ "\r\n\r\n", "request line" },
	{ "\r\n" GOOD, "request line" },
	{ "PRI * HTTP/2.0\r\n\r\n", "request line" },

	{ LINE ORIGIN UPGRADE KEY PROTOCOL "\r\n", "header missing" },
	{ LINE "Host:\r\n" ORIGIN UPGRADE KEY PROTOCOL "\r\n", "host" },
	{ LINE "Host: 127.0.0.1\r\n" ORIGIN UPGRADE KEY PROTOCOL "\r\n", "host" },
	{ LINE "Host: 127.0.0.1:217033\r\n" ORIGIN UPGRADE KEY PROTOCOL "\r\n", "host" },
	{ LINE "Host: 127.0.0.1:2170\r\n" ORIGIN UPGRADE KEY PROTOCOL "\r\n", "host" },
	{ LINE "Host: 127.0.0.1:24691\r\n" ORIGIN UPGRADE KEY PROTOCOL "\r\n", "host" },
	{ LINE "Host: LOCALHOST:21703\r\n" ORIGIN UPGRADE KEY PROTOCOL "\r\n", "host" },
	{ LINE "Host: localhost.:21703\r\n" ORIGIN UPGRADE KEY PROTOCOL "\r\n", "host" },
	{ LINE "Host: evil.example:21703\r\n" ORIGIN UPGRADE KEY PROTOCOL "\r\n", "host" },
	{ LINE HOST "host: 127.0.0.1:21703\r\n" ORIGIN UPGRADE KEY PROTOCOL "\r\n", "header twice" },

	{ LINE HOST UPGRADE KEY PROTOCOL "\r\n", "header missing" },
	{ LINE HOST "Origin:\r\n" UPGRADE KEY PROTOCOL "\r\n", "origin" },
	{ LINE HOST "Origin: null\r\n" UPGRADE KEY PROTOCOL "\r\n", "origin" },
	{ LINE HOST "Origin: https://portal.example.evil\r\n" UPGRADE KEY PROTOCOL "\r\n", "origin" },
	{ LINE HOST "Origin: https://portal.exampl\r\n" UPGRADE KEY PROTOCOL "\r\n", "origin" },
	{ LINE HOST "Origin: https://Portal.example\r\n" UPGRADE KEY PROTOCOL "\r\n", "origin" },
	{ LINE HOST "Origin: https://portal.example:443\r\n" UPGRADE KEY PROTOCOL "\r\n", "origin" },
	{ LINE HOST "Origin: http://portal.example\r\n" UPGRADE KEY PROTOCOL "\r\n", "origin" },
	{ LINE HOST "Origin: https://portal.example, https://evil.example\r\n" UPGRADE KEY PROTOCOL "\r\n", "origin" },
	{ LINE HOST ORIGIN ORIGIN UPGRADE KEY PROTOCOL "\r\n", "header twice" },

	{ LINE HOST ORIGIN "Upgrade: websockets\r\nConnection: Upgrade\r\n" KEY PROTOCOL "\r\n", "upgrade" },
	{ LINE HOST ORIGIN "Upgrade: h2c\r\nConnection: Upgrade\r\n" KEY PROTOCOL "\r\n", "upgrade" },
	{ LINE HOST ORIGIN "Upgrade: websocket\r\nConnection: keep-alive\r\n" KEY PROTOCOL "\r\n", "upgrade" },
	{ LINE HOST ORIGIN "Upgrade: websocket\r\nConnection: Upgrade, HTTP2-Settings\r\n" KEY PROTOCOL "\r\n", "upgrade" },
	{ LINE HOST ORIGIN UPGRADE "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" PROTOCOL "\r\n", "version" },
	{ LINE HOST ORIGIN UPGRADE "Sec-WebSocket-Version: 13, 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" PROTOCOL "\r\n", "version" },
	{ LINE HOST ORIGIN UPGRADE "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=\r\n" PROTOCOL "\r\n", "key" },
	{ LINE HOST ORIGIN UPGRADE "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR==\r\n" PROTOCOL "\r\n", "key" },
	{ LINE HOST ORIGIN UPGRADE "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZS!ub25jZQ==\r\n" PROTOCOL "\r\n", "key" },
	{ LINE HOST ORIGIN UPGRADE "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==dGhl\r\n" PROTOCOL "\r\n", "key" },
	{ LINE HOST ORIGIN UPGRADE KEY "\r\n", "header missing" },
	{ LINE HOST ORIGIN UPGRADE KEY "Sec-WebSocket-Protocol: mokhoa.2\r\n\r\n", "subprotocol" },
	{ LINE HOST ORIGIN UPGRADE KEY "Sec-WebSocket-Protocol: mokhoa.1, other\r\n\r\n", "subprotocol" },

	{ LINE HOST ORIGIN UPGRADE KEY PROTOCOL "Content-Length: 0\r\n\r\n", "header of a body or of another protocol" },
	{ LINE HOST ORIGIN UPGRADE KEY PROTOCOL "Transfer-Encoding: chunked\r\n\r\n", "header of a body or of another protocol" },
	{ LINE HOST ORIGIN UPGRADE KEY PROTOCOL "HTTP2-Settings: AAA\r\n\r\n", "header of a body or of another protocol" },
	{ LINE HOST ORIGIN UPGRADE KEY PROTOCOL "Cookie: a\r\ncookie: b\r\n\r\n", "header twice" },
	{ LINE HOST ORIGIN UPGRADE KEY PROTOCOL " folded\r\n\r\n", "name of a header" },
	{ LINE HOST ORIGIN UPGRADE KEY PROTOCOL "X: a\r\n\tfolded\r\n\r\n", "name of a header" },
	{ LINE HOST ORIGIN UPGRADE KEY PROTOCOL "X : a\r\n\r\n", "name of a header" },
	{ LINE HOST ORIGIN UPGRADE KEY PROTOCOL ": a\r\n\r\n", "name of a header" },
	{ LINE HOST ORIGIN UPGRADE KEY PROTOCOL "no colon\r\n\r\n", "name of a header" },
	{ LINE HOST ORIGIN UPGRADE KEY PROTOCOL "X: a\nY: b\r\n\r\n", "value of a header" },
	{ LINE HOST ORIGIN UPGRADE KEY PROTOCOL "X: a\rY: b\r\n\r\n", "value of a header" },
	{ LINE HOST ORIGIN UPGRADE KEY PROTOCOL "X: \x01\r\n\r\n", "value of a header" },
	{ LINE HOST ORIGIN UPGRADE KEY PROTOCOL "X: \xc3\xa9\r\n\r\n", "value of a header" },
	{ GOOD "\x81", "bytes behind the head" },
	{ GOOD GOOD, "bytes behind the head" },
};

static void
test_heads(void)
{
	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
		struct gate_pass pass;
		const char *why = NULL;
		enum gate_verdict v = judge(heads[i].head, strlen(heads[i].head), &pass, &why);
		if (heads[i].why == NULL)
			CHECK(v == GATE_PASS);
		else if (CHECK(v == GATE_REFUSE))
			CHECK_TEXT(why, heads[i].why);
	}
}

static void
test_what_is_written(void)
{
	struct gate_pass pass;
	const char *why;

	CHECK(judge(GOOD, strlen(GOOD), &pass, &why) == GATE_PASS);
	CHECK(pass.origin == origins[1]);
	CHECK(pass.head_len == strlen(pass.head));
	CHECK_TEXT(pass.head,
	    "GET /mokhoa HTTP/1.1\r\nHost: 127.0.0.1:21703\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mokhoa.1\r\n\r\n");
}

/* Every beginning of a good head waits for more, whatever its length. */
static void
test_every_beginning(void)
{
	struct gate_pass pass;
	const char *why;

	for (size_t len = 0; len < strlen(GOOD); len++)
		CHECK(judge(GOOD, len, &pass, &why) == GATE_MORE);
}

/* A head in which one byte is another one either is refused, or is waited for, or says the same: no other origin, host or protocol passes. */
static void
test_every_byte(void)
{
	static const unsigned char others[] = { 0, '\n', '\r', ' ', '\t', 'a', 'Z', '1', ':', ',', 0x7f, 0xff };
	char head[] = GOOD;
	size_t passed = 0;

	for (size_t i = 0; i < strlen(GOOD); i++) {
		char was = head[i];
		for (size_t k = 0; k < sizeof(others); k++) {
			struct gate_pass pass;
			const char *why;
			head[i] = (char)others[k];
			if (head[i] == was || judge(head, strlen(GOOD), &pass, &why) != GATE_PASS)
				continue;
			passed++;
			CHECK(pass.origin == origins[1] && strstr(pass.head, "\r\nHost: 127.0.0.1:21703\r\n") != NULL);
		}
		head[i] = was;
	}
	/* a blank may be missing before a value, a letter of a name may be small or large, and so may one of the key be another */
	CHECK(passed > 20 && passed < 200);
}

/* A good head, and a header in front of its empty line that makes it this long. */
static enum gate_verdict
judge_long(size_t len, const char **ret_why)
{
	static char head[GATE_HEAD_MAX + 64];
	size_t body = strlen(GOOD) - 2;
	struct gate_pass pass;

	memset(head, 'x', sizeof(head));
	memcpy(head, GOOD, body);
	memcpy(head + body, "X: ", 3);
	memcpy(head + len - 4, "\r\n\r\n", 4);
	return judge(head, len, &pass, ret_why);
}

static void
test_lengths(void)
{
	char nul[sizeof(GOOD)] = GOOD;
	struct gate_pass pass;
	const char *why;

	CHECK(judge_long(GATE_HEAD_MAX, &why) == GATE_PASS);
	CHECK(judge_long(GATE_HEAD_MAX + 1, &why) == GATE_REFUSE);
	CHECK_TEXT(why, "head too long");
	*strstr(nul, ".example\r") = '\0';
	CHECK(judge(nul, sizeof(nul) - 1, &pass, &why) == GATE_REFUSE);
	CHECK_TEXT(why, "value of a header");
}

static void
test_many_headers(void)
{
	char head[GATE_HEAD_MAX] = LINE HOST ORIGIN UPGRADE KEY PROTOCOL;
	struct gate_pass pass;
	const char *why;

	for (unsigned i = 7; i < 40; i++) {
		size_t at = strlen(head);
		snprintf(head + at, sizeof(head) - at, "H%u: v\r\n", i);
	}
	strcat(head, "\r\n");
	CHECK(judge(head, strlen(head), &pass, &why) == GATE_PASS);
	snprintf(head + strlen(head) - 2, 16, "H40: v\r\n\r\n");
	CHECK(judge(head, strlen(head), &pass, &why) == GATE_REFUSE);
	CHECK_TEXT(why, "too many headers");
}

int
main(void)
{
	test_heads();
	test_what_is_written();
	test_every_beginning();
	test_every_byte();
	test_lengths();
	test_many_headers();
	return CHECK_DONE();
}
