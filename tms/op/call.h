/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call: one call of the API while it is carried out, and the operations themselves, which know nothing of HTTP.
 *
 * An operation reads what it needs from the call, decodes the body once, and answers with a JSON object or an error. A struct call lives as
 * long as the request and belongs to one thread.
 */
#ifndef MOKHOA_CALL_H
#define MOKHOA_CALL_H

#include "err.h"
#include "machine.h"
#include "service.h"
#include "store.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* The query of admin.list and of admin.tokens; 0 and NULL where nothing was said. */
struct call_query {
	const char *state;
	const char *customer;
	const char *email;
	const char *token_serial;
	const char *certificate_serial;
	const char *life;
	const char *order;
	const char *agency; /* whose rows alone are looked at: the store's scope is narrowed to it before the operation runs */
	int64_t type;
	int64_t after;
	int64_t from;
	int64_t to;
	int64_t before;
	int64_t limit;
};

struct call {
	const struct service *service;
	struct store *store;
	int64_t now;
	const char *address;		   /* of the caller, or "" */
	const struct store_person *person; /* at the desk; NULL for a customer's machine */
	const char *certificate;	   /* that he has shown, as nginx passed it on; NULL for a customer's machine */
	const char *id;			   /* {id} of the path as it stands there, or NULL */
	int64_t number;			   /* {number} of the path, or 0 */
	struct call_query query;
	json_t *body;	/* borrowed; NULL without one */
	json_t *detail; /* what goes with an error: "tries_left", "retry_after"; the caller of the operation frees it */
	bool mailed;	/* there may be something for the mail worker */
};

/* A customer's machine; signed by host_sig. */
enum err op_create(struct call *c, json_t **ret_answer);
enum err op_status(struct call *c, json_t **ret_answer);
enum err op_resend(struct call *c, json_t **ret_answer);
enum err op_cancel(struct call *c, json_t **ret_answer);
enum err op_release(struct call *c, json_t **ret_answer);
enum err op_grant(struct call *c, json_t **ret_answer);
enum err op_done(struct call *c, json_t **ret_answer);

/* A customer's page; says nothing of anybody. */
enum err op_notices(struct call *c, json_t **ret_answer);

/* The desk; c->person is who calls. */
enum err op_admin_me(struct call *c, json_t **ret_answer);
enum err op_admin_waiting(struct call *c, json_t **ret_answer);
enum err op_admin_list(struct call *c, json_t **ret_answer);
enum err op_admin_detail(struct call *c, json_t **ret_answer);
enum err op_admin_approve(struct call *c, json_t **ret_answer);
enum err op_admin_refuse(struct call *c, json_t **ret_answer);
enum err op_admin_resend(struct call *c, json_t **ret_answer);
enum err op_admin_tokens(struct call *c, json_t **ret_answer);
enum err op_admin_token(struct call *c, json_t **ret_answer);
enum err op_admin_token_lost(struct call *c, json_t **ret_answer);
enum err op_admin_token_retire(struct call *c, json_t **ret_answer);
enum err op_admin_token_restore(struct call *c, json_t **ret_answer);
enum err op_admin_token_replace(struct call *c, json_t **ret_answer);
enum err op_admin_token_cure(struct call *c, json_t **ret_answer);
enum err op_admin_token_reinstate(struct call *c, json_t **ret_answer);
enum err op_admin_proposals(struct call *c, json_t **ret_answer);
enum err op_admin_proposal_confirm(struct call *c, json_t **ret_answer);
enum err op_admin_proposal_reject(struct call *c, json_t **ret_answer);
enum err op_admin_token_agency(struct call *c, json_t **ret_answer);
enum err op_admin_agencies(struct call *c, json_t **ret_answer);
enum err op_admin_agency_put(struct call *c, json_t **ret_answer);
enum err op_admin_types(struct call *c, json_t **ret_answer);
enum err op_admin_type_put(struct call *c, json_t **ret_answer);
enum err op_admin_vendors(struct call *c, json_t **ret_answer);
enum err op_admin_vendor_put(struct call *c, json_t **ret_answer);
enum err op_admin_notices(struct call *c, json_t **ret_answer);
enum err op_admin_notice_add(struct call *c, json_t **ret_answer);
enum err op_admin_notice_change(struct call *c, json_t **ret_answer);
enum err op_admin_notice_remove(struct call *c, json_t **ret_answer);
enum err op_admin_report(struct call *c, json_t **ret_answer);
enum err op_admin_people(struct call *c, json_t **ret_answer);
enum err op_admin_person_propose(struct call *c, json_t **ret_answer);
enum err op_admin_person_remove(struct call *c, json_t **ret_answer);
enum err op_admin_enrolment_confirm(struct call *c, json_t **ret_answer);
enum err op_admin_enrolment_reject(struct call *c, json_t **ret_answer);
enum err op_admin_certificate_retire(struct call *c, json_t **ret_answer);
enum err op_admin_mails(struct call *c, json_t **ret_answer);
enum err op_admin_mail_retry(struct call *c, json_t **ret_answer);
enum err op_admin_keys(struct call *c, json_t **ret_answer);

/* What no call does: expires what is over, gives up on releases without a report; a batch of them. How many were looked at. */
enum err op_sweep(struct call *c, size_t *ret_count);

/* Says once an hour that more SO PINs were released or exported within an hour than alarm_releases; to be called every now and then. */
enum err op_alarm(struct call *c);

/* Tells the approvers that requests wait, at most once in announce_every_s; to be called every now and then. */
enum err op_announce(struct call *c);

/* ---- for the operations ---- */

/* What is written until call_end() is written together or not at all. */
enum err call_begin(struct call *c);

/* Ends a transaction: commits when e is ERR_OK, else rolls back; what came of it. */
enum err call_end(struct call *c, enum err e);

/*
 * An audit row in the transaction; format makes its detail, of ids and words of ours alone: it is there for ever. What people have typed, a name or an address
 * goes into a note (call_audit_said()). who: NULL for the caller, else "tms".
 */
#if defined(__GNUC__)
__attribute__((format(printf, 5, 6)))
#endif
enum err
call_audit(struct call *c, const char *who, int64_t number, const char *what, const char *format, ...);

/* The same for a row about a token of the inventory. */
#if defined(__GNUC__)
__attribute__((format(printf, 6, 7)))
#endif
enum err
call_audit_token(struct call *c, const char *who, int64_t token, int64_t number, const char *what, const char *format, ...);

#define CALL_REASON_SIZE (STORE_NOTE_SIZE + 8) /* of "reason=" and what a person gave as one */

/* The note of a reason. */
const char *call_reason(const char *reason, char ret[CALL_REASON_SIZE]);

/* The same by the caller with a note, which may be empty and is erased in its time; token and number may be 0. */
#if defined(__GNUC__)
__attribute__((format(printf, 6, 7)))
#endif
enum err
call_audit_said(struct call *c, int64_t token, int64_t number, const char *what, const char *note, const char *format, ...);

/* Whether people let the token be unlocked: ERR_TOKEN_LOST, ERR_TOKEN_RETIRED. */
enum err call_check_life(const struct store_token *token);

/*
 * Whether c->person is another one than the person with that id: ERR_SECOND_PERSON. Certificates run out and people get another one: who has the same name is the same
 * person, whichever of them he holds.
 */
enum err call_check_other(struct call *c, int64_t person);

/*
 * Whether the certificate is the token's, as far as this authority knows: it has issued it, the token is on record, and the record names this certificate, or, where it
 * names none, the mail address in it. A record with neither names nobody's. Either may be NULL.
 */
bool call_is_identified(const struct call *c, const struct issued *certificate, const struct store_token *token);

/* A mail in the transaction; none, and no error, where there is no address. */
enum err call_mail(struct call *c, int64_t number, enum store_mail kind, const char *to);

/*
 * Carries the request on by the table of machine.h: state, audit row, and in a final state the end of its codes. detail may be empty.
 * r->state follows. Inside a transaction. The second with a note, as in call_audit_said().
 */
enum err call_move(struct call *c, struct store_request *r, enum machine_action action, const char *detail);
enum err call_move_said(struct call *c, struct store_request *r, enum machine_action action, const char *detail, const char *note);

/* Expires an open request whose time is over; in a transaction of its own. */
enum err call_expire(struct call *c, struct store_request *r);

/* The request of the path; one whose time is over is expired first. ERR_REQUEST_UNKNOWN. */
enum err call_find(struct call *c, struct store_request *ret);

/* The same by {number}, for the desk. */
enum err call_find_number(struct call *c, struct store_request *ret);

/*
 * The token of a request that was released, where no newer release has taken it over: an older one knows nothing of what came after, and its
 * candidates may be none any more. Else ERR_STATE_WRONG.
 */
enum err call_check_newest(struct call *c, const struct store_request *r, struct store_token *ret_token);

/* Whether the token has its next SO PIN, by what a report says (protocol/README.md, `stage` of `done`). cryptoki is the return value of the call that failed, 0 without one. */
enum call_rotation {
	CALL_ROTATION_NONE,	/* the token was not asked, or has said no */
	CALL_ROTATION_UNLIKELY, /* it may have, though less likely than not */
	CALL_ROTATION_LIKELY
};
enum call_rotation call_rotation(bool rotated, const char *stage, const char *error, uint64_t cryptoki);

#define CALL_ONE_RELEASE_TRIES 4 /* a token that takes so many tries of its SO PIN, or fewer, has one release without a grant */

/*
 * How many releases without a grant leave a token with at least one try, whatever its flags say, where a rotation may have cost it so many before. One is made in any case
 * where it has not.
 */
unsigned call_failures_max(const struct store_type *type, unsigned rotation_tries);

/*
 * Whether this token's SO PIN may be released: the errors of call_check_life(), ERR_TOKEN_UNSUPPORTED for a kind that cannot be unlocked, ERR_ESCROW_SUSPECT where people have to look
 * into it first. Releases that led nowhere, over all requests of a token, mean that its row may hold another card's SO PIN, and each
 * costs the card one of few tries: after two of them there is no third.
 */
enum err call_judge_token(struct call *c, const struct store_request *r, struct store_token *ret_token, struct store_type *ret_type);

/* The same, outside of a transaction: the first time that it is suspect, it is marked and written down. */
enum err call_check_token(struct call *c, const struct store_request *r, struct store_token *ret_token, struct store_type *ret_type);

/* signature is host_sig's over the transcript: ERR_SIGNATURE_REFUSED. Frees the transcript. */
enum err call_check_signature(const struct store_request *r, struct buf *transcript, const unsigned char signature[KEY_SIG_LEN]);

/* The head of status, resend and cancel: decodes, finds, checks signature and counter. */
enum err call_open(struct call *c, const char *verb, struct store_request *ret, uint64_t *ret_counter);

/* Another code for an approved request, unless one was sent too shortly before or too often. Inside a transaction. */
enum err call_resend(struct call *c, struct store_request *r);

/* h of the request with that approval. */
enum err call_hash(const struct store_request *r, const unsigned char approval[TRANSCRIPT_ID_LEN], unsigned char ret_h[KEY_HASH_LEN]);

#endif
