/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bounce: how a mail that could not be delivered finds its row: each has an envelope sender of its own, bounce+ID.MAC@DOMAIN, to which the report of the
 * mail server that gave it up comes back (RFC 3464). The MAC keeps others from telling us that mails have failed. Pure functions.
 */
#ifndef MOKHOA_BOUNCE_H
#define MOKHOA_BOUNCE_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BOUNCE_KEY_LEN	    32
#define BOUNCE_ADDRESS_SIZE 255
#define BOUNCE_STATUS_SIZE  12 /* "5.1.1" */
#define BOUNCE_REPORT_MAX   (1 << 20)

/* Bounded by the domain that the configuration takes. */
enum err bounce_address(const unsigned char key[BOUNCE_KEY_LEN], const char *domain, int64_t id, char ret[BOUNCE_ADDRESS_SIZE]);

/* The row of such an address; false for any other, and for one whose MAC is not ours. The domain is not looked at. */
bool bounce_read(const unsigned char key[BOUNCE_KEY_LEN], const char *address, int64_t *ret_id);

enum bounce_action {
	BOUNCE_FAILED, /* for good */
	BOUNCE_OTHER   /* delayed, delivered, relayed, expanded */
};

/* What a report says of its one recipient. ERR_BOUNCE_INVALID where it is no delivery report. Of several recipients one that has failed counts. */
enum err bounce_report(const void *report, size_t len, enum bounce_action *ret_action, char ret_status[BOUNCE_STATUS_SIZE]);

#endif
