/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assuan: the client's half of the Assuan protocol as far as pinentry speaks it: a command a line, an answer of lines that ends in OK or ERR.
 *
 * What the other side says is foreign: lines have a maximum, data goes into a struct secret and nowhere else, and the buffer is wiped.
 * One thread.
 */
#ifndef MOKHOA_ASSUAN_H
#define MOKHOA_ASSUAN_H

#include "buf.h"
#include "err.h"
#include "os.h"
#include "secret.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ASSUAN_LINE_MAX 1000 /* bytes without the line end, as libassuan has it */

/* Codes of libgpg-error, the source's bits cut. */
#define ASSUAN_TIMEOUT	      62u
#define ASSUAN_CANCELED	      99u
#define ASSUAN_NOT_CONFIRMED  114u
#define ASSUAN_FULLY_CANCELED 198u

enum assuan_kind {
	ASSUAN_OK,
	ASSUAN_ERR,
	ASSUAN_DATA,
	ASSUAN_STATUS,
	ASSUAN_COMMENT,
	ASSUAN_STRANGE /* INQUIRE and whatever else we never asked for */
};

struct assuan_line {
	enum assuan_kind kind;
	unsigned code;	  /* of ERR, never 0 */
	const char *rest; /* behind the keyword and its blank; points into the line */
	size_t rest_len;
};

/* One line without its line end. */
struct assuan_line assuan_parse(const char *line, size_t len);

/* Appends the bytes of a D line; false, and the secret is empty, where an escape is broken or they do not fit. */
bool assuan_unescape(const char *text, size_t len, struct secret *ret);

/* Appends text so that it stays on one line. */
void assuan_escape(struct buf *b, const char *text);

struct assuan {
	struct os_child child;
	struct buf in;
	uint64_t deadline_ms; /* of every wait, on the clock of os_now_ms() */
};

struct assuan_reply {
	unsigned error;	    /* 0 for OK */
	bool repeated;	    /* it said that the person typed the same thing twice */
	bool too_long;	    /* what was typed fits in no secret; data is empty */
	struct secret data; /* the caller wipes */
};

/* Starts the program and waits for its greeting. ERR_PROMPT_FAILED; then there is nothing to close. */
enum err assuan_open(struct assuan *a, const char *program, const char *const env[], uint64_t deadline_ms);

/* Says good-bye and ends the program, whatever it is doing. */
void assuan_close(struct assuan *a);

/*
 * Sends "command text" (text may be NULL) and reads the whole answer. ERR_PROMPT_FAILED: it is gone or talks nonsense;
 * ERR_PROMPT_CANCELLED: nobody answered before the deadline. An ERR line is an answer, in ret->error.
 */
enum err assuan_ask(struct assuan *a, const char *command, const char *text, struct assuan_reply *ret);

#endif
