/* SPDX-License-Identifier: Apache-2.0 */
/* What unpacks as a release or a grant packs again to the same bytes: there is one spelling, and nothing loose behind it. */
#include "fuzz.h"
#include "transcript.h"

#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char plain[TRANSCRIPT_SEALED_LEN] = { 0 }, again[TRANSCRIPT_SEALED_LEN], nonce[TRANSCRIPT_ID_LEN];
	struct secret candidates[2] = { 0 };
	size_t count;

	if (size != 0)
		memcpy(plain, data, size < sizeof(plain) ? size : sizeof(plain));
	if (transcript_unpack_release(plain, nonce, candidates, &count) == ERR_OK)
		must(transcript_pack_release(nonce, candidates, count, again) == ERR_OK && memcmp(plain, again, sizeof(plain)) == 0);
	else
		must(candidates[0].len == 0 && candidates[1].len == 0);
	if (transcript_unpack_grant(plain, &candidates[0]) == ERR_OK)
		must(transcript_pack_grant(&candidates[0], again) == ERR_OK && memcmp(plain, again, sizeof(plain)) == 0);
	else
		must(candidates[0].len == 0);
	return 0;
}
