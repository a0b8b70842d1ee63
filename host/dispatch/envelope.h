/* SPDX-License-Identifier: Apache-2.0 */
/*
 * envelope: a message of a page and what is around it, read and written as protocol/README.md ("Page to host") says, in that order.
 *
 * It is two readings, because the origin is judged between them: a page that may not call learns nothing of how its message was wrong.
 */
#ifndef MOKHOA_ENVELOPE_H
#define MOKHOA_ENVELOPE_H

#include "buf.h"
#include "err.h"
#include "op.h"

#include <jansson.h>
#include <stddef.h>

struct envelope {
	json_t *root; /* owns the rest */
	const char *origin;
	const char *channel; /* NULL without one */
	json_t *id;	     /* of the message; NULL where it could not be read */
	json_t *message;
};

/*
 * ERR_PARSE, ERR_INVALID_REQUEST, ERR_NO_MEMORY. Whatever it returns, channel and id are what could be read, so that the answer finds its way,
 * and envelope_free() is due.
 */
enum err envelope_read(const void *bytes, size_t len, struct envelope *ret_envelope);
void envelope_free(struct envelope *envelope);

/* The same of a message that came without an envelope; origin, which is borrowed, is that of the page that it can only have come from. */
enum err envelope_read_bare(const void *bytes, size_t len, const char *origin, struct envelope *ret_envelope);

struct request {
	enum op_id op;
	json_t *params; /* borrowed from the message; NULL where it has none */
};

/* ERR_INVALID_REQUEST or ERR_METHOD_NOT_FOUND; params are not looked into (params.h). */
enum err envelope_request(const struct envelope *envelope, struct request *ret_request);

/* Messages to the page; each takes over body and gives a new reference, NULL without memory. id is borrowed, NULL says null. */
json_t *envelope_answer(const json_t *id, const char *key, json_t *body);
json_t *envelope_notification(const char *method, json_t *params);

/* The text of a message in its envelope, and without one, at most as long as b may grow; takes over message. */
enum err envelope_write(const char *channel, json_t *message, struct buf *b);
enum err envelope_write_bare(json_t *message, struct buf *b);

#endif
