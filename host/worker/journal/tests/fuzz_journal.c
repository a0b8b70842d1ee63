/* SPDX-License-Identifier: Apache-2.0 */
/* A journal file that somebody else has written: whatever is accepted is written back as the same entry. */
#include "fuzz.h"
#include "journal.h"

#include <string.h>

static void
write_and_read(const struct journal_entry *entry)
{
	struct journal_entry again = { .stage = STAGE_COUNT };
	struct buf text = buf_new(2 * JOURNAL_FILE_MAX);

	must(journal_print(entry, &text) == ERR_OK && journal_parse(text.data, text.len, &again) == ERR_OK);
	must(again.counter == entry->counter && again.state == entry->state && again.has_keys == entry->has_keys);
	must(again.certificate_len == entry->certificate_len && memcmp(again.host_sig, entry->host_sig, sizeof(again.host_sig)) == 0);
	buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct journal_entry entry = { .stage = STAGE_COUNT };

	if (journal_parse(data, size, &entry) == ERR_OK)
		write_and_read(&entry);
	return 0;
}
