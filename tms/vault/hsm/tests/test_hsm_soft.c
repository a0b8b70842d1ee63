/* SPDX-License-Identifier: Apache-2.0 */
/* A key in SoftHSM against OpenSSL: both agree, in every way that a vault asks. */
#include "check.h"
#include "hsm.h"
#include "json.h"
#include "log.h"
#include "os.h"
#include "soft_hsm.h"
#include "transcript.h"

#include <stdlib.h>
#include <unistd.h>

#define AGREEMENTS     300 /* at least, and on until one whose x begins with a zero (one in 256) was among them */
#define AGREEMENTS_MAX 20000

static struct soft_hsm soft;

static void
test_agreements(struct hsm *h, const struct keyring_key *key)
{
	struct hsm_half half;
	struct key_kem *there = hsm_key(h, key, &half);
	unsigned differ = 0;
	unsigned zeros = 0;

	for (int i = 0; i < AGREEMENTS || (zeros == 0 && i < AGREEMENTS_MAX); i++) {
		struct key_kem *ours = key_kem_new();
		unsigned char pk[KEY_KEM_PK_LEN], x[2][KEY_KEM_X_LEN];
		key_kem_public(ours, pk);
		differ += key_kem_agree(there, pk, x[0]) != ERR_OK || key_kem_agree(ours, key->pk, x[1]) != ERR_OK || memcmp(x[0], x[1], sizeof(x[0])) != 0;
		zeros += x[0][0] == 0;
		key_kem_free(ours);
	}
	CHECK(differ == 0);
	CHECK(zeros >= 1);
	key_kem_free(there);
}

/* An escrow row of the token opens by HPKE over the seam, and in no other way. */
static void
test_rows(struct hsm *h, const struct keyring_key *key)
{
	static const struct token_name token = { "CardContact", "SmartCard-HSM", "DENK0100001" };
	struct hsm_half half;
	struct key_kem *there = hsm_key(h, key, &half);
	unsigned char row[TRANSCRIPT_ESCROW_ROW_LEN];
	struct secret pin = { 0 };
	struct secret got = { 0 };

	CHECK(secret_set(&pin, "3537363231383830", 16));
	CHECK(transcript_seal_escrow(key->pk, &token, 7, &pin, row) == ERR_OK);
	CHECK(transcript_open_escrow(there, &token, 7, row, &got) == ERR_OK && secret_equal(&pin, &got));
	CHECK(transcript_open_escrow(there, &token, 8, row, &got) == ERR_SEALED_INVALID && got.len == 0);
	row[100] ^= 1;
	CHECK(transcript_open_escrow(there, &token, 7, row, &got) == ERR_SEALED_INVALID);
	row[100] ^= 1;
	row[10] ^= 1;
	CHECK(transcript_open_escrow(there, &token, 7, row, &got) == ERR_SEALED_INVALID);
	key_kem_free(there);
}

static void
test_several_keys(struct hsm *h)
{
	struct keyring_key keys[KEYRING_MAX + 1];
	struct keyring_key again;
	char id[2 * KEYRING_OBJECT_MAX + 1];

	for (size_t i = 0; i <= KEYRING_MAX; i++)
		CHECK(hsm_make(h, &keys[i]) == ERR_OK && hsm_try(h, &keys[i]) == ERR_OK);
	for (size_t i = 0; i <= KEYRING_MAX; i++) {
		CHECK(hsm_try(h, &keys[i]) == ERR_OK);
		for (size_t n = 0; n < i; n++)
			CHECK(memcmp(keys[i].pk, keys[n].pk, sizeof(keys[i].pk)) != 0);
	}
	/* all have one label: by that none is found, each by its own id */
	CHECK(hsm_adopt(h, soft.config.key, &again) == ERR_HSM_KEY_MISSING);
	for (size_t i = 0; i < keys[2].object.len; i++)
		snprintf(id + 2 * i, 3, "%02x", keys[2].object.id[i]);
	CHECK(hsm_adopt(h, id, &again) == ERR_OK && memcmp(&again, &keys[2], sizeof(again)) == 0);
}

int
main(void)
{
	struct keyring_key key;
	struct hsm *h;

	json_open();
	log_open("test_hsm_soft");
	if (!soft_hsm_new(&soft))
		return 77;
	h = hsm_new(&soft.config, geteuid(), NULL, NULL);
	hsm_begin(h);
	CHECK(hsm_make(h, &key) == ERR_OK);
	test_agreements(h, &key);
	test_rows(h, &key);
	test_several_keys(h);
	hsm_free(h);
	/* what was made stays where it was made */
	h = hsm_new(&soft.config, geteuid(), NULL, NULL);
	CHECK(hsm_try(h, &key) == ERR_OK);
	hsm_free(h);
	soft_hsm_free(&soft);
	return CHECK_DONE();
}
