/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes at the gate. What passes has, for another reader of it, exactly the port, the origin and the protocol that are allowed; the head that
 * the gate writes passes it again with its origin put back; and the beginning of what passes never passes.
 */
#include "fuzz.h"
#include "gate.h"

#include <stdio.h>
#include <string.h>

static const char *const origins[] = { "https://portal.example", "https://other.example:8443" };
static const struct gate_rule rule = { 21703, origins, 2 };

static void
check_pass(const uint8_t *data, size_t size, const struct gate_pass *pass)
{
	char again[GATE_PASS_MAX + 64];
	struct gate_pass second;
	const char *why;
	int len;

	must(memchr(data, '\0', size) == NULL && size <= GATE_HEAD_MAX);
	must(pass->head_len == strlen(pass->head) && (pass->origin == origins[0] || pass->origin == origins[1]));
	must(strstr(pass->head, "\r\nHost: 127.0.0.1:21703\r\n") != NULL || strstr(pass->head, "\r\nHost: localhost:21703\r\n") != NULL);
	len = snprintf(again, sizeof(again), "%.*sOrigin: %s\r\n\r\n", (int)pass->head_len - 2, pass->head, pass->origin);
	must(gate_judge(&rule, again, (size_t)len, &second, &why) == GATE_PASS);
	must(second.origin == pass->origin && strcmp(second.head, pass->head) == 0);
	must(gate_judge(&rule, data, size - 1, &second, &why) == GATE_MORE);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gate_pass pass;
	const char *why = NULL;
	enum gate_verdict v = gate_judge(&rule, data, size, &pass, &why);

	if (v == GATE_PASS)
		check_pass(data, size, &pass);
	must(v != GATE_REFUSE || why != NULL);
	must(v != GATE_MORE || size < GATE_HEAD_MAX);
	return 0;
}
