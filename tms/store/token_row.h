/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_row: the row of a token as it is read. Private to the store's own files.
 */
#ifndef MOKHOA_TOKEN_ROW_H
#define MOKHOA_TOKEN_ROW_H

#include "query.h"

/* In the order in which token_read() reads. */
#define TOKEN_COLUMNS \
	"token.id, token.manufacturer, token.model, token.serial, token.customer, token.email, token.certificate_serial, token.state, token.life, token.active," \
	" token.next, token.failures, token.release, token.restored, token.exposed, token.created, token.agency, token.rotation_tries"

void token_read(struct query *q, struct store_token *ret);

#endif
