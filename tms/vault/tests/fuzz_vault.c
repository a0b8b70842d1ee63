/* SPDX-License-Identifier: Apache-2.0 */
/* Both readers of the vault's frames; what is read as a request must write as one that is read the same. */
#include "json.h"
#include "vault_wire.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
write_and_read_again(const struct vault_request *q)
{
	struct vault_request again = { 0 };
	struct buf b = buf_new(VAULT_FRAME_MAX);

	if (vault_request_write(q, &b) != ERR_OK || vault_request_read(b.data, b.len, &again) != ERR_OK)
		abort();
	if (again.verb != q->verb || again.count != q->count || memcmp(again.rows, q->rows, sizeof(q->rows)) != 0)
		abort();
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vault_request q = { 0 };
	struct vault_reply reply;

	if (vault_request_read(data, size, &q) == ERR_OK)
		write_and_read_again(&q);
	for (enum vault_verb verb = VAULT_RESEAL; verb < VAULT_VERB_COUNT; verb++)
		(void)vault_reply_read(verb, data, size, &reply);
	return 0;
}
