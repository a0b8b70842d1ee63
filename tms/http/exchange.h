/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange: one HTTP request as text goes in, one answer as text comes out. Judges in the order of protocol/README.md, runs the operation of
 * its route or answers its page, and writes one log line. Knows no library of HTTP, so that tests and fuzzers can hand it anything.
 */
#ifndef MOKHOA_EXCHANGE_H
#define MOKHOA_EXCHANGE_H

#include "buf.h"
#include "err.h"
#include "limit.h"
#include "metrics.h"
#include "page.h"
#include "service.h"
#include "store.h"

#include <stdbool.h>
#include <stddef.h>

#define EXCHANGE_BODY_MAX  16384 /* bytes of a body */
#define EXCHANGE_QUERY_MAX 12	 /* keys of a query that are looked at */

/* As it was sent, escapes and all. */
struct exchange_pair {
	const char *key;
	const char *value; /* NULL for a key without one */
};

/* What a request said; all borrowed. NULL for a header that did not come. */
struct exchange_request {
	bool desk; /* it came through admin.sock */
	const char *method;
	const char *path; /* as it was sent, without the query */
	const char *content_type;
	const char *origin;
	const char *fetch_site;	 /* Sec-Fetch-Site: what the browser says about the page that asks */
	const char *csrf;	 /* X-Mokhoa-CSRF */
	const char *real_ip;	 /* X-Real-IP, which nginx sets */
	const char *certificate; /* X-Client-Certificate, which nginx sets on the desk's port alone */
	struct exchange_pair query[EXCHANGE_QUERY_MAX];
	size_t query_count; /* more than EXCHANGE_QUERY_MAX: there were too many */
	const void *body;
	size_t body_len;
	bool too_long;		 /* the body was longer than EXCHANGE_BODY_MAX and is not here */
	struct limit *limit;	 /* NULL: as many calls as come */
	struct metrics *metrics; /* NULL: nobody counts */
};

/* What goes back; the caller frees the body. */
struct exchange_answer {
	int status; /* of HTTP */
	struct buf body;
	const char *content_type;
	const char *cache;	       /* Cache-Control */
	char policy[PAGE_POLICY_SIZE]; /* Content-Security-Policy of a document; empty otherwise */
	unsigned retry_after;	       /* Retry-After in seconds, or 0 */
	bool mailed;		       /* there may be something for the mail worker */
};

void exchange_run(const struct service *service, struct store *store, const struct exchange_request *request, struct exchange_answer *ret);

#endif
