/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tms_post: one HTTPS POST of JSON to the profile's server, with nothing that curl would do by itself: no redirect, no cookie, no netrc, no
 * system certificate unless the profile says so. One transfer a handle, because reused connections are where curl's mistakes were.
 */
#ifndef MOKHOA_TMS_POST_H
#define MOKHOA_TMS_POST_H

#include "buf.h"
#include "err.h"
#include "profile.h"

#include <stdbool.h>
#include <stdint.h>

#define TMS_ANSWER_MAX 65536u /* bytes of an answer's body */

struct tms_reply {
	long status;	 /* of HTTP */
	bool json;	 /* the server says that the body is JSON */
	struct buf body; /* the caller frees, after success and failure */
};

#define TMS_ISSUER_MAX 256

/* Where on the way to the server a call ended. */
enum tms_fault {
	TMS_FAULT_NONE, /* an answer came */
	TMS_FAULT_NAME,
	TMS_FAULT_PROXY, /* its name, or the connection to it */
	TMS_FAULT_REFUSED,
	TMS_FAULT_TIMEOUT,
	TMS_FAULT_CUT,
	TMS_FAULT_CERTIFICATE, /* not of an authority that the profile trusts, or not one of its keys */
	TMS_FAULT_EXPIRED,
	TMS_FAULT_NOT_YET,
	TMS_FAULT_MISMATCH, /* trusted, and of another name */
	TMS_FAULT_CA_FILE,
	TMS_FAULT_OTHER
};

/* What was seen on the way, filled whatever comes of the call. */
struct tms_sight {
	bool any_time; /* the caller's: a certificate is taken although its time is over or has not come, and nothing else is made easier */
	enum tms_fault fault;
	char issuer[TMS_ISSUER_MAX]; /* of the certificate that was shown; empty before one was */
	bool named;		     /* that certificate is for our server's name */
	long proxy_status;	     /* what a proxy answered to CONNECT, 0 without one */
	int64_t date;		     /* of the answer, seconds since 1970; 0 where it has none */
};

struct tms_reply tms_reply_new(void);
void tms_reply_free(struct tms_reply *reply);

/* ERR_OK: a whole answer came, whatever its status. ERR_TMS_UNREACHABLE, ERR_TMS_CERTIFICATE, ERR_TMS_ANSWER, ERR_PROFILE_INVALID, ERR_NO_MEMORY. */
enum err tms_post(const struct profile *profile, const char *path, const struct buf *body, struct tms_reply *ret);

/* The same, for the doctor: with what was seen. */
enum err tms_post_seen(const struct profile *profile, const char *path, const struct buf *body, struct tms_reply *ret, struct tms_sight *sight);

#endif
