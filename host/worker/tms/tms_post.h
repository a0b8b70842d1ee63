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

#define TMS_ANSWER_MAX 65536u /* bytes of an answer's body */

struct tms_reply {
	long status;	 /* of HTTP */
	bool json;	 /* the server says that the body is JSON */
	struct buf body; /* the caller frees, after success and failure */
};

struct tms_reply tms_reply_new(void);
void tms_reply_free(struct tms_reply *reply);

/* ERR_OK: a whole answer came, whatever its status. ERR_TMS_UNREACHABLE, ERR_TMS_CERTIFICATE, ERR_TMS_ANSWER, ERR_PROFILE_INVALID, ERR_NO_MEMORY. */
enum err tms_post(const struct profile *profile, const char *path, const struct buf *body, struct tms_reply *ret);

#endif
