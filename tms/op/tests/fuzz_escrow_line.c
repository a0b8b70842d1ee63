/* SPDX-License-Identifier: Apache-2.0 */
/* A line of the escrow log as whoever may find it: what is whole is written and read again as the same. */
#include "escrow_line.h"

#include "fuzz.h"
#include "json.h"

#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf again = buf_new(ESCROW_LOG_LINE_MAX);
	struct escrow_log_line line = { .time = 0 };
	static const unsigned char seed[KEY_SIG_SEED_LEN] = { 1 };
	static struct key_sig *key;
	unsigned char pk[KEY_SIG_PK_LEN];

	json_open();
	if (key == NULL)
		key = key_sig_from_seed(seed);
	must(key != NULL);
	key_sig_public(key, pk);
	if (escrow_line_read((const char *)data, len, &line) == ESCROW_LOG_WHOLE) {
		struct escrow_log_line second = { .time = 0 };
		/* blanks between the words are the only freedom of a text that is read */
		must(escrow_line_write(&line, key, &again) == ERR_OK && escrow_line_read((const char *)again.data, again.len - 1, &second) == ESCROW_LOG_WHOLE);
		must(escrow_log_proved(&second, pk));
		second.is_signed = line.is_signed;
		memcpy(second.signature, line.signature, sizeof(second.signature));
		must(memcmp(&line, &second, sizeof(line)) == 0);
	}
	buf_free(&again);
	return 0;
}
