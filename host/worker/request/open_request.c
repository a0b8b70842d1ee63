/* SPDX-License-Identifier: Apache-2.0 */
#include "open_request.h"

#include "json.h"
#include "log.h"
#include "os.h"
#include "text.h"

#include <string.h>

/* So long must it be said that there is no such request, before one whose time is over is over; longer where we have something to tell. */
#define FORGOTTEN_SECONDS  ((int64_t)24 * 60 * 60)
#define UNREPORTED_SECONDS ((int64_t)90 * 24 * 60 * 60)

/* ---- open and close ---- */

static enum err
take_keys(struct open_request *r)
{
	const struct journal_entry *entry = request_entry(r);

	if (!entry->has_keys)
		return ERR_OK;
	r->host_kem = key_kem_from_private(entry->host_kem);
	r->host_sig = key_sig_from_seed(entry->host_sig);
	r->tms.host_sig = r->host_sig;
	return r->host_kem != NULL && r->host_sig != NULL ? ERR_OK : ERR_JOURNAL_FAILED;
}

enum err
request_take(const struct profile *profile, struct journal *journal, struct open_request *ret)
{
	enum err e;

	*ret = (struct open_request){ .journal = journal, .tms = { .profile = profile, .refusal = { .tries_left = -1 } } };
	e = take_keys(ret);
	if (e != ERR_OK)
		request_close(ret);
	return e;
}

enum err
request_open(const struct profile *profile, const unsigned char id[TRANSCRIPT_ID_LEN], unsigned wait_ms, struct open_request *ret)
{
	struct journal *journal = NULL;
	enum err e = journal_open(profile->name, id, wait_ms, &journal);

	return e == ERR_OK ? request_take(profile, journal, ret) : e;
}

void
request_close(struct open_request *r)
{
	key_kem_free(r->host_kem);
	key_sig_free(r->host_sig);
	journal_close(r->journal);
	*r = (struct open_request){ .journal = NULL };
}

struct journal_entry *
request_entry(const struct open_request *r)
{
	return journal_entry(r->journal);
}

/* ---- what the server says ---- */

static enum err
take_status(struct open_request *r, const struct tms_status *status)
{
	struct journal_entry *entry = request_entry(r);

	entry->state = status->state;
	entry->unknown = 0;
	entry->expires = status->expires;
	entry->code_expires = status->code_expires;
	entry->retry_after = status->retry_after;
	(void)text_copy(entry->email, sizeof(entry->email), status->email);
	(void)text_copy(entry->note, sizeof(entry->note), status->note);
	if (status->approved) {
		entry->approved = true;
		memcpy(entry->approval, status->approval, sizeof(entry->approval));
		r->has_policy = true;
		r->policy = status->policy;
	}
	/* signed: whatever we still had to say, it is over for the server */
	if (state_is_final(status->state))
		entry->outcome.reported = true;
	return journal_save(r->journal);
}

static enum err
ask_once(struct open_request *r, const char *verb)
{
	struct tms_status status;
	uint64_t counter;
	enum err e = journal_next_counter(r->journal, &counter);

	if (e == ERR_OK)
		e = tms_verb(&r->tms, verb, request_entry(r)->id, counter, &status);
	return e == ERR_OK ? take_status(r, &status) : e;
}

/*
 * A server that was restored from an old copy may have forgotten it. Nobody has signed that, and this machine's clock may be wrong: so the request's
 * time must be over, and what is said must have been said for long, without one signed word in between.
 */
static enum err
give_up(struct open_request *r)
{
	struct journal_entry *entry = request_entry(r);
	int64_t patience = request_has_report(entry) ? UNREPORTED_SECONDS : FORGOTTEN_SECONDS;
	int64_t now = os_time();
	enum err e = ERR_OK;

	if (entry->unknown == 0 || entry->unknown > now) {
		entry->unknown = now;
		e = journal_save(r->journal);
	}
	if (e != ERR_OK || now < (int64_t)entry->expires || now < entry->unknown + patience)
		return ERR_REQUEST_UNKNOWN;
	entry->state = STATE_EXPIRED;
	entry->outcome.reported = true;
	return journal_save(r->journal);
}

static enum err
refusal_of(enum state state)
{
	switch (state) {
	case STATE_PENDING:
	case STATE_UNIDENTIFIED:
		return ERR_REQUEST_NOT_APPROVED;
	case STATE_REFUSED:
		return ERR_REQUEST_REFUSED;
	case STATE_EXPIRED:
		return ERR_REQUEST_EXPIRED;
	case STATE_CANCELLED:
		return ERR_REQUEST_CANCELLED;
	case STATE_LOCKED_OUT:
		return ERR_REQUEST_LOCKED_OUT;
	case STATE_COMPLETED:
	case STATE_FAILED:
		return ERR_STATE_WRONG;
	case STATE_APPROVED:
	case STATE_RELEASED:
	case STATE_UNKNOWN:
	case STATE_COUNT:
		break;
	}
	return ERR_OK;
}

enum err
request_ask(struct open_request *r, const char *verb)
{
	struct tms_patience patience = tms_patience_new(TMS_SHORT);
	bool harmless = strcmp(verb, "status") == 0;
	enum err e;

	if (r->host_sig == NULL)
		return harmless ? ERR_OK : refusal_of(request_entry(r)->state);
	/*
	 * resend and cancel are not made twice: the first may have arrived although its answer did not. A server in trouble is not asked for a status
	 * again: pages ask for it all the time.
	 */
	do
		e = ask_once(r, verb);
	while (harmless && e == ERR_TMS_UNREACHABLE && tms_is_worth_again(&patience, e, &r->tms.refusal));
	return harmless && e == ERR_REQUEST_UNKNOWN ? give_up(r) : e;
}

/* ---- how it ended ---- */

bool
request_has_report(const struct journal_entry *entry)
{
	return entry->outcome.known && !entry->outcome.reported;
}

static enum err
report_once(struct open_request *r)
{
	const struct journal_outcome *o = &request_entry(r)->outcome;
	struct transcript_done done = {
		.result = o->completed ? "completed" : "failed",
		.stage = stage_name(o->stage),
		.cryptoki = o->cryptoki & INT64_MAX,
		.error = err_name(o->error),
		.rotated = o->rotated,
		.proof_mechanism = o->proof_mechanism,
		.proof = o->proof,
		.proof_len = o->proof_len,
	};
	struct tms_status status;
	enum err e = journal_next_counter(r->journal, &done.counter);

	if (e == ERR_OK)
		e = tms_done(&r->tms, request_entry(r)->id, &done, &status);
	if (e != ERR_OK)
		return e;
	request_entry(r)->outcome.reported = true;
	return take_status(r, &status);
}

/* What the server says by name of a report that it has read and does not take. Unsigned. */
static bool
is_refused(enum err e)
{
	return e == ERR_PROOF_REFUSED || e == ERR_STATE_WRONG || e == ERR_REQUEST_UNKNOWN;
}

/*
 * Whoever inspects the TLS can refuse a report, too, so that a signed status is asked for. A final state is the verdict (take_status()): nothing
 * is left to tell. Any other says no more than that the report has not been taken: then the refusal is passed on, to be shown, and nothing
 * is thrown away for it; the next operation tells it again, and a server that takes it then has the last word.
 */
static enum err
confirm_refusal(struct open_request *r, enum err refusal)
{
	if (request_ask(r, "status") != ERR_OK)
		return ERR_TMS_ANSWER; /* nothing that is signed */
	return request_has_report(request_entry(r)) ? refusal : ERR_OK;
}

enum err
request_report(struct open_request *r)
{
	struct tms_patience patience = tms_patience_new(TMS_SHORT);
	enum err e;

	if (!request_has_report(request_entry(r)) || r->host_sig == NULL)
		return ERR_OK;
	do
		e = report_once(r);
	while (tms_is_worth_again(&patience, e, &r->tms.refusal));
	if (e != ERR_OK)
		log_info("request", "report=%s", err_name(e));
	return is_refused(e) ? confirm_refusal(r, e) : e;
}

enum err
request_allows_unlock(const struct journal_entry *entry)
{
	enum err e = refusal_of(entry->state);

	if (e == ERR_OK && !entry->approved)
		return ERR_REQUEST_NOT_APPROVED;
	/* the server makes a code at the moment of sending: without one there is nothing that a person could type */
	if (e == ERR_OK && entry->state == STATE_APPROVED && entry->code_expires == 0)
		return ERR_CODE_EXPIRED;
	return e;
}

/* ---- on the wire ---- */

json_t *
request_id_json(const unsigned char id[TRANSCRIPT_ID_LEN])
{
	return json_b64(id, TRANSCRIPT_ID_LEN);
}

bool
request_id_from_json(const json_t *value, unsigned char ret[TRANSCRIPT_ID_LEN])
{
	return json_b64_exact(value, ret, TRANSCRIPT_ID_LEN);
}

json_t *
request_json(const struct journal_entry *entry)
{
	return json_pack("{s:o, s:o, s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:s}",
	    "request", request_id_json(entry->id),
	    "token", token_name_json(&entry->token),
	    "state", state_for_customer(entry->state),
	    "phrase", entry->phrase,
	    "expires", (json_int_t)entry->expires,
	    "code_expires", (json_int_t)entry->code_expires,
	    "retry_after", (json_int_t)entry->retry_after,
	    "email", entry->email,
	    "hotline", entry->hotline,
	    "note", entry->note);
}
