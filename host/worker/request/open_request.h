/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open_request: one request of this user while somebody works on it: its journal (locked), its keys, its server. What the server says is in
 * the journal before the caller sees it.
 *
 * request_open() gives, request_close() takes and wipes. One thread.
 */
#ifndef MOKHOA_OPEN_REQUEST_H
#define MOKHOA_OPEN_REQUEST_H

#include "err.h"
#include "journal.h"
#include "key.h"
#include "profile.h"
#include "tms_client.h"

#include <jansson.h>
#include <stdbool.h>

struct open_request {
	struct journal *journal;
	struct key_kem *host_kem; /* NULL, like host_sig, once nothing can come of it any more */
	struct key_sig *host_sig;
	struct tms tms;
	bool has_policy; /* the server has said in this process what kind of token it is: it does where the request is approved */
	struct token_policy policy;
};

/* The errors of journal_open(). */
enum err request_open(const struct profile *profile, const unsigned char id[TRANSCRIPT_ID_LEN], unsigned wait_ms, struct open_request *ret);

/* The same over a journal that is open already, which is taken, also where this fails. */
enum err request_take(const struct profile *profile, struct journal *journal, struct open_request *ret);
void request_close(struct open_request *r);

struct journal_entry *request_entry(const struct open_request *r);

/*
 * "status", "resend" or "cancel". A request without keys is asked nothing any more: its status is the journal's, and the others are refused for
 * the state that it is in.
 */
enum err request_ask(struct open_request *r, const char *verb);

/*
 * Tells the server how the unlock ended. ERR_OK: it has said, signed, that there is nothing more to tell. ERR_PROOF_REFUSED, ERR_STATE_WRONG,
 * ERR_REQUEST_UNKNOWN: it refuses the report (unsigned), and a signed status that was asked for after that says that it has not taken it.
 * Any other: it could not be told. What was not taken stays in the journal for the next time.
 */
enum err request_report(struct open_request *r);
bool request_has_report(const struct journal_entry *entry);

/* Why a request in this state cannot be unlocked; ERR_OK where it can. */
enum err request_allows_unlock(const struct journal_entry *entry);

/* A request as the page sees it. */
json_t *request_json(const struct journal_entry *entry);

/* Its id on the wire. */
json_t *request_id_json(const unsigned char id[TRANSCRIPT_ID_LEN]);
bool request_id_from_json(const json_t *value, unsigned char ret[TRANSCRIPT_ID_LEN]);

#endif
