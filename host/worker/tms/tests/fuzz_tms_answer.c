/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a server, or whoever stands before it, answers. The first byte says to what; the rest is the body. The pinned key is the one of
 * the seed 05...05, so that the corpus can hold answers that are right.
 */
#include "json.h"
#include "tms_answer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct profile profile;

static void
pin_key(void)
{
	unsigned char seed[KEY_SIG_SEED_LEN];
	struct key_sig *key;

	json_open();
	memset(seed, 5, sizeof(seed));
	key = key_sig_from_seed(seed);
	if (key == NULL)
		abort();
	key_sig_public(key, profile.tms_keys[profile.tms_key_count++]);
	key_sig_free(key);
}

static void
check_status(enum err e, const struct tms_status *s)
{
	if (e != ERR_OK)
		return;
	if (s->state >= STATE_COUNT || strlen(s->email) > TMS_EMAIL_MAX || strlen(s->note) > TMS_NOTE_MAX)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned char id[TRANSCRIPT_ID_LEN], hash[KEY_HASH_LEN];
	struct tms_refusal refusal;
	struct tms_created created;
	struct tms_status status;
	struct tms_sealed sealed;

	if (profile.tms_key_count == 0)
		pin_key();
	if (size == 0)
		return 0;
	switch (data[0]) {
	case 'c':
		(void)tms_read_created(&profile, data + 1, size - 1, hash, &created);
		break;
	case 's':
		check_status(tms_read_status(&profile, data + 1, size - 1, id, 1, &status), &status);
		break;
	case 'r':
		(void)tms_read_released(&profile, data + 1, size - 1, hash, &sealed);
		break;
	case 'g':
		(void)tms_read_granted(&profile, data + 1, size - 1, hash, 1, &sealed);
		break;
	default:
		if (tms_read_refusal(400, data + 1, size - 1, &refusal) == ERR_OK)
			abort();
	}
	return 0;
}
