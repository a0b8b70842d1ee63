/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sample: a journal entry with something in every field, for the journal's tests and the seeds of its fuzz target.
 */
#ifndef MOKHOA_JOURNAL_SAMPLE_H
#define MOKHOA_JOURNAL_SAMPLE_H

#include "journal.h"

#include <string.h>

static inline struct journal_entry
sample_entry(int64_t created)
{
	struct journal_entry e = {
		.profile = "ca-mot",
		.created = created,
		.token = { .manufacturer = "www.CardContact.de", .model = "PKCS#15 emulated", .serial = "DENK0100001" },
		.certificate_len = 700,
		.reason = "locked",
		.language = "vi",
		.has_keys = true,
		.state = STATE_PENDING,
		.stage = STAGE_COUNT,
	};

	memset(e.idempotency_key, 0x11, sizeof(e.idempotency_key));
	memset(e.certificate, 0x30, e.certificate_len);
	memset(e.host_kem, 0x22, sizeof(e.host_kem));
	memset(e.host_sig, 0x33, sizeof(e.host_sig));
	return e;
}

/* The same after an unlock whose report did not get through. */
static inline struct journal_entry
sample_unlocked(int64_t created)
{
	struct journal_entry e = sample_entry(created);

	e.named = true;
	memset(e.id, 0x44, sizeof(e.id));
	e.state = STATE_RELEASED;
	e.ended = 1763990000;
	e.unknown = 1763980000;
	e.counter = 7;
	e.expires = 1764000000;
	e.code_expires = 1763900000;
	e.retry_after = 30;
	strcpy(e.phrase, "ABCD-2345");
	strcpy(e.email, "a***@mail.example");
	strcpy(e.hotline, "1900 0000");
	strcpy(e.note, "Đúng người");
	e.approved = true;
	memset(e.approval, 0x55, sizeof(e.approval));
	e.stage = STAGE_REPORTING;
	e.refused = 1;
	e.unclear = 1;
	e.outcome = (struct journal_outcome){ .known = true, .completed = true, .stage = STAGE_ROTATING, .cryptoki = 0x30, .error = ERR_TOKEN_FAILED, .proof_built = true };
	strcpy(e.outcome.proof_mechanism, "ecdsa-sha256");
	e.outcome.proof_len = 71;
	memset(e.outcome.proof, 0x66, e.outcome.proof_len);
	return e;
}

#endif
