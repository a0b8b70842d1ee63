/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smtp: gives one mail at a time to the authority's mail server through libcurl, on one connection that is kept.
 *
 * A struct smtp belongs to one thread. What the server or curl says is translated here into what the outbox must do next, and logged.
 */
#ifndef MOKHOA_SMTP_H
#define MOKHOA_SMTP_H

#include "buf.h"
#include "err.h"

struct config_smtp;
struct smtp;

enum smtp_result {
	SMTP_SENT,    /* the server has taken it */
	SMTP_UNKNOWN, /* it was on its way when the answer was lost: it may arrive */
	SMTP_LATER,   /* not taken, another time it may be (4yz) */
	SMTP_ABSENT,  /* nobody there, for this mail or another */
	SMTP_REFUSED, /* not taken and never will be (5yz) */
	SMTP_ALARM    /* not taken because of the settings, not the mail: login or TLS; an operator must look */
};

/* The config is borrowed. ERR_CONFIG_INVALID where the file with user and password cannot be read. */
enum err smtp_new(const struct config_smtp *config, struct smtp **ret_smtp);
void smtp_free(struct smtp *s);

/* Whether the server lets us in: connects, with TLS and login as for a mail, and says NOOP. SMTP_SENT where it does. */
enum smtp_result smtp_probe(struct smtp *s);

/* What the server or curl said of the last mail: its status (0: it said none), and curl's sentence for it. */
struct smtp_said {
	long status;
	const char *cause; /* in English; valid for ever */
};

struct smtp_said smtp_said(const struct smtp *s);

/* Takes at most a minute. from, the envelope's sender, and to are addresses that address_ok() takes. */
enum smtp_result smtp_send(struct smtp *s, const char *from, const char *to, const struct buf *message);

#endif
