/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate: judges the head of a WebSocket handshake (RFC 6455 section 4.2.1), byte for byte, before anybody parses it.
 *
 * A pure function over the bytes that came so far. What passes is not handed on: the gate writes a head of its own from the few words that it has
 * compared, so that the library behind it never reads a byte that a browser or a stranger has written, but for the 24 characters of the key.
 */
#ifndef MOKHOA_GATE_H
#define MOKHOA_GATE_H

#include <stddef.h>
#include <stdint.h>

#define GATE_HEAD_MAX	 2048 /* bytes of a head, its empty line counted */
#define GATE_PASS_MAX	 256  /* bytes of the head that the gate writes */
#define GATE_PATH	 "/mokhoa"
#define GATE_SUBPROTOCOL "mokhoa.1"

/* What passes at one port. Borrowed. */
struct gate_rule {
	uint16_t port;
	const char *const *origins; /* each as text_is_origin() has it, so that "null" is none of them */
	size_t origin_count;
};

enum gate_verdict {
	GATE_MORE, /* the head has not ended yet */
	GATE_PASS,
	GATE_REFUSE
};

struct gate_pass {
	const char *origin; /* the rule's */
	char head[GATE_PASS_MAX];
	size_t head_len;
};

/*
 * Judges the first len bytes of a connection. GATE_PASS writes *ret_pass, GATE_REFUSE says why in *ret_why (static, for the log). A byte behind
 * the head is refused, too: no browser speaks before it has its answer, and there is no body.
 */
enum gate_verdict gate_judge(const struct gate_rule *rule, const void *bytes, size_t len, struct gate_pass *ret_pass, const char **ret_why);

#endif
