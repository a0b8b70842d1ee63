/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/requests: a machine asks for its token to be unlocked. */
#include "answer.h"
#include "call.h"
#include "decode.h"
#include "network.h"
#include "os.h"
#include "text.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static_assert(sizeof(((struct store_request *)0)->address) == NETWORK_SIZE, "a network fits its column");

#define OPEN_MAX_PER_TOKEN 3 /* identified ones; none of them displaces another */

/*
 * A machine's certificate puts it into the queue of the identified. Whoever has only read a serial number lands in the other queue and shuts nobody out. A certificate
 * is no proof either, since it is in every document that the customer has signed: see check_limits().
 */
static void
fill_row(const struct call *c, const struct transcript_create *d, const struct issued *certificate, const struct store_token *token,
    struct store_request *r)
{
	os_random(r->id, sizeof(r->id));
	r->token = d->token;
	r->identified = call_is_identified(c, certificate, token);
	r->state = r->identified ? STATE_PENDING : STATE_UNIDENTIFIED;
	if (certificate != NULL) {
		issued_serial(certificate, r->certificate_serial);
		issued_name(certificate, r->customer);
	}
	if (token != NULL) {
		text_copy(r->customer, sizeof(r->customer), token->customer);
		text_copy(r->email, sizeof(r->email), token->email);
	}
	text_copy(r->reason, sizeof(r->reason), d->reason);
	text_copy(r->language, sizeof(r->language), d->language);
	network_text(c->address, r->address);
	memcpy(r->host_kem_pk, d->host_kem_pk, sizeof(r->host_kem_pk));
	memcpy(r->host_sig_pk, d->host_sig_pk, sizeof(r->host_sig_pk));
	r->created = c->now;
	r->changed = c->now;
	r->expires = c->now + c->service->config->request_valid_s;
}

/*
 * A request too many of a token that is identified goes to the other queue, where the desk finds it by its phrase: whoever holds a copy of the certificate may have
 * filled the first one, and the owner cannot cancel what is not his. ERR_REQUEST_LIMIT where there is no room there either.
 */
static enum err
check_limits(const struct call *c, struct store_request *r)
{
	bool too_many = false;
	int64_t by_address = 0;
	int64_t count = 0;
	enum err e;

	if (r->identified) {
		e = store_request_count_identified(c->store, &r->token, &count);
		too_many = e == ERR_OK && count >= OPEN_MAX_PER_TOKEN;
		if (!too_many)
			return e;
		r->identified = false;
		r->state = STATE_UNIDENTIFIED;
	}
	e = store_request_count_unidentified(c->store, NULL, &count);
	if (e == ERR_OK)
		e = store_request_count_unidentified(c->store, r->address, &by_address);
	if (e != ERR_OK)
		return e;
	if (count < c->service->config->unidentified_max && by_address < c->service->config->unidentified_by_address)
		return ERR_OK;
	return too_many ? ERR_REQUEST_LIMIT : ERR_BUSY;
}

/* In a transaction: the row of the same call where it was made before, else a new one. */
static enum err
find_or_insert(struct call *c, const struct transcript_create *d, const struct issued *certificate, struct store_request *r)
{
	struct store_token token;
	enum err e = store_request_by_hash(c->store, r->create_hash, r);
	char note[64];
	bool known;

	if (e != ERR_REQUEST_UNKNOWN)
		return e;
	e = store_token_by_name(c->store, &d->token, &token);
	known = e == ERR_OK;
	if (e == ERR_ESCROW_MISSING)
		e = ERR_OK;
	if (e != ERR_OK)
		return e;
	fill_row(c, d, certificate, known ? &token : NULL, r);
	e = check_limits(c, r);
	if (e == ERR_OK)
		e = store_request_insert(c->store, r, d->certificate, d->certificate_len, &r->number);
	snprintf(note, sizeof(note), "address=%s", c->address);
	if (e == ERR_OK)
		e = call_audit_said(c, 0, r->number, "create", note, "state=%s reason=%s", state_name(r->state), r->reason);
	/* who approves is told that nobody knows for certain which SO PIN this token has */
	if (e == ERR_OK && known && token.restored != 0)
		e = call_audit(c, "tms", r->number, "restored", "since=%lld candidates=%d", (long long)token.restored, token.next != 0 ? 2 : 1);
	return e;
}

static enum err
check_signature(const struct decode_create *d, const unsigned char create_hash[KEY_HASH_LEN])
{
	struct store_request signer = { .number = 0 };
	struct buf transcript = buf_new(TRANSCRIPT_MAX);

	memcpy(signer.host_sig_pk, d->create.host_sig_pk, sizeof(signer.host_sig_pk));
	transcript_create_request(&transcript, create_hash);
	return call_check_signature(&signer, &transcript, d->signature);
}

enum err
op_create(struct call *c, json_t **ret_answer)
{
	struct decode_create d;
	struct issued *certificate = NULL;
	struct store_request r = { .number = 0 };
	enum err e = decode_create(c->body, &d);

	if (e != ERR_OK)
		return e;
	if (d.create.certificate_len != 0) {
		certificate = issued_from_der(d.certificate, d.create.certificate_len);
		if (certificate == NULL)
			return ERR_INVALID_PARAMS;
	}
	e = transcript_create_hash(&d.create, r.create_hash);
	if (e == ERR_OK)
		e = check_signature(&d, r.create_hash);
	if (e == ERR_OK)
		e = call_begin(c);
	if (e == ERR_OK)
		e = call_end(c, find_or_insert(c, &d.create, certificate, &r));
	if (e == ERR_OK)
		e = answer_create(c, &r, ret_answer);
	issued_free(certificate);
	return e;
}
