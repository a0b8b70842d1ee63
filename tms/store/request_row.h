/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request_row: the row of a request as it is read. Private to the store's own files.
 */
#ifndef MOKHOA_REQUEST_ROW_H
#define MOKHOA_REQUEST_ROW_H

#include "query.h"

/* In the order in which request_read() reads. */
#define REQUEST_COLUMNS \
	"request.number, request.id, request.create_hash, request.manufacturer, request.model, request.serial, request.certificate_serial, request.customer," \
	" request.email, request.reason, request.language, request.host_kem_pk, request.host_sig_pk, request.address, request.state, request.identified," \
	" request.created, request.changed, request.decided, request.decider, request.expires, request.counter, request.attempts, request.trying, request.note, request.agency, request.erased"

void request_read(struct query *q, struct store_request *r);

#endif
