/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csrf: the token that every call of the desk that changes something must carry. The client certificate is shown by the browser whoever asks it
 * to; this token is only known to who could read an answer of the desk, which another site cannot.
 *
 * Nothing is kept of it: it is when it ends, and an HMAC over that and the person's certificate. Its key lives as long as the process, so that a
 * token of before a restart is refused and its page gets another. Any thread may call.
 */
#ifndef MOKHOA_CSRF_H
#define MOKHOA_CSRF_H

#include "err.h"
#include "service.h"
#include "store.h"

#include <stdbool.h>
#include <stdint.h>

#define CSRF_VALID_S 3600
#define CSRF_LEN     54 /* characters: base64url of 8 bytes of time and 32 of HMAC-SHA256 (RFC 2104) */

enum err csrf_make(const struct service *service, const struct store_person *person, int64_t now, char ret[CSRF_LEN + 1]);

/* Whether text is a token that was made for this certificate and has not ended; in constant time. NULL is none. */
bool csrf_ok(const struct service *service, const struct store_person *person, int64_t now, const char *text);

#endif
