/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode: the bodies of the calls as structs. Each is read once, strictly: every key there, none unknown, each of its type, length and
 * word; behind this no JSON is read. Pure functions; any thread may call.
 *
 * Every function: ERR_INVALID_PARAMS for whatever is not as protocol/README.md says. Pointers in the structs borrow from the body.
 */
#ifndef MOKHOA_DECODE_H
#define MOKHOA_DECODE_H

#include "err.h"
#include "store.h"
#include "transcript.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define DECODE_PROOF_MAX     1024 /* bytes of a proof of unlock */
#define DECODE_REFERENCE_MAX 128
#define DECODE_REASON_MAX    512
#define DECODE_PHRASE_MAX    32
#define DECODE_TIME_MAX	     253402300799 /* seconds: the last one of the year 9999 */

struct call_query;

struct decode_create {
	struct transcript_create create; /* its certificate points to certificate */
	unsigned char certificate[STORE_CERTIFICATE_MAX];
	unsigned char signature[KEY_SIG_LEN];
};

/* status, resend, cancel */
struct decode_counted {
	uint64_t counter;
	unsigned char signature[KEY_SIG_LEN];
};

struct decode_release {
	unsigned char approval[TRANSCRIPT_ID_LEN];
	unsigned char signature[KEY_SIG_LEN];
	unsigned char proof[KEY_SIG_LEN];
};

struct decode_grant {
	unsigned active;
	unsigned char signature[KEY_SIG_LEN];
};

struct decode_done {
	struct transcript_done done; /* its proof points to proof */
	unsigned char proof[DECODE_PROOF_MAX];
	unsigned char signature[KEY_SIG_LEN];
};

struct decode_approve {
	const char *how;
	const char *reference;
	const char *phrase; /* as it was heard */
	const char *email;  /* changed address, or NULL */
	const char *reason; /* of the change, or NULL */
};

#define DECODE_PEM_MAX 8192

/* Who is to sit at the desk. */
struct decode_person {
	const char *name;
	enum store_role role;
	const char *agency;	 /* or empty */
	const char *certificate; /* PEM */
	const char *reason;
};

/* A certificate of somebody at the desk that is to open nothing any more. */
struct decode_certificate {
	unsigned char fingerprint[KEY_HASH_LEN];
	const char *reason;
};

#define DECODE_TABLE_MAX 16000 /* bytes: what a call may hold without what stands around it */

/* A part of a table of sealed tokens; what it holds is the reader's to judge (csv.h). */
struct decode_import {
	const char *table;
	size_t len;
	bool dry_run;
};

/* refuse, lost, retire, restore, cure, reinstate, reject: why */
struct decode_reason {
	const char *reason;
};

/* A notice at the desk: plain text; both of English are empty or neither. */
struct decode_notice {
	enum store_severity severity;
	const char *title_vi, *title_en;
	const char *text_vi, *text_en;
	int64_t starts;
	int64_t ends; /* 0: does not */
};

/* An agency's bounds */
#define DECODE_ORIGINS_MAX 8
#define DECODE_DOMAINS_MAX 32

/* Whose customer has a token. */
struct decode_token_agency {
	const char *agency; /* or empty: nobody's */
	const char *reason;
};

struct decode_replace {
	unsigned char sealed[TRANSCRIPT_ESCROW_ROW_LEN];
	const char *reason;
};

/* ret is written also where it fails: create.certificate and done.proof point into it. */
enum err decode_create(json_t *body, struct decode_create *ret);
enum err decode_counted(json_t *body, struct decode_counted *ret);
enum err decode_release(json_t *body, struct decode_release *ret);
enum err decode_grant(json_t *body, struct decode_grant *ret);
enum err decode_done(json_t *body, struct decode_done *ret);

/* Also ERR_MAIL_ADDRESS. */
enum err decode_approve(json_t *body, struct decode_approve *ret);

enum err decode_reason(json_t *body, struct decode_reason *ret);
enum err decode_person(json_t *body, struct decode_person *ret);
enum err decode_certificate(json_t *body, struct decode_certificate *ret);
enum err decode_import(json_t *body, struct decode_import *ret);
enum err decode_replace(json_t *body, struct decode_replace *ret);

/* The rest of the row is the caller's: number, created. */
enum err decode_notice(json_t *body, struct decode_notice *ret);
enum err decode_type(json_t *body, struct store_type *ret);

/* The rest of the row is the caller's: second_approver, created. replace: it is one that is there. */
enum err decode_agency(json_t *body, struct store_agency *ret, bool *ret_replace);
enum err decode_token_agency(json_t *body, struct decode_token_agency *ret);
enum err decode_module(json_t *body, struct store_module *ret);

/* bytes of what the desk looks for, and rows of a page */
#define DECODE_CUSTOMER_MAX	128
#define DECODE_EMAIL_MAX	254
#define DECODE_TOKEN_SERIAL_MAX 16
#define DECODE_LIMIT_MAX	100
#define DECODE_LIMIT_DEFAULT	50

/* A text of a query, or none (NULL): not empty, no longer than what it may be met in, and fit to be shown. */
bool decode_query_text(const char *text, size_t max);

/* What the queries of both lists share: the texts of customer, mail address and serial number, and how many rows. */
bool decode_query_ok(const struct call_query *query);

/* An object without a key. */
enum err decode_nothing(json_t *body);

#endif
