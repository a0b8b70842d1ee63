/* SPDX-License-Identifier: Apache-2.0 */
/*
 * step_wire: the two frames of a step as JSON, packed on one side of the pipe and strictly read on the other.
 *
 *   {"step": "set_pin", "module": PATH, "token": {...}, "first": SO PIN, "second": new PIN, "keep": PATH}
 *   {"error": "ok", "cryptoki": CK_RV, "call": "C_InitPIN", "presented": true, "result": {...}}
 *
 * The parent does not trust the answer either: the module that ran in the child may have had a will of its own. Pure functions. Secrets
 * are base64url in JSON of the wiping allocator (json.h); who holds a struct step_request wipes it.
 */
#ifndef MOKHOA_STEP_WIRE_H
#define MOKHOA_STEP_WIRE_H

#include "err.h"
#include "os.h"
#include "secret.h"
#include "step.h"
#include "token_name.h"

#include <jansson.h>
#include <stddef.h>

#define STEP_FRAME_MAX	 262144u /* bytes: certificates of several tokens; nothing else is longer than a few KiB */
#define STEP_TOKENS_MAX	 16	 /* tokens, and failures, of one module that are reported */
#define STEP_DER_MAX	 131072	 /* bytes of all certificates of one inspection together, so that they fit into the frame as base64url */
#define STEP_MESSAGE_MAX 1024	 /* bytes that a token is asked to sign */

/* What `mokhoa-worker step` is asked. The fields that a kind does not need are absent from its frame and empty here. */
enum step_kind {
	STEP_INSPECT,
	STEP_SET_PIN,	     /* first: SO PIN, second: new user PIN */
	STEP_PROVE,	     /* first: new user PIN */
	STEP_SIGN,	     /* first: new user PIN; certificate, message */
	STEP_ROTATE,	     /* first: active SO PIN, second: next */
	STEP_PROVE_ROTATION, /* first: next SO PIN, second: new user PIN */
	STEP_UNBLOCK,	     /* first: PUK, second: new user PIN */
	STEP_WATCH,	     /* message: what was seen before, STEP_SEEN_LEN bytes, or empty */
	STEP_EXAMINE,
	STEP_READERS, /* the module is not loaded */
	STEP_KIND_COUNT
};

struct step_request {
	enum step_kind kind;
	char module[OS_PATH_MAX]; /* absolute path */
	char parameters[1025];	  /* of C_Initialize; empty without any */
	char keep[OS_PATH_MAX];	  /* where the answer is left as well (step_kept_answer()), an absolute path; empty: nowhere */
	struct token_name token;
	struct secret first;
	struct secret second;
	unsigned char certificate[STEP_CERTIFICATE_MAX];
	size_t certificate_len;
	unsigned char message[STEP_MESSAGE_MAX];
	size_t message_len;
};

/* A new reference, NULL where memory is short. */
json_t *step_request_json(const struct step_request *request);

/* ERR_INVALID_REQUEST, and ret is wiped, for anything but exactly the keys of its kind. */
enum err step_request_from_json(const json_t *value, struct step_request *ret);

/* result may be NULL; it is taken over. */
json_t *step_answer_json(enum err e, const struct step_outcome *outcome, json_t *result);

/* Writes error and outcome to the file that step_kept_answer() reads; what cannot be written is logged, and the answer is given all the same. */
void step_keep_answer(const char *keep, enum err e, const struct step_outcome *outcome);

/*
 * Splits an answer: *ret_error is what the step said, *ret_result (NULL where there is none) is borrowed from value. ERR_MODULE_FAILED for
 * an answer that is none.
 */
enum err step_answer_from_json(const json_t *value, enum err *ret_error, struct step_outcome *ret_outcome, const json_t **ret_result);

/* The result of STEP_INSPECT; ERR_MODULE_FAILED, ERR_NO_MEMORY. Frees on error. */
enum err step_inspection_from_json(const json_t *result, struct step_inspection *ret);

/* The result of STEP_WATCH; ERR_MODULE_FAILED. */
enum err step_seen_from_json(const json_t *result, unsigned char ret_seen[STEP_SEEN_LEN]);

/* A new reference, NULL where memory is short. */
json_t *step_examination_json(enum os_library_fault fault, const char *library, size_t tokens, enum err absent);

/* The result of STEP_EXAMINE, beside which the step may have said an error, and of STEP_READERS; ERR_MODULE_FAILED. */
enum err step_examination_from_json(const json_t *result, struct step_examination *ret);
enum err step_readers_from_json(const json_t *result, enum err *ret_absent);

/* The result of STEP_SIGN: fills mechanism and signature only; ERR_MODULE_FAILED. */
enum err step_signature_from_json(const json_t *result, struct step_proof *ret);

#endif
