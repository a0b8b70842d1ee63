/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operation: what an operation of the worker is, and the list of them: one file each in this folder.
 *
 * Its flags and deadline are policy and stand in protocol/op.def; the host has enforced them. One thread, one operation a process.
 */
#ifndef MOKHOA_OPERATION_H
#define MOKHOA_OPERATION_H

#include "err.h"
#include "profile.h"
#include "tms_client.h"
#include "transcript.h"

#include <jansson.h>
#include <stdint.h>

struct op_call {
	const struct profile *profile;
	const char *origin; /* proven by the transport; empty on the command line */
	json_t *params;	    /* borrowed; an object */
	intptr_t in;	    /* where the order came from; ends when the host is gone */
	intptr_t out;	    /* where notifications go, as frames */
	intptr_t token;	    /* os_lock() of the token that is worked on, -1 without: held until the answer is out and no step is left at work */
	json_t *result;	    /* run() sets it where it returns ERR_OK */
	json_t *detail;	    /* of an error: further keys of its data; NULL where there are none */
};

struct op {
	const char *name; /* the method */
	enum err (*run)(struct op_call *call);
};

/* NULL where the worker does not know it. */
const struct op *op_find(const char *name);

/* Takes the params. A host that is gone hears nothing, and that is no error: the operation goes on. */
void op_notify(struct op_call *call, const char *notification, json_t *params);

/* What the server said with its refusal, for the error's data. */
void op_detail_refusal(struct op_call *call, const struct tms_refusal *refusal);

/* Adds a key to the error's data; takes the value. */
void op_detail(struct op_call *call, const char *key, json_t *value);

/* The params of the operations that take a request's id and nothing else; ERR_INVALID_PARAMS. */
enum err op_request_id(const struct op_call *call, unsigned char ret[TRANSCRIPT_ID_LEN]);

/* Opens that request, has the server do what the verb says, and answers with the request as it then is. */
enum err op_ask_server(struct op_call *call, const char *verb);

/* One frame to the host; takes the message. */
enum err op_send(intptr_t out, json_t *message);

extern const struct op op_token_info;
extern const struct op op_token_watch;
extern const struct op op_unlock_request;
extern const struct op op_unlock_status;
extern const struct op op_unlock_resend;
extern const struct op op_unlock_cancel;
extern const struct op op_unlock;
extern const struct op op_doctor;

#endif
