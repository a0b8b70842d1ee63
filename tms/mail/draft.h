/* SPDX-License-Identifier: Apache-2.0 */
/*
 * draft: a row of the outbox as the mail that is to be sent. Here a code is made and its public half committed; the code itself is in
 * the mail alone.
 */
#ifndef MOKHOA_DRAFT_H
#define MOKHOA_DRAFT_H

#include "address.h"
#include "bounce.h"
#include "buf.h"
#include "err.h"
#include "store.h"

struct config;
struct letters;

/* What mails are made with, as long as one configuration counts. */
struct draft_means {
	const struct config *config; /* borrowed */
	struct letters *letters;
	unsigned char bounce_key[BOUNCE_KEY_LEN]; /* of the senders, where mail.bounce_domain is set */
};

struct draft {
	struct buf message;	      /* empty once freed */
	char sender[ADDRESS_MAX + 1]; /* of the envelope */
	int64_t code;		      /* row of the code that was made for it, or 0 */
	int64_t give_up;	      /* from then on sending it makes no sense */
};

/*
 * ERR_STATE_WRONG where the request is no longer one that waits for such a mail, ERR_MAIL_ADDRESS for a recipient that is none. Outside of a
 * transaction. The caller ends with draft_free().
 */
enum err draft_make(struct store *s, const struct draft_means *means, const struct store_outbox *row, int64_t now, struct draft *ret_draft);
void draft_free(struct draft *d);

#endif
