/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tms_client: the worker's calls to the token management server (protocol/README.md, "Worker to TMS"). Each builds its transcript, signs it,
 * sends it over HTTPS, and believes the answer only after the profile's pinned key has verified its signature: whoever inspects the TLS can
 * keep an answer back, and change none.
 *
 * A call that did not reach the server, or that it could not take just now, is made again where making it twice does no harm: how long, says
 * enum tms_length. Functions block; one thread.
 */
#ifndef MOKHOA_TMS_CLIENT_H
#define MOKHOA_TMS_CLIENT_H

#include "err.h"
#include "key.h"
#include "op.h"
#include "profile.h"
#include "secret.h"
#include "token_policy.h"
#include "transcript.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TMS_HOTLINE_MAX 64 /* bytes, without the NUL */
#define TMS_EMAIL_MAX	254
#define TMS_NOTE_MAX	512

/* What an error answer carried besides its name. */
struct tms_refusal {
	int64_t tries_left;  /* -1 where it said nothing */
	int64_t retry_after; /* seconds; 0 where it said nothing */
	bool passing;	     /* busy, or a 502, 503 or 504 of the server or of one before it: the same call may succeed soon */
};

/* Who calls whom; all borrowed. */
struct tms {
	const struct profile *profile;
	const struct key_sig *host_sig; /* signs for the request */
	struct tms_refusal refusal;	/* of the last call that the server refused */
};

struct tms_created {
	unsigned char id[TRANSCRIPT_ID_LEN];
	uint64_t expires;
	char hotline[TMS_HOTLINE_MAX + 1];
};

struct tms_status {
	enum state state; /* as the customer is told */
	uint64_t expires;
	uint64_t code_expires;
	uint64_t retry_after;
	char email[TMS_EMAIL_MAX + 1]; /* masked */
	bool approved;
	unsigned char approval[TRANSCRIPT_ID_LEN]; /* where approved */
	char note[TMS_NOTE_MAX + 1];
	struct token_policy policy; /* where approved */
};

/* What a release gives; the caller wipes it. */
struct tms_released {
	enum family family; /* what the candidates are: SO PINs or PUKs */
	bool rotation;	    /* a grant follows, and the key is replaced */
	unsigned char nonce[TRANSCRIPT_ID_LEN];
	struct secret candidates[2];
	size_t count; /* 1 or 2 */
};

/*
 * The errors of every call: ERR_TMS_UNREACHABLE, ERR_TMS_CERTIFICATE, ERR_TMS_ANSWER (not what the contract says, or not signed by the
 * profile's key), ERR_TMS_FAILED (5xx), or what the server said by name (request_*, code_*, resend_*, ...), unsigned: good enough to show,
 * not good enough to throw anything away for.
 */
enum err tms_create(struct tms *tms, const struct transcript_create *create, struct tms_created *ret);

/*
 * verb is "status", "resend" or "cancel". The caller has written counter down before, and takes a new one for another try: these are not
 * made again here.
 */
enum err tms_verb(struct tms *tms, const char *verb, const unsigned char id[TRANSCRIPT_ID_LEN], uint64_t counter, struct tms_status *ret);

/* h of this release, the code's key for the proof, and the key that the answer is sealed to. */
struct tms_release_call {
	const struct transcript_release *release;
	const unsigned char *h; /* KEY_HASH_LEN bytes */
	const struct key_sig *code_key;
	const struct key_kem *host_kem;
};

enum err tms_release(struct tms *tms, const struct tms_release_call *call, struct tms_released *ret);

/* active: which candidate the token took. The next SO PIN; the server has written it down before it answers. The caller wipes. */
enum err tms_grant(struct tms *tms, const unsigned char id[TRANSCRIPT_ID_LEN], const unsigned char h[KEY_HASH_LEN], unsigned active,
    const struct key_kem *host_kem, struct secret *ret_next);

/* How it ended; done->counter as for tms_verb(). */
enum err tms_done(struct tms *tms, const unsigned char id[TRANSCRIPT_ID_LEN], const struct transcript_done *done, struct tms_status *ret);

/*
 * How long a call is made again that did not reach the server, or that it could not take just now: with a pause that grows, or as long as the server
 * says, and not at all where it says longer than is waited here. For one call:
 *
 *	struct tms_patience patience = tms_patience_new(TMS_SHORT);
 *
 *	do
 *		e = call(&tms);
 *	while (tms_is_worth_again(&patience, e, &tms.refusal));
 */
enum tms_length {
	TMS_ONCE,  /* status, resend, cancel, done: another try has another counter, or may do it twice */
	TMS_SHORT, /* create: three times within 12 seconds; one that takes its time to fail is not made again, because the operation has a deadline */
	TMS_TYPED, /* release: 20 seconds, because a person has typed for it; longer than the server works on one that was cut off */
	TMS_HELD,  /* grant: two minutes. The token is held and the customer has what he wanted; without it the SO PIN that was released stays in use. */
};

struct tms_patience {
	enum tms_length length;
	unsigned tries;
	unsigned pause_ms;
	uint64_t begin_ms;
};

struct tms_patience tms_patience_new(enum tms_length length);

/* Has waited where it says yes. */
bool tms_is_worth_again(struct tms_patience *patience, enum err e, const struct tms_refusal *refusal);

#endif
