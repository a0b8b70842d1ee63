/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an escrow row costs to open with a key in SoftHSM, through the module's process, against one of the file, in turns. Prints one row of tests/bench/run.sh.
 *
 *   bench_hsm NAME GOAL PAIRS
 */
#define _POSIX_C_SOURCE 200809L
#include "hsm.h"
#include "json.h"
#include "log.h"
#include "pairs.h"
#include "soft_hsm.h"
#include "transcript.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WARM_UP 50

static const struct token_name token = { "CardContact", "SmartCard-HSM", "DENK0100001" };

static void
must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "bench_hsm: %s\n", what);
	exit(1);
}

/* Microseconds to open a fresh row. */
static double
open_one(const struct key_kem *key)
{
	unsigned char row[TRANSCRIPT_ESCROW_ROW_LEN];
	unsigned char pk[KEY_KEM_PK_LEN];
	struct secret pin = { 0 };
	double began;
	enum err e;

	key_kem_public(key, pk);
	must(secret_set(&pin, "3537363231383830", 16) && transcript_seal_escrow(pk, &token, 1, &pin, row) == ERR_OK, "sealing");
	began = now_us();
	e = transcript_open_escrow(key, &token, 1, row, &pin);
	must(e == ERR_OK, err_name(e));
	return now_us() - began;
}

int
main(int argc, char **argv)
{
	static double there[PAIRS_MAX], here[PAIRS_MAX];
	struct soft_hsm soft;
	struct hsm_half half;
	struct keyring_key made;
	struct key_kem *keys[2];
	struct hsm *h;
	double goal;
	size_t n;

	must(argc == 4, "usage: bench_hsm NAME GOAL PAIRS");
	goal = strtod(argv[2], NULL);
	n = strtoul(argv[3], NULL, 10);
	must(n >= 1 && n <= PAIRS_MAX, "PAIRS is 1 to 10000");
	json_open();
	log_open("bench_hsm");
	if (!soft_hsm_new(&soft))
		return 77;
	h = hsm_new(&soft.config, geteuid(), NULL, NULL);
	must(h != NULL && hsm_make(h, &made) == ERR_OK, "a key in the HSM");
	keys[0] = hsm_key(h, &made, &half);
	keys[1] = key_kem_new();
	for (size_t i = 0; i < WARM_UP + n; i++) {
		size_t at = i < WARM_UP ? 0 : i - WARM_UP;
		there[at] = open_one(keys[0]);
		here[at] = open_one(keys[1]);
	}
	key_kem_free(keys[0]);
	key_kem_free(keys[1]);
	hsm_free(h);
	soft_hsm_free(&soft);
	return pairs_report(argv[1], goal, there, here, n);
}
