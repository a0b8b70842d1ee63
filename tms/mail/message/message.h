/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message: one mail to one recipient as the bytes that go over SMTP (RFC 5322): a text, and the same text as HTML for readers that show that.
 * Pure functions; any thread may call. A message may hold a code: the caller's buffer is wiped when it is freed.
 */
#ifndef MOKHOA_MESSAGE_H
#define MOKHOA_MESSAGE_H

#include "buf.h"
#include "err.h"

#include <stddef.h>
#include <stdint.h>

#define MESSAGE_MAX 65536 /* bytes of the whole */

struct message {
	const char *from_name; /* showable UTF-8 */
	const char *from;      /* an address that address_ok() takes, as the next one */
	const char *to;
	const char *subject; /* showable UTF-8 */
	const char *text;    /* UTF-8; paragraphs between empty lines; a line that begins with four blanks is shown large, one of hyphens is a rule */
	size_t text_len;
	int64_t id; /* of the row in the outbox: with created it names the mail, however often it is tried */
	int64_t created;
	int64_t date;
};

/* ERR_MAIL_ADDRESS for an address that is none, ERR_INVALID_PARAMS for a header line that cannot be shown. The buffer is the caller's. */
enum err message_build(const struct message *m, struct buf *ret);

#endif
